/** What was measured and what the model says, at the same moments: charts have one axis for all. */
import type { SpreadCurve } from "../../../../src/trace/spread.ts";
import { knownAt, type ModelCurve, modelTimeTo, type SpreadModel } from "./spread-model.ts";

export interface SpreadSeries {
  readonly x: readonly number[];
  readonly susceptible: readonly number[];
  readonly infected: readonly number[];
  readonly removed: readonly number[];
  /** Who has not got it, by the model and by the closed form. */
  readonly model?: readonly (number | null)[];
  readonly closedForm?: readonly (number | null)[];
}

/** So many moments are drawn of a model. */
const modelPoints = 240;

export function spreadSeries(
  measured: SpreadCurve,
  nodes: number,
  model: SpreadModel | undefined,
): SpreadSeries {
  const lastMs = endOf(measured, nodes, model);
  const moments = new Set(measured.afterMs.filter((ms) => ms <= lastMs));
  for (const curve of [model?.curve, model?.closedForm?.curve]) {
    if (curve === undefined) continue;
    for (const ms of curve.afterMs) if (ms <= lastMs && curve.isStepped) moments.add(ms);
    for (let i = 0; i <= modelPoints; i++) moments.add((i * lastMs) / modelPoints);
  }
  moments.add(lastMs);
  const x = [...moments].sort((a, b) => a - b);
  let at = -1;
  const susceptible: number[] = [];
  const infected: number[] = [];
  const removed: number[] = [];
  for (const ms of x) {
    while (at + 1 < measured.afterMs.length && measured.afterMs[at + 1]! <= ms) at++;
    susceptible.push(measured.susceptible[at] ?? nodes);
    infected.push(measured.infected[at] ?? 0);
    removed.push(measured.removed[at] ?? 0);
  }
  const lackingBy = (curve: ModelCurve) =>
    x.map((ms) => (ms < curve.afterMs[0]! ? null : Math.max(0, nodes - knownAt(curve, ms))));
  return {
    x,
    susceptible,
    infected,
    removed,
    ...(model === undefined ? {} : { model: lackingBy(model.curve) }),
    ...(model?.closedForm === undefined ? {} : { closedForm: lackingBy(model.closedForm.curve) }),
  };
}

/** A little after the last that matters: late receipts of repaired messages would leave the rest no room. */
function endOf(measured: SpreadCurve, nodes: number, model: SpreadModel | undefined): number {
  const { afterMs, susceptible } = measured;
  const end = susceptible.at(-1) ?? nodes;
  const receivedBy = (lacking: number) => afterMs[susceptible.findIndex((count) => count <= lacking)] ?? 0;
  const all = receivedBy(end);
  const most = receivedBy(Math.max(end, Math.ceil(nodes / 100)));
  const last = most > 0 ? Math.min(all, 2.5 * most) : all;
  const expected = model === undefined ? 0 : (modelTimeTo(model.curve, nodes - 0.5) ?? 0);
  const stopped = Math.min(afterMs.at(-1) ?? 0, 1.5 * last);
  return Math.max(1, 1.06 * Math.max(last, stopped, Math.min(expected, 3 * Math.max(last, 1))));
}
