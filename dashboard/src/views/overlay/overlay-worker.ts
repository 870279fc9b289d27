/** Measures overlays beside the page, which goes on drawing meanwhile. */
import { measureOverlay, type OverlayJob } from "./overlay-measures.ts";

self.onmessage = ({ data }: MessageEvent<{ readonly number: number; readonly job: OverlayJob }>) => {
  self.postMessage({ number: data.number, measures: measureOverlay(data.job) });
};
