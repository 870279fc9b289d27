import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type TraceEvent, UsageError } from "../core/index.ts";
import { readTrace, TraceFile, type TraceReader, traceParts } from "./trace-file.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grapevine-trace-"));
  path = join(folder, "run.ndjson");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const node = { name: "peer-1", role: "peer", contact: "aa@127.0.0.1:9001" };
const header = '{"trace":"grapevine","version":1,"part":0,"startedAt":5,"world":"live"}\n';

async function all(trace: TraceReader): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  for await (const event of trace) events.push(event);
  return events;
}

function event(at: number, fields: object = {}): TraceEvent {
  return { at, node: 1, layer: "broadcast", type: "tick", ...fields } as TraceEvent;
}

describe("writing", () => {
  test("the first line says what the file is, then each event has a line", async () => {
    const trace = TraceFile.open(path, { world: "simulated", about: { seed: 7 } });
    trace.event(event(5));
    await trace.close();
    const [first, second, end] = readFileSync(path, "utf8").split("\n");
    expect(JSON.parse(first!)).toMatchObject({
      trace: "grapevine",
      version: 1,
      part: 0,
      world: "simulated",
      about: { seed: 7 },
    });
    expect(JSON.parse(second!)).toEqual({ at: 5, node: 1, layer: "broadcast", type: "tick" });
    expect(end).toBe("");
  });

  test("`at` is when it happened here, also where the notice states a time of its own; bytes are their number", async () => {
    const trace = TraceFile.open(path);
    const payloads = [new Uint8Array(3), "text"];
    trace.write(9, "broadcast", { type: "delivered", at: 4, payload: new Uint8Array(5) } as never, node);
    trace.write(9, "source", { type: "publish", payloads } as never, node);
    await trace.close();
    const [, delivered, publish] = await all(readTrace(path));
    expect(delivered).toEqual({
      at: 9,
      node: node.contact,
      layer: "broadcast",
      type: "delivered",
      statedAt: 4,
      payloadBytes: 5,
    });
    expect(publish).toMatchObject({ payloads: [{ bytes: 3 }, "text"] });
  });

  test("of a record of the store only the number of its bytes is written, however deep it lies", async () => {
    const trace = TraceFile.open(path);
    const record = { statement: { name: "x", value: new Uint8Array(70_000) }, proof: Buffer.alloc(160) };
    trace.write(9, "store", { type: "store-ended", outcome: "found", record } as never, node);
    const report = { hops: 1, records: [{ from: "b", record }] };
    trace.write(9, "kademlia", { type: "lookup-ended", report } as never, node);
    await trace.close();
    const [, ended, found] = await all(readTrace(path));
    const shown = { statement: { name: "x", value: { bytes: 70_000 } }, proof: { bytes: 160 } };
    expect(ended).toMatchObject({ outcome: "found", record: shown });
    expect(found).toMatchObject({ report: { hops: 1, records: [{ from: "b", record: shown }] } });
  });

  test("a node is named before its first event, and anew when its contact changes", async () => {
    const trace = TraceFile.open(path);
    const unborn = {
      name: "peer-2",
      role: "peer",
      get contact(): string {
        throw new TypeError("does not listen yet");
      },
    };
    trace.write(1, "node", { type: "warning", text: "x" } as never, unborn);
    trace.write(2, "node", { type: "stopped", reason: "x" } as never, node);
    trace.write(3, "node", { type: "stopped", reason: "x" } as never, {
      ...node,
      contact: "aa@127.0.0.1:9002",
    });
    trace.write(4, "node", { type: "stopped", reason: "x" } as never, node);
    await trace.close();
    const reader = readTrace(path);
    const events = await all(reader);
    expect(events.map(({ type, node }) => [type, node])).toEqual([
      ["named", "peer-2"],
      ["warning", "peer-2"],
      ["named", "aa@127.0.0.1:9001"],
      ["stopped", "aa@127.0.0.1:9001"],
      ["named", "aa@127.0.0.1:9002"],
      ["stopped", "aa@127.0.0.1:9002"],
      ["stopped", "aa@127.0.0.1:9001"],
    ]);
    expect(reader.nameOf("aa@127.0.0.1:9002")).toBe("peer-1");
    expect(reader.nameOf("somebody")).toBe("somebody");
  });

  test("events are on disk at the end of the turn, without closing", async () => {
    const trace = TraceFile.open(path);
    trace.event(event(1));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await all(readTrace(path))).toHaveLength(1);
    await trace.close();
  });

  test("a turn that never ends does not fill the memory", async () => {
    const trace = TraceFile.open(path);
    for (let i = 0; i < 20_000; i++) trace.event(event(i, { text: "x".repeat(50) }));
    expect(statSync(path).size).toBeGreaterThan(20_000 * 80 - 70_000);
    await trace.close();
    const events = await all(readTrace(path));
    expect(events.map(({ at }) => at)).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  test("a rotated trace is read as one, oldest first, and every file names its nodes", async () => {
    const trace = TraceFile.open(path, { maxTraceBytes: 20_000, maxTraceFiles: 4 });
    trace.name(1, "one", "peer");
    for (let i = 0; i < 1000; i++) {
      trace.event(event(i, { text: "x".repeat(20) }));
      if (i % 100 === 99) trace.flush();
    }
    await trace.close();
    expect(readdirSync(folder).sort()).toEqual([
      "run.ndjson",
      "run.ndjson.1",
      "run.ndjson.2",
      "run.ndjson.3",
    ]);
    const ticks = (await all(readTrace(path))).filter(({ type }) => type === "tick").map(({ at }) => at);
    expect(ticks.at(-1)).toBe(999);
    expect(ticks).toEqual(Array.from({ length: ticks.length }, (_, i) => 1000 - ticks.length + i));
    for (const part of traceParts(path))
      expect(readFileSync(part, "utf8").split("\n")[1] ?? "").toMatch(/"named"|^$/);
  });

  test("opening replaces the earlier trace with all its parts, and nothing else", async () => {
    for (const name of ["run.ndjson", "run.ndjson.1"]) writeFileSync(join(folder, name), header);
    writeFileSync(join(folder, "run.ndjson.2"), "my notes");
    await TraceFile.open(path).close();
    expect(readdirSync(folder).sort()).toEqual(["run.ndjson", "run.ndjson.2"]);
    expect(await all(readTrace(path))).toEqual([]);
  });

  test("it can be continued, even after a line that a crash has torn", async () => {
    writeFileSync(path, `${header}${JSON.stringify(event(1))}\n{"at":2,"no`);
    const trace = TraceFile.open(path, { appends: true });
    trace.event(event(3));
    await trace.close();
    const reader = readTrace(path);
    expect((await all(reader)).map(({ at }) => at)).toEqual([1, 3]);
    expect(reader.skipped).toBe(1);
  });

  test("a full disk is one warning, and counted", async () => {
    symlinkSync("/dev/full", path);
    const warnings: string[] = [];
    const trace = TraceFile.open(path, { warn: (text) => warnings.push(text) });
    for (let i = 0; i < 5000; i++) trace.event(event(i));
    await trace.close();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("ENOSPC");
    expect(trace.counters.lost).toBe(5000);
  });

  test("a path that cannot be written is the caller's mistake", () => {
    writeFileSync(path, "");
    expect(() => TraceFile.open(join(path, "inside"))).toThrow(UsageError);
    expect(() => TraceFile.open(folder)).toThrow(UsageError);
    expect(() => TraceFile.open(path, { maxTraceFiles: 1 })).toThrow("maxTraceFiles: 1 is less than 2");
  });
});

describe("reading", () => {
  test("lines that are no events are skipped and counted", async () => {
    writeFileSync(path, header);
    const bad = [
      "not json",
      "[]",
      "null",
      '{"at":"x","node":1,"layer":"a","type":"b"}',
      '{"at":1}',
      `{"pad":"${"x".repeat(5000)}"}`,
    ];
    appendFileSync(path, `${bad.join("\n")}\n\n${JSON.stringify(event(7))}`);
    const reader = readTrace(path, { maxLineBytes: 1000 });
    expect(await all(reader)).toEqual([event(7)]);
    expect(reader.skipped).toBe(bad.length);
    expect(reader.header).toMatchObject({ part: 0, startedAt: 5 });
  });

  test("a line beyond the bound is never held, wherever chunks end", async () => {
    const long = "y".repeat(200_000);
    writeFileSync(
      path,
      `${header}${long}\n${JSON.stringify(event(1))}\n${long}\n${JSON.stringify(event(2))}\n${long}`,
    );
    const reader = readTrace(path, { maxLineBytes: 70_000 });
    expect((await all(reader)).map(({ at }) => at)).toEqual([1, 2]);
    expect(reader.skipped).toBe(3);
  });

  test("a line may be cut by chunks within a character", async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => "😀é".repeat(i % 30));
    writeFileSync(path, header + texts.map((text, i) => `${JSON.stringify(event(i, { text }))}\n`).join(""));
    const reader = readTrace(path);
    expect((await all(reader)).map((read) => read["text"])).toEqual(texts);
  });

  test.each([
    ["nothing", "", "is empty"],
    ["another file", "hello\n", "is no trace"],
    ["a later version", header.replace('"version":1', '"version":2'), "version 2; this program reads 1"],
  ])("refuses %s, and says why", async (_what, content, why) => {
    writeFileSync(path, content);
    await expect(all(readTrace(path))).rejects.toThrow(why);
  });

  test("refuses a path where there is nothing", async () => {
    expect(existsSync(path)).toBe(false);
    await expect(all(readTrace(path))).rejects.toThrow("there is no such file");
  });
});

