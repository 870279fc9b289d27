/**
 * A scenario in virtual time, at the pace of who watches it. What a worker of the page does, without the worker: the
 * same code runs in tests.
 *
 * Somebody may do things to the network by hand. They happen between two virtual milliseconds, when all that was due
 * has happened and before the scenario goes on, and they are written down: with the scenario and the seed that
 * journal makes the same run again, event for event, at whatever speed.
 */
import {
  hashNumbers,
  type Millis,
  type NodeId,
  seededRandom,
  type TraceEvent,
  UsageError,
} from "../../../src/core/index.ts";
import { type Action, checkersFor, runScenario, scenarioOptions } from "../../../src/scenario/index.ts";
import { Selection } from "../../../src/scenario/selector.ts";
import { SimulatedWorld } from "../../../src/scenario/simulated-world.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import { FeedSampler } from "../../../src/trace/sampler.ts";
import type { NodeDetails, NodeOpinion } from "../sources/source.ts";
import { profileIn, withDefaults } from "../sources/trace-about.ts";
import { detailsOf, opinionOf } from "./network-details.ts";
import { NetworkTotals } from "./network-totals.ts";
import { Pacer } from "./pacer.ts";
import type { FromWorker, JournalEntry, NetworkRunConfig, SaidLine } from "./run-messages.ts";

/** Between two of these the worker hears what the page says: some milliseconds. */
const eventsPerSlice = 2000;
const sliceMs = 8;
/** A batch is sent when it has so many events, or so long after the last one. */
const maxBatchEvents = 4000;
const batchEveryMs = 30;
/** Batches that the page has not taken yet; the run waits for it. */
const maxOutstanding = 2;
const totalsEveryMs = 1000;
/** Events for each virtual second that are told; messages beyond it are left out whole. */
const eventsPerSecond = 10_000;
/** Peers that may join by hand. */
const spareRows = 500;

/** What can be done to a simulated network by hand. */
const simulatedHands: readonly Action["do"][] = [
  ..."publish join crash restart pause resume leave partition cut heal links slow drift".split(" "),
] as Action["do"][];

export interface RunHost {
  readonly tell: (message: FromWorker) => void;
  /** Lets messages come in. */
  readonly breathe: () => Promise<void>;
  readonly wallMs?: () => number;
}

interface Act {
  readonly action: Action;
  readonly done: () => void;
  readonly refused: (why: unknown) => void;
}

export class NetworkRun {
  readonly world: SimulatedWorld;
  readonly #config: NetworkRunConfig;
  readonly #host: RunHost;
  readonly #wallMs: () => number;
  readonly #pacer: Pacer;
  readonly #sampler = new FeedSampler({ eventsPerSecond });
  readonly #totals: NetworkTotals;
  readonly #sentMessages: Record<string, number> = {};
  /** Done so far; what the config's journal has beyond that is still to come. */
  readonly #journal: JournalEntry[] = [];
  readonly #planned: JournalEntry[];
  readonly #acts: Act[] = [];
  #isActing = false;
  #sampledAt: Millis = 0;
  #nextTotalsAt: Millis = totalsEveryMs;
  #events: TraceEvent[] = [];
  #said: SaidLine[] = [];
  #batchTotals: FeedTotals[] = [];
  #samplings: FeedSampling[] = [];
  #outstanding = 0;
  #flushedAt = 0;
  #breathedAt = 0;
  #wake: (() => void) | undefined;

  /** Throws `UsageError` for a network that cannot be. */
  constructor(config: NetworkRunConfig, host: RunHost) {
    const { scenario, seed, journal = [], runTo = 0 } = config;
    this.#config = config;
    this.#host = host;
    this.#wallMs = host.wallMs ?? (() => performance.now());
    this.#pacer = new Pacer(this.#wallMs);
    this.#pacer.runTo(runTo);
    this.#planned = [...journal];
    this.world = new SimulatedWorld(scenario, {
      seed,
      pass: (until) => this.#pass(until),
      spareRows,
      keepsDisks: true,
      sizeOf: ({ layer }) => {
        this.#sentMessages[layer] = (this.#sentMessages[layer] ?? 0) + 1;
        return 0;
      },
    });
    this.#totals = new NetworkTotals(this.world.network, this.#sentMessages, this.#wallMs);
    this.world.onEvent((event) => this.#onEvent(event));
  }

  /** Runs, and resolves when the scenario is over. The network lives on. */
  async start(): Promise<void> {
    const { scenario, seed } = this.#config;
    const { world } = this;
    this.#host.tell({ type: "hello", hello: this.#hello() });
    const report = await runScenario(scenario, world, {
      seed,
      say: (text) => this.#said.push({ at: world.now, text }),
      checkers: (observer) => checkersFor(scenario, observer, world),
    });
    this.#flush(true);
    this.#host.tell({ type: "verdict", report });
    void this.#liveOn();
  }

  async #liveOn(): Promise<never> {
    for (;;) await this.world.sleep(totalsEveryMs);
  }

