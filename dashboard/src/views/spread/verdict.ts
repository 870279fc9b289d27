/** Whether what was measured is what the model says, in words. */
import { formatTime } from "../../drawing/quantities.ts";
import { type ModelCurve, modelTimeTo, type SpreadModel } from "./spread-model.ts";

export interface Verdict {
  readonly agrees: boolean;
  readonly text: string;
}

/** Beyond a fifth it is another number; nobody expects theory to say what chance does. */
const agreementShares = [0.05, 0.1, 0.2] as const;
/** The largest share that both reach is compared. */
const comparedShares = [0.99, 0.9, 0.5] as const;

export interface VerdictInput {
  readonly model: SpreadModel;
  readonly nodes: number;
  /** Nodes that have it so far. */
  readonly reached: number;
  readonly measuredTimeTo: (share: number) => number | undefined;
}

export function verdictOf({ model, nodes, reached, measuredTimeTo }: VerdictInput): Verdict | undefined {
  for (const share of comparedShares) {
    const measured = measuredTimeTo(share);
    const expected = modelTimeTo(model.curve, Math.ceil(share * nodes - 1e-9));
    if (measured === undefined || expected === undefined) continue;
    const percent = `${100 * share} %`;
    const both = `measured ${formatTime(measured)} to ${percent}, model ${formatTime(expected)}`;
    const off = Math.abs(measured - expected) / Math.max(expected, 0.01);
    const within = agreementShares.find((limit) => off <= limit);
    if (within !== undefined) return { agrees: true, text: `${both}: agree within ${100 * within} %` };
    if (Math.abs(measured - expected) <= model.step.ms)
      return {
        agrees: true,
        text: `${both}: agree within a ${model.step.name} (${formatTime(model.step.ms)})`,
      };
    const factor =
      measured > expected ? measured / Math.max(expected, 0.01) : expected / Math.max(measured, 0.01);
    const much = factor < 2 ? `${Math.round(100 * off)} %` : `${Number(factor.toPrecision(2))} times`;
    return {
      agrees: false,
      text: `${both}: differs, ${much} ${measured > expected ? "slower" : "faster"} than the model`,
    };
  }
  return shareVerdict(model.curve, nodes, reached);
}

/** Where nobody can be timed, what was reached in the end is compared. */
function shareVerdict({ known }: ModelCurve, nodes: number, reached: number): Verdict | undefined {
  if (nodes === 0) return undefined;
  const expected = known.at(-1)! / nodes;
  const measured = reached / nodes;
  const agrees = Math.abs(measured - expected) <= 0.05;
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
  return {
    agrees,
    text: `measured ${percent(measured)} reached so far, model ${percent(expected)} in the end: ${agrees ? "agree" : "differs"}`,
  };
}
