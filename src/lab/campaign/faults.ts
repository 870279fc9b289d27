/** What can go wrong in a campaign, and who is where meanwhile. */
import { pick, type Random, sample } from "../../core/index.ts";
import type { Action } from "../../scenario/scenario.ts";

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

/** Beside these, of networks in which every member may say whom it suspects. */
export const memberFaultKinds = ["forge", "crowd"] as const;
export type FaultKind = (typeof faultKinds)[number] | (typeof memberFaultKinds)[number];

/** When the last fault may begin. */
const faultsForMs = 30_000;

export interface FaultsConfig {
  readonly kinds: readonly FaultKind[];
  readonly seeds: number;
  readonly peers: number;
  /** So many seeds may be dead at once, of so many. */
  readonly mayMissSeeds: (seeds: number) => number;
}

/** Draws what happens, and remembers who is where, so that nobody is crashed twice and somebody is left. */
export class Faults {
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  readonly #mayMissSeeds: (seeds: number) => number;
  readonly #living: string[];
  readonly #crashed: string[] = [];
  readonly #paused: string[] = [];
  readonly #seeds: string[];
  readonly #deadSeeds: string[] = [];
  readonly #steps: (Action & { readonly at: number })[] = [];
  #joined = 0;
  #at = 0;

  constructor(random: Random, { kinds, seeds, peers, mayMissSeeds }: FaultsConfig) {
    this.#random = random;
    this.#kinds = kinds;
    this.#mayMissSeeds = mayMissSeeds;
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
        const all = this.#seeds.length + this.#deadSeeds.length;
        if (this.#deadSeeds.length + 1 > this.#mayMissSeeds(all)) return;
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
      case "forge":
        return this.#add({ do: "forge-reports", against: pick(this.#living, random) });
      case "crowd":
        return this.#add({ do: "join", count: 2 + random.below(4), over: random.below(1000) });
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