  // ---- From the page ----

  get journal(): readonly JournalEntry[] {
    return this.#journal;
  }

  setSpeed(speed: number): void {
    this.#pacer.setSpeed(speed, this.world.now);
    this.#goOn();
  }

  runTo(at: Millis): void {
    this.#pacer.runTo(at);
    this.#goOn();
  }

  /** The page has room for another batch. */
  taken(): void {
    this.#outstanding--;
    this.#goOn();
  }

  /** Done when this virtual millisecond is over, also while the run stands still. */
  act(action: Action): Promise<void> {
    return new Promise((done, refused) => {
      this.#acts.push({ action, done, refused });
      this.#goOn();
    });
  }

  details(node: NodeId): NodeDetails | undefined {
    return detailsOf(this.world.network, node);
  }

  why(observer: NodeId, member: NodeId): NodeOpinion | undefined {
    return opinionOf(this.world.network, observer, member);
  }

  // ---- Time ----

  /** What the world does to let time pass. */
  async #pass(until: Millis): Promise<void> {
    const { simulation } = this.world.network;
    // What somebody does by hand takes a moment at most, and nobody does something else meanwhile.
    if (this.#isActing) return void simulation.run(until);
    while (simulation.time < until) {
      const limit = Math.max(simulation.time + 1, Math.floor(this.#pacer.limit(simulation.time)));
      await this.#runTo(Math.min(until, limit, this.#nextTotalsAt, this.#plannedAt()));
      await this.#hold();
    }
  }

  /** To the end of that millisecond, so slice by slice that nobody waits for an answer. */
  async #runTo(to: Millis): Promise<void> {
    const { simulation } = this.world.network;
    while (simulation.run(to, eventsPerSlice) === "events") await this.#breathe();
    if (simulation.time >= this.#nextTotalsAt) this.#takeTotals();
  }

  async #breathe(): Promise<void> {
    if (this.#wallMs() - this.#breathedAt >= sliceMs) {
      this.#flush();
      await this.#host.breathe();
      this.#breathedAt = this.#wallMs();
    }
    // In the middle of a millisecond nobody may act, but the page need not take more than it can.
    while (this.#isFull) {
      this.#flush();
      if (this.#isFull) await this.#woken(Number.POSITIVE_INFINITY);
    }
  }

  /** Between two milliseconds: what was planned or asked for is done, and time stands still as long as it has to. */
  async #hold(): Promise<void> {
    for (;;) {
      await this.#doAll();
      await this.#breathe();
      if (this.#acts.length > 0) continue;
      const waitMs = this.#pacer.waitMs(this.world.now);
      if (waitMs <= 0 && this.#outstanding < maxOutstanding) return;
      this.#flush(waitMs > batchEveryMs);
      await this.#woken(waitMs <= 0 ? Number.POSITIVE_INFINITY : waitMs);
    }
  }

  /** Until somebody says something, or so long. */
  #woken(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      // No shorter than a timer of a browser can be.
      if (waitMs < Number.POSITIVE_INFINITY) timer = setTimeout(this.#wake, Math.max(4, waitMs));
    });
  }

  #goOn(): void {
    this.#wake?.();
  }

  // ---- Hands ----

  #plannedAt(): Millis {
    return Math.max(this.world.now + 1, this.#planned[0]?.at ?? Number.POSITIVE_INFINITY);
  }

