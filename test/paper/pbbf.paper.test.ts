/** What Miller, Sengul and Gupta 2005 say of PBBF, on the simulation. */
import { describe, expect, test } from "vitest";
import { gridGraph } from "../../src/core/index.ts";
import { Pbbf, type PbbfOptions, pbbfPresets } from "../../src/dissemination/pbbf.ts";
import { Simulation } from "../../src/simulator/index.ts";

const graph = gridGraph({ rows: 7, columns: 7 });
const hopsOf = (row: number) => Math.floor(row / 7) + (row % 7);
const frameMs = 1000;
const activeMs = 100;
const linkMs = 2;
const originMs = 500;

/** One message from the corner, for so many frames. */
function run(options: Partial<PbbfOptions>, frames = 20, seed = 1) {
  const pbbf = new Pbbf({ graph, options: { frameMs, activeMs, ...options } });
  const links = { latency: { model: "constant", ms: linkMs } } as const;
  const simulation = new Simulation({ seed, rows: graph.nodes, links });
  simulation.hostAll(pbbf);
  simulation.command(0, { type: "originate" }, originMs);
  simulation.run(frames * frameMs - 1);
  return pbbf;
}

describe("(p, q) = (0, 0) is plain power save", () => {
  const pbbf = run(pbbfPresets["power-save"]);

  test("everybody gets it, one hop in each frame, when the window ends", () => {
    expect(pbbf.heard).toBe(49);
    for (let row = 1; row < 49; row++)
      expect(pbbf.heardAt[row]).toBe(hopsOf(row) * frameMs + activeMs + linkMs);
  });

  test("everybody announces and transmits once, and no copy meets a sleeper that lacks it", () => {
    expect([pbbf.announcements, pbbf.transmissions, pbbf.sending]).toEqual([49, 49, 0]);
    expect(pbbf.missed).toBe(0);
  });

  test("who has nothing to send or hear sleeps: all awake time beyond windows was announced", () => {
    // A node is awake for each distance from the source at which a neighbor, or it itself, announces.
    const awake = Array.from({ length: 49 }, (_, row) => {
      const near = [row, ...graph.neighbors.subarray(graph.offsets[row]!, graph.offsets[row + 1]!)];
      return new Set(near.map(hopsOf)).size;
    }).reduce((sum, times) => sum + times, 0);
    const expected = activeMs / frameMs + (1 - activeMs / frameMs) * (awake / (49 * 20));
    expect(pbbf.awakeShare).toBeCloseTo(expected, 12);
  });
});

describe("(p, q) = (1, 1) is always on", () => {
  const pbbf = run(pbbfPresets["always-on"]);

  test("everybody gets it at once, by a shortest way", () => {
    expect(pbbf.heard).toBe(49);
    for (let row = 0; row < 49; row++) expect(pbbf.heardAt[row]).toBe(originMs + hopsOf(row) * linkMs);
  });

  test("nobody announces, nobody sleeps, everybody transmits once", () => {
    expect([pbbf.announcements, pbbf.transmissions, pbbf.missed]).toEqual([0, 49, 0]);
    expect(pbbf.awakeShare).toBe(1);
  });
});

test("(1, 0): what is sent at once into the night is heard by nobody", () => {
  const pbbf = run({ immediateProbability: 1, awakeProbability: 0 });
  expect(pbbf.heard).toBe(1);
  expect(pbbf.missed).toBe(2);
});

test("(0, q): without sending at once nobody is left out, and time does not depend on q", () => {
  for (const q of [0.3, 0.7, 1]) {
    const pbbf = run({ immediateProbability: 0, awakeProbability: q });
    expect(pbbf.heard).toBe(49);
    expect(pbbf.heardAt[48]).toBe(12 * frameMs + activeMs + linkMs);
  }
});

test("larger p is faster where neighbors are awake, and nobody transmits twice", () => {
  const lastAt = [0, 0.3, 0.6, 0.9].map((p) => {
    const pbbf = run({ immediateProbability: p, awakeProbability: 1 });
    expect([pbbf.heard, pbbf.transmissions]).toEqual([49, 49]);
    return Math.max(...pbbf.heardAt);
  });
  expect([...lastAt].sort((a, b) => b - a)).toEqual(lastAt);
});

test("an announcement that is under way for longer than the window is heard by those awake alone", () => {
  const pbbf = new Pbbf({
    graph,
    options: { frameMs, activeMs, immediateProbability: 0, awakeProbability: 0 },
  });
  const links = { latency: { model: "constant", ms: activeMs + 1 } } as const;
  const simulation = new Simulation({ seed: 1, rows: graph.nodes, links });
  simulation.hostAll(pbbf);
  simulation.command(0, { type: "originate" }, originMs);
  simulation.run(5 * frameMs - 1);
  expect(pbbf.heard).toBe(1);
});
