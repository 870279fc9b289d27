import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Environment, InvariantError, type NodeId, type Protocol, UsageError } from "../core/index.ts";
import { latestTime } from "./agenda.ts";
import { HeapAgenda } from "./heap-agenda.ts";
import { type MessageCodec, Simulation, type SimulationConfig } from "./simulation.ts";

// ---- Protocols of our own -------------------------------------------------------------------------------------------

type Order =
  | { readonly type: "say"; readonly to: NodeId; readonly words: unknown }
  | { readonly type: "wait"; readonly ms: number; readonly timer: unknown };

interface Entry {
  readonly time: number;
  /** What the node's clock shows. */
  readonly now: number;
  readonly row: number;
  readonly what: "start" | "hear" | "ring" | "order";
  readonly from?: NodeId;
  readonly words?: unknown;
}

/** Does what it is told and writes down what happens to it. */
class Talker implements Protocol<unknown, unknown, never, Order> {
  readonly #write: (entry: Omit<Entry, "time" | "now" | "row">) => void;

  constructor(write: (entry: Omit<Entry, "time" | "now" | "row">) => void) {
    this.#write = write;
  }

  start(): void {
    this.#write({ what: "start" });
  }
  onMessage(from: NodeId, words: unknown): void {
    this.#write({ what: "hear", from, words });
  }
  onTimer(timer: unknown): void {
    this.#write({ what: "ring", words: timer });
  }
  onCommand(order: Order, env: Environment<unknown, unknown, never>): void {
    this.#write({ what: "order" });
    if (order.type === "say") env.send(order.to, order.words);
    else env.schedule(order.ms, order.timer);
  }
}

/** A few talkers, with a journal of all of them; a way takes 10 ms unless links say something else. */
class Village {
  readonly simulation: Simulation;
  readonly journal: Entry[] = [];
  readonly undeliverable: { time: number; from: number; to: number; reason: string }[] = [];

  constructor(config: Partial<SimulationConfig> = {}) {
    this.simulation = new Simulation({
      seed: 1,
      rows: 4,
      onUndeliverable: (from, to, reason) =>
        this.undeliverable.push({ time: this.simulation.time, from, to, reason }),
      ...config,
      links: { latency: { model: "constant", ms: 10 }, ...config.links },
    });
    for (let row = 0; row < this.simulation.rows; row++) this.host(row);
  }

  host(row: number): void {
    const { simulation } = this;
    const write = (entry: Omit<Entry, "time" | "now" | "row">) =>
      this.journal.push({ time: simulation.time, now: simulation.now, row: simulation.row, ...entry });
    simulation.host(row, new Talker(write));
  }

  say(from: number, to: NodeId, words: unknown, afterMs = 0): void {
    this.simulation.command(from, { type: "say", to, words } satisfies Order, afterMs);
  }
  wait(row: number, ms: number, timer: unknown, afterMs = 0): void {
    this.simulation.command(row, { type: "wait", ms, timer } satisfies Order, afterMs);
  }
  at(time: number, call: (simulation: Simulation) => void): void {
    this.simulation.at(time, () => call(this.simulation));
  }

  /** `[time, words]` of what a node has heard. */
  heard(row: number): [number, unknown][] {
    return this.#words(row, "hear");
  }
  rung(row: number): [number, unknown][] {
    return this.#words(row, "ring");
  }
  words(row: number): unknown[] {
    return this.heard(row).map(([, words]) => words);
  }

  #words(row: number, what: Entry["what"]): [number, unknown][] {
    return this.journal
      .filter((entry) => entry.row === row && entry.what === what)
      .map(({ time, words }) => [time, words]);
  }
}

const streams = { kind: "stream" } as const;

/** Messages and timers at random times to random nodes, everything drawn: whatever there is to disturb. */
class Chatter implements Protocol<number, number, never, never> {
  readonly #rows: number;
  readonly #rounds: number;
  readonly draws: number[] = [];
  /** Time, sender and words of each message. */
  readonly heard: [number, NodeId, number][] = [];

  constructor(rows: number, rounds = 30) {
    this.#rows = rows;
    this.#rounds = rounds;
  }

