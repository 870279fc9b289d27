/** The spreading of one message in two runs, at the same moments after its publication. In percent of those it should reach. */
import type { BookedMessage } from "../../../src/trace/message-book.ts";
import type { NetworkPicture } from "../../../src/trace/picture.ts";
import { spreadCurve } from "../../../src/trace/spread.ts";
import { audienceOf } from "./compare-figures.ts";

export interface SpreadSide {
  readonly message: BookedMessage | undefined;
  readonly picture: NetworkPicture;
}

export interface SideCurves {
  readonly susceptible: readonly number[];
  readonly infected: readonly number[];
  readonly removed: readonly number[];
}

export interface ComparedSpread {
  /** In ms after the publication. */
  readonly x: readonly number[];
  readonly a: SideCurves | undefined;
  readonly b: SideCurves | undefined;
}

export function comparedSpread(a: SpreadSide, b: SpreadSide): ComparedSpread {
  const curves = [a, b].map(({ message, picture }) => {
    if (message === undefined) return undefined;
    const audience = audienceOf(picture.nodes.values(), message);
    return { curve: spreadCurve(message, audience), nodes: audience.size };
  });
  const moments = new Set<number>();
  for (const one of curves) for (const ms of one?.curve.afterMs ?? []) moments.add(ms);
  const x = [...moments].sort((one, other) => one - other);
  const [ofA, ofB] = curves.map((one) => {
    if (one === undefined) return undefined;
    const { curve, nodes } = one;
    const at = (values: readonly number[]) => {
      let i = 0;
      return x.map((ms) => {
        while (i + 1 < curve.afterMs.length && curve.afterMs[i + 1]! <= ms) i++;
        return (100 * values[i]!) / nodes;
      });
    };
    return { susceptible: at(curve.susceptible), infected: at(curve.infected), removed: at(curve.removed) };
  });
  return { x, a: ofA, b: ofB };
}