describe("docs/trace.md", () => {
  const root = join(import.meta.dirname, "..", "..");
  const documented = readFileSync(join(root, "docs", "trace.md"), "utf8");
  const notices = noticesIn(join(root, "src"));

  test("the sources are understood: known notices are found with their fields", () => {
    const found = new Map(notices.map(({ type, fields }) => [type, fields]));
    expect(notices.length).toBeGreaterThan(45);
    expect(found.get("delivered")).toEqual([
      "origin",
      "incarnation",
      "sequence",
      "at",
      "topic", // optional
      "payload",
      "from",
      "hops",
    ]);
    expect(found.get("link-cut")).toEqual(["remote", "reason", "detail"]); // an interface with a union of types
    expect(found.get("neighbor-down")).toEqual(["neighbor", "reason"]); // by way of StackNotice
    expect(found.get("left")).toEqual([]);
  });

  test.each(notices)("lists $type with all its fields", ({ type, fields }) => {
    const row = documented.split("\n").find((line) => line.startsWith(`| \`${type}\` |`));
    expect(row, `docs/trace.md has no row for ${type}`).toBeDefined();
    const named = row!.split("|")[2]!;
    for (const field of fields) expect(named).toContain(`\`${field === "at" ? "statedAt" : field}\``);
  });
});

