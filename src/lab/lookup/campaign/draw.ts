/**
 * Draws runs from seeds, in the manner of swarm testing (Groce et al. 2012): which kinds of faults can happen at all is
 * drawn for each run, so that each is bad in a way of its own.
 *
 * Faults stay within a budget, for nothing survives everything: see `Draws.#mayLose`.
 */
import {
  hashNumbers,
  type Millis,
  pick,
  type Random,
  type RecordKind,
  randomKey,
  sample,
  seededRandom,
} from "../../../core/index.ts";
import type { Latency } from "../../../simulator/index.ts";
import { type Action, type Draft, type FaultKind, faultKinds, isUse, type Step } from "./draft.ts";

/** When the last fault may begin. */
const faultsForMs = 80_000;
/** If nothing happens for so long, and all can reach each other, copies that were lost have been made anew. */
export const repairMs = 15_000;

/** With these a living node may be taken for dead, or more are dead at once than a ring survives. */
export const beyondFailStop: readonly FaultKind[] = ["pause", "partition", "cut", "loss", "power-cut"];

export interface DrawConfig {
  readonly router: string;
  /** Fewer nodes than this are never alive: what the router and the store ask for. */
  readonly leastNodes: number;
  /** So many nodes may be dead, or have lost their disks, before the next repair. */
  readonly maxLost: number;
}

/** The run of that number. The same seed draws the same steps for each router. */
export function drawRun(seed: number, config: DrawConfig): Draft {
  // With few kinds on, it may be that none of them could happen: such a run would prove nothing.
  for (let attempt = 0; ; attempt++) {
    const draft = drawOnce(seededRandom(hashNumbers([seed, attempt])), config);
    if (draft.steps.some((step) => !isUse(step) && step.do !== "heal") && draft.steps.some(isUse))
      return draft;
  }
}

function drawOnce(random: Random, config: DrawConfig): Draft {
  const nodes = config.leastNodes + random.below(10);
  // In half of the runs nobody who lives is taken for dead: more is promised of those.
  const isFailStop = random.below(2) === 0;
  const kinds = faultKinds.filter((kind) => {
    const isOn = random.below(2) === 0;
    return isOn && !(isFailStop && beyondFailStop.includes(kind));
  });
  const latency = drawLatency(random);
  const isWireTrue = random.below(4) === 0;
  const diskMs = random.below(2) === 0 ? 2 : 20 + random.below(1500);
  // Who has nobody to tell it of others can find the other half of a network again only among former contacts.
  const hasMembership = random.below(2) === 0;
  const steps = new Draws(random, kinds, nodes, config).draw();
  const links = { kind: "datagram", latency } as const;
  return { router: config.router, nodes, links, isWireTrue, diskMs, hasMembership, kinds, steps };
}

function drawLatency(random: Random): Latency {
  const model = random.below(3);
  if (model === 0) return { model: "constant", ms: 1 + random.below(60) };
  if (model === 1) return { model: "uniform", fromMs: random.below(20), toMs: 20 + random.below(80) };
  return { model: "log-normal", medianMs: 5 + random.below(30), sigma: 0.1 + random.below(5) / 10 };
}

interface NamedRecord {
  readonly kind: RecordKind;
  readonly name: string;
  /** Only it may write an owned record. */
  readonly writer: number | undefined;
}

/** Remembers who is where, so that nobody is crashed twice and enough are left. */
class Draws {
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  readonly #config: DrawConfig;
  readonly #living: number[];
  readonly #crashed: number[] = [];
  readonly #paused: number[] = [];
  /** Nodes whose copies are gone since the last repair. */
  #losses = 0;
  /** Of the living so many are dead: who, depends on the keys. */
  #unknownDead = 0;
  readonly #repair = new Repair();
  readonly #records: NamedRecord[] = [];
  readonly #steps: Step[] = [];
  #nextNode: number;
  #values = 0;
  #at: Millis = 0;

  constructor(random: Random, kinds: readonly FaultKind[], nodes: number, config: DrawConfig) {
    this.#random = random;
    this.#kinds = kinds;
    this.#config = config;
    this.#living = Array.from({ length: nodes }, (_, node) => node);
    this.#nextNode = nodes;
  }

  draw(): readonly Step[] {
    while (this.#at < faultsForMs) {
      this.#at += 100 + this.#random.below(2500);
      if (this.#kinds.length === 0 || this.#random.below(2) === 0) this.#use();
      else this.#fault(pick(this.#kinds, this.#random));
    }
    return this.#steps;
  }

  #add(action: Action): void {
    this.#steps.push({ ...action, at: this.#at });
    this.#repair.onStep(action, this.#at);
  }

  // ---- What it is used for -----------------------------------------------------------------------------------------

