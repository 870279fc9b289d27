/** The overlay at the cursor and its measures, which come a moment later. */
import { useEffect, useRef, useState } from "react";
import type { FeedAbout } from "../../../../src/trace/feed.ts";
import { type OverlayGraph, overlayGraph } from "../../../../src/trace/overlay-graph.ts";
import { profileIn } from "../../sources/trace-about.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import type { AskedOverlay, OverlayMeasures } from "./overlay-measures.ts";

export interface MeasuredOverlay {
  readonly graph: OverlayGraph;
  readonly measures: OverlayMeasures;
}

/** Between two measurements of a network that changes. */
const pauseMs = 500;

interface Asked {
  readonly number: number;
  readonly graph: OverlayGraph;
  /** Of the picture that was measured: another one is another network, or another moment. */
  readonly picture: object;
  readonly version: number;
}

/** Undefined until the first measurement has come. */
export function useOverlay(timeline: Timeline): MeasuredOverlay | undefined {
  const [measured, setMeasured] = useState<MeasuredOverlay>();
  const asked = useRef<Asked>(undefined);
  const isBusy = useRef(false);
  useEffect(() => {
    const worker = new Worker(new URL("./overlay-worker.ts", import.meta.url), { type: "module" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      timer = undefined;
      const { picture, hello } = timeline;
      const before = asked.current;
      const isSame = before?.picture === picture && before.version === picture.topologyVersion;
      if (isBusy.current || isSame || hello === undefined) return;
      const graph = overlayGraph(picture);
      const number = (before?.number ?? 0) + 1;
      asked.current = { number, graph, picture, version: picture.topologyVersion };
      isBusy.current = true;
      const job = { adjacency: graph.adjacency, asked: askedOverlay(hello.about.options) };
      worker.postMessage({ number, job });
    };
    const askSoon = () => {
      timer ??= setTimeout(ask, measuredOnce() ? pauseMs : 0);
    };
    const measuredOnce = () => asked.current !== undefined;
    worker.onmessage = ({ data }: MessageEvent<{ number: number; measures: OverlayMeasures }>) => {
      isBusy.current = false;
      if (asked.current?.number === data.number)
        setMeasured({ graph: asked.current.graph, measures: data.measures });
      askSoon();
    };
    const stop = timeline.watch(askSoon);
    askSoon();
    return () => {
      stop();
      clearTimeout(timer);
      worker.terminate();
      asked.current = undefined;
      isBusy.current = false;
      setMeasured(undefined);
    };
  }, [timeline]);
  return measured;
}

/** As far as the feed says it. In the modern profile everybody holds as many links as its active view has room for. */
export function askedOverlay(all: FeedAbout["options"] | undefined): AskedOverlay | undefined {
  const isModern = profileIn(all) === "modern";
  const activeView = all?.["hyparview"]?.["activeView"];
  const { law, exponent, minDegree, maxDegree } = isModern
    ? { law: "uniform", exponent: undefined, minDegree: activeView, maxDegree: activeView }
    : (all?.["overlay"] ?? {});
  if (typeof law !== "string" || typeof minDegree !== "number" || typeof maxDegree !== "number")
    return undefined;
  if (!(minDegree >= 1) || !Number.isInteger(minDegree) || !Number.isInteger(maxDegree)) return undefined;
  return { law, exponent: typeof exponent === "number" ? exponent : 2.5, minDegree, maxDegree };
}
