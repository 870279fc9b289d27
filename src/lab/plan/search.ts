/**
 * Which protocols and options fulfil a wish, and what is the cheapest of them: all of a grid are predicted. Where none
 * does, it says which wishes conflict, and how far each alone would have to give way.
 */
import { log } from "../../core/deterministic-math.ts";
import type { BroadcastMethod, BroadcastOptions } from "../../dissemination/broadcast-options.ts";
import { heartbeatOptions } from "../../membership/heartbeat-options.ts";
import { type SwimOptions, swimOptions } from "../../membership/swim-options.ts";
import type { ProfileName, ProfileOptions } from "../../profiles/index.ts";
import {
  type BroadcastPrediction,
  hyParViewBytes,
  predictBroadcast,
  rumorPrediction,
} from "./broadcast-model.ts";
import { type DetectorPrediction, predictHeartbeat, predictSwim } from "./detector-model.ts";
import { type FrameSizes, frameSizes } from "./frame-sizes.ts";
import type { Wish } from "./wish.ts";

export interface Plan {
  readonly profile: ProfileName;
  /** What to paste: sections as a config file has them. */
  readonly options: ProfileOptions;
  /** Links of a node, on average. */
  readonly degree: number;
  readonly prediction: Prediction;
}

export interface Prediction {
  readonly detection: DetectorPrediction;
  readonly broadcast: BroadcastPrediction;
  readonly overlayBytesPerSecond: number;
  /** Of all together. */
  readonly bytesPerSecond: number;
}

/** The wishes that can be granted or not. */
export const wishNames = [
  "detectWithinMs",
  "falsePositivesPerNodeDay",
  "deliver",
  "budgetBytesPerSecond",
] as const;
export type WishName = (typeof wishNames)[number];

/** Why there is no plan, and what would have to give. */
export interface Refusal {
  /** Wishes that no plan grants together, as few as possible; one alone where it is too much by itself. */
  readonly conflicts: readonly (readonly WishName[])[];
  /** The wishes of which one alone could give way, and how far: to the best beside the others as they are. */
  readonly relaxations: readonly { readonly wish: WishName; readonly to: number }[];
  /** The plan that lacks least in all: with its figures for wishes it can be had. */
  readonly nearest: Plan;
}

export interface SearchResult {
  readonly plan: Plan | undefined;
  /** It is as good as wished with room to spare: what the model leaves out has to fit in there. */
  readonly hasMargin: boolean;
  /** Combinations that were predicted. */
  readonly candidates: number;
  /** Where there is no plan. */
  readonly refusal: Refusal | undefined;
}

/** Of what is wished, so much is planned for. */
const margins: Readonly<Record<WishName, number>> = {
  // One in a hundred takes a third longer than predicted in partial views: measured at 5,000 nodes and 2 % loss.
  detectWithinMs: 0.75,
  falsePositivesPerNodeDay: 0.5,
  // Of those who may lack it.
  deliver: 0.5,
  budgetBytesPerSecond: 0.85,
};

const aboutTheSame = 1.1;

export function search(wish: Wish): SearchResult {
  const plans = candidatesOf(wish);
  const fulfils = (plan: Plan, hasMargin: boolean) =>
    wishNames.every((name) => isGranted(wish, name, plan, hasMargin));
  const spare = cheapest(plans.filter((plan) => fulfils(plan, true)));
  const plan = spare ?? cheapest(plans.filter((one) => fulfils(one, false)));
  const refusal = plan === undefined ? refusalOf(wish, plans) : undefined;
  return { plan, hasMargin: spare !== undefined, candidates: plans.length, refusal };
}

/**
 * Of those that cost about the same the one with the most patience: processes that stand still are in no model, and are
 * what false alarms come from.
 */
function cheapest(plans: readonly Plan[]): Plan | undefined {
  const cost = ({ prediction }: Plan) => prediction.bytesPerSecond;
  const least = plans.reduce((low, plan) => Math.min(low, cost(plan)), Number.POSITIVE_INFINITY);
  return plans
    .filter((plan) => cost(plan) <= aboutTheSame * least)
    .reduce<Plan | undefined>((best, plan) => {
      if (best === undefined) return plan;
      const patience = ({ prediction }: Plan) => prediction.detection.patienceMs;
      return patience(plan) > patience(best) || (patience(plan) === patience(best) && cost(plan) < cost(best))
        ? plan
        : best;
    }, undefined);
}

