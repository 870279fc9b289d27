/** One run of a lookup campaign: a pure function of its draft and seed, so that it can be repeated anywhere. */

import {
  hashNumbers,
  type Key,
  type LookupReport,
  type Millis,
  type Random,
  randomKey,
  seededRandom,
  type Typed,
} from "../../../core/index.ts";
import type { Violation } from "../../../scenario/scenario.ts";
import type { SeedOutcome } from "../../campaign/seed-campaign.ts";
import { LookupNetwork } from "../lookup-network.ts";
import type { Action, Draft, Use } from "./draft.ts";
import { closing, Repair } from "./draw.ts";
import { StoreUse } from "./store-use.ts";
import type { CampaignSubject, Watch } from "./subjects.ts";

/** How many of the living a newcomer is told of. */
const bootstrapNodes = 3;
const joinEveryMs = 300;
/** From the last join to the first step. */
const formMs = 15_000;
/** From the last step to the first question: many rounds of everything, and longer than a suspicion lasts (a minute). */
const calmMs = 75_000;
/** Notices that are counted. */
const noted: ReadonlySet<string> = new Set(["router-joined", "contact-up", "contact-down", "store-left"]);
/** After a power cut nodes come back within this. */
const powerBackMs = 3000;
/** After the calm each node looks up so many random keys. */
const lookupsAtTheEnd = 3;
/** For lookups and operations that have not ended; longer than any deadline. */
const patienceMs = 60_000;
/** How often what waits is counted, to see whether it grows. */
const leakSampleMs = 1000;
const leakSamples = 60;
/** More of the same is a flood, and one is enough to see. */
const mostViolations = 20;

/** Never throws for what goes wrong within: that is a violation. */
export function runOne(subject: CampaignSubject, draft: Draft, seed: number): SeedOutcome {
  return new CampaignRun(subject, draft, seed).run();
}

class CampaignRun {
  readonly #subject: CampaignSubject;
  readonly #draft: Draft;
  readonly #seed: number;
  readonly #network: LookupNetwork;
  readonly #store: StoreUse;
  readonly #violations: Violation[] = [];
  readonly #occurred = new Map<string, number>();
  readonly #watch: Watch | undefined;
  #isBroken = false;
  readonly #repair = new Repair();
  readonly #leaving = new Set<number>();
  #isPowerCut = false;

