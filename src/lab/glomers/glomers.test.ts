/** The workload of the Gossip Glomers: its graphs, its statistics, its messages, and what partitions do to it. */
import { describe, expect, test } from "vitest";
import { RecordingEnvironment, type Typed } from "../../core/index.ts";
import { pathLengths } from "../../theory/index.ts";
import { StaticLinks } from "./static-links.ts";
import { neighborsIn, topologyNames } from "./topologies.ts";
import { TurnBatches } from "./turn-batches.ts";
import { ValueLedger } from "./value-ledger.ts";
import { runGlomers } from "./workload.ts";

describe("the topologies", () => {
  test.each([
    ["line", 24, 24],
    ["grid", 40, 8],
    ["tree2", 24, 8],
    ["tree3", 24, 6],
    ["tree4", 24, 5],
    ["total", 300, 1],
    ["hub", 24, 2],
  ] as const)("%s of 25 nodes has %i links and the diameter %i", (topology, links, diameter) => {
    const neighbors = neighborsIn(topology, 25);
    expect(neighbors.flat()).toHaveLength(2 * links);
    expect(pathLengths(neighbors)).toMatchObject({ diameter, reachability: 1 });
  });

  test.each(topologyNames)(
    "%s is connected for any number of nodes, each link known at both ends",
    (topology) => {
      for (let nodes = 2; nodes < 30; nodes++) {
        const neighbors = neighborsIn(topology, nodes);
        expect(pathLengths(neighbors).reachability).toBe(1);
        neighbors.forEach((list, node) => {
          expect(new Set(list).size).toBe(list.length);
          for (const other of list) expect(neighbors[other]).toContain(node);
        });
      }
      expect(() => neighborsIn(topology, 1)).toThrow("nodes: 1 is not an integer above 1");
    },
  );
});

describe("what is sent in one turn", () => {
  /** Sends whatever it is commanded, and tells what it gets. */
  const echo = {
    start: () => {},
    onCommand: (sends: { to: number; text: string }[], env: any) => {
      for (const { to, text } of sends) env.send(to, text);
    },
    onMessage: (from: number, message: string, env: any) => env.notify({ type: "got", from, message }),
    onTimer: (timer: Typed, env: any) => env.notify({ type: "rang", timer }),
  };

  test("is one message for each receiver, in order, at the end of the turn", () => {
    const env = new RecordingEnvironment<any, any, any>(0);
    const batches = new TurnBatches<any, any, any, any>(echo as any);
    batches.onCommand(
      [
        { to: 1, text: "a" },
        { to: 2, text: "a" },
        { to: 1, text: "b" },
      ],
      env,
    );
    expect(env.sent()).toEqual([]);
    expect(env.scheduled()).toEqual([{ after: 0, timer: { type: "end-of-turn" } }]);
    batches.onTimer({ type: "end-of-turn" }, env);
    expect(env.sent().map(({ to, message }: any) => [to, message.messages])).toEqual([
      [1, ["a", "b"]],
      [2, ["a"]],
    ]);
    batches.onTimer({ type: "end-of-turn" }, env);
    expect(env.sent()).toHaveLength(2);
  });

  test("is opened again at the other end", () => {
    const env = new RecordingEnvironment<any, any, any>(1);
    new TurnBatches<any, any, any, any>(echo as any).onMessage(
      0,
      { type: "batch", messages: ["a", "b"] },
      env,
    );
    expect(env.notices().map(({ message }: any) => message)).toEqual(["a", "b"]);
  });
});

describe("a neighbor of a static link", () => {
  const tick = (links: StaticLinks, env: any, times: number) => {
    for (let i = 0; i < times; i++) links.onTimer({ type: "tick" }, env);
  };

  test("that says something now and then is never asked and never away", () => {
    const env = new RecordingEnvironment<any, any, any>(0);
    const links = new StaticLinks([1]);
    for (let i = 0; i < 20; i++) {
      tick(links, env, 3);
      links.onHeard(1);
    }
    expect(env.sent()).toEqual([]);
    expect(env.notices()).toEqual([]);
  });

  test("that is silent is asked, then away, and is back when it is heard", () => {
    const env = new RecordingEnvironment<any, any, any>(0);
    const links = new StaticLinks([1, 2]);
    for (let i = 0; i < 10; i++) {
      tick(links, env, 1);
      links.onHeard(2);
    }
    expect(env.sent()[0]).toMatchObject({ to: 1, message: { type: "ping" } });
    expect(env.notices()).toEqual([{ type: "neighbor-down", neighbor: 1, reason: "failed" }]);
    expect(links.neighbors).toEqual([2]);
    links.onHeard(1);
    tick(links, env, 1);
    expect(env.notices().at(-1)).toEqual({ type: "neighbor-up", neighbor: 1, incarnation: 1 });
    expect(links.neighbors).toEqual([2, 1]);
  });

  test("answers when it is asked, and a stranger is no neighbor", () => {
    const env = new RecordingEnvironment<any, any, any>(0);
    const links = new StaticLinks([1]);
    links.onMessage(1, { type: "ping" }, env);
    links.onMessage(1, { type: "pong" }, env);
    expect(env.sent().map(({ message }: any) => message)).toEqual([{ type: "pong" }]);
    links.onHeard(7);
    tick(links, env, 1);
    expect(links.neighbors).toEqual([1]);
  });
});