function refusalOf(wish: Wish, plans: readonly Plan[]): Refusal {
  const granted = plans.map((plan) => wishNames.filter((name) => isGranted(wish, name, plan, false)));
  const isHad = (names: readonly WishName[]) =>
    granted.some((list) => names.every((name) => list.includes(name)));
  const conflicts: WishName[][] = [];
  for (const names of subsets())
    if (!isHad(names) && !conflicts.some((fewer) => fewer.every((name) => names.includes(name))))
      conflicts.push(names);
  const relaxations = wishNames.flatMap((name) => {
    const others = plans.filter((_, i) =>
      wishNames.every((one) => one === name || granted[i]!.includes(one)),
    );
    const to = bestOf(name, others);
    return to === undefined ? [] : [{ wish: name, to }];
  });
  const lack = ({ prediction }: Plan) =>
    wishNames.reduce((sum, name) => sum + shortfall(wish, name, predicted(name, prediction)), 0);
  let nearest = plans[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const plan of plans) {
    const sum = lack(plan);
    if (sum >= least) continue;
    least = sum;
    nearest = plan;
  }
  return { conflicts, relaxations, nearest };
}

/** All sets of wishes, the small ones first. */
function subsets(): WishName[][] {
  const sets = Array.from({ length: 2 ** wishNames.length - 1 }, (_, i) =>
    wishNames.filter((_, bit) => ((i + 1) >> bit) & 1),
  );
  return sets.sort((a, b) => a.length - b.length);
}

/** How many times, as a logarithm, what is predicted is worse than what is wished. */
function shortfall(wish: Wish, name: WishName, value: number): number {
  const ratio = name === "deliver" ? (1 - value) / (1 - wish.deliver) : value / wish[name];
  return ratio <= 1 ? 0 : Math.log(ratio);
}

/** What a prediction says of a wish. */
export function predicted(name: WishName, { detection, broadcast, bytesPerSecond }: Prediction): number {
  switch (name) {
    case "detectWithinMs":
      return detection.allP99Ms;
    case "falsePositivesPerNodeDay":
      return detection.falsePositivesPerNodeDay;
    case "deliver":
      return broadcast.delivered;
    case "budgetBytesPerSecond":
      return bytesPerSecond;
  }
}

/** Is such a value what was wished? */
export function isEnough(wish: Wish, name: WishName, value: number, margin = 1): boolean {
  if (name === "deliver") return 1 - value <= (1 - wish.deliver) * margin;
  return value <= wish[name] * margin;
}

function isGranted(wish: Wish, name: WishName, { prediction }: Plan, hasMargin: boolean): boolean {
  return isEnough(wish, name, predicted(name, prediction), hasMargin ? margins[name] : 1);
}

function bestOf(name: WishName, plans: readonly Plan[]): number | undefined {
  let best: number | undefined;
  for (const { prediction } of plans) {
    const value = predicted(name, prediction);
    if (best === undefined || (name === "deliver" ? value > best : value < best)) best = value;
  }
  return best;
}

// ---- The grid ------------------------------------------------------------------------------------------------------

const steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
/** 50 ms to 60 s, ten for each power of ten. */
const intervalsMs = [0.01, 0.1, 1, 10]
  .flatMap((power) => steps.map((step) => Math.round(step * power * 1000)))
  .filter((ms) => ms >= 50 && ms <= 60_000);
// One helper may be the one that is slow.
const helperCounts = [2, 3, 4, 6];
const suspicionMults = [1, 1.5, 2, 3, 4, 6, 8, 12];
const pingMisses = [2, 3, 4];
/** What the spreading left out is rare, and comparing histories is not: as the modern profile has it. */
const repairIntervalMs = 30_000;

/** Detectors and ways of spreading over an overlay of one degree: they share nothing but the budget. */
interface Family {
  readonly profile: ProfileName;
  readonly degree: number;
  /** What all of them have. */
  readonly options: ProfileOptions;
  readonly overlayBytesPerSecond: number;
  readonly detectors: readonly {
    readonly options: ProfileOptions;
    readonly prediction: DetectorPrediction;
  }[];
  readonly spreadings: readonly Spreading[];
}

interface Spreading {
  readonly options: Partial<BroadcastOptions>;
  readonly prediction: BroadcastPrediction;
}

export function candidatesOf(wish: Wish): Plan[] {
  const sizes = frameSizes(wish.messageBytes);
  const rumors = rumorsOf(wish, sizes);
  const families = [
    ...(wish.profile === "classic" ? [] : modernFamilies(wish, sizes)),
    ...(wish.profile === "modern" ? [] : classicFamilies(wish, sizes)),
  ];
  return families.flatMap(({ profile, degree, options, overlayBytesPerSecond, detectors, spreadings }) =>
    notOutdone([...spreadings, ...rumors(degree)])
      .map((spreading) => repaired(spreading, sizes))
      .flatMap((spreading) =>
        detectors.map((detector) => ({
          profile,
          degree,
          options: { ...options, ...detector.options, ...spreading.options },
          prediction: {
            detection: detector.prediction,
            broadcast: spreading.prediction,
            overlayBytesPerSecond,
            bytesPerSecond:
              overlayBytesPerSecond +
              detector.prediction.bytesPerSecond +
              spreading.prediction.bytesPerSecond,
          },
        })),
      ),
  );
}

