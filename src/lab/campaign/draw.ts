/**
 * Draws random scenarios from a seed, in the manner of swarm testing (Groce et al. 2012): not only what happens is
 * drawn, but also which kinds of faults can happen at all, so that each run is bad in a way of its own.
 *
 * A drawn scenario is data. It has two parts: the faults, and a closing that ends them all, so that calm can be asked
 * for. Shrinking leaves out faults; the closing is made anew for those that are left.
 */
import { hashNumbers, pick, type Random, sample, seededRandom } from "../../core/index.ts";
import {
  type BroadcastMethod,
  type BroadcastOptions,
  broadcastOptions,
} from "../../dissemination/broadcast-options.ts";
import type { Action, Scenario, Step } from "../../scenario/scenario.ts";
import type { Latency, LinkSettings } from "../../simulator/index.ts";

/** Kinds of faults; each is on in about half of all runs. */
export const faultKinds = [
  "crash",
  "restart",
  "seed-crash",
  "pause",
  "leave",
  "join",
  "partition",
  "cut",
  "loss",
  "duplication",
  "reordering",
  "slow",
  "drift",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A scenario before its closing. */
export interface Draft {
  readonly name: string;
  readonly seeds: number;
  readonly peers: number;
  readonly links: Partial<LinkSettings>;
  readonly isWireTrue: boolean;
  /** How messages spread. */
  readonly broadcast: Partial<BroadcastOptions>;
  /** Which kinds were on. */
  readonly kinds: readonly FaultKind[];
  readonly steps: readonly (Action & { readonly at: number })[];
}

export const campaignPingIntervalMs = 1000;
/** Ten refreshes, as in the defaults: with pings each second a peer refreshes each 5 s. */
const leaseMs = 50_000;
/** When the last fault may begin. */
const faultsForMs = 30_000;
const calm = "90 pings";
const maxUnlisted = "40 pings";

/** `any`: each scenario draws one of them, and its options. */
export type CampaignBroadcast = BroadcastMethod | "any";
export const campaignBroadcasts: readonly CampaignBroadcast[] = [
  "any",
  ...broadcastOptions.specs.method.choices!,
];

/** The scenario of that number. The same seed always draws the same, with the same faults for any `broadcast`. */
export function drawScenario(seed: number, broadcast: CampaignBroadcast = "any"): Draft {
  // With few kinds on, it may be that none of them could happen: such a run would prove nothing.
  for (let attempt = 0; ; attempt++) {
    const drawn = drawOnce(seed, seededRandom(hashNumbers([seed, attempt])));
    const draft = { ...drawn, broadcast: drawBroadcast(broadcast, seededRandom(hashNumbers([seed], 1))) };
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

function drawOnce(seed: number, random: Random): Omit<Draft, "broadcast"> {
  const peers = 3 + random.below(12);
  const seeds = 1 + random.below(6);
  const isStream = random.below(2) === 0;
  const kinds = faultKinds.filter((kind) => {
    const isOn = random.below(2) === 0;
    // A stream is in order and loses nothing for good.
    return isOn && !(isStream && (kind === "duplication" || kind === "reordering"));
  });
  const latency = drawLatency(random);
  const isWireTrue = random.below(4) === 0;
  const steps = new Faults(random, kinds, seeds, peers).draw();
  return {
    name: `campaign-${seed}`,
    seeds,
    peers,
    links: { kind: isStream ? "stream" : "datagram", latency },
    isWireTrue,
    kinds,
    steps,
  };
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

/** Draws what happens, and remembers who is where, so that nobody is crashed twice and somebody is left. */
class Faults {
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  readonly #living: string[];
  readonly #crashed: string[] = [];
  readonly #paused: string[] = [];
  readonly #seeds: string[];
  readonly #deadSeeds: string[] = [];
  readonly #steps: (Action & { readonly at: number })[] = [];
  #joined = 0;
  #at = 0;

  constructor(random: Random, kinds: readonly FaultKind[], seeds: number, peers: number) {
    this.#random = random;
    this.#kinds = kinds;
    this.#living = Array.from({ length: peers }, (_, i) => `peer-${i + 1}`);
    this.#seeds = Array.from({ length: seeds }, (_, i) => `seed-${i + 1}`);
  }

  draw(): readonly (Action & { readonly at: number })[] {
    const { length: kinds } = this.#kinds;
    while (this.#at < faultsForMs) {
      this.#at += 100 + this.#random.below(3000);
      const publishes = kinds === 0 || this.#random.below(3) === 0;
      if (publishes) this.#publish();
      else this.#fault(pick(this.#kinds, this.#random));
    }
    return this.#steps;
  }

  #add(action: Action): void {
    this.#steps.push({ ...action, at: this.#at });
  }

  #publish(): void {
    const from = sample(this.#living, 1 + this.#random.below(3), this.#random);
    this.#add({ do: "publish", from, messages: 1 + this.#random.below(3) });
  }

  #fault(kind: FaultKind): void {
    const random = this.#random;
    switch (kind) {
      case "crash": {
        // Somebody has to be left who can tell.
        if (this.#living.length <= 2) return;
        const node = this.#take(this.#living);
        this.#crashed.push(node);
        return this.#add({ do: "crash", node });
      }
      case "restart": {
        if (this.#crashed.length === 0) return;
        const node = this.#take(this.#crashed);
        this.#living.push(node);
        return this.#add({ do: "restart", node, keepsDisk: random.below(4) > 0 });
      }
      case "seed-crash": {
        if (this.#deadSeeds.length > 0 && random.below(2) === 0) {
          const node = this.#take(this.#deadSeeds);
          this.#seeds.push(node);
          return this.#add({ do: "restart", node, keepsDisk: random.below(2) === 0 });
        }
        // A majority of the seeds must live: that is what the network asks for.
        const all = this.#seeds.length + this.#deadSeeds.length;
        if (this.#deadSeeds.length + 1 > Math.floor((all - 1) / 2)) return;
        const node = this.#take(this.#seeds);
        this.#deadSeeds.push(node);
        return this.#add({ do: "crash", node });
      }
      case "pause": {
        if (this.#paused.length > 0 && random.below(2) === 0) {
          const node = this.#take(this.#paused);
          this.#living.push(node);
          return this.#add({ do: "resume", node });
        }
        if (this.#living.length <= 2) return;
        const node = this.#take(this.#living);
        this.#paused.push(node);
        return this.#add({ do: "pause", node });
      }
      case "leave":
        if (this.#living.length <= 2) return;
        return this.#add({ do: "leave", node: this.#take(this.#living) });
      case "join": {
        const name = `joiner-${++this.#joined}`;
        this.#living.push(name);
        return this.#add({ do: "join", name });
      }
      case "partition": {
        const peers = this.#some(this.#living);
        const seeds = this.#some(this.#seeds);
        if (peers.length + seeds.length === 0) return;
        return this.#add(
          random.below(3) === 0 ? { do: "heal" } : { do: "partition", groups: [[], [...peers, ...seeds]] },
        );
      }
      case "cut": {
        if (random.below(3) === 0) return this.#add({ do: "heal" });
        const [from, ...to] = sample([...this.#living, ...this.#seeds], 2 + random.below(3), random);
        if (from !== undefined && to.length > 0) this.#add({ do: "cut", from, to });
        return;
      }
      case "loss":
        return this.#add({ do: "links", set: { loss: random.below(20) / 100 } });
      case "duplication":
        return this.#add({ do: "links", set: { duplication: random.below(50) / 100 } });
      case "reordering":
        return this.#add({
          do: "links",
          set: { reordering: random.below(50) / 100, reorderMs: random.below(300) },
        });
      case "slow":
        return this.#add({ do: "slow", node: pick(this.#living, random), perEventMs: random.below(20) });
      case "drift": {
        const rate = (random.below(201) - 100) / 10_000;
        return this.#add({ do: "drift", node: pick(this.#living, random), rate, offset: random.below(2000) });
      }
    }
  }

  #take(names: string[]): string {
    return names.splice(this.#random.below(names.length), 1)[0]!;
  }

  /** Up to half of them. */
  #some(names: readonly string[]): string[] {
    return sample(names, this.#random.below(Math.floor(names.length / 2) + 1), this.#random);
  }
}

/** The scenario of a draft: its faults, and what ends them. */
export function closed({ name, seeds, peers, links, isWireTrue, broadcast, steps }: Draft): Scenario {
  return {
    name,
    network: { seeds, peers, links, ...(isWireTrue ? { isWireTrue } : {}) },
    stack: {
      options: {
        heartbeat: { pingIntervalMs: campaignPingIntervalMs },
        registry: { leaseMs },
        // A flood is the default: then there is nothing to say.
        ...(broadcast.method === "flood" ? {} : { broadcast }),
      },
    },
    timeline: [...steps, ...closing(steps)],
    calm,
    maxUnlisted,
  };
}

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
