/** Places nodes beside the page, which goes on drawing meanwhile. */
import { arrange, type LayoutJob } from "./layout.ts";

self.onmessage = ({ data }: MessageEvent<{ readonly number: number; readonly job: LayoutJob }>) => {
  const stages = arrange(data.job);
  for (let stage = stages.next(); !stage.done; ) {
    const next = stages.next();
    self.postMessage({ number: data.number, places: stage.value, isLast: next.done === true });
    stage = next;
  }
};
