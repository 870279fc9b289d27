/**
 * Draws random scenarios from a seed, in the manner of swarm testing (Groce et al. 2012): not only what happens is
 * drawn, but also which kinds of faults can happen at all, so that each run is bad in a way of its own.
 *
 * A drawn scenario is data. It has two parts: the faults, and a closing that ends them all, so that calm can be asked
 * for. Shrinking leaves out faults; the closing is made anew for those that are left.
 */
import { hashNumbers, pick, type Random, seededRandom } from "../../core/index.ts";
import {
  type BroadcastMethod,
  type BroadcastOptions,
  broadcastOptions,
} from "../../dissemination/broadcast-options.ts";
import type { ProfileName } from "../../profiles/index.ts";
import type { Action, Scenario, ScenarioOptions, Step } from "../../scenario/scenario.ts";
import type { Latency, LinkSettings } from "../../simulator/index.ts";
import { type FaultKind, Faults, faultKinds, memberFaultKinds } from "./faults.ts";

/** A scenario before its closing. */
export interface Draft {
  readonly name: string;
  readonly seeds: number;
  readonly peers: number;
  readonly links: Partial<LinkSettings>;
  readonly isWireTrue: boolean;
  readonly profile: ProfileName;
  /** How messages spread. */
  readonly broadcast: Partial<BroadcastOptions>;
  /** Of the membership, where the profile has one: its options were drawn, too. */
  readonly membership?: Pick<ScenarioOptions, "swim" | "hyparview">;
  /** Which kinds were on. */
  readonly kinds: readonly FaultKind[];
  readonly steps: readonly (Action & { readonly at: number })[];
}

export const campaignPingIntervalMs = 1000;
/** Ten refreshes, as in the defaults: with pings each second a peer refreshes each 5 s. */
const leaseMs = 50_000;
const calm = "90 pings";
/** What a datagram has lost is sent to the same neighbor again after a minute, whatever the pings. */
const modernCalm = "100s";
const maxUnlisted = "40 pings";

/** `any`: each scenario draws one of them, and its options. */
export type CampaignBroadcast = BroadcastMethod | "any";
export const campaignBroadcasts: readonly CampaignBroadcast[] = [
  "any",
  ...broadcastOptions.specs.method.choices!,
];

export interface Drawing {
  readonly broadcast?: CampaignBroadcast | undefined;
  readonly profile?: ProfileName | undefined;
}

/** The scenario of that number. The same seed always draws the same, with the same faults for any `broadcast`. */
export function drawScenario(seed: number, { broadcast = "any", profile = "classic" }: Drawing = {}): Draft {
  // With few kinds on, it may be that none of them could happen: such a run would prove nothing.
  for (let attempt = 0; ; attempt++) {
    const draft =
      profile === "classic"
        ? {
            ...drawClassic(seed, seededRandom(hashNumbers([seed, attempt]))),
            broadcast: drawBroadcast(broadcast, seededRandom(hashNumbers([seed], 1))),
          }
        : {
            ...drawModern(seed, seededRandom(hashNumbers([seed, attempt], 2))),
            // Its own way of spreading, unless another is asked for.
            broadcast: drawBroadcast(
              broadcast === "any" ? "plumtree" : broadcast,
              seededRandom(hashNumbers([seed], 3)),
            ),
          };
    if (draft.steps.some(isFault) && draft.steps.some((step) => step.do === "publish")) return draft;
  }
}

function isFault({ do: what }: Action): boolean {
  return what !== "publish" && what !== "join" && what !== "heal";
}

