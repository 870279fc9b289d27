import { describe, expect, test } from "vitest";
import { tracedRun } from "../../test/support/traced-run.ts";
import type { TraceEvent } from "../core/index.ts";
import { SimulatedWorld } from "../scenario/index.ts";
import { type Failure, LivenessBook } from "./liveness.ts";
import { NodeRegister } from "./node-register.ts";
import { NetworkPicture } from "./picture.ts";
import { TraceSummary } from "./summary.ts";

function bookOf(events: Iterable<TraceEvent>, picture = new NetworkPicture(new NodeRegister())) {
  const book = new LivenessBook();
  for (const event of events) {
    book.apply(event, picture);
    picture.apply(event);
  }
  return { book, picture };
}

const joined = (node: number, role = "peer"): TraceEvent => ({
  ...{ at: 0, node, layer: "scenario", type: "joined" },
  ...{ name: `${role}-${node}`, role },
});
const done = (node: number, type: string, at: number): TraceEvent => ({ at, node, layer: "scenario", type });
const says = (node: number, type: string, about: number, at: number, fields: object = {}): TraceEvent => ({
  ...{ at, node, layer: "any", type, ...fields },
  [type.startsWith("peer-") || type === "suspect-answered"
    ? "peer"
    : type.startsWith("dead")
      ? "suspect"
      : "neighbor"]: about,
});
/** A seed 0, and peers 1 to 3. */
const world = [joined(0, "seed"), joined(1), joined(2), joined(3)];

/** Long enough after the beginning that the seeds know who is whose neighbor. */
async function crashedRun(): Promise<TraceEvent[]> {
  const options = { heartbeat: { pingIntervalMs: 1000 }, source: { messages: 0 } };
  const network = { seeds: 3, peers: 12 };
  const world = new SimulatedWorld(
    { name: "crashed", network, stack: { options }, timeline: [] },
    { seed: 3 },
  );
  const events: TraceEvent[] = [];
  world.onEvent((event) => events.push(event));
  await world.form();
  await world.sleep(8000);
  await world.perform({ do: "crash", node: ["peer-3"] });
  await world.sleep(10_000);
  return events;
}

describe("a run in which two fail", () => {
  test("is told as its summary tells it", async () => {
    const { events } = await tracedRun();
    const { book, picture } = bookOf(events);
    const summary = new TraceSummary();
    for (const event of events) summary.add(event);
    const { faults, falsePositives, falseSuspicions } = summary.report();
    expect(faults.total).toBeGreaterThan(1);
    expect(
      book.failures.map(({ row, kind, at, endedAt, failed, removed, seeds }) => ({
        node: picture.nodes.get(row)!.name,
        kind,
        at,
        lastedMs: endedAt === undefined ? null : endedAt - at,
        noticedMs: failed.length === 0 ? null : failed[0]!.at - at,
        firstRemovedMs: removed.length === 0 ? null : removed[0]!.at - at,
        lastRemovedMs: removed.length === 0 ? null : removed.at(-1)!.at - at,
        removedBy: removed.length,
        seeds: seeds.length,
      })),
    ).toEqual(faults.list);
    const wrong = (type: string) => book.wrong.filter((one) => one.type === type).length;
    expect(wrong("peer-removed")).toBe(falsePositives.total);
    expect(wrong("suspected")).toBe(falseSuspicions.suspected);
    expect(wrong("neighbor-failed")).toBe(falseSuspicions.failed);
  });

  test("is told by those who held links, and reported by them to the seeds until enough did", async () => {
    const { book } = bookOf(await crashedRun());
    const [crash] = book.failures as [Failure];
    expect(book.failures).toHaveLength(1);
    for (const { by } of [...crash.suspected, ...crash.failed]) expect(crash.neighbors).toContain(by);
    for (const { seed, reporter } of crash.reports) {
      expect(crash.seeds).toContain(seed);
      expect(crash.neighbors).toContain(reporter);
    }
    expect(crash.removed.map(({ by }) => by).sort()).toEqual([...crash.seeds].sort());
    for (const { by, at } of crash.removed) {
      const counted = crash.reports.filter((report) => report.seed === by && report.at <= at);
      expect(counted.some(({ reports, required }) => reports >= required)).toBe(true);
    }
  });

  test("says why reports did not count", async () => {
    const { book } = bookOf((await tracedRun()).events);
    expect(book.failures.flatMap(({ reports }) => reports.map(({ ignored }) => ignored))).toContain(
      "not a neighbor",
    );
  });

  test("keeps its deaths for those who come late", async () => {
    const { events } = await tracedRun();
    const { book, picture } = bookOf(events);
    const late = bookOf(picture.prologue());
    const told = (of: { book: LivenessBook; picture: NetworkPicture }, kind: string) =>
      of.book.failures
        .filter((failure) => failure.kind === kind)
        .map(({ row, at, failed, removed }) => [
          of.picture.nodes.get(row)!.name,
          at,
          failed.length,
          removed.length,
        ]);
    expect(told({ book, picture }, "crashed").length).toBeGreaterThan(0);
    expect(told(late, "crashed")).toEqual(told({ book, picture }, "crashed"));
    expect(late.book.wrong).toEqual([]);
  });
});

