/** Filter, compare and replay, on small files written here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TraceEvent } from "../../core/index.ts";
import { readTrace, TraceFile } from "../../node/index.ts";
import {
  compareTraces,
  filterEvents,
  filterWithNames,
  ReplayLines,
  replayAgain,
  replayEvents,
  type TraceFilter,
  writeFiltered,
} from "./index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grapevine-trace-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const startedAt = 1_000_000;
const header = { trace: "grapevine", version: 1, part: 0, startedAt, world: "live" };
const contact = (digit: string, port: number) => `${digit.repeat(40)}@127.0.0.1:${port}`;
const seed = contact("a", 9000);
const peer1 = contact("b", 9001);
const peer2 = contact("c", 9002);

const named = (node: string, name: string, role: string) => ({
  at: startedAt,
  node,
  layer: "trace",
  type: "named",
  name,
  role,
});
const run = [
  named(seed, "seed-1", "seed"),
  { at: startedAt + 1, node: seed, layer: "node", type: "listening", contact: seed, role: "seed" },
  named(peer1, "peer-1", "peer"),
  named(peer2, "peer-2", "peer"),
  { at: startedAt + 10, node: peer1, layer: "overlay", type: "neighbor-up", neighbor: peer2, incarnation: 7 },
  {
    at: startedAt + 1000,
    node: peer1,
    layer: "broadcast",
    type: "published",
    origin: peer1,
    incarnation: 7,
    sequence: 0,
    statedAt: startedAt + 1000,
    payload: "hello",
  },
  {
    at: startedAt + 1005,
    node: peer2,
    layer: "broadcast",
    type: "delivered",
    origin: peer1,
    incarnation: 7,
    sequence: 0,
    statedAt: startedAt + 1000,
    payload: "hello",
    from: peer1,
  },
  { at: startedAt + 2000, node: "", layer: "scenario", type: "healed" },
];

/** Writes a trace of these lines and says where it is. */
function file(name: string, events: readonly object[] = run, about: object = {}): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    [{ ...header, ...about }, ...events].map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  return path;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("a filter", () => {
  const passing = async (filter: TraceFilter) =>
    (await all(filterEvents(readTrace(file("run")), filter))).map(({ type }) => type);

  test.each([
    ["no condition: all but names", {}, ["listening", "neighbor-up", "published", "delivered", "healed"]],
    ["a node's name", { nodes: ["peer-2"] }, ["delivered"]],
    ["its id", { nodes: ["c".repeat(40)] }, ["delivered"]],
    ["the beginning of its id", { nodes: ["cccccc"] }, ["delivered"]],
    ["its port", { nodes: ["9002"] }, ["delivered"]],
    ["its contact", { nodes: [peer2] }, ["delivered"]],
    ["a beginning that is too short to mean one", { nodes: ["ccccc"] }, []],
    ["several nodes", { nodes: ["seed-1", "9002"] }, ["listening", "delivered"]],
    ["layers", { layers: ["overlay", "scenario"] }, ["neighbor-up", "healed"]],
    ["types", { types: ["published", "delivered"] }, ["published", "delivered"]],
    ["a time window, both ends included", { fromMs: 10, untilMs: 1000 }, ["neighbor-up", "published"]],
    ["a text", { text: '"hello"' }, ["published", "delivered"]],
    ["all together", { text: "hello", nodes: ["peer-1"], fromMs: 1000 }, ["published"]],
  ] satisfies [string, TraceFilter, string[]][])("by %s", async (_, filter, types) => {
    expect(await passing(filter)).toEqual(types);
  });

  test("names a node before its first event, and nobody who has none", async () => {
    const events = await all(filterWithNames(readTrace(file("run")), { layers: ["broadcast", "overlay"] }));
    expect(events.map(({ type, name }) => name ?? type)).toEqual([
      "peer-1",
      "neighbor-up",
      "published",
      "peer-2",
      "delivered",
    ]);
  });

  test("knows the names of those who join in a scenario", async () => {
    const joined = { at: 1, node: 17, layer: "scenario", type: "joined", name: "victim", role: "peer" };
    const later = { at: 2, node: 17, layer: "x", type: "y" };
    const path = file("scenario", [joined, later], { world: "simulated" });
    const events = await all(filterWithNames(readTrace(path), { nodes: ["victim"], types: ["y"] }));
    expect(events).toEqual([
      { at: 2, node: 17, layer: "trace", type: "named", name: "victim", role: "peer" },
      later,
    ]);
  });

  test("leaves a trace: the same header, and what was filtered out of it can be filtered again", async () => {
    const path = file("run", run, { part: 3, about: { command: "up" } });
    const output = join(folder, "out");
    const filter = { fromMs: 1000, untilMs: 1005 };
    expect(await writeFiltered(readTrace(path), filter, output)).toEqual({ read: 8, written: 2 });
    const reader = readTrace(output);
    expect((await all(reader)).map(({ type }) => type)).toEqual(["named", "published", "named", "delivered"]);
    expect(reader.header).toEqual({ ...header, part: 0, about: { command: "up" } });
    expect(reader.skipped).toBe(0);
    const twice = join(folder, "twice");
    await writeFiltered(readTrace(output), filter, twice);
    expect(readFileSync(twice, "utf8")).toBe(readFileSync(output, "utf8"));
  });

  test("has a header once, even if nothing passes or there is more than one write", async () => {
    const output = join(folder, "out");
    await writeFiltered(readTrace(file("run")), { layers: ["none"] }, output);
    expect(readFileSync(output, "utf8")).toBe(`${JSON.stringify(header)}\n`);
    const long = Array.from({ length: 2000 }, (_, i) => ({ ...run[1], detail: "x".repeat(100), i }));
    await writeFiltered(readTrace(file("long", long)), {}, output);
    expect(readFileSync(output, "utf8").match(/"trace":"grapevine"/g)).toHaveLength(1);
    expect(await all(readTrace(output))).toHaveLength(2000);
  });

  test("refuses to write onto what it reads, or beside another trace's older part", async () => {
    const path = file("run");
    await expect(writeFiltered(readTrace(path), {}, path)).rejects.toThrow("is the trace that is read");
    expect(readFileSync(path, "utf8")).toContain("delivered");
    file("other.1");
    await expect(writeFiltered(readTrace(path), {}, join(folder, "other"))).rejects.toThrow("older part");
    await expect(writeFiltered(readTrace(path), {}, join(folder, "no/such"))).rejects.toThrow(
      /^--output: .* cannot be written/,
    );
  });
});