interface DocumentedNotice {
  readonly type: string;
  readonly fields: readonly string[];
}

/** Every alternative of every exported union whose name ends in "Notice", read from the sources as they stand. */
function noticesIn(folder: string): DocumentedNotice[] {
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(folder, name), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""));
  const bodies = new Map<string, string>();
  const unions: string[] = [];
  for (const source of sources) {
    for (const [, name, body] of source.matchAll(/^export type (\w+) =((?:[^;{]|\{[^}]*\})*);/gm)) {
      bodies.set(name!, body!);
      if (name!.endsWith("Notice")) unions.push(body!);
    }
    for (const [, name, body] of source.matchAll(/^export interface (\w+)[^{]*(\{[^}]*\})/gm)) {
      bodies.set(name!, body!);
    }
  }
  const found = new Map<string, DocumentedNotice>();
  const collect = (body: string) => {
    for (const [shape] of body.matchAll(/\{[^}]*\}/g)) {
      const types = /\btype:((?:\s*\|?\s*"[\w-]+")+)/.exec(shape)?.[1] ?? "";
      const fields = [...shape.matchAll(/readonly (\w+)\??:/g)].map(([, field]) => field!);
      for (const [, type] of types.matchAll(/"([\w-]+)"/g)) {
        found.set(type!, { type: type!, fields: fields.filter((field) => field !== "type") });
      }
    }
    for (const [name] of body.replace(/\{[^}]*\}/g, "").matchAll(/\b[A-Z]\w+/g))
      collect(bodies.get(name) ?? "");
  };
  for (const union of unions) collect(union);
  return [...found.values()];
}