describe("a node", () => {
  test("that hangs and is then killed has failed once", () => {
    const { book } = bookOf([
      ...world,
      done(1, "paused", 10),
      done(1, "crashed", 20),
      says(2, "neighbor-failed", 1, 25),
    ]);
    expect(book.failures).toMatchObject([{ row: 1, kind: "paused", at: 10, failed: [{ by: 2, at: 25 }] }]);
  });

  test("that fails again has a second failure, and what was said of the first is not said of it", () => {
    const { book } = bookOf([
      ...world,
      done(1, "crashed", 10),
      says(2, "suspected", 1, 15),
      done(1, "restarted", 20),
      done(1, "crashed", 30),
    ]);
    expect(book.failures).toMatchObject([
      { at: 10, endedAt: 20, suspected: [{ by: 2 }] },
      { at: 30, endedAt: undefined, suspected: [] },
    ]);
  });

  test("that left is suspected by nobody wrongly", () => {
    const { book } = bookOf([...world, done(1, "left", 10), says(2, "suspected", 1, 15)]);
    expect(book.wrong).toEqual([]);
    expect(book.failures).toEqual([]);
  });
});

describe("a wrong suspicion is cleared", () => {
  const suspected = says(2, "suspected", 1, 10);
  test.each([
    ["by an answer to who suspects", says(2, "ping-answered", 1, 12), "answered"],
    ["by a witness", says(2, "neighbor-unreachable", 1, 12), "witness"],
    ["by the suspect itself", { at: 12, node: 1, layer: "introduction", type: "refuted" }, "refuted"],
  ])("%s", (_, event, how) => {
    const { book } = bookOf([...world, suspected, event]);
    expect(book.wrong).toMatchObject([{ by: 2, about: 1, at: 10, cleared: { at: 12, how } }]);
  });

  test("not by an answer to somebody else", () => {
    const { book } = bookOf([...world, suspected, says(3, "ping-answered", 1, 12)]);
    expect(book.wrong).toMatchObject([{ cleared: undefined }]);
  });

  test("when the seed that removed it lists it again, and no sooner", () => {
    const removed = says(0, "peer-removed", 1, 10, { reason: "dead" });
    const { book } = bookOf([
      ...world,
      removed,
      says(2, "ping-answered", 1, 12),
      says(0, "peer-listed", 1, 20),
    ]);
    expect(book.wrong).toMatchObject([{ type: "peer-removed", cleared: { at: 20, how: "listed" } }]);
  });
});

test("memory is bounded, and what was forgotten is counted", () => {
  const events = [...world];
  for (let i = 0; i < 2500; i++) events.push(says(2, "suspected", 1, i));
  for (let i = 0; i < 2500; i++) events.push(done(3, "crashed", i), done(3, "restarted", i));
  const { book } = bookOf(events);
  expect([book.wrong.length, book.forgotten.wrong]).toEqual([2000, 500]);
  expect([book.failures.length, book.forgotten.failures]).toEqual([2000, 500]);
});

test("what a trace says of the past and is no event, is passed over", () => {
  const evidence = [null, 5, { type: "crashed" }, { at: 3, node: 1, layer: "scenario", type: "crashed" }];
  const pictured: TraceEvent = { at: 5, node: 1, layer: "trace", type: "pictured", state: "dead", evidence };
  const { book, picture } = bookOf([pictured]);
  expect(book.failures).toMatchObject([{ row: 0, kind: "crashed", at: 3 }]);
  expect(picture.find(1)!.evidence).toEqual(evidence.slice(-1));
});
