/** What theory says of an epidemic, as a curve beside the one that is played; and whether the two agree. */
import { rumorOptions } from "../../../src/dissemination/rumor.ts";
import { contactRate, logisticSusceptible, logisticTimeToShare } from "../../../src/theory/logistic.ts";
import { iterateRounds, stepOf } from "../../../src/theory/recurrences.ts";
import { rumorRounds } from "../../../src/theory/rumor-rounds.ts";
import { solveSir } from "../../../src/theory/sir.ts";
import type { EpidemicConfig, EpidemicCounts } from "./epidemic-run.ts";

/** Shares of all nodes. */
export interface TheoryCurve {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly susceptible: readonly number[];
  readonly infected: readonly number[];
}

const points = 240;
/** Rounds after which an epidemic with stops is over, however large. */
const sirRounds = 80;

/** Undefined where there is no formula for these rules. */
export function theoryOf({ nodes: n, engine, loss, rumor }: EpidemicConfig): TheoryCurve | undefined {
  const { mode, fanout, stop, stopAfter, hasFeedback } = rumorOptions(rumor);
  const isEndless = stop === "never";
  if (engine === "events" && fanout === 1 && loss === 0) {
    const { rounds, susceptible, infected } = rumorRounds({ n, mode, stop, hasFeedback, stopAfter });
    return { name: "mean of calls at times of one's own", rounds, susceptible, infected };
  }
  if (engine === "synchronous" && isEndless && !(mode === "push-pull" && fanout > 1)) {
    const step = stepOf({ mode, n, fanout });
    const start = 1 - 1 / n;
    let rounds = 0;
    for (let p = start; p > 0.1 / n && rounds < 1000; rounds++) p = step(p);
    const susceptible = iterateRounds(step, start, rounds);
    return curveOf(
      "recurrence of synchronous rounds",
      susceptible.map((_, i) => i),
      susceptible,
    );
  }
  const isAtRandom = engine === "poisson" || engine === "events";
  if (isAtRandom && isEndless) {
    // What arrives of a call, and of a call and its answer.
    const there = 1 - loss;
    const calls =
      { push: there, pull: there * there, "push-pull": (there + there * there) / 2 }[mode] * fanout;
    const b = contactRate(mode, { n: n - 1, b: calls }) * (n - 1);
    const until = 2 * logisticTimeToShare({ n: n - 1, b, share: 0.5 }) * 1.15;
    const rounds = Array.from({ length: points + 1 }, (_, i) => (i * until) / points);
    const susceptible = rounds.map((t) => logisticSusceptible({ n: n - 1, b, t }) / n);
    return curveOf("logistic, calls at random times", rounds, susceptible);
  }
  if (engine === "poisson" && mode === "push" && stop === "coin" && hasFeedback && fanout === 1) {
    const { t, s, i } = solveSir({ k: stopAfter, i: 1 / n, until: sirRounds });
    return { name: "SIR with feedback and coin", rounds: t, susceptible: s, infected: i };
  }
  return undefined;
}

function curveOf(name: string, rounds: readonly number[], susceptible: readonly number[]): TheoryCurve {
  return { name, rounds, susceptible, infected: susceptible.map((share) => 1 - share) };
}

/** When so many know it, in rounds; between two points of the curve they grow evenly. */
export function roundsTo(
  share: number,
  rounds: readonly number[],
  susceptible: readonly number[],
): number | undefined {
  const at = susceptible.findIndex((left) => 1 - left >= share);
  if (at < 0) return undefined;
  if (at === 0) return rounds[0];
  const [before, after] = [1 - susceptible[at - 1]!, 1 - susceptible[at]!];
  const part = after === before ? 0 : (share - before) / (after - before);
  return rounds[at - 1]! + part * (rounds[at]! - rounds[at - 1]!);
}

export interface EpidemicVerdict {
  readonly agrees: boolean;
  readonly text: string;
}

/** What chance does to a share of n nodes, generously. */
const shareTolerance = (n: number) => 0.01 + 4 / Math.sqrt(n);
const timeTolerance = 0.15;

/**
 * Said when it is over. Chance decides how long the first few nodes take, so that times are compared from 1 % to 99 %;
 * where spreaders stop it is the residue that counts.
 */
export function epidemicVerdict(
  nodes: number,
  curve: readonly EpidemicCounts[],
  theory: TheoryCurve,
  isEndless: boolean,
): EpidemicVerdict | undefined {
  const rounds = curve.map(({ round }) => round);
  const left = curve.map(({ susceptible }) => susceptible / nodes);
  if (!isEndless) {
    const measured = left.at(-1)!;
    const expected = theory.susceptible.at(-1)!;
    const agrees = Math.abs(measured - expected) <= shareTolerance(nodes);
    return {
      agrees,
      text: `${agrees ? "Agrees" : "Differs"}: ${percent(measured)} never heard it, theory says ${percent(expected)}`,
    };
  }
  const least = Math.max(0.01, 20 / nodes);
  const duration = (times: readonly number[], shares: readonly number[]) => {
    const [from, to] = [roundsTo(least, times, shares), roundsTo(1 - least, times, shares)];
    return from === undefined || to === undefined ? undefined : to - from;
  };
  const measured = duration(rounds, left);
  const expected = duration(theory.rounds, theory.susceptible);
  if (measured === undefined || expected === undefined) return undefined;
  const agrees = Math.abs(measured - expected) <= Math.max(0.5, timeTolerance * expected);
  return {
    agrees,
    text: `${agrees ? "Agrees" : "Differs"}: ${measured.toFixed(1)} rounds from ${percent(least)} to ${percent(1 - least)}, theory says ${expected.toFixed(1)}`,
  };
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