function drawBroadcast(wanted: CampaignBroadcast, random: Random): Partial<BroadcastOptions> {
  const { method, mode, stop, choice, partners } = broadcastOptions.specs;
  // What came later is asked for by name: the same seed draws the same as ever.
  const drawn = pick(
    method.choices!.filter((name) => name !== "plumtree"),
    random,
  );
  const common = {
    roundMs: 50 + random.below(450),
    partners: pick(partners.choices!, random),
    choice: pick(choice.choices!, random),
    connectionLimit: random.below(3),
    huntLimit: random.below(3),
  };
  const rumor = {
    mode: pick(mode.choices!, random),
    stop: pick(stop.choices!, random),
    hasFeedback: random.below(2) === 0,
    stopAfter: 1 + random.below(4),
  };
  const chosen = wanted === "any" ? drawn : wanted;
  switch (chosen) {
    case "flood":
    case "plumtree":
      return { method: chosen };
    case "anti-entropy":
      return { method: chosen, roundMs: common.roundMs };
    case "rumor":
      return { method: chosen, ...common, ...rumor };
    case "median-counter":
    case "bimodal":
      return { method: chosen, ...common };
  }
}

function drawClassic(seed: number, random: Random): Omit<Draft, "broadcast"> {
  const peers = 3 + random.below(12);
  const seeds = 1 + random.below(6);
  const isStream = random.below(2) === 0;
  const kinds = drawKinds(faultKinds, isStream, random);
  const latency = drawLatency(random);
  const isWireTrue = random.below(4) === 0;
  // A majority of the seeds must live: that is what the network asks for.
  const mayMissSeeds = (all: number) => Math.floor((all - 1) / 2);
  const steps = new Faults(random, { kinds, seeds, peers, mayMissSeeds }).draw();
  return {
    name: `campaign-${seed}`,
    seeds,
    peers,
    links: { kind: isStream ? "stream" : "datagram", latency },
    isWireTrue,
    profile: "classic",
    kinds,
    steps,
  };
}

function drawKinds<Kind extends FaultKind>(all: readonly Kind[], isStream: boolean, random: Random): Kind[] {
  return all.filter((kind) => {
    const isOn = random.below(2) === 0;
    // A stream is in order and loses nothing for good.
    return isOn && !(isStream && (kind === "duplication" || kind === "reordering"));
  });
}

/** Members need seeds to find each other only, so that any one that lives is enough. */
function drawModern(seed: number, random: Random): Omit<Draft, "broadcast"> {
  const peers = 3 + random.below(14);
  const seeds = 1 + random.below(4);
  const isStream = random.below(2) === 0;
  // What travels beside the streams is lost, doubled and overtaken there, too.
  const kinds = drawKinds([...faultKinds, ...memberFaultKinds], false, random);
  const latency = drawLanLatency(random);
  const isWireTrue = random.below(4) === 0;
  const membership = drawMembership(random);
  const steps = new Faults(random, { kinds, seeds, peers, mayMissSeeds: (all) => all - 1 }).draw();
  return {
    name: `campaign-modern-${seed}`,
    seeds,
    peers,
    links: { kind: isStream ? "stream" : "datagram", latency },
    isWireTrue,
    profile: "modern",
    membership,
    kinds,
    steps,
  };
}

function drawMembership(random: Random): NonNullable<Draft["membership"]> {
  const isPartial = random.below(8) === 0;
  const fullViewMembers = 8 + random.below(10);
  return {
    swim: {
      probeOrder: random.below(4) === 0 ? "random" : "shared",
      syncIntervalMs: 1000 + random.below(30_000),
      ...(isPartial ? { fullViewMembers } : {}),
    },
    hyparview: {
      activeView: 3 + random.below(4),
      passiveView: 5 + random.below(30),
      shuffleIntervalMs: 1000 + random.below(9000),
      isLatencyAware: random.below(4) === 0,
    },
  };
}

/** Most round trips stay below the time-out of a probe, some do not. */
function drawLanLatency(random: Random): Latency {
  const model = random.below(4);
  if (model === 0) return { model: "constant", ms: random.below(40) };
  if (model === 1) return { model: "uniform", fromMs: random.below(10), toMs: 10 + random.below(70) };
  const medianMs = 1 + random.below(20);
  if (model === 2) return { model: "log-normal", medianMs, sigma: 0.1 + random.below(5) / 10 };
  return { model: "pareto", minMs: medianMs, shape: 2 + random.below(3), maxMs: 120 };
}

