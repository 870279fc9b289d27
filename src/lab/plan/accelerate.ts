/**
 * Rare false alarms cannot be waited for. A smaller network with the same options loses so much more that the model
 * expects many of them: if it counts no more than expected there, the model may be believed where nothing can be counted.
 */
import { heartbeatOptions } from "../../membership/heartbeat-options.ts";
import { swimOptions } from "../../membership/swim-options.ts";
import { isFullView, predictHeartbeat, predictSwim } from "./detector-model.ts";
import { eventsPerSecond } from "./event-rate.ts";
import { frameSizes } from "./frame-sizes.ts";
import { PlanNetwork } from "./plan-network.ts";
import type { Plan } from "./search.ts";
import type { Wish } from "./wish.ts";

export interface Accelerated {
  readonly nodes: number;
  readonly loss: number;
  readonly nodeDays: number;
  readonly predictedSuspicions: number;
  readonly suspicions: number;
  readonly predictedFalsePositives: number;
  readonly falsePositives: number;
}

const losses = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5];
/** So many are enough to see whether the model is right. */
const wantedSuspicions = 100;
const settleMs = 20_000;
const leastMs = 20_000;
const mostMs = 3_600_000;
/** Beyond full views by half, so that partial ones are what it has; else the network itself. */
const partialNodes = 300;

/** Undefined where there is nothing to be learnt: nothing is lost that could make anybody doubt. */
export function* accelerate(
  wish: Wish,
  plan: Plan,
  seed: number,
  maxEvents: number,
): Generator<void, Accelerated | undefined> {
  if (wish.loss === 0) return undefined;
  const nodes = Math.min(wish.nodes, partialNodes);
  const small = { ...wish, nodes, messagesPerSecond: 0 };
  const seconds = maxEvents / eventsPerSecond(small, plan);
  const ms = Math.max(leastMs, Math.min(mostMs, 1000 * Math.floor(seconds)));
  const nodeDays = (ms * nodes) / 86_400_000;
  const tried = losses
    .filter((loss) => loss > wish.loss)
    .map((loss) => ({ loss, prediction: predictionAt({ ...small, loss }, plan) }));
  const chosen =
    tried.find(({ prediction }) => prediction.suspicionsPerNodeDay * nodeDays >= wantedSuspicions) ??
    tried.at(-1);
  if (chosen === undefined || chosen.prediction.suspicionsPerNodeDay === 0) return undefined;
  const { loss, prediction } = chosen;
  const world = new PlanNetwork({
    wish: { ...small, loss },
    options: plan.options,
    seed,
    isFullView: plan.profile === "modern" && isFullView(small, swimOptions(plan.options.swim)),
  });
  yield* world.form();
  yield* world.run(settleMs);
  world.crashes.isCounting = true;
  yield* world.run(ms);
  return {
    nodes,
    loss,
    nodeDays,
    predictedSuspicions: prediction.suspicionsPerNodeDay * nodeDays,
    suspicions: world.crashes.suspicions,
    predictedFalsePositives: prediction.falsePositivesPerNodeDay * nodeDays,
    falsePositives: world.crashes.falsePositives,
  };
}

function predictionAt(wish: Wish, { profile, options, degree }: Plan) {
  const sizes = frameSizes(wish.messageBytes);
  return profile === "modern"
    ? predictSwim(wish, swimOptions(options.swim), degree, sizes)
    : predictHeartbeat(wish, heartbeatOptions(options.heartbeat), degree, sizes);
}