describe("comparing", () => {
  const compare = (a: string, b: string) => compareTraces(readTrace(a), readTrace(b));

  test("a trace with itself: identical, and every figure the same", async () => {
    const comparison = await compare(file("a"), file("b", run, { startedAt: startedAt + 5 }));
    expect(comparison).toMatchObject({ identical: true, header: [], firstDifference: null });
    for (const { a, b } of comparison.figures) expect(a).toEqual(b);
  });

  test("names and the order of fields make no difference", async () => {
    const turned = run
      .filter(({ type }) => type !== "named")
      .map((event) => Object.fromEntries(Object.entries(event).reverse()));
    expect((await compare(file("a"), file("b", turned))).identical).toBe(true);
  });

  test("the first event that differs is shown from both, and reading goes on for the figures", async () => {
    const other = run.map((event) =>
      event.type === "delivered" || event.type === "healed" ? { ...event, at: event.at + 5 } : event,
    );
    const comparison = await compare(file("a"), file("b", other));
    expect(comparison).toMatchObject({ identical: false, events: { a: 8, b: 8 } });
    expect(comparison.firstDifference?.index).toBe(3); // without names
    expect(JSON.parse(comparison.firstDifference!.a!)).toMatchObject({ at: startedAt + 1005 });
    expect(JSON.parse(comparison.firstDifference!.b!)).toMatchObject({ at: startedAt + 1010 });
    expect(comparison.figures).toContainEqual({
      figure: "delayMs.p50",
      a: 5,
      b: 10,
      difference: 5,
      ratio: 2,
    });
    expect(comparison.figures).toContainEqual({ figure: "lost", a: 0, b: 0, difference: 0, ratio: null });
  });

  test("one that is longer differs where the other has ended", async () => {
    const comparison = await compare(file("a", run.slice(0, -1)), file("b"));
    expect(comparison.firstDifference).toMatchObject({ index: 4, a: null });
    expect(comparison.identical).toBe(false);
  });

  test("what the headers say otherwise is listed; another world is another run, another description is not", async () => {
    const described = await compare(file("a"), file("b", run, { about: { seed: 2 } }));
    expect(described).toMatchObject({
      identical: true,
      header: [{ field: "about", a: undefined, b: { seed: 2 } }],
    });
    const simulated = await compare(file("a"), file("b", run, { world: "simulated" }));
    expect(simulated).toMatchObject({ identical: false, firstDifference: null });
  });
});