/** Round trips stay below the time-outs of a ping each second: slower links are another parameter, not a fault. */
function drawLatency(random: Random): Latency {
  const model = random.below(4);
  if (model === 0) return { model: "constant", ms: 1 + random.below(60) };
  if (model === 1) return { model: "uniform", fromMs: random.below(20), toMs: 20 + random.below(80) };
  const medianMs = 5 + random.below(30);
  if (model === 2) return { model: "log-normal", medianMs, sigma: 0.1 + random.below(5) / 10 };
  return { model: "pareto", minMs: medianMs, shape: 2 + random.below(3), maxMs: 140 };
}

/** The scenario of a draft: its faults, and what ends them. */
export function closed(draft: Draft): Scenario {
  const { name, seeds, peers, links, isWireTrue, profile, broadcast, membership, steps } = draft;
  const isClassic = profile === "classic";
  return {
    name,
    network: { seeds, peers, links, ...(isWireTrue ? { isWireTrue } : {}) },
    stack: isClassic
      ? {
          options: {
            heartbeat: { pingIntervalMs: campaignPingIntervalMs },
            registry: { leaseMs },
            // A flood is the default: then there is nothing to say.
            ...(broadcast.method === "flood" ? {} : { broadcast }),
          },
        }
      : { profile, options: { ...membership, broadcast } },
    timeline: [
      ...steps,
      ...closing(steps),
      ...(isClassic ? [] : [quietTime]),
      ...(broadcast.method === "plumtree" ? quietTalk : []),
    ],
    calm: isClassic ? calm : modernCalm,
    maxUnlisted,
  };
}

/** In which nobody may be given up any more. */
const quietTime: Step = { do: "wait", for: "30 pings" };
/**
 * Once all that was said before has arrived, what is said in quiet times is there soon: by the trees, that is, and by
 * their grafts, a second at most, and not by comparisons of histories, which come each half minute.
 */
const quietTalk: readonly Step[] = [
  { do: "expect", is: "delivered", within: modernCalm, claim: "what was said before has arrived everywhere" },
  { do: "publish", from: "all peers" },
  { do: "expect", is: "delivered", within: "5s", claim: "what is said in quiet times arrives within 5 s" },
];

/** Wakes who hangs, starts dead seeds, mends links and clocks; then everybody who lives says one thing more. */
function closing(steps: readonly Action[]): readonly Step[] {
  const end: Step[] = [];
  const paused = new Set<string>();
  const deadSeeds = new Set<string>();
  const slowed = new Set<string>();
  const drifted = new Set<string>();
  let isCut = false;
  let linksChanged = false;
  for (const step of steps) {
    switch (step.do) {
      case "pause":
        paused.add(step.node as string);
        break;
      case "resume":
        paused.delete(step.node as string);
        break;
      case "crash":
        if (isSeed(step.node as string)) deadSeeds.add(step.node as string);
        break;
      case "restart":
        deadSeeds.delete(step.node as string);
        break;
      case "partition":
      case "cut":
        isCut = true;
        break;
      case "heal":
        isCut = false;
        break;
      case "links":
        linksChanged = true;
        break;
      case "slow":
        slowed.add(step.node as string);
        break;
      case "drift":
        drifted.add(step.node as string);
    }
  }
  if (isCut) end.push({ do: "heal" });
  if (linksChanged) end.push({ do: "links", set: { loss: 0, duplication: 0, reordering: 0 } });
  for (const node of deadSeeds) end.push({ do: "restart", node });
  for (const node of paused) end.push({ do: "resume", node });
  for (const node of slowed) end.push({ do: "slow", node, perEventMs: 0 });
  for (const node of drifted) end.push({ do: "drift", node, rate: 0 });
  end.push({ do: "publish", from: "all peers" });
  return end;
}

function isSeed(name: string): boolean {
  return name.startsWith("seed-");
}
