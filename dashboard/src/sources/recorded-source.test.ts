import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/core/index.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import { TraceSummary } from "../../../src/trace/summary.ts";
import { tracedRun } from "../../../test/support/traced-run.ts";
import { RecordedSource, traceAt } from "./recorded-source.ts";
import type { SourceState } from "./source.ts";

interface Told {
  readonly states: SourceState[];
  readonly hellos: FeedHello[];
  readonly events: TraceEvent[];
  readonly totals: FeedTotals[];
  readonly samplings: FeedSampling[];
}

const header = {
  trace: "grapevine",
  version: 1,
  part: 0,
  startedAt: 1_700_000_000_000,
  world: "simulated",
  about: {
    command: "run",
    scenario: { name: "crash", stack: { options: { heartbeat: { pingIntervalMs: 1000 } } } },
    seed: 7,
  },
};

/** Everything that the page is told of such a file, which comes in pieces of so many bytes. */
async function read(lines: readonly unknown[], pieceBytes = 1000): Promise<Told> {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(sent, sent + pieceBytes));
      sent += pieceBytes;
    },
  });
  const source = new RecordedSource({ label: "run.ndjson", open: async () => ({ stream }) });
  const told: Told = { states: [], hellos: [], events: [], totals: [], samplings: [] };
  await new Promise<void>((resolve) => {
    source.start({
      onState: (state) => {
        told.states.push(state);
        if (state.type === "ended") resolve();
      },
      onHello: (hello) => told.hellos.push(hello),
      onEvents: (events) => told.events.push(...events),
      onTotals: (totals) => told.totals.push(totals),
      onSampling: (sampling) => told.samplings.push(sampling),
    });
  });
  return told;
}

const why = ({ states }: Told) => (states.at(-1) as { why: string }).why;
const joined = (node: number, at = 0) => ({
  at,
  node,
  layer: "scenario",
  type: "joined",
  name: `peer-${node}`,
  role: "peer",
});

describe("a recorded run", () => {
  test("is told event for event, in whatever pieces its file comes", async () => {
    const { events } = await tracedRun();
    for (const pieceBytes of [777, 65_536]) {
      const told = await read([header, ...events], pieceBytes);
      expect(told.events).toEqual(JSON.parse(JSON.stringify(events)));
      expect(told.samplings).toEqual([]);
      expect(why(told)).toBe(`run crash; ${events.length.toLocaleString("en")} events`);
    }
  });

  test("has totals for every second, which end where the summary of the trace does", async () => {
    const { events } = await tracedRun();
    const { totals } = await read([header, ...events]);
    const summary = new TraceSummary();
    for (const event of events) summary.add(event);
    const { published, deliveries } = summary.report();
    const last = totals.at(-1)!;
    expect(last.published).toBe(published);
    expect(last.delivered).toBe(deliveries);
    expect([last.peers, last.seeds, last.stopped]).toEqual([19, 2, 2]);
    const counted = totals.reduce((sum, { latencyMs }) => sum + latencyMs.count, 0);
    expect(counted).toBe(deliveries);
    expect(Math.max(...totals.map(({ latencyMs }) => latencyMs.max))).toBeGreaterThan(10);
    for (let i = 1; i < totals.length - 1; i++) expect(totals[i]!.at % 1000).toBe(totals[0]!.at % 1000);
  });

  test("says how its network was made: what the header says, and defaults for what it leaves unsaid", async () => {
    const { hellos } = await read([header, joined(0)]);
    const [hello] = hellos;
    expect(hello).toMatchObject({
      world: "simulated",
      at: 0,
      hands: [],
      about: { profile: "classic", seed: 7 },
    });
    expect(hello!.about.options["heartbeat"]).toMatchObject({ pingIntervalMs: 1000, misses: 3 });
    expect(hello!.readOnly).toBeDefined();
  });

  test("passes over lines that are no events, and counts them", async () => {
    const lines = [
      header,
      joined(0),
      "{torn",
      '"text"',
      { at: "now", node: 1 },
      { ...header, part: 1 },
      "",
      joined(1),
    ];
    const told = await read(lines, 10);
    expect(told.events.map(({ node }) => node)).toEqual([0, 1]);
    expect(why(told)).toContain("3 lines were no events");
  });

  test("skips a line that is too long without holding it, and reads on behind it", async () => {
    const told = await read([header, joined(0), `"${"x".repeat(5_000_000)}"`, joined(1)], 65_536);
    expect(told.events.map(({ node }) => node)).toEqual([0, 1]);
    expect(why(told)).toContain("1 line was no event");
  });

  test("says of events that its writer could not write that they are missing, and takes no time from there", async () => {
    const gap = { at: 1.8e12, node: "", layer: "trace", type: "lost", events: 12 };
    const told = await read([header, joined(0, 10), gap, joined(1, 2500)]);
    expect(why(told)).toContain("12 events are missing");
    expect(told.totals.map(({ at }) => at)).toEqual([10, 1010, 2010, 2500]);
  });

  test("loses no count with the peers that went so long ago that its picture has forgotten them", async () => {
    const lives = Array.from({ length: 6000 }, (_, i): TraceEvent[] => [
      { at: i, node: i, layer: "scenario", type: "joined", name: `peer-${i}`, role: "peer" },
      { at: i, node: i, layer: "broadcast", type: "published", origin: i, incarnation: 1, sequence: 0 },
      { at: i, node: i, layer: "scenario", type: "crashed" },
    ]);
    const { totals } = await read([header, ...lives.flat()], 100_000);
    expect(totals.map(({ published }) => published)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000]);
  });

  test("is refused in a sentence where it is no trace, of another version, empty or not there", async () => {
    expect(why(await read(["hello"]))).toContain("run.ndjson: is no trace");
    expect(why(await read([{ ...header, version: 2 }]))).toContain("version 2");
    expect(why(await read([]))).toContain("is empty");
    const missing = new RecordedSource({
      label: "x",
      open: () => Promise.reject(new Error("x cannot be read (404 Not Found)")),
    });
    const state = await new Promise<SourceState>((resolve) =>
      missing.start({
        onState: (state) => state.type === "ended" && resolve(state),
        onHello() {},
        onEvents() {},
        onTotals() {},
        onSampling() {},
      }),
    );
    expect(state).toMatchObject({ why: "x cannot be read (404 Not Found)" });
  });
});

test.each(["http://[", "100%.ndjson"])(
  "an address that nobody can read, %s, is refused in words",
  async (asked) => {
    const input = traceAt(asked, "file:///tmp/index.html");
    expect(input.label).not.toBe("");
    await expect(input.open()).rejects.toThrow(/^http:\/\/\[ is no address of a trace$|cannot be read/);
  },
);