describe("a replay", () => {
  const lines = async (path: string, filter = {}) => {
    const reader = readTrace(path);
    const show = new ReplayLines(reader);
    const shown: string[] = [];
    for await (const event of replayEvents(reader, filter)) shown.push(show.line(event));
    return shown;
  };

  test("has a line for each event: time, column, node, sign, type, and fields with names for ids", async () => {
    expect(await lines(file("run"))).toEqual([
      "+    0.001s / seed-1   ^ listening       contact=seed-1 role=seed",
      "+    0.010s  .  peer-1   + neighbor-up     incarnation=7 neighbor=peer-2",
      '+    1.000s  .  peer-1   * published       peer-1#0 payload="hello"',
      '+    1.005s   . peer-2   < delivered       peer-1#0 after=5ms payload="hello" from=peer-1',
      "+    2.000s     (network) ~ healed",
    ]);
  });

  test("keeps a terminal from obeying what came over the network", async () => {
    const evil = [
      named(peer1, "\x1b[2Jname", "peer"),
      {
        at: startedAt,
        node: peer1,
        layer: "x",
        type: "a\nb",
        "f\rg": "\x1b]0;",
        list: ["\x07"],
        deep: { x: "\u202e" },
      },
    ];
    const [line] = await lines(file("evil", evil));
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(line).toContain("\\x1b[2Jname");
  });

  test("leaves out the columns where there are more nodes than anybody could follow", async () => {
    const crowd = Array.from({ length: 41 }, (_, i) => ({ at: i, node: i, layer: "x", type: "y" }));
    const shown = await lines(file("crowd", crowd, { world: "simulated" }));
    expect(shown[39]).toMatch(/^\+ {4}0\.039s {40}\. 39/);
    expect(shown[40]).toBe("+    0.040s 40         y");
  });

  test("long lists are cut, and several messages at once are one range", async () => {
    const many = { ...run[5], type: "forwarded", count: 3, to: [1, 2, 3, 4, 5, 6] };
    expect((await lines(file("many", [named(peer1, "peer-1", "peer"), many])))[0]).toContain(
      '> forwarded       peer-1#0..2 payload="hello" to=1,2,3,4,…6',
    );
  });

  test("keeps the time that lay between events, divided by the speed", async () => {
    const path = file("run");
    const startedAt = performance.now();
    const at: number[] = [];
    for await (const _ of replayEvents(readTrace(path), { speed: 20, untilMs: 1005 }))
      at.push(performance.now() - startedAt);
    expect(at).toHaveLength(4);
    expect(at[2]! - at[1]!).toBeGreaterThan(40); // 990 ms / 20 = 49.5
    expect(at[3]!).toBeLessThan(10_000);
  });

  test("ends at a signal while it waits", async () => {
    const stopping = new AbortController();
    const seen: TraceEvent[] = [];
    for await (const event of replayEvents(readTrace(file("run")), {
      speed: 1e-6,
      signal: stopping.signal,
    })) {
      seen.push(event);
      setTimeout(() => stopping.abort(), 20);
    }
    expect(seen).toHaveLength(1);
  });
});

describe("running a simulation again", () => {
  const about = { command: "simulate", preset: "classic", nodes: 3, seed: 1 };

  /** What a simulation would hand in: bytes are bytes, and what is undefined has no line. */
  async function* simulate(delay: number): AsyncGenerator<TraceEvent> {
    yield { at: 0, node: 1, layer: "scenario", type: "joined", name: "peer-1", role: "peer" };
    yield {
      at: 5,
      node: 1,
      layer: "source",
      type: "publish",
      payloads: [new Uint8Array(3)],
      gone: undefined,
    };
    yield { at: 5 + delay, node: 2, layer: "x", type: "y" };
  }

  async function record(): Promise<string> {
    const path = join(folder, "simulated");
    const trace = TraceFile.open(path, { world: "simulated", about });
    trace.name(1, "peer-1", "peer");
    for await (const event of simulate(1)) trace.event(event);
    await trace.close();
    return path;
  }

  test("the same inputs give the same events, as they are written", async () => {
    const path = await record();
    let asked: unknown;
    const report = await replayAgain(readTrace(path), about, (given) => {
      asked = given;
      return simulate(1);
    });
    expect(report).toEqual({ identical: true, events: 4, firstDifference: null });
    expect(asked).toBe(about);
  });

  test("the first event that differs is reported", async () => {
    const report = await replayAgain(readTrace(await record()), about, () => simulate(2));
    expect(report).toMatchObject({ identical: false, firstDifference: { index: 2 } });
    expect(report.firstDifference?.a).toContain('"at":6');
    expect(report.firstDifference?.b).toContain('"at":7');
  });
});
