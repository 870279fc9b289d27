/** Intervals in which measured means must lie, wide enough that chance alone hardly ever leaves one. */
import { Moments, studentQuantile } from "../../core/index.ts";
import type { Gate, ReproductionRow } from "./experiment.ts";

/**
 * One true gate in 20,000 is left by chance: an experiment of twenty gates raises a false alarm once in a thousand
 * seeds. For many runs that is 4.06 standard errors to each side; Student's t says how many more it is for few.
 */
const level = 1 - 1 / 20_000;

export interface GateSettings {
  readonly expected: number;
  /** Where `expected` comes from: `published`, `theory`. */
  readonly source: string;
  readonly measured: ReproductionRow["measured"];
  /** What `expected` itself may be wrong by, half of its last digit for example, and what that is. Default: exact. */
  readonly slack?: number;
  readonly slackWhy?: string;
  /**
   * The standard deviation is taken to be no less than this: a few whole numbers may all be the same by chance, and
   * would seem to be exact.
   */
  readonly leastDeviation?: number;
}

/** Undefined where a single run says nothing of its own spread. */
export function gateAround(settings: GateSettings): Gate | undefined {
  const { expected, source, slack = 0, slackWhy, leastDeviation = 0 } = settings;
  const measured = Moments.from(settings.measured);
  if (measured.count < 2) return undefined;
  const deviation = Math.max(measured.standardDeviation, leastDeviation);
  const errors = studentQuantile(level, measured.count - 1);
  const reach = (errors * deviation) / Math.sqrt(measured.count) + slack;
  const by = `${errors.toFixed(1)} standard errors of ${measured.count} runs`;
  const why = `${source}, ±${by}${slackWhy === undefined ? "" : ` and ${slackWhy}`}`;
  return { low: expected - reach, high: expected + reach, why };
}

/** Half a unit of the last digit of a published value. */
export function halfDigit(digitsAfterPoint: number): Required<Pick<GateSettings, "slack" | "slackWhy">> {
  return { slack: 0.5 / 10 ** digitsAfterPoint, slackWhy: "half of its last digit" };
}
