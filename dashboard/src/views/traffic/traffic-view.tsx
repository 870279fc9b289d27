import { useLiveTimeline } from "../../timeline/use-timeline.ts";

export function TrafficView() {
  const { picture } = useLiveTimeline();
  return <p>{picture.nodes.size} nodes</p>;
}
