/** One router under the conditions of a comparison. */

import { log } from "../../../core/deterministic-math.ts";
import {
  hashNumbers,
  type Key,
  type KeyedNode,
  type Millis,
  type Random,
  randomKey,
  sample,
  seededRandom,
} from "../../../core/index.ts";
import { type ChurnEvent, churnEvents } from "../../../simulator/index.ts";
import { KeySpace } from "../key-space.ts";
import { type LabRouter, type RouterTuning, stackOf } from "../lab-routers.ts";
import { type AskedLookup, LookupNetwork, type PlannedLookup } from "../lookup-network.ts";
import type { Conditions, RouterRun, Traffic, TrafficSample } from "./comparison.ts";

/** Each purpose has a die of its own: another number of lookups is not another churn. */
const dice = { churn: 1, lookups: 2, fail: 3 } as const;
/** How many of the living a newcomer is told of. */
const bootstrapNodes = 3;
/** For the last answers. */
const patienceMs = 60_000;
const samples = 60;

export interface RouterRunWatch {
  readonly isStopped: () => boolean;
  readonly onProgress: (share: number, events: number, virtualMs: Millis) => void;
}

const unwatched: RouterRunWatch = { isStopped: () => false, onProgress: () => {} };

/** Undefined if it was stopped. */
export function runRouter(
  router: LabRouter,
  conditions: Conditions,
  tuning: RouterTuning = {},
  watch: RouterRunWatch = unwatched,
): RouterRun | undefined {
  return new Run(router, conditions, tuning, watch).run();
}

class Run {
  readonly #router: LabRouter;
  readonly #conditions: Conditions;
  readonly #watch: RouterRunWatch;
  readonly #network: LookupNetwork;
  readonly #churn: readonly ChurnEvent[];
  readonly #endMs: Millis;
  readonly #sampleEveryMs: Millis;
  #sampledAt: Millis = 0;
  #sampledBytes = 0;
  /** The living, times how long they lived. */
  #nodeMs = 0;
  readonly #series: TrafficSample[] = [];
  readonly #judge: Judge;
  readonly #startedAt = performance.now();