describe("the ledger", () => {
  test("has a value stable at the last read that missed it, and everywhere when the last node has it", () => {
    const ledger = new ValueLedger(3);
    ledger.read(2, 5); // before there was anything
    ledger.acknowledged("a", 0, 10);
    ledger.read(1, 40);
    ledger.arrived("a", 1, 50);
    ledger.read(1, 50); // in the same instant: sees it
    ledger.read(2, 60);
    ledger.arrived("a", 2, 110);
    ledger.arrived("a", 2, 150); // a copy
    ledger.read(2, 120);
    expect(ledger.statistics()).toEqual({
      values: 1,
      stable: { p50: 50, p95: 50, p99: 50, max: 50 },
      everywhere: { p50: 100, p95: 100, p99: 100, max: 100 },
      lost: 0,
    });
    expect(ledger.reads).toBe(5);
  });

  test("calls a value that nobody missed stable at once", () => {
    const ledger = new ValueLedger(2);
    ledger.acknowledged("a", 0, 10);
    ledger.arrived("a", 1, 500);
    ledger.read(1, 600);
    expect(ledger.statistics()).toMatchObject({ stable: { max: 0 }, everywhere: { max: 490 } });
  });

  test("counts what a node lacks in the end, and takes quantiles at their ranks", () => {
    const ledger = new ValueLedger(2);
    for (let i = 0; i < 101; i++) {
      ledger.acknowledged(`${i}`, 0, 0);
      if (i < 100) ledger.arrived(`${i}`, 1, i + 1);
    }
    const { lost, values, everywhere } = ledger.statistics();
    expect({ lost, values }).toEqual({ lost: 1, values: 101 });
    expect(everywhere).toEqual({ p50: 51, p95: 96, p99: 100, max: 100 });
  });
});

describe("the workload", () => {
  const latency = { model: "constant", ms: 100 } as const;

  test("is the same for the same seed, and has as many operations as the rate says", () => {
    const config = { topology: "tree4", latency, limitMs: 5000 } as const;
    const one = runGlomers({ ...config, seed: 1 });
    expect(runGlomers({ ...config, seed: 1 })).toEqual(one);
    expect(runGlomers({ ...config, seed: 2 })).not.toEqual(one);
    // 500 at random pauses, and 25 final reads.
    expect(one.operations).toBeGreaterThan(450);
    expect(one.operations).toBeLessThan(600);
    expect(one.values / one.operations).toBeGreaterThan(0.4);
    expect(one.values / one.operations).toBeLessThan(0.6);
    expect(() => runGlomers({ ...config, seed: 1, rate: 0 })).toThrow("rate: 0 is not above 0");
  });

  test("takes on a tree 24 messages for a broadcast, and as long as the way is", () => {
    const { messages, values, everywhere, lost } = runGlomers({ seed: 3, topology: "tree4", latency });
    expect(messages / values).toBeGreaterThan(23.5); // values that meet share a message
    expect(messages / values).toBeLessThan(25);
    expect(everywhere.max).toBe(500);
    expect(lost).toBe(0);
  });

  test("takes fewer messages when a hub gathers, and longer", () => {
    const runs = [0, 100, 300].map((batchMs) => runGlomers({ seed: 1, topology: "hub", latency, batchMs }));
    const costs = runs.map(({ messagesPerOperation }) => messagesPerOperation);
    expect(costs).toEqual(costs.toSorted((a, b) => b - a));
    expect(runs.map(({ everywhere }) => everywhere.max)).toEqual([200, 400, 800]);
  });

  test("loses nothing to partitions, because neighbors compare when they are back", () => {
    const config = { seed: 1, topology: "tree4", latency, limitMs: 12_000, partitionMs: 4000 } as const;
    const result = runGlomers(config);
    // From 4 s to 8 s; a second one would begin when all is over.
    expect(result).toMatchObject({ lost: 0, partitions: 1 });
    expect(result.everywhere.max).toBeGreaterThan(4000);
    expect(result.everywhere.max).toBeLessThan(4000 + 5000);
    expect(runGlomers({ ...config, options: { repairs: false } }).lost).toBeGreaterThan(50);
  });
});
