/** What theory says of a rumor before it is simulated, or of what was measured: the formula for each variant that has one. */
import type { RumorOptions } from "../../dissemination/index.ts";
import type { RoundSemantics } from "../../simulator/index.ts";
import {
  blindChainReach,
  callSuccess,
  connectionLimitGain,
  expectedTimeToInform,
  finalResidue,
  pullRounds,
  pushPullRounds,
  pushRoundsUnderFaults,
  siTraffic,
  trafficByRecurrence,
  trafficOfCopies,
  trafficOfResidue,
} from "../../theory/index.ts";

export interface RumorPrediction {
  /** Rounds, or intervals of a node, until all know it; where spreaders never stop. */
  readonly roundsToAll?: number;
  /** The share that never hears it; where spreaders stop. */
  readonly residue?: number;
  readonly copiesPerNode?: number;
  /** Of each figure above, by the same name. */
  readonly formulas: Readonly<Partial<Record<"roundsToAll" | "residue" | "copiesPerNode", string>>>;
}

export interface PredictionInput {
  readonly nodes: number;
  readonly rumor: RumorOptions;
  /** Of messages; lost ones are not sent again. */
  readonly loss: number;
  /** Undefined by events. */
  readonly semantics: RoundSemantics | undefined;
  /** What was measured: some formulas are of two measured figures. */
  readonly measuredResidue: number;
}

/** Undefined where there is no formula. */
export function predictedRumor(input: PredictionInput): RumorPrediction | undefined {
  const { stop, connectionLimit } = input.rumor;
  if (input.semantics === "sequential" && stop === "never") return undefined;
  const prediction =
    connectionLimit > 0 ? ofLimited(input) : stop === "never" ? ofEndless(input) : ofStopping(input);
  return Object.keys(prediction.formulas).length === 0 ? undefined : prediction;
}

// ---- SI --------------------------------------------------------------------------------------------------------

function ofEndless(input: PredictionInput): RumorPrediction {
  const isInStep = input.semantics === "synchronous" || input.rumor.timing === "aligned";
  // Poisson rounds have no timing: the option is about events.
  return isInStep && input.semantics !== "poisson" ? inStep(input) : atRandomTimes(input);
}

function inStep({ nodes: n, rumor: { mode, fanout }, loss }: PredictionInput): RumorPrediction {
  if (mode === "push") {
    const traffic = loss === 0 ? trafficByRecurrence({ mode, n, fanout }) : undefined;
    return {
      roundsToAll: pushRoundsUnderFaults({ n, fanout, loss }),
      copiesPerNode: traffic,
      formulas: {
        roundsToAll: "log_(1+b) n + (ln n)/b, b = fanout (1-loss): synchronous rounds",
        ...(traffic !== undefined && { copiesPerNode: "sum of b (1-p), p' = p e^(-b(1-p))" }),
      },
    };
  }
  if (loss > 0 || n < 3 || (mode === "push-pull" && fanout > 1)) return { formulas: {} };
  const isPull = mode === "pull";
  return {
    roundsToAll: isPull ? pullRounds({ n, pulls: fanout }) : pushPullRounds({ n }),
    formulas: {
      roundsToAll: isPull
        ? "log_(1+k) n + log_(1+k) ln n, k = fanout: synchronous rounds"
        : "log3 n + log2 ln n: synchronous rounds",
    },
  };
}

/** Each at times of its own. That they are periodic, and the latency, is left out: some percent. */
function atRandomTimes({ nodes, rumor: { mode, fanout }, loss }: PredictionInput): RumorPrediction {
  if (loss >= 1) return { formulas: {} };
  const n = nodes - 1;
  const push = mode === "pull" ? 0 : fanout * callSuccess("push", { loss });
  const pull = mode === "push" ? 0 : fanout * callSuccess("pull", { loss });
  const rate = {
    push: "fanout (1-loss)",
    pull: "fanout (1-loss)^2",
    "push-pull": "fanout ((1-loss) + (1-loss)^2)",
  }[mode];
  // A copy that is lost is sent once more, as it were; where both call, they do not lose alike.
  const isSimple = loss === 0 || mode !== "push-pull";
  return {
    roundsToAll: expectedTimeToInform({ n, b: push + pull }),
    ...(isSimple && { copiesPerNode: siTraffic(mode, { n }) / (1 - loss) }),
    formulas: {
      roundsToAll: `2 n' H(n')/(b n), about 2 (ln n + 0.58)/b, n' = n-1, b = ${rate}: calls at random times, without latency`,
      ...(isSimple && {
        copiesPerNode: {
          push: "n' H(n')/(n (1-loss)), about (ln n + 0.58)/(1-loss)",
          pull: "n'/(n (1-loss))",
          "push-pull": "(n' H(n') + n')/(2n)",
        }[mode],
      }),
    },
  };
}

// ---- SIR -------------------------------------------------------------------------------------------------------

function ofStopping(input: PredictionInput): RumorPrediction {
  const { nodes, rumor, loss, measuredResidue } = input;
  const { mode, stop, hasFeedback, stopAfter: k } = rumor;
  if (mode !== "push" || loss >= 1) return { formulas: {} };
  if (hasFeedback && stop === "counter") return ofMeasured(measuredResidue, 1 - loss, "m = -ln(s)/(1-loss)");
  if (!hasFeedback && stop === "coin" && k === 1 && loss === 0) {
    const informed = blindChainReach({ n: nodes }) / nodes;
    return {
      residue: 1 - informed,
      copiesPerNode: informed,
      formulas: { residue: "a chain that ends where it meets itself", copiesPerNode: "m = 1-s" },
    };
  }
  // What arrives of the copies of one spreader. With feedback a lost copy and a lost answer are no contact.
  const arriving = hasFeedback ? k / (1 - loss) + 1 : k * (1 - loss);
  const residue = finalResidue(arriving);
  const copies = arriving / (1 - loss);
  return {
    residue,
    copiesPerNode: trafficOfCopies({ copies, residue }),
    formulas: {
      residue: hasFeedback
        ? "s = e^(-(k/(1-loss)+1)(1-s)): calls at random times"
        : "s = e^(-k (1-loss)(1-s))",
      copiesPerNode: hasFeedback ? "m = (k/(1-loss)+1)(1-s)/(1-loss)" : "m = k (1-s)",
    },
  };
}

/** With the limit of one, for push: the traffic that belongs to what was left. */
function ofLimited({ rumor, loss, measuredResidue }: PredictionInput): RumorPrediction {
  const { mode, stop, connectionLimit, huntLimit } = rumor;
  const hasFormula = mode === "push" && stop !== "never" && connectionLimit === 1 && huntLimit === 0;
  if (!hasFormula || loss > 0) return { formulas: {} };
  return ofMeasured(measuredResidue, connectionLimitGain, "m = -ln(s)/1.582, one connection");
}

function ofMeasured(residue: number, gain: number, formula: string): RumorPrediction {
  if (residue === 0 || gain === 0) return { formulas: {} };
  return {
    copiesPerNode: trafficOfResidue(residue) / gain,
    formulas: { copiesPerNode: `${formula}, s as measured` },
  };
}