  constructor(subject: CampaignSubject, draft: Draft, seed: number) {
    this.#subject = subject;
    this.#draft = draft;
    this.#seed = seed;
    const joins = draft.steps.reduce((most, step) => Math.max(most, step.do === "join" ? step.node : 0), 0);
    this.#network = new LookupNetwork({
      seed,
      rows: Math.max(draft.nodes, joins + 1),
      links: draft.links,
      isWireTrue: draft.isWireTrue,
      keepsDisks: true,
      diskMs: draft.diskMs,
      hasMembership: draft.hasMembership,
      make: (place) => subject.make(place),
      onNotice: (_, row, __, notice) => this.#onNotice(row, notice),
      onGone: (row) => this.#onGone(row),
      onMessage: (row, from, message) => this.#watch?.onMessage?.(row, from, message),
    });
    this.#store = new StoreUse(this.#network, (name) => this.#note(name));
    this.#watch = subject.watch?.(this.#network, draft);
  }

  run(): SeedOutcome {
    try {
      this.#form();
      const begin = this.#network.time;
      for (const step of this.#draft.steps) {
        this.#advance(begin + step.at - this.#network.time);
        this.#look();
        if (this.#repair.isDone(step.at)) this.#store.ledger.onCalm();
        this.#repair.onStep(step, step.at);
        this.#do(step);
      }
      this.#advance(1000);
      for (const action of closing(this.#draft.steps)) this.#do(action);
      this.#advance(calmMs);
      this.#look();
      for (const fault of this.#watch?.faultsWhenCalm?.() ?? [])
        this.#violate("pointers-are-exact-after-calm", fault);
      this.#lookEverywhere();
      this.#readEverything();
      this.#lookForLeaks();
    } catch (error) {
      this.#violate("nothing-throws", (error as Error).stack ?? String(error));
    }
    const { counters, links, hash } = this.#network.simulation;
    this.#occurred.set("message-lost", links.counters.lost + links.counters.cut);
    this.#occurred.set("message-duplicated", links.counters.duplicated);
    this.#occurred.set("message-reordered", links.counters.reordered);
    this.#occurred.set("message-malformed", counters.malformed);
    this.#occurred.set("timer-of-an-earlier-life", counters.ofEarlierLives);
    return {
      seed: this.#seed,
      violations: this.#violations,
      occurred: Object.fromEntries(this.#occurred),
      events: counters.events,
      virtualMs: this.#network.time,
      hash,
    };
  }

  // ---- Before, and what the draft says -----------------------------------------------------------------------------

  #form(): void {
    const network = this.#network;
    for (let row = 0; row < this.#draft.nodes; row++) {
      this.#start(row);
      this.#advance(joinEveryMs);
    }
    this.#advance(formMs);
    for (const row of network.living.all())
      if (!network.routerOf(row)!.hasJoined) this.#violate("everybody-joins", `node ${row} has not joined`);
  }

  /** Among the living the first, besides itself, that is responsible for its keys. */
  #nextTo(node: number): number | undefined {
    const { keys } = this.#network;
    const self = keys.nodes[node]!;
    const closest = this.#network.trueClosest(self.key, 2, this.#subject.order);
    const next = closest.find((one) => one !== self);
    return next === undefined ? undefined : keys.rowOf(next.node);
  }

  #leave(row: number): void {
    this.#leaving.add(row);
    this.#network.leave(row);
  }

  #cutPower(): void {
    const network = this.#network;
    this.#isPowerCut = true;
    const rows = network.living.all();
    for (const row of rows) network.crash(row);
    this.#isPowerCut = false;
    for (const row of rows)
      network.simulation.at(network.time + network.dieOf(row).below(powerBackMs), () => {
        if (!network.simulation.isAlive(row)) this.#start(row);
      });
  }

  #start(row: number, keepsDisk = true): void {
    const network = this.#network;
    this.#store.ledger.onStart(row, keepsDisk);
    network.start(row, network.living.sample(bootstrapNodes, network.dieOf(row)), keepsDisk);
  }

  /** What is not possible, because shrinking has left out what came before, is left out too. */
  #do(action: Action): void {
    const { simulation, living } = this.#network;
    switch (action.do) {
      case "crash":
        if (living.has(action.node)) this.#happened("crashed", () => this.#network.crash(action.node));
        return;
      case "restart":
        if (!simulation.isAlive(action.node))
          this.#happened("restarted", () => this.#start(action.node, action.keepsDisk));
        return;
      case "leave":
        if (living.has(action.node)) this.#happened("left", () => this.#leave(action.node));
        return;
      case "crash-next-to": {
        const next = this.#nextTo(action.node);
        if (next !== undefined) this.#happened("crashed-next-to-a-newcomer", () => this.#network.crash(next));
        return;
      }
      case "power-cut":
        this.#happened("power-cut", () => this.#cutPower());
        return;
      case "join":
        if (!simulation.isAlive(action.node)) this.#happened("joined", () => this.#start(action.node, false));
        return;
      case "pause":
        if (living.has(action.node)) this.#happened("paused", () => simulation.pause(action.node));
        return;
      case "resume":
        if (simulation.isPaused(action.node)) this.#happened("resumed", () => simulation.resume(action.node));
        return;
      case "partition":
        this.#happened("partitioned", () => simulation.links.connectivity.partition([[], action.nodes]));
        return;
      case "cut":
        this.#happened("cut", () => simulation.links.connectivity.cut(action.from, action.to));
        return;
      case "heal":
        this.#happened("healed", () => simulation.links.connectivity.heal());
        return;
      case "links":
        this.#happened("links-changed", () => simulation.links.change(action.set));
        return;
      default:
        if (living.has(action.node)) this.#use(action);
    }
  }

  #use(use: Use): void {
    if (use.do === "lookup")
      this.#network.lookup(use.node, use.key, {}, ({ report }) => {
        this.#note(`looked-up-${report!.outcome}`);
        this.#lookAtRoute(use.node, report!);
      });
    else this.#store.operate(use);
  }

  #happened(name: string, what: () => void): void {
    this.#note(name);
    what();
  }

  #advance(forMs: Millis): void {
    if (forMs > 0) this.#network.run(forMs);
  }

  #onGone(row: number): void {
    if (this.#leaving.delete(row)) this.#store.ledger.onLeft(row);
    else if (!this.#isPowerCut) this.#store.ledger.onCrash(row);
    this.#watch?.onGone(row);
    this.#look();
  }

  #onNotice(row: number, notice: Typed): void {
    const { type } = notice;
    this.#store.onNotice(row, notice);
    if (noted.has(type)) this.#note(type);
    this.#watch?.onNotice?.(row, type);
    if (type === "ring-changed") this.#look();
  }

  /** After every step in which something changed. One fault is enough: everything after it follows from it. */
  #look(): void {
    if (this.#watch === undefined || this.#isBroken) return;
    const { fault, name } = this.#watch;
    this.#note(`looked whether ${name}`);
    if (fault === undefined) return;
    this.#isBroken = true;
    this.#violate(name, fault);
  }

  // ---- After the calm ----------------------------------------------------------------------------------------------

  /** Everybody who lives finds who is truly responsible. */
  #lookEverywhere(): void {
    const network = this.#network;
    const random = this.#die(1);
    const wanted = [...this.#store.keys, ...Array.from({ length: lookupsAtTheEnd }, () => randomKey(random))];
    const asked = network.living.all().flatMap((row) => {
      const keys: readonly Key[] = wanted.length <= 6 ? wanted : wanted.slice(-6);
      return keys.map((key) => network.lookup(row, key));
    });
    if (!network.finish(patienceMs)) this.#violate("lookups-end", `${network.pending.length} have not ended`);
    for (const { row, key, report } of asked) {
      if (report === undefined) continue;
      this.#note("looked-up-after-calm");
      this.#lookAtRoute(row, report);
      const [truth] = network.trueClosest(key, 1, this.#subject.order);
      const [named] = report.closest;
      if (named?.key === truth!.key) continue;
      const found = named === undefined ? "nobody" : `node ${network.keys.rowOf(named.node)}`;
      const right = network.keys.rowOf(truth!.node);
      this.#violate(
        "lookups-are-right-after-calm",
        `node ${row} looks up ${key} and finds ${found} (${report.outcome}), not node ${right}`,
      );
    }
  }

  /** Whoever was asked, nobody on the way to it was asked twice, nor is it who asks. */
  #lookAtRoute(row: number, { key, path }: LookupReport): void {
    for (const last of path) {
      const way = [last.node];
      for (let step = path[last.referrer]; step !== undefined && way.length <= path.length; ) {
        way.push(step.node);
        step = path[step.referrer];
      }
      way.push(this.#network.keys.nodes[row]!.node);
      if (new Set(way).size === way.length) continue;
      const rows = way.reverse().map((node) => this.#network.keys.rowOf(node));
      this.#violate("routes-do-not-go-in-circles", `a lookup of ${key} went ${rows.join(" > ")}`);
      return;
    }
  }

  #readEverything(): void {
    for (const { invariant, detail } of this.#store.readEverything(this.#die(2), patienceMs))
      this.#violate(invariant, detail);
  }

  /** When nobody asks for anything, what waits does not become more. */
  #lookForLeaks(): void {
    const network = this.#network;
    if (network.pending.length > 0)
      this.#violate("nothing-is-left-unanswered", `${network.pending.length} requests have no answer`);
    const most = () => {
      let waiting = 0;
      for (let i = 0; i < leakSamples; i++) {
        network.run(leakSampleMs);
        waiting = Math.max(waiting, network.simulation.pending);
      }
      return waiting;
    };
    const before = most();
    const after = most();
    // Noise of a few messages for each node.
    if (after > before * 1.25 + 10 * network.living.size)
      this.#violate("nothing-piles-up", `${before} events waited, and a minute later ${after}`);
  }

  // ---- Small things ------------------------------------------------------------------------------------------------

  #die(purpose: number): Random {
    return seededRandom(hashNumbers([this.#seed, purpose]));
  }

  #note(name: string): void {
    this.#occurred.set(name, (this.#occurred.get(name) ?? 0) + 1);
  }

  #violate(invariant: string, detail: string): void {
    if (this.#violations.length >= mostViolations) return;
    this.#violations.push({ invariant, at: this.#network.time, detail });
  }
}