  start(env: Environment<number, number, never>): void {
    env.schedule(env.random.below(100), this.#rounds);
  }
  onCommand(): void {}
  onMessage(from: NodeId, words: number, env: Environment<number, number, never>): void {
    this.heard.push([env.now, from, words]);
  }
  onTimer(left: number, env: Environment<number, number, never>): void {
    const to = env.random.below(this.#rows);
    const words = env.random.uint32() & 0xffff;
    this.draws.push(to, words);
    env.send(to, words);
    if (left > 0) env.schedule(1 + env.random.below(100), left - 1);
  }
}

/** Small objects instead of numbers, so that they need a codec on the wire; answers half of them. */
class Courier implements Protocol<{ hops: number }, { round: number }, { type: string }, never> {
  readonly #rows: number;
  readonly heard: [time: number, from: NodeId, hops: number][];
  readonly #idOf: (row: number) => NodeId;

  constructor(rows: number, heard: [number, NodeId, number][], idOf: (row: number) => NodeId) {
    this.#rows = rows;
    this.heard = heard;
    this.#idOf = idOf;
  }

  start(env: Environment<{ hops: number }, { round: number }, { type: string }>): void {
    env.schedule(env.random.below(200), { round: 20 });
  }
  onCommand(): void {}
  onMessage(
    from: NodeId,
    { hops }: { hops: number },
    env: Environment<{ hops: number }, { round: number }, { type: string }>,
  ): void {
    this.heard.push([env.now, from, hops]);
    env.notify({ type: hops > 2 ? "far" : "near" });
    if (hops < 5 && env.random.unit() < 0.5) env.send(from, { hops: hops + 1 });
  }
  onTimer(
    { round }: { round: number },
    env: Environment<{ hops: number }, { round: number }, { type: string }>,
  ): void {
    env.send(this.#idOf(env.random.below(this.#rows)), { hops: 0 });
    if (round > 0) env.schedule(100, { round: round - 1 });
  }
}

/** `[length, hops, ...]`: the first byte of what it cannot read is no length. */
const hopsCodec: MessageCodec<{ hops: number }> = {
  maxBytes: 8,
  write({ hops }, target) {
    target[0] = 2 + hops;
    target[1] = hops;
    target.fill(0xee, 2, 2 + hops);
    return 2 + hops;
  },
  read(source, start, end) {
    if (source[start] !== end - start) throw new RangeError("not the length");
    return { hops: source[start + 1]! };
  },
};

function couriers(config: Partial<SimulationConfig>, rows = 12) {
  const heard: [number, NodeId, number][] = [];
  const simulation = new Simulation({
    seed: 5,
    rows,
    ...config,
    links: { latency: { model: "uniform", fromMs: 5, toMs: 90 }, ...config.links },
  });
  for (let row = 0; row < rows; row++)
    simulation.host(row, new Courier(rows, heard, (to) => simulation.idOf(to)));
  return { simulation, heard };
}

// ---- Claims ---------------------------------------------------------------------------------------------------------

describe("messages, timers and commands", () => {
  test("a message arrives after the latency of its way, from whom has sent it", () => {
    const village = new Village();
    village.say(0, 2, "hello", 5);
    village.simulation.run();
    expect(village.journal.filter(({ what }) => what === "hear")).toEqual([
      { time: 15, now: 15, row: 2, what: "hear", from: 0, words: "hello" },
    ]);
  });

  test("what happens at one time happens in the order in which it was planned", () => {
    const village = new Village();
    for (const words of ["a", "b", "c"]) village.say(0, 1, words);
    village.wait(1, 10, "bell");
    village.say(2, 1, "d");
    village.simulation.run();
    expect(village.journal.filter(({ time }) => time === 10).map(({ words }) => words)).toEqual([
      "a",
      "b",
      "c",
      "bell",
      "d",
    ]);
  });

  test("a node may send to itself", () => {
    const village = new Village();
    village.say(3, 3, "me");
    village.simulation.run();
    expect(village.heard(3)).toEqual([[10, "me"]]);
  });

  test.each([[7], [-1], [2 ** 31 - 1], [-(2 ** 31)], [2 ** 31], [2 ** 40], [0.5], [1e300]])(
    "the number %d is what arrives if it is sent or scheduled",
    (number) => {
      const village = new Village();
      village.say(0, 1, number);
      village.wait(0, 3, number);
      village.simulation.run();
      expect(village.words(1)).toEqual([number]);
      expect(village.rung(0)).toEqual([[3, number]]);
      expect(village.simulation.objectsHeld).toBe(0);
    },
  );

  test("a timer fires after its pause, fractions are rounded up, and what lies in the past is now", () => {
    const village = new Village();
    village.wait(0, 2.1, "fraction", 4);
    village.wait(0, 0, "now", 4);
    village.wait(0, -5, "past", 4);
    village.simulation.run();
    expect(village.rung(0)).toEqual([
      [4, "now"],
      [4, "past"],
      [7, "fraction"],
    ]);
  });

  test("timers and messages beyond 2^31 milliseconds come in order and on time", () => {
    const village = new Village();
    const far = 2 ** 31 + 12_345;
    village.wait(0, far, "late");
    village.wait(0, far - 1, { early: true });
    village.wait(1, 2 ** 40, "last");
    village.say(0, 1, "far", far);
    village.simulation.run();
    expect(village.rung(0)).toEqual([
      [far - 1, { early: true }],
      [far, "late"],
    ]);
    expect(village.heard(1)).toEqual([[far + 10, "far"]]);
    expect(village.rung(1)).toEqual([[2 ** 40, "last"]]);
  });

  test("messages to who does not exist are counted, and nothing else happens", () => {
    const village = new Village();
    for (const to of [-1, 4, 2 ** 40, "nobody"]) village.say(0, to, { words: 1 });
    village.simulation.run();
    expect(village.simulation.counters).toMatchObject({ messages: 4, toNobody: 4 });
    expect(village.undeliverable).toEqual([]);
  });

  test("everything is counted under its name", () => {
    const village = new Village({ sizeOf: (message) => String(message).length });
    village.say(0, 1, "four");
    village.say(0, 1, "fifty");
    village.wait(0, 1, 1);
    village.wait(0, 1, "object");
    village.simulation.run();
    expect(village.simulation.counters).toMatchObject({
      events: 8,
      messages: 2,
      bytes: 9,
      timers: 2,
      commands: 4,
      toNobody: 0,
      ofEarlierLives: 0,
    });
  });
});

describe("names", () => {
  const idOf = (row: number) => `node-${row}`;

  test("nodes are called as idOf says: in `self`, as senders and as receivers", () => {
    const village = new Village({ idOf });
    const selves: NodeId[] = [];
    const { simulation } = village;
    village.say(2, "node-1", "hello");
    village.say(2, 1, "that is nobody's name");
    simulation.at(10, () => selves.push(simulation.self));
    simulation.run();
    expect(village.journal.filter(({ what }) => what === "hear")).toEqual([
      { time: 10, now: 10, row: 1, what: "hear", from: "node-2", words: "hello" },
    ]);
    expect(simulation.counters.toNobody).toBe(1);
    expect(simulation.self).toBe("node-1");
    expect([simulation.idOf(3), simulation.rowOf("node-3"), simulation.rowOf("node-4")]).toEqual([
      "node-3",
      3,
      undefined,
    ]);
  });

  test("without idOf the row is the name, and only a row", () => {
    const { simulation } = new Village();
    expect([3, 4, -1, 1.5, "1"].map((id) => simulation.rowOf(id))).toEqual([
      3,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("with names the run is the same as with rows", () => {
    const plain = couriers({});
    const named = couriers({ idOf });
    plain.simulation.run();
    named.simulation.run();
    expect(named.simulation.hash).toBe(plain.simulation.hash);
    expect(named.heard).toEqual(plain.heard.map(([time, from, hops]) => [time, `node-${from}`, hops]));
  });
});

describe("crash and restart", () => {
  test("timers and commands of an earlier life never happen, neither to the dead nor to the next life", () => {
    const village = new Village();
    for (const timer of [1, "object"]) {
      village.wait(0, 100, timer);
      village.wait(0, 300, timer);
    }
    village.say(0, 1, "command of the first life", 300);
    village.at(50, (simulation) => simulation.crash(0));
    village.at(200, () => village.host(0));
    village.wait(1, 300, "others go on");
    village.simulation.run();
    expect(village.rung(0)).toEqual([]);
    expect(village.heard(1)).toEqual([]);
    expect(village.rung(1)).toEqual([[300, "others go on"]]);
    expect(village.simulation.counters.ofEarlierLives).toBe(5);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("the second life has timers of its own", () => {
    const village = new Village();
    village.simulation.crash(0);
    village.host(0);
    village.wait(0, 5, "mine");
    village.simulation.run();
    expect(village.rung(0)).toEqual([[5, "mine"]]);
  });

  test("a datagram for the dead is nobody's, one that finds the next life is delivered", () => {
    const village = new Village();
    village.say(1, 0, "lost", 0);
    village.say(1, 0, { found: true }, 15);
    village.at(5, (simulation) => simulation.crash(0));
    village.at(20, () => village.host(0));
    village.simulation.run();
    expect(village.heard(0)).toEqual([[25, { found: true }]]);
    expect(village.simulation.counters.toNobody).toBe(1);
    expect(village.undeliverable).toEqual([]); // of datagrams nobody hears
  });

  test("what the dead have sent arrives all the same", () => {
    const village = new Village();
    village.say(0, 1, "farewell");
    village.at(5, (simulation) => simulation.crash(0));
    village.simulation.run();
    expect(village.heard(1)).toEqual([[10, "farewell"]]);
  });

  test("a command to the dead, or from before the first life, does not happen", () => {
    const { simulation, ...village } = new Village();
    simulation.crash(0);
    simulation.command(0, { type: "say", to: 1, words: 1 });
    simulation.run();
    expect(village.journal.filter(({ what }) => what !== "start")).toEqual([]);
    expect(simulation.counters).toMatchObject({ commands: 0, ofEarlierLives: 1 });

    const empty = new Simulation({ seed: 1, rows: 1 });
    empty.command(0, { type: "say" });
    empty.host(0, new Talker(() => {}));
    empty.run();
    expect(empty.counters).toMatchObject({ commands: 0, ofEarlierLives: 1 });
  });

  test("a node that is started in the middle of another's turn takes nothing from it", () => {
    const village = new Village({
      onNotice: () => {
        village.simulation.crash(3);
        village.host(3);
      },
    });
    const { simulation } = village;
    const before: unknown[] = [];
    const after: unknown[] = [];
    const look = () => [simulation.row, simulation.self, simulation.now, simulation.random.row];
    simulation.crash(0);
    simulation.setClock(0, 0, 1000);
    simulation.host(0, {
      start() {},
      onMessage() {},
      onTimer() {},
      onCommand(_: unknown, env: Environment) {
        before.push(...look());
        env.notify({ type: "start somebody" });
        after.push(...look());
        env.send(1, "still me");
      },
    });
    simulation.command(0, {}, 7);
    simulation.run();
    expect(before).toEqual([0, 0, 1007, 0]);
    expect(after).toEqual(before);
    expect(village.journal.at(-1)).toMatchObject({ row: 1, from: 0, words: "still me" });
  });

  test("nobody is interrupted in a handler: crashing who is in the middle of something is refused", () => {
    const errors: unknown[] = [];
    const protocol: Protocol = {
      start: (env) => env.notify({ type: "started" }),
      onMessage() {},
      onCommand: (_, env) => env.notify({ type: "done" }),
      onTimer() {},
    };
    const simulation = new Simulation({
      seed: 1,
      rows: 2,
      onNotice: (row) => {
        try {
          simulation.crash(row);
        } catch (error) {
          errors.push(error);
        }
        simulation.at(simulation.time, () => simulation.crash(row));
      },
    });
    simulation.host(0, protocol);
    simulation.host(1, protocol);
    simulation.command(1, {});
    simulation.run();
    expect(errors.map(String)).toEqual(
      [0, 1].map((row) => `UsageError: row: node ${row} is in the middle of something; crash it with \`at\``),
    );
    expect([simulation.isAlive(0), simulation.isAlive(1)]).toEqual([false, false]);
    simulation.crash(1); // as often as one likes
  });
});

describe("pause and resume", () => {
  test("messages, timers and commands wait for a paused node, and happen in their order when it resumes", () => {
    const village = new Village();
    village.wait(0, 30, "timer");
    village.say(1, 0, "first", 10);
    village.say(1, 0, "third", 40);
    village.at(5, (simulation) => simulation.pause(0));
    village.at(100, (simulation) => {
      expect(simulation.isPaused(0)).toBe(true);
      simulation.resume(0);
      expect(simulation.isPaused(0)).toBe(false);
    });
    village.simulation.run();
    expect(
      village.journal
        .filter(({ row, time }) => row === 0 && time > 0)
        .map(({ time, words }) => [time, words]),
    ).toEqual([
      [100, "first"],
      [100, "timer"],
      [100, "third"],
    ]);
  });

  test("what arrives in the millisecond of resuming does not overtake what has waited", () => {
    const village = new Village();
    village.simulation.pause(0);
    for (const [i, afterMs] of [20, 90, 90, 91].entries()) village.say(1, 0, i, afterMs);
    // Planned before the messages of this millisecond have been sent, so that it comes before them.
    village.at(100, (simulation) => simulation.resume(0));
    village.simulation.run();
    expect(village.heard(0)).toEqual([
      [100, 0],
      [100, 1],
      [100, 2],
      [101, 3],
    ]);
  });

  test("who is paused again at once has heard nothing", () => {
    const village = new Village();
    village.simulation.pause(0);
    village.say(1, 0, "wait");
    village.at(50, (simulation) => {
      simulation.resume(0);
      simulation.pause(0);
    });
    village.simulation.run(60);
    expect(village.heard(0)).toEqual([]);
    expect(village.simulation.isPaused(0)).toBe(true);
    village.simulation.resume(0);
    village.simulation.run();
    expect(village.heard(0)).toEqual([[60, "wait"]]);
  });

  test("what waited for a node that crashes is gone, for its next life too", () => {
    const village = new Village();
    village.simulation.pause(0);
    village.say(1, 0, { words: 1 });
    village.wait(0, 5, { timer: 1 });
    village.at(50, (simulation) => {
      simulation.resume(0);
      simulation.crash(0);
      village.host(0);
    });
    village.simulation.run();
    expect(village.heard(0)).toEqual([]);
    expect(village.simulation.objectsHeld).toBe(0);
    expect(village.simulation.isPaused(0)).toBe(false);
  });

  test("a node keeps at most 20,000 messages while it is paused; timers are kept in any case", () => {
    const village = new Village();
    village.simulation.pause(0);
    for (let i = 0; i < 20_003; i++) village.say(1, 0, { i });
    village.simulation.command(0, { type: "wait", ms: 0, timer: "kept" });
    village.at(50, (simulation) => simulation.resume(0));
    village.simulation.run();
    expect(village.heard(0)).toHaveLength(19_999); // and the command
    expect(village.rung(0)).toEqual([[50, "kept"]]);
    expect(village.simulation.counters.overflowed).toBe(4);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("resuming who is not paused, and pausing the dead, are nothing", () => {
    const village = new Village();
    village.simulation.resume(0);
    village.simulation.crash(1);
    village.simulation.pause(1);
    expect(village.simulation.isPaused(1)).toBe(false);
    village.host(1);
    village.say(0, 1, "hello");
    village.simulation.run();
    expect(village.words(1)).toEqual(["hello"]);
  });
});

describe("slow nodes", () => {
  test("a slow node takes its time for each event, one after the other", () => {
    const village = new Village();
    village.simulation.slowDown(0, 100);
    for (const words of ["a", "b", "c"]) village.say(1, 0, words);
    village.say(1, 0, "later", 1000);
    village.simulation.run();
    expect(village.heard(0)).toEqual([
      [110, "a"],
      [210, "b"],
      [310, "c"],
      [1110, "later"],
    ]);
  });

  test("fractions of milliseconds add up", () => {
    const village = new Village();
    village.simulation.slowDown(0, 0.25);
    for (let i = 0; i < 8; i++) village.say(1, 0, i);
    village.simulation.run();
    expect(village.heard(0).map(([time]) => time)).toEqual([11, 11, 11, 11, 12, 12, 12, 12]);
    expect(village.words(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("who becomes quick again first does what waits: nothing is overtaken", () => {
    const village = new Village();
    village.simulation.slowDown(0, 100);
    village.say(1, 0, "a");
    village.say(1, 0, "b");
    village.at(50, (simulation) => simulation.slowDown(0, 0));
    village.say(1, 0, "c", 90);
    village.say(1, 0, "d", 200); // arrives with b
    village.say(1, 0, "e", 201);
    village.simulation.run();
    expect(village.heard(0)).toEqual([
      [110, "a"],
      [210, "b"],
      [210, "c"],
      [210, "d"],
      [211, "e"],
    ]);
  });

  test("what a slow node had not come to when it crashed is gone; its next life is quick", () => {
    const village = new Village();
    village.simulation.slowDown(0, 100);
    for (const i of [1, 2, 3]) village.say(1, 0, { old: i });
    village.wait(0, 0, { timer: "old" });
    village.at(350, (simulation) => {
      simulation.crash(0);
      village.host(0);
    });
    village.say(1, 0, "new", 360);
    village.simulation.run();
    expect(village.heard(0)).toEqual([
      [200, { old: 1 }], // the order to wait came first
      [300, { old: 2 }],
      [370, "new"],
    ]);
    expect(village.rung(0)).toEqual([]);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("a next life that is slow, too, has a queue of its own", () => {
    const village = new Village();
    village.simulation.slowDown(0, 100);
    for (const i of [1, 2, 3]) village.say(1, 0, { old: i });
    village.at(50, (simulation) => {
      simulation.crash(0);
      village.host(0);
      simulation.slowDown(0, 200);
    });
    village.say(1, 0, "new", 50);
    village.simulation.run();
    expect(village.heard(0)).toEqual([[260, "new"]]);
  });

  test("a node that crashes while it is slow and paused is simply dead", () => {
    const village = new Village();
    village.simulation.slowDown(0, 100);
    village.say(1, 0, { words: 1 });
    village.say(1, 0, { words: 2 }, 100);
    village.at(50, (simulation) => simulation.pause(0));
    village.at(150, (simulation) => simulation.crash(0));
    village.simulation.run();
    expect(village.heard(0)).toEqual([]);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("slow and paused: order is kept, and the pause is no working time", () => {
    const village = new Village();
    village.simulation.slowDown(0, 100);
    for (const words of ["a", "b"]) village.say(1, 0, words);
    village.at(50, (simulation) => simulation.pause(0));
    village.say(1, 0, "c", 300);
    village.at(500, (simulation) => simulation.resume(0));
    village.simulation.run();
    expect(village.heard(0)).toEqual([
      [500, "a"],
      [500, "b"],
      [600, "c"],
    ]);
  });

  test("a long queue is worked off in order, and has an end", () => {
    const village = new Village();
    village.simulation.slowDown(0, 1);
    for (let i = 0; i < 20_005; i++) village.say(1, 0, { i });
    village.simulation.run();
    expect(village.words(0)).toEqual(Array.from({ length: 20_000 }, (_, i) => ({ i })));
    expect(village.simulation.counters.overflowed).toBe(5);
    expect(village.simulation.objectsHeld).toBe(0);
  });
});

describe("clocks", () => {
  test("a clock that runs fast shows more, fires earlier, and is right about how long it waited", () => {
    const village = new Village();
    village.simulation.setClock(0, 0.25);
    village.wait(0, 1000, "ring", 100);
    village.simulation.run();
    const [order, ring] = village.journal.filter(({ row, time }) => row === 0 && time > 0);
    expect([order!.time, order!.now]).toEqual([100, 125]);
    expect([ring!.time, ring!.now]).toEqual([900, 1125]);
  });

  test("others do not notice, nor does a message", () => {
    const village = new Village();
    village.simulation.setClock(0, -0.5, 5000);
    village.say(0, 1, "hello");
    village.wait(1, 20, "ring");
    village.simulation.run();
    expect(village.journal.filter(({ row, time }) => row === 1 && time > 0)).toEqual([
      { time: 10, now: 10, row: 1, what: "hear", from: 0, words: "hello" },
      { time: 20, now: 20, row: 1, what: "ring", words: "ring" },
    ]);
  });

  test("what is told outside has true times", () => {
    const times: number[] = [];
    const { simulation } = new Village({ onNotice: (_row, _notice, at) => times.push(at) });
    simulation.crash(0);
    simulation.setClock(0, 1, 500);
    simulation.host(0, {
      start() {},
      onMessage() {},
      onTimer() {},
      onCommand: (_: unknown, env: Environment) => env.notify({ type: "now" }),
    });
    simulation.command(0, {}, 40);
    simulation.at(70, () => times.push(simulation.now));
    simulation.run();
    expect(times).toEqual([40, 70]);
  });

  interface ClockChange {
    readonly afterMs: number;
    readonly rate: number;
    readonly offsetMs: number;
    readonly waits: readonly number[];
  }

  /** What the clock of a node shows at each of its events, and how early each timer was that no change has met. */
  function watchClock(changes: readonly ClockChange[], spacingMs = 37): { shown: number[]; early: number[] } {
    const simulation = new Simulation({ seed: 1, rows: 1 });
    const shown: number[] = [];
    const early: number[] = [];
    let setting = 0;
    simulation.host(0, {
      start() {},
      onMessage() {},
      onCommand({ ms }: { ms: number }, env: Environment) {
        shown.push(env.now);
        env.schedule(ms, { due: env.now + ms, setting });
      },
      onTimer(timer: { due: number; setting: number }, env: Environment) {
        shown.push(env.now);
        if (timer.setting === setting) early.push(timer.due - env.now);
      },
    });
    let time = 0;
    for (const { afterMs, rate, offsetMs, waits } of changes) {
      time += afterMs;
      simulation.at(time, () => {
        setting++;
        simulation.setClock(0, rate, offsetMs);
        for (const [i, ms] of waits.entries()) simulation.command(0, { ms }, spacingMs * i);
      });
    }
    simulation.run();
    return { shown, early };
  }

  const clockChanges = (leastOffsetMs: number) =>
    fc.array(
      fc.record({
        afterMs: fc.nat(5000),
        rate: fc.oneof(
          fc.constantFrom(0.001, -0.001, 0.1, 1 / 3),
          fc.double({ min: -0.9, max: 3, noNaN: true }),
        ),
        offsetMs: fc.integer({ min: leastOffsetMs, max: 3000 }),
        waits: fc.array(fc.nat(4000), { maxLength: 8 }),
      }),
      { minLength: 1, maxLength: 6 },
    );

  test("a timer never fires early by the clock of its node, at whatever rate that runs", () => {
    let timers = 0;
    fc.assert(
      fc.property(clockChanges(0), (changes) => {
        const { early } = watchClock(changes);
        timers += early.length;
        expect(Math.max(0, ...early)).toBe(0);
      }),
      { seed: 3, numRuns: 1000 },
    );
    expect(timers).toBeGreaterThan(1000);
  });

  test("rounding makes no timer early, where a pause is a whole number of true milliseconds", () => {
    for (const rate of [0.001, -0.001, 0.1, -0.1, 0.3, -0.3]) {
      const waits = Array.from({ length: 2000 }, (_, i) => Math.round(i * (1 + rate)));
      const { early } = watchClock([{ afterMs: 7, rate, offsetMs: 0, waits }], 0);
      expect(early).toHaveLength(2000);
      expect(Math.max(0, ...early)).toBe(0);
      expect(Math.min(...early)).toBeGreaterThanOrEqual(-2); // nor later than needed
    }
  });

  test("no clock ever goes back, whatever is done to it, and all show whole milliseconds", () => {
    fc.assert(
      fc.property(clockChanges(-3000), (changes) => {
        const { shown } = watchClock(changes);
        expect(shown).toEqual([...shown].sort((a, b) => a - b));
        expect(shown.every(Number.isInteger)).toBe(true);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  test("a clock that is put back stands still until it is right", () => {
    const village = new Village();
    village.at(100, (simulation) => simulation.setClock(0, 0, -50));
    for (const ms of [99, 101, 149, 151]) village.wait(0, 1000, "", ms);
    village.simulation.run(160);
    expect(village.journal.filter(({ what }) => what === "order").map(({ now }) => now)).toEqual([
      99, 100, 100, 101,
    ]);
  });
});

describe("datagrams and cuts", () => {
  test("a cut loses what is sent during it and what arrives during it, and nothing else", () => {
    const village = new Village();
    village.at(20, ({ links }) => links.connectivity.partition([[0], [1, 2, 3]]));
    village.at(30, ({ links }) => links.connectivity.heal());
    const words: number[] = [];
    for (let ms = 0; ms < 60; ms++) {
      village.say(0, 1, ms, ms);
      const [sent, arrives] = [ms, ms + 10];
      const isCutAt = (time: number) => time >= 20 && time < 30;
      if (!isCutAt(sent) && !isCutAt(arrives)) words.push(ms);
    }
    village.simulation.run();
    expect(village.words(1)).toEqual(words);
    expect(village.simulation.links.counters.cut).toBe(20);
    expect(village.undeliverable).toEqual([]);
  });

  test("objects and numbers that are cut off leave nothing behind", () => {
    const village = new Village();
    for (const words of [1, { words: 1 }]) for (const ms of [0, 15]) village.say(0, 1, words, ms);
    village.at(5, ({ links }) => links.connectivity.cut(0, 1));
    village.simulation.run();
    expect(village.heard(1)).toEqual([]);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("a one-way cut is one way", () => {
    const village = new Village();
    village.simulation.links.connectivity.cut(0, 1);
    village.say(0, 1, "there");
    village.say(1, 0, "back");
    village.say(0, 2, "elsewhere");
    village.simulation.run();
    expect([village.words(0), village.words(1), village.words(2)]).toEqual([["back"], [], ["elsewhere"]]);
  });

  test("a cut keeps messages from the paused and the slow, too: they had not arrived", () => {
    const village = new Village();
    village.simulation.pause(1);
    village.simulation.slowDown(2, 50);
    for (const to of [1, 2]) village.say(0, to, { words: 1 });
    village.at(5, ({ links }) => links.connectivity.partition([[0], [1, 2, 3]]));
    village.at(30, ({ links }) => links.connectivity.heal());
    village.at(40, (simulation) => simulation.resume(1));
    village.simulation.run();
    expect([village.words(1), village.words(2)]).toEqual([[], []]);
    expect(village.simulation.links.counters.cut).toBe(2);
  });

  test("what has arrived before the cut is not taken away from a paused or slow node", () => {
    const village = new Village();
    village.simulation.pause(1);
    village.simulation.slowDown(2, 50);
    for (const to of [1, 2]) village.say(0, to, "here already");
    village.at(20, ({ links }) => links.connectivity.partition([[0], [1, 2, 3]]));
    village.at(40, (simulation) => simulation.resume(1));
    village.simulation.run();
    expect([village.heard(1), village.heard(2)]).toEqual([[[40, "here already"]], [[60, "here already"]]]);
  });

  test("loss and duplication happen as often as the settings say, and are counted", () => {
    const village = new Village({ links: { loss: 0.2, duplication: 0.1 } });
    const sent = 10_000;
    for (let i = 0; i < sent; i++) village.say(0, 1, { i });
    village.simulation.run();
    const { lost, duplicated } = village.simulation.links.counters;
    // Six standard deviations of a binomial distribution.
    expect(Math.abs(lost - 0.2 * sent)).toBeLessThan(6 * Math.sqrt(sent * 0.16));
    expect(Math.abs(duplicated - 0.08 * sent)).toBeLessThan(6 * Math.sqrt(sent * 0.08));
    expect(village.heard(1)).toHaveLength(sent - lost + duplicated);
    const copies = new Map<number, number>();
    for (const [, { i }] of village.heard(1) as [number, { i: number }][])
      copies.set(i, (copies.get(i) ?? 0) + 1);
    expect([...copies.values()].filter((count) => count === 2)).toHaveLength(duplicated);
    expect(village.simulation.objectsHeld).toBe(0);
  });
});

describe("streams", () => {
  test("messages of a pair arrive in their order, whatever their latency and loss", () => {
    const village = new Village({
      links: { kind: "stream", loss: 0.2, latency: { model: "uniform", fromMs: 1, toMs: 500 } },
    });
    for (let i = 0; i < 300; i++) village.say(i % 3, 3, { from: i % 3, i }, i);
    village.simulation.run();
    const heard = village.words(3) as { from: number; i: number }[];
    expect(heard).toHaveLength(300);
    expect(heard).not.toEqual([...heard].sort((a, b) => a.i - b.i)); // pairs do not wait for each other
    for (const from of [0, 1, 2]) {
      const own = heard.filter((message) => message.from === from).map(({ i }) => i);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });

  test("a cut holds messages back and loses none: they go on when it heals", () => {
    const village = new Village({ links: streams });
    village.say(0, 1, "under way", 0);
    village.say(0, 1, "not sent yet", 7);
    village.at(5, ({ links }) => links.connectivity.partition([[0], [1, 2, 3]]));
    village.at(100, ({ links }) => links.connectivity.heal());
    village.say(0, 1, "afterwards", 105);
    village.simulation.run();
    expect(village.heard(1)).toEqual([
      [100, "under way"], // it waits at the cut
      [110, "not sent yet"], // it has the whole way before it
      [115, "afterwards"],
    ]);
    expect(village.undeliverable).toEqual([]);
    expect(village.simulation.counters.resets).toBe(0);
  });

  test("streams go on when another partition leaves both ends on one side", () => {
    const village = new Village({ links: streams });
    village.simulation.links.connectivity.partition([[0], [1, 2, 3]]);
    village.say(0, 1, "hello");
    village.at(50, ({ links }) =>
      links.connectivity.partition([
        [0, 1],
        [2, 3],
      ]),
    );
    village.say(0, 2, "not to you");
    village.simulation.run(1000);
    expect([village.heard(1), village.heard(2)]).toEqual([[[60, "hello"]], []]);
  });

  test("any cuts, partitions and heals: each stream stays in order and loses nothing", () => {
    const step = fc.record({
      afterMs: fc.nat(120),
      change: fc.constantFrom("cut", "cut back", "partition", "regroup", "heal", "heal"),
    });
    const history = fc.record({
      steps: fc.array(step, { maxLength: 15 }),
      says: fc.array(fc.record({ ms: fc.nat(800), from: fc.nat(2), to: fc.nat(2) }), { maxLength: 60 }),
      // 0: many things happen in one millisecond.
      toMs: fc.constantFrom(0, 5, 200),
      loss: fc.constantFrom(0, 0.3),
    });
    let held = 0;
    fc.assert(
      fc.property(history, fc.nat(), ({ steps, says, toMs, loss }, seed) => {
        const village = new Village({
          seed,
          links: { kind: "stream", loss, latency: { model: "uniform", fromMs: 0, toMs } },
        });
        const { connectivity } = village.simulation.links;
        const changes = {
          cut: () => connectivity.cut(0, 1),
          "cut back": () => connectivity.cut([1, 2], 0),
          partition: () => connectivity.partition([[0], [1, 2, 3]]),
          regroup: () =>
            connectivity.partition([
              [0, 1],
              [2, 3],
            ]),
          heal: () => connectivity.heal(),
        };
        let time = 0;
        for (const { afterMs, change } of steps) {
          time += afterMs;
          village.at(time, changes[change as keyof typeof changes]);
        }
        village.at(5000, changes.heal);
        const sorted = [...says].sort((a, b) => a.ms - b.ms);
        for (const [i, { ms, from, to }] of sorted.entries()) village.say(from, to, { from, i }, ms);
        village.simulation.run(2000);
        held += village.simulation.objectsHeld;
        village.simulation.run();
        for (const to of [0, 1, 2]) {
          for (const from of [0, 1, 2]) {
            const sent = sorted.flatMap((one, i) => (one.from === from && one.to === to ? [i] : []));
            const heard = (village.words(to) as { from: number; i: number }[]).filter(
              (one) => one.from === from,
            );
            expect(heard.map(({ i }) => i)).toEqual(sent);
          }
        }
        expect(village.simulation.counters.resets).toBe(0);
        expect(village.simulation.objectsHeld).toBe(0);
      }),
      { seed: 11, numRuns: 400 },
    );
    expect(held).toBeGreaterThan(1000); // or the cuts would have proven nothing
  });

  test("what is held pays for its bytes when it goes on", () => {
    const village = new Village({
      links: { kind: "stream", uploadBytesPerSecond: 1000 },
      sizeOf: () => 500,
    });
    village.simulation.links.connectivity.cut(0, 1);
    village.say(0, 1, "a");
    village.say(0, 1, "b");
    village.at(100, ({ links }) => links.connectivity.heal());
    village.simulation.run();
    expect(village.heard(1)).toEqual([
      [610, "a"],
      [1110, "b"],
    ]);
  });

  test("after resetAfterMs of a cut both ends learn that the stream is lost, and what it held is gone", () => {
    const village = new Village({ links: { kind: "stream", resetAfterMs: 1000 } });
    village.say(0, 1, { words: "met the cut" });
    village.say(0, 1, { words: "never sent" }, 20);
    village.at(5, ({ links }) => links.connectivity.partition([[0], [1, 2, 3]]));
    village.at(2000, ({ links }) => links.connectivity.heal());
    village.say(0, 1, "a new stream", 2010);
    village.simulation.run();
    expect(village.undeliverable).toEqual([
      { time: 1010, from: 0, to: 1, reason: "reset" },
      { time: 1010, from: 1, to: 0, reason: "reset" },
    ]);
    expect(village.heard(1)).toEqual([[2020, "a new stream"]]);
    expect(village.simulation.counters.resets).toBe(1);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("a stream that heals in the last millisecond is not reset; if it is cut again at once, it has its time again", () => {
    for (const isCutAgain of [false, true]) {
      const village = new Village({ links: { kind: "stream", resetAfterMs: 1000 } });
      const { connectivity } = village.simulation.links;
      village.at(5, () => connectivity.cut(0, 1));
      village.say(0, 1, { words: 1 });
      village.at(1010, () => connectivity.heal());
      // Planned late, so that it comes after the end of the stream's time, in the same millisecond.
      if (isCutAgain) village.at(20, () => village.at(1010, () => connectivity.cut(0, 1)));
      village.simulation.run();
      expect(village.heard(1)).toEqual(isCutAgain ? [] : [[1010, { words: 1 }]]);
      expect(village.undeliverable.map(({ time }) => time)).toEqual(isCutAgain ? [2010, 2010] : []);
      expect(village.simulation.objectsHeld).toBe(0);
    }
  });

  test("a paused end learns of the reset when it resumes, a dead one never", () => {
    const village = new Village({ links: { kind: "stream", resetAfterMs: 1000 } });
    village.simulation.links.connectivity.partition([
      [0, 2],
      [1, 3],
    ]);
    village.say(0, 1, "a");
    village.say(2, 3, "b");
    village.at(500, (simulation) => {
      simulation.pause(0);
      simulation.crash(2);
      village.host(2); // a life that knows nothing of that stream
    });
    village.at(3000, (simulation) => simulation.resume(0));
    village.simulation.run();
    expect(village.undeliverable).toEqual([
      { time: 1000, from: 1, to: 0, reason: "reset" },
      { time: 1000, from: 3, to: 2, reason: "reset" },
      { time: 3000, from: 0, to: 1, reason: "reset" },
    ]);
  });

  test("a process that crashed behind the cut took the stream with it: the next one gets nothing of it", () => {
    const village = new Village({ links: streams });
    village.simulation.links.connectivity.cut(0, 1);
    village.say(0, 1, { words: "to the old process" });
    village.at(50, (simulation) => {
      simulation.crash(1);
      village.host(1);
    });
    village.at(100, ({ links }) => links.connectivity.heal());
    village.say(0, 1, "to the new process", 200);
    village.simulation.run();
    expect(village.heard(1)).toEqual([[210, "to the new process"]]);
    expect(village.undeliverable).toEqual([{ time: 100, from: 0, to: 1, reason: "reset" }]);
    expect(village.simulation.objectsHeld).toBe(0);
  });

  test("the sender learns that a process is dead after the time of two ways; from datagrams it never does", () => {
    for (const kind of ["stream", "datagram"] as const) {
      const village = new Village({ links: { kind } });
      village.simulation.crash(1);
      village.say(0, 1, { words: 1 });
      village.simulation.run();
      expect(village.undeliverable).toEqual(
        kind === "stream" ? [{ time: 20, from: 0, to: 1, reason: "dead" }] : [],
      );
      expect(village.simulation.counters.toNobody).toBe(1);
      expect(village.simulation.objectsHeld).toBe(0);
    }
  });

  test("datagrams beside them are lost, doubled and cut off where streams are late, in order and held back", () => {
    const isDatagram = (message: { words: number }) => message.words < 0;
    const village = new Village({ links: { kind: "stream", loss: 0.5 }, isDatagram });
    const { simulation } = village;
    for (let i = 1; i <= 100; i++) {
      village.say(0, 1, { words: i }, i);
      village.say(0, 1, { words: -i }, i);
    }
    simulation.run();
    const said = village.heard(1).map(([, message]) => (message as { words: number }).words);
    expect(said.filter((words) => words > 0)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    const lost = 100 - said.filter((words) => words < 0).length;
    expect(lost).toBeGreaterThan(25);
    expect(lost).toBeLessThan(75);
    expect(simulation.links.counters.lost).toBe(lost);

    const cut = new Village({ links: { kind: "stream", duplication: 1 }, isDatagram });
    cut.say(0, 1, { words: -1 }, 0);
    cut.simulation.at(20, () => cut.simulation.links.connectivity.cut(0, 1));
    cut.say(0, 1, { words: -3 }, 15); // under way when it is cut
    cut.say(0, 1, { words: -2 }, 50);
    cut.say(0, 1, { words: 2 }, 50);
    cut.simulation.at(100, () => cut.simulation.links.connectivity.heal());
    cut.simulation.run();
    expect(cut.heard(1).map(([, message]) => (message as { words: number }).words)).toEqual([-1, -1, 2]);

    const dead = new Village({ links: streams, isDatagram });
    dead.simulation.crash(1);
    dead.say(0, 1, { words: -1 });
    dead.simulation.run();
    expect(dead.undeliverable).toEqual([]);
  });

  test("the refusal takes the way back", () => {
    const latency = {
      model: "zones",
      matrixMs: [
        [0, 10],
        [30, 0],
      ],
    } as const;
    const village = new Village({ links: { kind: "stream", latency } });
    village.simulation.crash(1);
    village.say(0, 1, 1);
    village.say(0, 1, 2, 100);
    village.at(100, ({ links }) => links.connectivity.cut(1, 0)); // on which there is none now
    village.simulation.run();
    expect(village.undeliverable).toEqual([{ time: 40, from: 0, to: 1, reason: "dead" }]);
  });

  test("nobody is told what concerned an earlier life, and the dead are told nothing", () => {
    const village = new Village({ links: streams });
    village.simulation.crash(1);
    village.say(0, 1, "from a life that ends");
    village.say(2, 1, "from one who dies");
    village.at(15, (simulation) => {
      simulation.crash(0);
      village.host(0);
      simulation.crash(2);
    });
    village.simulation.run();
    expect(village.undeliverable).toEqual([]);
  });

  test("a held stream has room for 20,000 messages", () => {
    const village = new Village({ links: streams });
    village.simulation.links.connectivity.cut(0, 1);
    for (let i = 0; i < 20_002; i++) village.say(0, 1, { i });
    village.at(50, ({ links }) => links.connectivity.heal());
    village.simulation.run();
    expect(village.heard(1)).toHaveLength(20_000);
    expect(village.simulation.counters.overflowed).toBe(2);
    expect(village.simulation.objectsHeld).toBe(0);
  });
});

describe("wire-true runs", () => {
  test.each([
    ["datagrams", { loss: 0.1, duplication: 0.1, reordering: 0.1 }],
    ["streams", { kind: "stream", loss: 0.1 }],
  ] as const)("%s: the same events and the same deliveries as with objects", (_, links) => {
    const objects = couriers({ links });
    const bytes = couriers({ links, codec: hopsCodec });
    for (const { simulation } of [objects, bytes]) {
      simulation.at(300, () =>
        simulation.links.connectivity.partition([
          [0, 1, 2],
          [3, 4, 5, 6, 7, 8, 9, 10, 11],
        ]),
      );
      simulation.at(600, () => simulation.links.connectivity.heal());
      simulation.run();
    }
    expect(bytes.heard).toEqual(objects.heard);
    expect(bytes.heard.length).toBeGreaterThan(100);
    const { bytes: written, ...others } = bytes.simulation.counters;
    expect({ ...others, bytes: 0 }).toEqual(objects.simulation.counters);
    expect(written).toBeGreaterThan(2 * others.messages);
    expect(bytes.simulation.links.counters).toEqual(objects.simulation.links.counters);
    // The hash takes in the number by which a message is kept, and pieces of bytes are numbered in another way.
    expect(bytes.simulation.hash).not.toBe(objects.simulation.hash);
    expect([objects.simulation.objectsHeld, bytes.simulation.objectsHeld]).toEqual([0, 0]);
  });

  test("a wire-true run repeats, hash and all", () => {
    const hashes = [1, 2].map(() => {
      const { simulation } = couriers({ codec: hopsCodec, links: { duplication: 0.3 } });
      simulation.run();
      return simulation.hash;
    });
    expect(hashes[0]).toBe(hashes[1]);
  });

  test("both copies of a duplicate are read, and neither is a view of the other", () => {
    const village = new Village({
      codec: {
        maxBytes: 200,
        write: (text: string, target) => {
          for (let i = 0; i < text.length; i++) target[i] = text.charCodeAt(i);
          return text.length;
        },
        read: (source, start, end) => {
          const text = String.fromCharCode(...source.subarray(start, end));
          source.fill(0x21, start, end); // whoever shares these bytes will read "!"
          return text;
        },
      },
      links: { duplication: 1 },
    });
    const texts = ["", "short", "x".repeat(200)];
    for (const text of texts) village.say(0, 1, text);
    village.simulation.run();
    expect(village.words(1)).toEqual(texts.flatMap((text) => [text, text]));
    expect(village.simulation.counters.bytes).toBe(205);
  });

  const seventhHop = Uint8Array.of(9, 7, ...new Uint8Array(7));

  test("bytes that are no message are dropped and counted", () => {
    const { simulation, heard } = couriers({ codec: hopsCodec });
    const injected = [seventhHop, Uint8Array.of(9, 9, 9), new Uint8Array(100_000)];
    for (const bytes of injected) simulation.inject(3, 4, bytes);
    expect(simulation.counters).toMatchObject({ messages: 3, bytes: 100_012 });
    simulation.run();
    expect(heard.filter(([, from, hops]) => from === 3 && hops === 7)).toHaveLength(1);
    expect(simulation.counters.malformed).toBe(2);
    expect(simulation.objectsHeld).toBe(0);
  });

  test("what is injected takes the way of its sender: cuts and all", () => {
    const { simulation, heard } = couriers({ codec: hopsCodec });
    simulation.links.connectivity.cut(3, 4);
    for (const to of [4, 5]) simulation.inject(3, to, seventhHop);
    simulation.run(95);
    expect(heard.filter(([, , hops]) => hops === 7)).toHaveLength(1);
    expect(simulation.links.counters.cut).toBeGreaterThan(0);
  });

  test("a codec that writes more than it said is a broken belief of ours", () => {
    const village = new Village({ codec: { maxBytes: 4, write: () => 5, read: () => 0 } });
    village.say(0, 1, "long");
    expect(() => village.simulation.run()).toThrow(InvariantError);
  });
});

describe("running", () => {
  test("run(until) stops at that time: what is due then has happened, what is due later has not", () => {
    const village = new Village();
    village.wait(0, 50, "in time");
    village.wait(0, 51, "later");
    expect(village.simulation.run(50)).toBe("time");
    expect([village.simulation.time, village.simulation.now]).toEqual([50, 50]);
    expect(village.rung(0)).toEqual([[50, "in time"]]);
    expect(village.simulation.pending).toBe(1);
    expect(village.simulation.run(50)).toBe("time");
    expect(village.simulation.run(20)).toBe("time");
    expect(village.simulation.time).toBe(50); // it never goes back
    expect(village.simulation.run(1000)).toBe("idle");
    expect(village.simulation.time).toBe(1000);
  });

  test("run() ends when nothing will ever happen again, at the time of the last event, and can go on", () => {
    const village = new Village();
    village.wait(0, 70, "ring");
    expect(village.simulation.run()).toBe("idle");
    expect(village.simulation.time).toBe(70);
    village.say(0, 1, "and on it goes", 5);
    expect(village.simulation.run()).toBe("idle");
    expect(village.heard(1)).toEqual([[85, "and on it goes"]]);
  });

  test("run(until, maxEvents) stops after so many events, wherever that is", () => {
    const village = new Village();
    for (const ms of [10, 20, 30]) village.wait(0, ms, ms);
    expect(village.simulation.run(1000, 4)).toBe("events"); // three orders, one timer
    expect(village.simulation.time).toBe(10);
    expect(village.simulation.counters.events).toBe(4);
    expect(village.simulation.run(1000, 0)).toBe("events");
    expect(village.simulation.run(25, 100)).toBe("time");
    expect(village.simulation.run()).toBe("idle");
    expect(village.rung(0).map(([time]) => time)).toEqual([10, 20, 30]);
  });

  test("times between milliseconds are no times: run stops before, commands and calls come after", () => {
    for (const agenda of [undefined, new HeapAgenda()]) {
      const village = new Village({ agenda });
      expect(village.simulation.run(10.7)).toBe("idle");
      expect(village.simulation.time).toBe(10);
      village.wait(0, 1, "ring", 2.5);
      const calls: number[] = [];
      village.at(11.2, ({ time }) => calls.push(time));
      village.at(3, ({ time }) => calls.push(time)); // the past is now
      village.simulation.run();
      expect(village.rung(0)).toEqual([[14, "ring"]]);
      expect(calls).toEqual([10, 12]);
    }
  });

  test("steps of any size make the same run as one leap", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ms: fc.nat(300), maxEvents: fc.nat(30) }), { maxLength: 30 }),
        (steps) => {
          const leap = couriers({});
          leap.simulation.run();
          const walk = couriers({});
          for (const { ms, maxEvents } of steps) walk.simulation.run(walk.simulation.time + ms, maxEvents);
          walk.simulation.run();
          expect(walk.simulation.hash).toBe(leap.simulation.hash);
          expect(walk.heard).toEqual(leap.heard);
        },
      ),
      { seed: 2, numRuns: 50 },
    );
  });

  test("after what a protocol throws, the rest can go on", () => {
    const village = new Village();
    const { simulation } = village;
    simulation.at(5, () => {
      throw new Error("ours");
    });
    village.wait(0, 10, "ring");
    expect(() => simulation.run()).toThrow("ours");
    expect(simulation.run()).toBe("idle");
    expect(village.rung(0)).toEqual([[10, "ring"]]);
    simulation.crash(0); // nobody is in the middle of anything
  });
});

describe("one protocol for all rows", () => {
  /** Counts, in columns, what happens to each row. */
  class Counts implements Protocol<number, number, never, number[]> {
    readonly starts: Uint8Array;
    readonly heard: Uint8Array;

    constructor(rows: number) {
      this.starts = new Uint8Array(rows);
      this.heard = new Uint8Array(rows);
    }
    start(env: Environment): void {
      this.starts[env.row]!++;
    }
    onTimer(): void {}
    onMessage(_from: NodeId, _words: number, env: Environment): void {
      this.heard[env.row]!++;
    }
    onCommand(to: number[], env: Environment): void {
      for (const row of to) env.send(row, 1);
    }
  }

  test("each row starts once, and is entered as itself", () => {
    const simulation = new Simulation({ seed: 1, rows: 5 });
    const counts = new Counts(5);
    simulation.hostAll(counts);
    simulation.command(0, [1, 1, 4]);
    simulation.run();
    expect([...counts.starts]).toEqual([1, 1, 1, 1, 1]);
    expect([...counts.heard]).toEqual([0, 2, 0, 0, 1]);
  });

  test("only the dead begin a new life, alone or all at once", () => {
    const simulation = new Simulation({ seed: 1, rows: 4 });
    const counts = new Counts(4);
    simulation.hostAll(counts);
    for (const row of [0, 1, 2]) simulation.crash(row);
    simulation.host(2, counts);
    simulation.command(3, [0, 2]);
    simulation.run();
    expect([...counts.starts]).toEqual([1, 1, 2, 1]);
    expect([...counts.heard]).toEqual([0, 0, 1, 0]);
    simulation.hostAll(counts);
    expect([...counts.starts]).toEqual([2, 2, 2, 1]);
  });

  test("whatever befalls a node among all befalls it, at whatever moment", () => {
    const simulation = new Simulation({
      seed: 1,
      rows: 5,
      links: { latency: { model: "constant", ms: 10 } },
    });
    const counts = new Counts(5);
    simulation.hostAll(counts);
    simulation.at(20, () => simulation.pause(1));
    simulation.at(20, () => simulation.slowDown(2, 1000));
    simulation.at(20, () => simulation.crash(3));
    for (const ms of [0, 15]) simulation.command(0, [1, 2, 3, 4], ms);
    simulation.run(100);
    expect([...counts.heard]).toEqual([0, 1, 1, 1, 2]);
    // A new life for who is dead changes nothing for the others.
    simulation.hostAll(counts);
    simulation.command(0, [1, 2, 3, 4]);
    simulation.run(900);
    expect([...counts.heard]).toEqual([0, 1, 1, 2, 3]);
    simulation.resume(1);
    simulation.run();
    expect([...counts.heard]).toEqual([0, 3, 3, 2, 3]);
  });

  test.each(["pause", "slowDown", "crash"] as const)(
    "%s is felt even if it is the first trouble of all",
    (trouble) => {
      const simulation = new Simulation({ seed: 1, rows: 2 });
      const counts = new Counts(2);
      simulation.hostAll(counts);
      simulation.at(5, () => simulation[trouble](1, 1e6));
      simulation.command(0, [1]);
      simulation.run(1000);
      expect(counts.heard[1]).toBe(0);
    },
  );

  test("a timer of an earlier life does not fire in the next, even if all are hosted anew", () => {
    const fired: [number, number][] = [];
    const protocol: Protocol<number, number, never, never> = {
      start: (env) => env.schedule(100 + env.row, env.now),
      onMessage() {},
      onCommand() {},
      onTimer: (since, env) => fired.push([env.row, since]),
    };
    const simulation = new Simulation({ seed: 1, rows: 2 });
    simulation.hostAll(protocol);
    simulation.run(50);
    simulation.crash(1);
    simulation.hostAll(protocol);
    simulation.run();
    expect(fired).toEqual([
      [0, 0],
      [1, 50],
    ]);
  });

  test("nobody has two protocols", () => {
    const simulation = new Simulation({ seed: 1, rows: 2 });
    simulation.host(1, new Counts(2));
    expect(() => simulation.hostAll(new Counts(2))).toThrow(
      new UsageError("protocol: node 1 lives already, with another one"),
    );
    expect(simulation.isAlive(0)).toBe(false);
    simulation.crash(1);
    simulation.hostAll(new Counts(2));
    simulation.crash(1);
    expect(() => simulation.host(1, new Counts(2))).toThrow(
      new UsageError("protocol: node 1 can have no other than the one that all nodes share"),
    );
    expect(simulation.isAlive(1)).toBe(false);
  });
});

describe("the hash", () => {
  function hashOf(
    config: Partial<SimulationConfig>,
    more: (simulation: Simulation) => void = () => {},
  ): string {
    const { simulation } = couriers(config);
    more(simulation);
    simulation.run();
    return simulation.hash;
  }

  test("the same seed gives the same hash, another seed another", () => {
    const seeds = [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    const hashes = seeds.map((seed) => hashOf({ seed }));
    expect(seeds.map((seed) => hashOf({ seed }))).toEqual(hashes);
    expect(new Set(hashes).size).toBe(seeds.length);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  test("it is the same on every machine, today and tomorrow", () => {
    expect(hashOf({})).toBe("6fac64e7e359b46d");
    expect(hashOf({ codec: hopsCodec, links: { kind: "stream", loss: 0.1 } })).toBe("8591b643e7cb36dd");
  });

  test("whatever disturbs the run changes it", () => {
    const disturbances: ((simulation: Simulation) => void)[] = [
      () => {},
      (simulation) => simulation.at(400, () => {}),
      ...[400, 401].map((ms) => (simulation: Simulation) => simulation.at(ms, () => simulation.crash(1))),
      (simulation) => simulation.at(400, () => simulation.pause(1)),
      (simulation) => simulation.at(400, () => simulation.slowDown(1, 3)),
      (simulation) => simulation.at(400, () => simulation.setClock(1, 0.1)),
      (simulation) => simulation.at(400, () => simulation.links.connectivity.cut(1, 2)),
      (simulation) => simulation.at(400, () => simulation.links.change({ loss: 0.01 })),
      (simulation) => simulation.at(400, () => simulation.links.change({ duplication: 0.01 })),
    ];
    const hashes = disturbances.map((disturb) => hashOf({}, disturb));
    expect(new Set(hashes).size).toBe(disturbances.length);
  });

  test("what is only announced is in it: type, order and who", () => {
    const announce = (...notices: [row: number, type: string][]) => {
      const simulation = new Simulation({ seed: 1, rows: 2 });
      const protocol = (type: string): Protocol => ({
        start: (env) => env.notify({ type }),
        onMessage() {},
        onCommand() {},
        onTimer() {},
      });
      for (const [row, type] of notices) simulation.host(row, protocol(type));
      return simulation.hash;
    };
    const hashes = [
      announce(),
      announce([0, "a"]),
      announce([0, "b"]),
      announce([1, "a"]),
      announce([0, "a"], [1, "b"]),
      announce([1, "b"], [0, "a"]),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test("what waited for a paused node and then happened is in it", () => {
    const hashOfPause = (crashes: boolean) => {
      const village = new Village();
      village.simulation.pause(0);
      for (const words of [1, 2]) village.say(1, 0, words);
      village.at(50, (simulation) => {
        simulation.resume(0);
        if (crashes) simulation.crash(0);
      });
      village.simulation.run();
      return village.simulation.hash;
    };
    expect(hashOfPause(true)).not.toBe(hashOfPause(false));
  });

  test("the heap gives the same run and the same hash as the wheel, with all faults", () => {
    const faults = (simulation: Simulation) => {
      const { connectivity } = simulation.links;
      const heard: [number, NodeId, number][] = [];
      simulation.at(100, () => simulation.pause(1));
      simulation.at(150, () => simulation.slowDown(2, 7.5));
      simulation.at(200, () => simulation.crash(3));
      simulation.at(250, () =>
        connectivity.partition([
          [0, 1, 2, 3, 4],
          [5, 6, 7, 8, 9, 10, 11],
        ]),
      );
      simulation.at(300, () => simulation.setClock(4, 0.3, 77));
      simulation.at(400, () => simulation.host(3, new Courier(12, heard, (row) => row)));
      simulation.at(500, () => simulation.resume(1));
      simulation.at(700, () => connectivity.heal());
      simulation.at(9_000_000, () => simulation.slowDown(2, 0));
    };
    for (const links of [
      { kind: "stream", loss: 0.1, resetAfterMs: 300 },
      { loss: 0.1, duplication: 0.2 },
    ] as const) {
      const runs = [undefined, new HeapAgenda()].map((agenda) => {
        const run = couriers({ agenda, links });
        faults(run.simulation);
        run.simulation.run();
        return run;
      });
      expect(runs[1]!.simulation.hash).toBe(runs[0]!.simulation.hash);
      expect(runs[1]!.heard).toEqual(runs[0]!.heard);
      expect(runs[1]!.simulation.counters).toEqual(runs[0]!.simulation.counters);
      for (const { simulation } of runs) expect(simulation.objectsHeld).toBe(0);
    }
  });
});

describe("draws", () => {
  const rows = 10;

  interface Fault {
    readonly ms: number;
    readonly row: number;
    readonly what: "crash" | "pause" | "slow" | "cut" | "absent";
  }

  /** Nodes that chat, each for itself; the faults happen to others than node 0. */
  function chat(seed: number, faults: readonly Fault[], links: SimulationConfig["links"] = {}): Chatter[] {
    const simulation = new Simulation({
      seed,
      rows,
      links: { latency: { model: "uniform", fromMs: 5, toMs: 300 }, ...links },
    });
    const chatters = Array.from({ length: rows }, () => new Chatter(rows));
    const absent = new Set(faults.filter(({ what }) => what === "absent").map(({ row }) => row));
    for (const [row, chatter] of chatters.entries()) if (!absent.has(row)) simulation.host(row, chatter);
    for (const { ms, row, what } of faults) {
      simulation.at(ms, () => {
        if (what === "crash") simulation.crash(row);
        else if (what === "pause") simulation.pause(row);
        else if (what === "slow") simulation.slowDown(row, 20);
        else if (what === "cut") simulation.links.connectivity.cut(row, (row % (rows - 1)) + 1);
      });
    }
    simulation.run();
    return chatters;
  }

  const fault = fc.record({
    ms: fc.nat(1500),
    row: fc.integer({ min: 2, max: rows - 1 }),
    what: fc.constantFrom<Fault["what"]>("crash", "pause", "slow", "cut", "absent"),
  });

  test("a fault or the absence of a node disturbs no draw of an unrelated node, and nothing on its links", () => {
    fc.assert(
      fc.property(fc.array(fault, { minLength: 1, maxLength: 5 }), fc.integer(), (faults, seed) => {
        const links = { loss: 0.2, duplication: 0.1, reordering: 0.1 };
        const whole = chat(seed, [], links);
        const faulty = chat(seed, faults, links);
        const touched = new Set(faults.map(({ row }) => row));
        for (const [row, chatter] of whole.entries()) {
          if (touched.has(row)) continue;
          expect(faulty[row]!.draws).toEqual(chatter.draws);
          // What it said to others that nothing has happened to has come at the same times, lost and doubled alike.
          for (const [other, listener] of whole.entries()) {
            if (touched.has(other) || faults.some(({ what }) => what === "cut")) continue;
            const from = (one: Chatter) => one.heard.filter(([, sender]) => sender === row);
            expect(from(faulty[other]!)).toEqual(from(listener));
          }
        }
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  test("a fault does disturb: what is compared above is not always the same", () => {
    const whole = chat(1, []);
    const faulty = chat(1, [{ ms: 300, row: 4, what: "crash" }]);
    expect(faulty[4]!.draws).not.toEqual(whole[4]!.draws);
    expect(faulty[4]!.draws).toEqual(whole[4]!.draws.slice(0, faulty[4]!.draws.length));
    expect(faulty[4]!.draws.length).toBeGreaterThan(0);
  });

  test("a cut from one node disturbs no draw of that node either", () => {
    const whole = chat(3, [], { kind: "stream" });
    const cut = chat(3, [{ ms: 300, row: 4, what: "cut" }], { kind: "stream" });
    for (const [row, { draws }] of whole.entries()) expect(cut[row]!.draws).toEqual(draws);
  });

  test("nodes draw differently, and another seed draws differently", () => {
    const draws = [...chat(1, []), ...chat(2, [])].map((chatter) => chatter.draws.join());
    expect(new Set(draws).size).toBe(2 * rows);
  });
});

describe("misuse is refused with the name of the option", () => {
  const config = (more: Partial<SimulationConfig>) => () => new Simulation({ seed: 1, rows: 2, ...more });
  const on = (use: (simulation: Simulation) => void) => () => use(new Village().simulation);

  test.each<[string, () => unknown]>([
    ["seed: 0.5 is not an integer", config({ seed: 0.5 })],
    ["seed: NaN is not an integer", config({ seed: Number.NaN })],
    ["rows: 0 is not between 1 and 268435454", config({ rows: 0 })],
    ["rows: 268435455 is not between 1 and 268435454", config({ rows: 2 ** 28 - 1 })],
    ["rows: 1.5 is not between 1 and 268435454", config({ rows: 1.5 })],
    ["idOf: two rows have the same name", config({ idOf: () => "me" })],
    ["loss: 2 is more than 1", config({ links: { loss: 2 } })],
    ["row: there is no node 4; there are 4", on((simulation) => simulation.crash(4))],
    ["row: there is no node -1; there are 4", on((simulation) => simulation.pause(-1))],
    ["row: there is no node 0.5; there are 4", on((simulation) => simulation.resume(0.5))],
    ["row: there is no node NaN; there are 4", on((simulation) => simulation.command(Number.NaN, {}))],
    ["row: there is no node 9; there are 4", on((simulation) => simulation.host(9, new Talker(() => {})))],
    ["row: there is no node 9; there are 4", on((simulation) => simulation.setClock(9, 0))],
    ["row: there is no node 9; there are 4", on((simulation) => simulation.slowDown(9, 1))],
    ["row: node 1 lives already", on((simulation) => simulation.host(1, new Talker(() => {})))],
    ["perEventMs: -1 is not a time of at least 0", on((simulation) => simulation.slowDown(1, -1))],
    ["perEventMs: NaN is not a time of at least 0", on((simulation) => simulation.slowDown(1, Number.NaN))],
    ["rate: -1 is not a number above -1", on((simulation) => simulation.setClock(1, -1))],
    ["rate: Infinity is not a number above -1", on((simulation) => simulation.setClock(1, Infinity))],
    ["offsetMs: NaN is not a number", on((simulation) => simulation.setClock(1, 0, Number.NaN))],
    ["afterMs: -1 is not a time of at least 0", on((simulation) => simulation.command(1, {}, -1))],
    [
      "afterMs: Infinity is not a time of at least 0",
      on((simulation) => simulation.command(1, {}, Infinity)),
    ],
    [
      `time: NaN is not before the end of time, ${latestTime}`,
      on((simulation) => simulation.at(Number.NaN, () => {})),
    ],
    [
      `time: Infinity is not before the end of time, ${latestTime}`,
      on((simulation) => simulation.at(Infinity, () => {})),
    ],
    [
      "codec: only a wire-true simulation reads bytes",
      on((simulation) => simulation.inject(0, 1, new Uint8Array(1))),
    ],
    [
      "row: there is no node 4; there are 2",
      () => config({ codec: hopsCodec })().inject(4, 1, new Uint8Array(1)),
    ],
    [
      "row: there is no node 4; there are 2",
      () => config({ codec: hopsCodec })().inject(1, 4, new Uint8Array(1)),
    ],
    [
      `until: NaN is not before the end of time, ${latestTime}`,
      on((simulation) => simulation.run(Number.NaN)),
    ],
    ["maxEvents: NaN is not at least 0", on((simulation) => simulation.run(1, Number.NaN))],
    [
      "run: the simulation runs already",
      on((simulation) => {
        simulation.at(1, () => simulation.run());
        simulation.run();
      }),
    ],
    [
      "hostAll: nodes come to share a protocol between runs only",
      on((simulation) => {
        simulation.at(1, () => simulation.hostAll(new Talker(() => {})));
        simulation.run();
      }),
    ],
  ])("%s", (message, misuse) => {
    expect(misuse).toThrow(new UsageError(message));
  });

  test("what is refused leaves nothing behind", () => {
    const { simulation } = new Village();
    for (const misuse of [
      () => simulation.command(1, {}, -1),
      () => simulation.at(Number.NaN, () => {}),
      () => simulation.host(0, new Talker(() => {})),
    ])
      expect(misuse).toThrow(UsageError);
    expect([simulation.pending, simulation.objectsHeld]).toEqual([0, 0]);
  });
});
