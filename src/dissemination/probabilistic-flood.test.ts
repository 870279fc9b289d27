import { describe, expect, test } from "vitest";
import { type Graph, graphOfLinks, RecordingEnvironment, UsageError } from "../core/index.ts";
import {
  ProbabilisticFlood,
  type ProbabilisticFloodNotice,
  type ProbabilisticFloodOptions,
  probabilisticFloodOptions,
  probabilisticFloodPresets,
  probabilisticFloodStates,
} from "./probabilistic-flood.ts";

const { unheard, forwarded, silent } = probabilisticFloodStates;

/** Node 0 hears nodes 1, 2 and 3. */
const star = graphOfLinks(4, [
  [0, 1],
  [0, 2],
  [0, 3],
]);

/** What node 0 does. */
function oneNode(options: Partial<ProbabilisticFloodOptions>, seed = 1, graph: Graph = star) {
  const env = new RecordingEnvironment<number, number, ProbabilisticFloodNotice>(0, seed);
  const flood = new ProbabilisticFlood({ graph, options });
  flood.start(env);
  const hear = (hops: number, isFromSparse = false) =>
    flood.onMessage(1, 2 * hops + (isFromSparse ? 1 : 0), env);
  return { env, flood, hear };
}

/** The share of 4000 nodes that forward what they hear. */
function shareForwarding(
  options: Partial<ProbabilisticFloodOptions>,
  hear: (node: ReturnType<typeof oneNode>) => void,
): number {
  const runs = 4000;
  let count = 0;
  for (let seed = 0; seed < runs; seed++) {
    const node = oneNode(options, seed);
    hear(node);
    count += node.flood.transmissions;
  }
  return count / runs;
}

describe("GOSSIP1", () => {
  test("the source sends once to all neighbors, whatever p and k are", () => {
    const { env, flood } = oneNode({ probability: 0, sureHops: 0 });
    flood.onCommand({ type: "originate" }, env);
    flood.onCommand({ type: "originate" }, env);
    expect(env.sent()).toEqual([1, 2, 3].map((to) => ({ to, message: 0 })));
    expect(env.notices()).toEqual([{ type: "heard", hops: 0 }]);
    expect(flood.transmissions).toBe(1);
    expect(flood.state[0]).toBe(forwarded);
  });

  test("a transmission counts once, however many hear it", () => {
    const { flood, hear } = oneNode({ probability: 1 });
    hear(0);
    expect(flood.transmissions).toBe(1);
  });

  test("only the first copy is heard and forwarded, one hop farther", () => {
    const { env, flood, hear } = oneNode({ probability: 1 });
    hear(6);
    hear(2);
    expect(env.notices()).toEqual([{ type: "heard", hops: 7 }]);
    expect(env.sent().map(({ message }) => message)).toEqual([14, 14, 14]);
    expect(flood.hops[0]).toBe(7);
    expect(flood.heard).toBe(1);
  });

  test.each([
    [0, 1, 0],
    [4, 3, 1],
    [4, 4, 0],
  ])("with k = %i who hears it after hop %i forwards with probability %i if p is 0", (k, hop, expected) => {
    const { flood, hear } = oneNode({ probability: 0, sureHops: k });
    hear(hop - 1);
    expect(flood.transmissions).toBe(expected);
    expect(flood.state[0]).toBe(expected === 1 ? forwarded : silent);
  });

  test("farther away a share p forwards", () => {
    const share = shareForwarding({ probability: 0.65, sureHops: 4 }, ({ hear }) => hear(5));
    expect(Math.abs(share - 0.65)).toBeLessThan(4 * Math.sqrt((0.65 * 0.35) / 4000));
  });

  test("who decided against it stays silent: no timer, no second thought", () => {
    const { env, hear } = oneNode({ probability: 0, sureHops: 0 });
    for (let copy = 0; copy < 3; copy++) hear(1);
    expect(env.scheduled()).toEqual([]);
    expect(env.sent()).toEqual([]);
  });
});

describe("GOSSIP2", () => {
  const options = { probability: 0.2, sureHops: 2, sparseProbability: 0.8, sparseNeighbors: 4 };

  test("who has few neighbors says so", () => {
    const { env, flood } = oneNode({ sparseNeighbors: 4 });
    flood.onCommand({ type: "originate" }, env);
    expect(env.sent()[0]!.message).toBe(1);
    const enough = oneNode({ sparseNeighbors: 3 });
    enough.flood.onCommand({ type: "originate" }, enough.env);
    expect(enough.env.sent()[0]!.message).toBe(0);
  });

  test.each([
    [true, 0.8],
    [false, 0.2],
  ])("what comes from a node with few neighbors (%s) is forwarded with probability %f", (isFromSparse, p) => {
    const share = shareForwarding(options, ({ hear }) => hear(5, isFromSparse));
    expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt(0.16 / 4000));
  });

  test("p2 must not be below p1", () => {
    expect(() => probabilisticFloodOptions({ ...options, sparseProbability: 0.1 })).toThrow(
      "sparseProbability: 0.1 is less than probability, 0.2",
    );
    expect(() => probabilisticFloodOptions({ probability: 0.9, sparseProbability: 0.1 })).not.toThrow();
  });
});

describe("GOSSIP3", () => {
  const options = { probability: 0, sureHops: 0, minCopies: 2, timeoutMs: 70 };

  test("who decided against it waits", () => {
    const { env, hear } = oneNode(options);
    hear(4);
    expect(env.sent()).toEqual([]);
    expect(env.scheduled()).toEqual([{ after: 70, timer: 5 }]);
  });

  test.each([
    [0, 1],
    [1, 1],
    [2, 0],
    [300, 0],
  ])("after %i further copies, where 2 were wanted, it transmits %i times", (copies, expected) => {
    const { env, flood, hear } = oneNode(options);
    hear(4);
    for (let copy = 0; copy < copies; copy++) hear(4);
    flood.onTimer(5, env);
    expect(flood.transmissions).toBe(expected);
    expect(env.sent()).toHaveLength(3 * expected);
    if (expected === 1) expect(env.sent()[0]!.message).toBe(10);
  });

  test("who forwarded at once waits for nothing", () => {
    const { env, hear } = oneNode({ ...options, probability: 1 });
    hear(4);
    expect(env.scheduled()).toEqual([]);
  });
});

test("nonsense is counted, and from too far away nothing is forwarded", () => {
  const { env, flood } = oneNode({ probability: 1 });
  for (const nonsense of [-1, 2 ** 30, Number.NaN]) flood.onMessage(1, nonsense, env);
  expect(flood.nonsense).toBe(3);
  expect(flood.state[0]).toBe(unheard);
  flood.onMessage(1, 2 * 65_534, env);
  expect(flood.hops[0]).toBe(65_535);
  expect(env.sent()).toEqual([]);
});

test("quiet, it notifies nobody", () => {
  const { env, flood, hear } = oneNode({ isQuiet: true });
  hear(1);
  expect(env.notices()).toEqual([]);
  expect(flood.heard).toBe(1);
});

test("presets are valid, and shares are shares", () => {
  for (const preset of Object.values(probabilisticFloodPresets)) probabilisticFloodOptions(preset);
  expect(() => probabilisticFloodOptions({ probability: 1.1 })).toThrow(UsageError);
});
