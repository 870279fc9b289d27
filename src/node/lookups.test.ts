import { describe, expect, test } from "vitest";
import {
  keyOfName,
  type LookupReport,
  type LookupStep,
  type RoutingProtocol,
  UsageError,
} from "../core/index.ts";
import { keyFromText, type LookupProgress, Lookups } from "./lookups.ts";

type Notice = Record<string, any> & { type: string };

/** A node that does nothing but say what the test wants. */
class FakeNode {
  readonly commands: Notice[] = [];
  readonly listeners = new Set<(notice: Notice) => void>();
  isRunning = true;
  hasRouter = true;
  refusal: Error | undefined;
  readonly lookups = new Lookups({
    router: () => (this.hasRouter ? ({} as RoutingProtocol) : undefined),
    isRunning: () => this.isRunning,
    command: (body) => {
      this.commands.push(body);
      if (this.refusal !== undefined && body.type === "lookup") throw this.refusal;
    },
    onNotice: (listener) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  });

  say(notice: Notice): void {
    for (const listener of [...this.listeners]) listener(notice);
  }
  step(request: number, index: number, outcome = "asked", asker = "user"): void {
    const step = { node: "b", outcome } as unknown as LookupStep;
    this.say({ type: "lookup-step", request, asker, index, step });
  }
  end(request: number, asker = "user"): LookupReport {
    const report = { outcome: "found" } as LookupReport;
    this.say({ type: "lookup-ended", request, asker, report });
    return report;
  }
}

test("a key is 40 hexadecimal digits in either case; anything else is a name", () => {
  const key = "0123456789abcdef0123456789abcdef01234567";
  expect(keyFromText(key)).toBe(key);
  expect(keyFromText(key.toUpperCase())).toBe(key);
  expect(keyFromText(`${key}0`)).toBe(keyOfName(`${key}0`));
  expect(keyFromText("song")).toBe(keyOfName("song"));
});

describe("a lookup", () => {
  test("hears of itself alone, and listens no longer than it runs", async () => {
    const node = new FakeNode();
    const [one, two] = [node.lookups.start("one"), node.lookups.start("two", { count: 3 })];
    expect(node.commands).toEqual([
      { type: "lookup", request: 1, asker: "user", key: keyOfName("one") },
      { type: "lookup", request: 2, asker: "user", key: keyOfName("two"), count: 3 },
    ]);
    node.step(1, 0);
    node.step(1, 5, "asked", "store");
    node.step(2, 7);
    node.end(1, "store");
    const report = node.end(1);
    expect(await one.report).toBe(report);
    expect(node.listeners.size).toBe(1);
    const steps: number[] = [];
    for await (const { index } of one) steps.push(index);
    expect(steps).toEqual([0]);
    node.end(2);
    await two.report;
    expect(node.listeners.size).toBe(0);
  });

  test("gives each step to one of those who wait for it, and tells all of them that it is over", async () => {
    const node = new FakeNode();
    const run = node.lookups.start("one");
    const seen: LookupProgress[][] = [[], []];
    const readers = seen.map(async (list) => {
      for await (const progress of run) list.push(progress);
    });
    await Promise.resolve();
    for (let index = 0; index < 4; index++) node.step(1, index);
    node.end(1);
    await Promise.all(readers);
    expect(
      seen
        .flat()
        .map(({ index }) => index)
        .sort(),
    ).toEqual([0, 1, 2, 3]);
  });

  test("is ended by its signal: the router is told, the reason comes out, and nothing listens any more", async () => {
    const node = new FakeNode();
    const controller = new AbortController();
    const run = node.lookups.start("one", { signal: controller.signal });
    node.step(1, 0);
    controller.abort("enough");
    await expect(run.report).rejects.toBe("enough");
    const iterator = run[Symbol.asyncIterator]();
    expect((await iterator.next()).value.index, "what was told before is not lost").toBe(0);
    await expect(iterator.next()).rejects.toBe("enough");
    expect(node.commands.at(-1)).toEqual({ type: "cancel-lookup", request: 1, asker: "user" });
    expect(node.listeners.size).toBe(0);
  });

  test("with a signal that was given before asks nobody", async () => {
    const node = new FakeNode();
    const run = node.lookups.start("one", { signal: AbortSignal.abort("never mind") });
    await expect(run.report).rejects.toBe("never mind");
    expect(node.commands).toEqual([]);
    expect(node.listeners.size).toBe(0);
  });

  test("fails with its node, and where the router does not take it", async () => {
    const node = new FakeNode();
    const run = node.lookups.start("one");
    node.say({ type: "stopped", reason: "killed" });
    await expect(run.report).rejects.toThrow("lookup: the node has stopped");
    node.refusal = new UsageError("count: 0 is not an integer between 1 and 1024");
    await expect(node.lookups.start("two", { count: 0 }).report).rejects.toBe(node.refusal);
    expect(node.listeners.size).toBe(0);
  });

  test("is refused by whoever has no router, and by the dead", () => {
    const node = new FakeNode();
    node.isRunning = false;
    expect(() => node.lookups.start("x")).toThrow("lookup: this node has stopped");
    node.hasRouter = false;
    expect(() => node.lookups.start("x")).toThrow(
      "lookup: this node has no router; ask a peer that was started with --router kademlia, chord or pastry",
    );
  });
});
