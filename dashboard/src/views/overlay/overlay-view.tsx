import { useLiveTimeline } from "../../timeline/use-timeline.ts";

export function OverlayView() {
  const { picture } = useLiveTimeline();
  return <p>{picture.nodes.size} nodes</p>;
}
