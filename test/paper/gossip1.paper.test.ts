/** What Haas, Halpern and Li 2002 say of GOSSIP1, GOSSIP2 and GOSSIP3, on the simulation. */
import { describe, expect, test } from "vitest";
import {
  adjacencyOf,
  type Graph,
  graphOfLinks,
  gridGraph,
  randomGeometricGraph,
  seededRandom,
} from "../../src/core/index.ts";
import {
  ProbabilisticFlood,
  type ProbabilisticFloodOptions,
  probabilisticFloodStates,
} from "../../src/dissemination/probabilistic-flood.ts";
import { Simulation } from "../../src/simulator/index.ts";
import { components } from "../../src/theory/graph-measures.ts";

const { unheard, forwarded } = probabilisticFloodStates;

function run(graph: Graph, options: Partial<ProbabilisticFloodOptions>, seed: number, source = 0) {
  const flood = new ProbabilisticFlood({ graph, options });
  const links = { latency: { model: "constant", ms: 3 } } as const;
  const notices: unknown[] = [];
  const simulation = new Simulation({
    seed,
    rows: graph.nodes,
    links,
    onNotice: (row, { hops }) => notices.push([row, hops]),
  });
  simulation.hostAll(flood);
  simulation.command(source, { type: "originate" });
  expect(simulation.run()).toBe("idle");
  return { flood, simulation, notices };
}

const geometric = (seed: number) =>
  randomGeometricGraph({ nodes: 200, width: 1, height: 1, range: 0.11 }, seededRandom(seed));

describe("GOSSIP1(1, k) is the flood", () => {
  test("everybody in reach gets it by a shortest way, and transmits once", () => {
    const graph = gridGraph({ rows: 9, columns: 11 });
    const { flood, simulation, notices } = run(graph, { probability: 1, sureHops: 0 }, 1);
    expect(flood.heard).toBe(99);
    expect(flood.transmissions).toBe(99);
    expect(simulation.counters.messages).toBe(graph.neighbors.length);
    for (let row = 0; row < 99; row++) expect(flood.hops[row]).toBe(Math.floor(row / 11) + (row % 11));
    expect(new Set(notices.map((notice) => JSON.stringify(notice))).size).toBe(99);
  });

  test("and nobody beyond the part of the graph that holds the source", () => {
    for (let seed = 0; seed < 20; seed++) {
      const graph = geometric(seed);
      const part = components(adjacencyOf(graph)).find((nodes) => nodes.includes(0))!;
      const { flood } = run(graph, { probability: 1 }, seed);
      expect(flood.heard).toBe(part.length);
    }
  });
});

test("whoever hears it has a neighbor that transmitted one hop nearer, and who transmits was heard by all near", () => {
  for (let seed = 0; seed < 30; seed++) {
    const graph = geometric(seed);
    const { flood } = run(graph, { probability: 0.6, sureHops: 2 }, seed);
    for (const [row, neighbors] of adjacencyOf(graph).entries()) {
      if (flood.state[row] === forwarded)
        for (const other of neighbors) expect(flood.state[other]).not.toBe(unheard);
      if (flood.state[row] === unheard || row === 0) continue;
      const parents = neighbors.filter(
        (other) => flood.state[other] === forwarded && flood.hops[other] === flood.hops[row]! - 1,
      );
      expect(parents.length).toBeGreaterThan(0);
      if (flood.hops[row]! < 2) expect(flood.state[row]).toBe(forwarded);
    }
  }
});

test("with GOSSIP1(0, k) it goes k hops far", () => {
  const line = gridGraph({ rows: 1, columns: 12 });
  for (const k of [1, 4, 7]) {
    const { flood } = run(line, { probability: 0, sureHops: k }, 1);
    expect(flood.heard).toBe(k + 1);
    expect(flood.transmissions).toBe(k);
  }
  // The source sends in any case.
  expect(run(line, { probability: 0, sureHops: 0 }, 1).flood.heard).toBe(2);
});

test("GOSSIP2: a message crosses a line of nodes with few neighbors, whatever p1 is", () => {
  const line = gridGraph({ rows: 1, columns: 30 });
  const options = { probability: 0.1, sureHops: 0, sparseProbability: 1 };
  expect(run(line, { ...options, sparseNeighbors: 3 }, 1).flood.heard).toBe(30);
  expect(run(line, { ...options, sparseNeighbors: 1 }, 1).flood.heard).toBeLessThan(30);
});

test("GOSSIP3: who hears no further copy speaks in the end, so that a line is crossed for sure", () => {
  const line = gridGraph({ rows: 1, columns: 30 });
  const { flood, simulation } = run(line, { probability: 0, sureHops: 0, minCopies: 1, timeoutMs: 50 }, 1);
  expect(flood.heard).toBe(30);
  // Each but the source and its like waits for its timeout: nobody behind it can tell it twice.
  expect(simulation.time).toBeGreaterThan(29 * 50);
});

test("GOSSIP3: in a clique in which nobody forwards all speak after the timeout, at the same moment", () => {
  const links: [number, number][] = [];
  for (let a = 0; a < 8; a++) for (let b = 0; b < a; b++) links.push([a, b]);
  const graph = graphOfLinks(8, links);
  const eager = { probability: 0, sureHops: 0, minCopies: 1, timeoutMs: 50 };
  expect(run(graph, eager, 1).flood.transmissions).toBe(8);
  // One other that forwards is enough for all to stay silent: each has heard a further copy.
  const { flood } = run(graph, { ...eager, probability: 0.3 }, 1);
  expect(flood.heard).toBe(8);
  const atOnce = run(graph, { ...eager, probability: 0.3, minCopies: 0 }, 1).flood.transmissions;
  expect(atOnce).toBeGreaterThan(1);
  expect(flood.transmissions).toBe(atOnce);
});

test("the same seed gives the same run, another one another", () => {
  const graph = geometric(5);
  const hash = (seed: number) => run(graph, { probability: 0.65 }, seed).simulation.hash;
  expect(hash(1)).toBe(hash(1));
  expect(hash(1)).not.toBe(hash(2));
});
