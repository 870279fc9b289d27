import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RecordedSource, traceAt } from "../../dashboard/src/sources/recorded-source.ts";
import { Timeline } from "../../dashboard/src/timeline/timeline.ts";
import { startTraceServer } from "./trace-server.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-watch-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const header = (part: number) =>
  JSON.stringify({ trace: "grapevine", version: 1, part, startedAt: 5, world: "simulated" });
const joined = (node: number) =>
  JSON.stringify({
    at: node,
    node,
    layer: "scenario",
    type: "joined",
    name: `peer-${node}`,
    role: "peer",
  });

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("a trace that is watched", () => {
  test("is shown by the page with all its parts as one run, though one of them ends within a line", async () => {
    const path = write("run of two.ndjson", `${header(1)}\n${joined(2)}\n`);
    write("run of two.ndjson.1", `${header(0)}\n${joined(0)}\n${joined(1)}\n{"at":1,"no`);
    const server = await startTraceServer({ path, port: 0 });
    const address = new URL(server.url);
    const trace = new URL(address.searchParams.get("trace")!, address);
    const timeline = new Timeline(new RecordedSource(traceAt(trace.href, address)));
    const ended = new Promise<void>((resolve) =>
      timeline.watch(() => {
        if (timeline.hasEnded) resolve();
      }),
    );
    timeline.start();
    await ended;
    expect([...timeline.picture.nodes.values()].map(({ name }) => name)).toEqual([
      "peer-0",
      "peer-1",
      "peer-2",
    ]);
    expect(timeline.source.label).toBe("run of two.ndjson");
    expect(timeline.state).toMatchObject({ why: expect.stringContaining("1 line was no event") });
    await server.close();
  });

  test("is given to nobody's page but its own, and is the only file there", async () => {
    const path = write("run.ndjson", `${header(0)}\n${joined(0)}\n`);
    const server = await startTraceServer({ path, port: 0 });
    const { origin } = new URL(server.url);
    const ask = async (where: string, init: RequestInit = {}) => (await fetch(origin + where, init)).status;
    expect(await ask("/trace/run.ndjson")).toBe(200);
    expect(await ask("/trace/run.ndjson", { method: "HEAD" })).toBe(200);
    expect(await ask("/trace/run.ndjson", { headers: { origin: "http://evil.example" } })).toBe(403);
    expect(await ask("/trace/../../etc/passwd")).toBe(404);
    expect(await ask("/v1/status")).toBe(404);
    expect(await ask("/trace/run.ndjson", { method: "POST" })).toBe(403);
    expect((await fetch(origin, { redirect: "manual" })).headers.get("location")).toBe(
      "/?trace=trace%2Frun.ndjson",
    );
    await server.close();
  });

  test("leaves no file open, whether it is read to its end or not", async () => {
    const path = write("long.ndjson", `${header(0)}\n${`${joined(0)}\n`.repeat(50_000)}`);
    const server = await startTraceServer({ path, port: 0 });
    const { origin } = new URL(server.url);
    const openFiles = () => readdirSync("/proc/self/fd").length;
    const whole = await fetch(`${origin}/trace/long.ndjson`);
    await whole.arrayBuffer();
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      const stopping = new AbortController();
      const answer = await fetch(`${origin}/trace/long.ndjson`, { signal: stopping.signal });
      await answer.body!.getReader().read();
      stopping.abort();
      await fetch(`${origin}/trace/long.ndjson`, { method: "HEAD" });
    }
    await expect.poll(openFiles, { timeout: 5000 }).toBeLessThan(before + 10);
    await server.close();
  });

  test("that is cut short while it is read ends as an error, and keeps nobody waiting", async () => {
    const path = write("cut.ndjson", `${header(0)}\n${`${joined(0)}\n`.repeat(200_000)}`);
    const server = await startTraceServer({ path, port: 0 });
    const answer = await fetch(new URL("/trace/cut.ndjson", server.url));
    const reader = answer.body!.getReader();
    await reader.read();
    truncateSync(path, 100);
    const toTheEnd = async () => {
      while (!(await reader.read()).done);
    };
    await expect(toTheEnd()).rejects.toThrow();
    await server.close();
  });

  test("has to begin as a trace does, every part of it", async () => {
    const path = write("mixed.ndjson", `${header(1)}\n`);
    write("mixed.ndjson.1", `${header(0).replace('"version":1', '"version":9')}\n`);
    await expect(startTraceServer({ path, port: 0 })).rejects.toThrow(
      "mixed.ndjson.1: is a trace of version 9",
    );
    const other = write("notes.txt", "hello\n");
    await expect(startTraceServer({ path: other, port: 0 })).rejects.toThrow("its first line is not");
    await expect(startTraceServer({ path: folder, port: 0 })).rejects.toThrow("is no file");
    await expect(startTraceServer({ path: "/dev/zero", port: 0 })).rejects.toThrow("is no file");
  });
});
