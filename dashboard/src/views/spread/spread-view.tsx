import { useLiveTimeline } from "../../timeline/use-timeline.ts";

export function SpreadView() {
  const { picture } = useLiveTimeline();
  return <p>{picture.nodes.size} nodes</p>;
}