  async #doAll(): Promise<void> {
    while ((this.#planned[0]?.at ?? Number.POSITIVE_INFINITY) <= this.world.now) {
      const { action } = this.#planned.shift()!;
      try {
        await this.#do(action);
      } catch (error) {
        // Changed from its start, a run may not have the node: that is part of what the change did.
        this.#said.push({ at: this.world.now, text: `not done: ${action.do}: ${textOf(error)}` });
      }
    }
    for (let act = this.#acts.shift(); act !== undefined; act = this.#acts.shift()) {
      try {
        await this.#do(act.action);
        act.done();
      } catch (error) {
        act.refused(error);
      }
    }
  }

  async #do(action: Action): Promise<void> {
    if (!simulatedHands.includes(action.do))
      throw new UsageError(
        `do: ${action.do} is not done by hand in a simulation; there are ${simulatedHands.join(", ")}`,
      );
    this.#isActing = true;
    try {
      for (const one of this.#resolved(action)) {
        // Written down first: what was half done when it failed was done, too.
        this.#journal.push({ at: this.world.now, action: one });
        if (one.do === "publish") for (const row of this.#rowsOf(one.from)) this.#sampler.followNext(row);
        await this.world.perform(one);
      }
    } finally {
      this.#isActing = false;
    }
  }

  /** With names for selectors, and a join for each newcomer. */
  #resolved(action: Action): Action[] {
    if (action.do === "join" && action.name === undefined) {
      const { network } = this.world;
      const joins: Action[] = [];
      for (let number = 1; joins.length < (action.count ?? 1); number++)
        if (network.rowOf(`peer-${number}`) === undefined) joins.push({ do: "join", name: `peer-${number}` });
      return joins;
    }
    const random = seededRandom(hashNumbers([this.#config.seed, this.#journal.length]));
    return [new Selection(() => this.#known(), random).resolve(action)];
  }

  *#known() {
    const { network } = this.world;
    for (const [row, name] of network.names.entries())
      yield {
        name,
        role: network.isSeed(row) ? ("seed" as const) : ("peer" as const),
        isLiving: network.simulation.isAlive(row),
        isPaused: network.simulation.isPaused(row),
      };
  }

  #rowsOf(names: unknown): number[] {
    return (names as readonly string[]).flatMap((name) => this.world.network.rowOf(name) ?? []);
  }

  // ---- To the page ----

  #hello(): FeedHello {
    const { scenario, seed } = this.#config;
    const options = withDefaults({ ...scenarioOptions(scenario) });
    return {
      world: "simulated",
      at: 0,
      startedAt: 0,
      hands: simulatedHands,
      about: {
        profile: profileIn(options),
        options,
        seed,
        links: { ...this.world.network.simulation.links.settings },
      },
    };
  }

  #onEvent(event: TraceEvent): void {
    this.#totals.onEvent(event);
    const { at, node, layer } = event;
    if (at > this.#sampledAt) {
      this.#sampler.pass(at - this.#sampledAt);
      this.#sampledAt = at;
    }
    if (this.#sampler.admits(node, layer, event)) this.#events.push(event);
  }

  #takeTotals(): void {
    const at = this.#nextTotalsAt;
    this.#nextTotalsAt += totalsEveryMs;
    this.#batchTotals.push(this.#totals.take(at));
    const sampling = this.#sampler.sampling(at);
    if (sampling !== undefined) this.#samplings.push(sampling);
  }

  get #isFull(): boolean {
    return this.#events.length >= maxBatchEvents && this.#outstanding >= maxOutstanding;
  }

  /** Sends what there is, if it is time or has to be at once. */
  #flush(isUrgent = false): void {
    const wallMs = this.#wallMs();
    const isDue = isUrgent || wallMs - this.#flushedAt >= batchEveryMs;
    while (this.#outstanding < maxOutstanding && (isDue || this.#events.length >= maxBatchEvents)) {
      const rest =
        this.#events.length + this.#batchTotals.length + this.#said.length + this.#samplings.length;
      if (rest === 0) return;
      this.#flushedAt = wallMs;
      this.#outstanding++;
      this.#host.tell({
        type: "batch",
        events: this.#events.splice(0, maxBatchEvents),
        totals: this.#batchTotals.splice(0),
        samplings: this.#samplings.splice(0),
        said: this.#said.splice(0),
      });
    }
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
