/** Everything that the view says about the chosen message, computed anew only where something changed. */
import { useMemo } from "react";
import type { BookedMessage } from "../../../../src/trace/message-book.ts";
import { overlayGraph } from "../../../../src/trace/overlay-graph.ts";
import {
  audienceOf,
  meanHopMs,
  spreadCurve,
  spreadFigures,
  timeToShare,
} from "../../../../src/trace/spread.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import { spreadModel } from "./spread-model.ts";
import { spreadSeries } from "./spread-series.ts";
import { verdictOf } from "./verdict.ts";

/** Changes with everything that the book writes about the message. */
function stampOf({ key, receivers, copyFrom, spreadUntilMs }: BookedMessage): string {
  return `${key}/${receivers.length}/${copyFrom.length}/${spreadUntilMs.size}`;
}

// biome-ignore-start lint/correctness/useExhaustiveDependencies: book and pictures are written on in place; stamps and versions say so.
export function useSpread(timeline: Timeline, message: BookedMessage) {
  const { epoch, events, hello, latest } = timeline;
  const stamp = stampOf(message);
  const isWhole = message.publishedAt >= timeline.first;
  const beginning = useMemo(() => {
    const picture = isWhole ? events.pictureBefore(events.indexAfter(message.publishedAt)) : latest;
    return { audience: audienceOf(picture, message.origin), graph: overlayGraph(picture) };
  }, [epoch, message.key, isWhole]);
  const { audience, graph } = beginning;
  const figures = useMemo(
    () => spreadFigures(message, audience, latest),
    [audience, stamp, latest.topologyVersion],
  );
  const curve = useMemo(() => spreadCurve(message, audience), [audience, stamp]);
  const model = useMemo(() => {
    const knownAfter = (ms: number) => {
      let known = 1;
      message.receivers.forEach((row, i) => {
        if (message.receivedAfterMs[i]! <= ms && audience.has(row)) known++;
      });
      return known;
    };
    if (!isWhole)
      return { type: "none" as const, why: "It was published before what is kept of this network." };
    return spreadModel({
      world: hello?.world,
      about: hello?.about,
      graph,
      origin: message.origin,
      nodes: audience.size,
      hop: meanHopMs([message]),
      knownAfter,
    });
  }, [beginning, stamp, hello]);
  const drawn = model.type === "model" ? model : undefined;
  const series = useMemo(() => spreadSeries(curve, audience.size, drawn), [curve, audience, drawn]);
  const timeTo = (share: number) => timeToShare(message, audience, share);
  const verdict =
    drawn === undefined
      ? undefined
      : verdictOf({
          model: drawn,
          nodes: audience.size,
          reached: figures.reached,
          measuredTimeTo: timeTo,
        });
  return { stamp, isWhole, figures, model, series, timeTo, verdict };
}
// biome-ignore-end lint/correctness/useExhaustiveDependencies: see above