  constructor(router: LabRouter, conditions: Conditions, tuning: RouterTuning, watch: RouterRunWatch) {
    this.#router = router;
    this.#conditions = conditions;
    this.#watch = watch;
    this.#churn = churnOf(conditions);
    this.#endMs = joinMs(conditions) + churningMs(conditions);
    this.#sampleEveryMs = Math.max(1, Math.ceil(this.#endMs / samples));
    const { nodes, seed, links, start } = conditions;
    const rows = nodes + this.#churn.filter(({ type }) => type === "join").length;
    const keys = new KeySpace({ seed, rows, hasContacts: true });
    const tableOf = start === "built" ? router.tables(keys.first(nodes), seed, tuning) : undefined;
    this.#network = new LookupNetwork({
      seed,
      rows,
      keys,
      links,
      tableOf: (row) => (row < nodes ? tableOf?.(row) : undefined),
      isWireTrue: true,
      make: (place) => stackOf(router, place, tuning),
    });
    this.#judge = new Judge(this.#network, router);
  }

  run(): RouterRun | undefined {
    const { settleMs, upkeepMs, failShare, seed } = this.#conditions;
    const network = this.#network;
    this.#join();
    this.#planChurn();
    if (!this.#advance(settleMs)) return undefined;
    const upkeep = this.#measured(upkeepMs);
    if (upkeep === undefined) return undefined;
    const { size } = network.living;
    const victims = sample(network.living.all(), Math.round(failShare * size), dieFor(seed, dice.fail));
    for (const row of victims) network.crash(row);
    network.plan(lookupsOf(this.#conditions), {
      options: { count: this.#conditions.count },
      onAsked: (asked) => this.#judge.asked(asked),
      onEnded: (asked) => this.#judge.ended(asked),
    });
    const load = this.#measured(lookingMs(this.#conditions));
    if (load === undefined) return undefined;
    network.finish(patienceMs);
    return this.#result(upkeep, load);
  }

  #join(): void {
    const { nodes, start, joinEveryMs } = this.#conditions;
    const network = this.#network;
    for (let row = 0; row < nodes; row++) {
      if (start === "built") network.start(row);
      else {
        network.start(row, network.living.sample(bootstrapNodes, network.dieOf(row)));
        if (!this.#advance(joinEveryMs)) return;
      }
    }
  }

  /** Sessions of the nodes of the beginning are numbered before those of the newcomers. */
  #planChurn(): void {
    const { nodes } = this.#conditions;
    const network = this.#network;
    network.churn(this.#churn, { firstRow: nodes, bootstrap: bootstrapNodes });
    for (const { row, atMs, isCrash } of firstEnds(this.#conditions)) {
      network.simulation.at(network.time + atMs, () => {
        if (isCrash) network.crash(row);
        else network.leave(row);
      });
    }
  }

  #measured(forMs: Millis): Traffic | undefined {
    const before = this.#traffic;
    if (!this.#advance(forMs)) return undefined;
    const after = this.#traffic;
    return {
      messages: after.messages - before.messages,
      bytes: after.bytes - before.bytes,
      lookupMessages: after.lookupMessages - before.lookupMessages,
      lookupBytes: after.lookupBytes - before.lookupBytes,
      nodeSeconds: after.nodeSeconds - before.nodeSeconds,
    };
  }

  /** False if it was stopped. */
  #advance(forMs: Millis): boolean {
    const network = this.#network;
    const end = network.time + forMs;
    while (network.time < end) {
      if (this.#watch.isStopped()) return false;
      const { time } = network;
      const nextSample = this.#sampledAt + this.#sampleEveryMs;
      network.run(Math.min(nextSample, end) - time);
      this.#nodeMs += network.living.size * (network.time - time);
      if (network.time === nextSample) this.#sample();
    }
    return true;
  }

  #sample(): void {
    const { time, living, simulation } = this.#network;
    const { bytes } = simulation.counters;
    const nodeSeconds = (Math.max(1, living.size) * this.#sampleEveryMs) / 1000;
    this.#series.push({ atMs: time, bytesPerNodeSecond: (bytes - this.#sampledBytes) / nodeSeconds });
    this.#sampledAt = time;
    this.#sampledBytes = bytes;
    this.#watch.onProgress(Math.min(0.999, time / this.#endMs), simulation.counters.events, time);
  }

  /** Until now. */
  get #traffic(): Traffic {
    const { counters } = this.#network.simulation;
    const { byType } = this.#network.sent;
    const ofLookups = this.#router.lookupTypes.map((type) => byType.get(type) ?? { messages: 0, bytes: 0 });
    return {
      messages: counters.messages,
      bytes: counters.bytes,
      lookupMessages: ofLookups.reduce((sum, { messages }) => sum + messages, 0),
      lookupBytes: ofLookups.reduce((sum, { bytes }) => sum + bytes, 0),
      nodeSeconds: this.#nodeMs / 1000,
    };
  }

  #result(upkeep: Traffic, load: Traffic): RouterRun {
    const network = this.#network;
    const rows = network.living.all();
    const contacts = rows.reduce((sum, row) => sum + network.routerOf(row)!.size, 0);
    const joins = this.#churn.filter(({ type }) => type === "join").length;
    return {
      router: this.#router.name,
      seed: this.#conditions.seed,
      ...this.#judge.verdicts(),
      upkeep,
      load,
      series: this.#series,
      contacts: contacts / Math.max(1, rows.length),
      living: rows.length,
      joins,
      ends: this.#churn.length - joins + firstEnds(this.#conditions).length,
      events: network.simulation.counters.events,
      virtualMs: network.time,
      hash: network.simulation.hash,
      wallMs: Math.round(performance.now() - this.#startedAt),
    };
  }
}

/** Holds answers against the truth, which moves while they are under way. */
class Judge {
  readonly #network: LookupNetwork;
  readonly #router: LabRouter;
  readonly #open = new Map<AskedLookup, KeyedNode>();
  readonly #hops: number[] = [];
  readonly #latencies: number[] = [];
  #right = 0;
  #wrong = 0;
  #unanswered = 0;
  #questions = 0;
  #silent = 0;

  constructor(network: LookupNetwork, router: LabRouter) {
    this.#network = network;
    this.#router = router;
  }

  asked(asked: AskedLookup): void {
    this.#open.set(asked, this.#truth(asked.key));
  }

  ended(asked: AskedLookup): void {
    const first = this.#open.get(asked);
    const report = asked.report!;
    if (first === undefined) return;
    this.#open.delete(asked);
    this.#questions += report.asked;
    this.#silent += report.silent;
    const [named] = report.closest;
    if (named === undefined) this.#unanswered++;
    else if (named.key !== first.key && named.key !== this.#truth(asked.key).key) this.#wrong++;
    else {
      this.#right++;
      this.#hops.push(report.hops);
      this.#latencies.push(report.endedAt - report.startedAt);
    }
  }

  verdicts() {
    // Whoever lives has had time enough: it will not answer any more.
    const { living } = this.#network;
    const forgotten = [...this.#open.keys()].filter(({ row }) => living.has(row)).length;
    const unanswered = this.#unanswered + forgotten;
    return {
      asked: this.#right + this.#wrong + unanswered,
      right: this.#right,
      wrong: this.#wrong,
      unanswered,
      abandoned: this.#open.size - forgotten,
      hops: this.#hops,
      latenciesMs: this.#latencies,
      questions: this.#questions,
      silent: this.#silent,
    };
  }

  #truth(key: Key): KeyedNode {
    return this.#network.trueClosest(key, 1, this.#router.order)[0]!;
  }
}

// ---- What the seed says --------------------------------------------------------------------------------------------

function dieFor(seed: number, purpose: number): Random {
  return seededRandom(hashNumbers([seed, purpose]));
}

function joinMs({ start, nodes, joinEveryMs }: Conditions): Millis {
  return start === "built" ? 0 : nodes * joinEveryMs;
}

function lookingMs({ lookups, lookupsPerSecond }: Conditions): Millis {
  return Math.ceil((lookups / lookupsPerSecond) * 1000);
}

function churningMs(conditions: Conditions): Millis {
  return conditions.settleMs + conditions.upkeepMs + lookingMs(conditions);
}

function churnOf(conditions: Conditions): readonly ChurnEvent[] {
  const { churn, seed } = conditions;
  if (churn === undefined) return [];
  return churnEvents({ model: "poisson", ...churn, forMs: churningMs(conditions) }, dieFor(seed, dice.churn));
}

/** When the nodes of the beginning go: an exponential session has no memory of how long it has lasted. */
function firstEnds(conditions: Conditions) {
  const { churn, nodes, seed } = conditions;
  if (churn === undefined) return [];
  const random = dieFor(seed + 1, dice.churn);
  const ends: { readonly row: number; readonly atMs: Millis; readonly isCrash: boolean }[] = [];
  for (let row = 0; row < nodes; row++) {
    const length = random.unit();
    const end = random.unit();
    const atMs = Math.floor(-churn.meanSessionMs * log(1 - length));
    if (atMs < churningMs(conditions)) ends.push({ row, atMs, isCrash: end < churn.crashShare });
  }
  return ends;
}

/** Evenly spread, so that no two parts of the run have another load. */
function lookupsOf(conditions: Conditions): readonly PlannedLookup[] {
  const random = dieFor(conditions.seed, dice.lookups);
  return Array.from({ length: conditions.lookups }, (_, i) => {
    const asker = random.unit();
    const key = randomKey(random);
    return { atMs: Math.floor((i / conditions.lookupsPerSecond) * 1000), asker, key };
  });
}