/** Without those that cost more than another one and deliver less. */
function notOutdone(spreadings: readonly Spreading[]): Spreading[] {
  const outdoes = (a: BroadcastPrediction, b: BroadcastPrediction) =>
    a.bytesPerSecond <= b.bytesPerSecond && a.delivered >= b.delivered;
  return spreadings.filter(
    ({ prediction }, i) =>
      !spreadings.some(
        (other, j) =>
          j !== i &&
          outdoes(other.prediction, prediction) &&
          (j < i || !outdoes(prediction, other.prediction)),
      ),
  );
}

function modernFamilies(wish: Wish, sizes: FrameSizes): Family[] {
  const { nodes } = wish;
  // The paper's law, and some more links for those who want it sooner.
  const usual = Math.max(4, Math.ceil(log(nodes) / log(10)) + 1);
  const degrees = [usual, usual + 1, usual + 2, usual + 4].filter((degree, i) => i === 0 || degree < nodes);
  return degrees.map((activeView) => {
    const hyparview = { activeView, passiveView: 6 * activeView };
    return {
      profile: "modern",
      degree: Math.min(activeView, nodes - 1),
      options: { stack: { profile: "modern" }, hyparview },
      overlayBytesPerSecond: hyParViewBytes(wish, hyparview, sizes),
      detectors: swims(wish).map((swim) => ({
        options: { swim },
        prediction: predictSwim(wish, swimOptions(swim), activeView, sizes),
      })),
      spreadings: broadcastsOf(wish, ["plumtree", "flood"], activeView, sizes),
    };
  });
}

function swims({ rttMs }: Wish): Partial<SwimOptions>[] {
  // The longest way there and back and a little for the processes, or twice that: to tell losses from slowness.
  const timeoutsMs = [Math.ceil(1.5 * rttMs) + 10, 3 * rttMs + 20];
  return timeoutsMs.flatMap((probeTimeoutMs) =>
    intervalsMs
      .filter((probeIntervalMs) => probeIntervalMs >= 2 * probeTimeoutMs)
      .flatMap((probeIntervalMs) =>
        helperCounts.flatMap((helpers) =>
          suspicionMults.map((suspicionMult) => ({
            ...{ probeIntervalMs, probeTimeoutMs, helpers, suspicionMult },
            confirmations: Math.min(3, helpers),
          })),
        ),
      ),
  );
}

function classicFamilies(wish: Wish, sizes: FrameSizes): Family[] {
  return [4, 6]
    .filter((degree, i) => i === 0 || degree < wish.nodes)
    .map((minDegree) => ({
      profile: "classic",
      degree: Math.min(minDegree, wish.nodes - 1),
      options: { stack: { profile: "classic" }, overlay: { law: "uniform", minDegree } },
      overlayBytesPerSecond: 0,
      detectors: intervalsMs.flatMap((pingIntervalMs) =>
        pingMisses.map((misses) => {
          const heartbeat = { pingIntervalMs, misses };
          const prediction = predictHeartbeat(wish, heartbeatOptions(heartbeat), minDegree, sizes);
          return { options: { heartbeat }, prediction };
        }),
      ),
      spreadings: broadcastsOf(wish, ["flood"], minDegree, sizes),
    }));
}

function broadcastsOf(
  wish: Wish,
  methods: readonly BroadcastMethod[],
  degree: number,
  sizes: FrameSizes,
): Spreading[] {
  return methods.map((method) => ({
    options: { method },
    prediction: predictBroadcast(wish, degree, { method }, sizes),
  }));
}

/** By degree; what is slow of it is done once for all of them. */
function rumorsOf(wish: Wish, sizes: FrameSizes): (degree: number) => Spreading[] {
  // Fewer leave a few percent to the history, which brings it much later.
  const tunings = [100, 200, 500].flatMap((roundMs) => [4, 6].map((stopAfter) => ({ roundMs, stopAfter })));
  const rumors = tunings.map((tuning) => {
    const options = { method: "rumor", ...tuning } as const;
    return { options, predict: rumorPrediction(wish, options, sizes) };
  });
  return (degree) => rumors.map(({ options, predict }) => ({ options, prediction: predict(degree) }));
}

/** What comparing histories costs on top of it. */
function repaired({ options, prediction }: Spreading, sizes: FrameSizes) {
  return {
    options: { broadcast: { ...options, repairIntervalMs } },
    prediction: {
      ...prediction,
      bytesPerSecond: prediction.bytesPerSecond + (2 * sizes.summary * 1000) / repairIntervalMs,
    },
  };
}