  #use(): void {
    const random = this.#random;
    const node = pick(this.#living, random);
    const what = random.below(8);
    if (what < 2) return this.#add({ do: "lookup", node, key: randomKey(random) });
    if (what < 6) return this.#put(node);
    if (this.#records.length === 0) return;
    const { kind, name, writer = node } = pick(this.#records, random);
    if (what === 6) return this.#add({ do: "get", node, kind, name });
    // An immutable value is what it is; and an owner who is dead deletes nothing.
    if (kind !== "immutable" && this.#living.includes(writer))
      this.#add({ do: "delete", node: writer, kind, name });
  }

  #put(node: number): void {
    const random = this.#random;
    const value = `value ${++this.#values}`;
    const isNew = this.#records.length < 6 && (this.#records.length === 0 || random.below(2) === 0);
    if (isNew) {
      const kind = pick<RecordKind>(["shared", "shared", "owned", "immutable"], random);
      // An immutable value has no name but itself.
      const name = kind === "immutable" ? value : `name ${this.#records.length + 1}`;
      this.#records.push({ kind, name, writer: kind === "owned" ? node : undefined });
      return this.#add({ do: "put", node, kind, name, value });
    }
    const { kind, name, writer = node } = pick(this.#records, random);
    if (kind !== "immutable" && this.#living.includes(writer))
      this.#add({ do: "put", node: writer, kind, name, value });
  }

  /** Something that nobody touches afterwards: what was only just said to be on disk has to be there at the end. */
  #putOnce(node: number): void {
    const value = `value ${++this.#values}`;
    const kind = pick<RecordKind>(["shared", "owned", "immutable"], this.#random);
    this.#add({ do: "put", node, kind, name: kind === "immutable" ? value : `once ${this.#values}`, value });
  }

  // ---- What goes wrong ---------------------------------------------------------------------------------------------

  #fault(kind: FaultKind): void {
    const random = this.#random;
    switch (kind) {
      case "crash": {
        if (!this.#mayLose()) return;
        const node = this.#take(this.#living);
        this.#crashed.push(node);
        this.#losses++;
        return this.#add({ do: "crash", node });
      }
      case "restart": {
        if (this.#crashed.length === 0) return;
        const node = this.#take(this.#crashed);
        this.#living.push(node);
        // Its crash counts already: what it had is lost, or comes back.
        return this.#add({ do: "restart", node, keepsDisk: random.below(4) > 0 });
      }
      case "power-cut":
        if (!this.#mayLose()) return;
        this.#putOnce(pick(this.#living, random));
        this.#at += 50 + random.below(1500);
        return this.#add({ do: "power-cut" });
      case "leave":
        if (!this.#mayLose()) return;
        this.#losses++;
        return this.#add({ do: "leave", node: this.#take(this.#living) });
      case "join": {
        const node = this.#nextNode++;
        this.#living.push(node);
        this.#add({ do: "join", node });
        // In the middle of joining is when most can go wrong.
        if (this.#kinds.includes("crash") && random.below(2) === 0 && this.#mayLose()) {
          this.#losses++;
          this.#unknownDead++;
          this.#at += 50 + random.below(1500);
          this.#add({ do: "crash-next-to", node });
        }
        return;
      }
      case "pause": {
        if (this.#paused.length > 0 && random.below(2) === 0) {
          const node = this.#take(this.#paused);
          this.#living.push(node);
          return this.#add({ do: "resume", node });
        }
        if (!this.#mayLose()) return;
        const node = this.#take(this.#living);
        this.#paused.push(node);
        return this.#add({ do: "pause", node });
      }
      case "partition": {
        if (random.below(3) === 0) return this.#add({ do: "heal" });
        const some = sample(this.#living, 1 + random.below(Math.floor(this.#living.length / 2)), random);
        return this.#add({ do: "partition", nodes: some });
      }
      case "cut": {
        if (random.below(3) === 0) return this.#add({ do: "heal" });
        const [from, ...to] = sample(this.#living, 2 + random.below(3), random);
        return this.#add({ do: "cut", from: from!, to });
      }
      case "loss":
        return this.#add({ do: "links", set: { loss: random.below(15) / 100 } });
      case "duplication":
        return this.#add({ do: "links", set: { duplication: random.below(50) / 100 } });
      case "reordering":
        return this.#add({
          do: "links",
          set: { reordering: random.below(50) / 100, reorderMs: random.below(300) },
        });
    }
  }

  /** The budget: so many before the next repair, the sleeping among them, and enough are left. */
  #mayLose(): boolean {
    const { leastNodes, maxLost } = this.#config;
    if (this.#repair.isDone(this.#at)) this.#losses = 0;
    const gone = this.#losses + this.#paused.length;
    return gone < maxLost && this.#living.length - this.#unknownDead > leastNodes - maxLost;
  }

  #take(nodes: number[]): number {
    return nodes.splice(this.#random.below(nodes.length), 1)[0]!;
  }
}

/** Says when the network has had time, undisturbed, to mend what was lost. */
export class Repair {
  #lastTroubleAt: Millis = 0;
  #isCut = false;
  readonly #paused = new Set<number>();

  onStep(action: Action, at: Millis): void {
    if (isUse(action)) return;
    this.#lastTroubleAt = at;
    if (action.do === "partition" || action.do === "cut") this.#isCut = true;
    else if (action.do === "heal") this.#isCut = false;
    else if (action.do === "pause") this.#paused.add(action.node);
    else if (action.do === "resume") this.#paused.delete(action.node);
  }

  isDone(at: Millis): boolean {
    return !this.#isCut && this.#paused.size === 0 && at >= this.#lastTroubleAt + repairMs;
  }
}

/** Ends what the steps have begun: wakes who hangs, mends the links. The dead stay dead. */
export function closing(steps: readonly Step[]): readonly Action[] {
  const paused = new Set<number>();
  let isCut = false;
  let linksChanged = false;
  for (const step of steps) {
    if (step.do === "pause") paused.add(step.node);
    else if (step.do === "resume") paused.delete(step.node);
    else if (step.do === "partition" || step.do === "cut") isCut = true;
    else if (step.do === "heal") isCut = false;
    else if (step.do === "links") linksChanged = true;
  }
  const end: Action[] = [];
  if (isCut) end.push({ do: "heal" });
  if (linksChanged) end.push({ do: "links", set: { loss: 0, duplication: 0, reordering: 0 } });
  for (const node of paused) end.push({ do: "resume", node });
  return end;
}
