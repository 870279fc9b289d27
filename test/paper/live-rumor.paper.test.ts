/**
 * Rumor mongering as live nodes do it (`RoundExchange` with the policy `RumorMongering`: calls, answers, feedback, ids
 * before payloads) is the same epidemic as the columns of `Rumor`, from which the tables of Demers et al. (1987) come
 * out. Both have rounds of their own from random moments on, any other peer as a partner, and a latency that is next
 * to nothing beside a round; so residue and traffic must have the same mean. Both classes use `RumorTable`; what is
 * compared is who contacts whom when, and what counts as a contact.
 *
 * A difference of means counts if it is beyond four standard errors, a chance of 1 in 16,000 for each comparison.
 */
import { describe, expect, test } from "vitest";
import { Moments } from "../../src/core/index.ts";
import { Rumor, type RumorOptions } from "../../src/dissemination/index.ts";
import { SimulatedNetwork } from "../../src/simulated/index.ts";
import { Simulation } from "../../src/simulator/index.ts";

const nodes = 100;
const roundMs = 100;
const latency = { model: "constant", ms: 1 } as const;
/** By then nobody spreads any more. */
const longestRounds = 60;

interface Epidemics {
  readonly residue: Moments;
  /** Offers, or copies, for each node. */
  readonly traffic: Moments;
}

type Rules = Required<Pick<RumorOptions, "mode" | "stop" | "stopAfter" | "hasFeedback" | "isMinimised">>;

/** One message after the other in one network, each of another peer. */
function live(rules: Rules, messages: number): Epidemics {
  const residue = new Moments();
  const traffic = new Moments();
  let deliveries = 0;
  const network = new SimulatedNetwork({
    seed: 1,
    seeds: 3,
    maxPeers: nodes,
    links: { kind: "stream", latency },
    options: {
      source: { waitsForCommand: true },
      broadcast: { method: "rumor", partners: "members", repairs: false, roundMs, ...rules },
    },
    onNotice: (_at, _row, _layer, { type }) => {
      if (type === "delivered") deliveries++;
    },
  });
  network.startSeeds();
  for (let i = 0; i < nodes; i++) network.addPeer();
  const knowAll = () => [...network.peers.values()].every(({ members }) => members.size === nodes - 1);
  expect(network.runUntil(knowAll, 600_000), "everybody knows everybody").toBe(true);
  const peers = [...network.peers];
  const offers = () => peers.reduce((sum, [, { broadcast }]) => sum + broadcast.counters.offers, 0);
  for (let message = 0; message < messages; message++) {
    const before = offers();
    deliveries = 0;
    network.publish(peers[message % nodes]![0], [`message ${message}`]);
    const isQuiet = () => peers.every(([, { broadcast }]) => broadcast.hotCount === 0);
    network.simulation.run(network.time + 1);
    expect(network.runUntil(isQuiet, longestRounds * roundMs, 2 * roundMs), "goes cold").toBe(true);
    network.simulation.run(network.time + roundMs);
    residue.add(1 - (deliveries + 1) / nodes);
    traffic.add((offers() - before) / nodes);
  }
  return { residue, traffic };
}

function columns(rules: Rules, runs: number): Epidemics {
  const residue = new Moments();
  const traffic = new Moments();
  for (let seed = 1; seed <= runs; seed++) {
    const rumor = new Rumor({ rows: nodes, options: { ...rules, intervalMs: roundMs, isQuiet: true } });
    const simulation = new Simulation({ seed, rows: nodes, links: { latency } });
    simulation.hostAll(rumor);
    simulation.command(0, { type: "infect" });
    do simulation.run(simulation.time + 2 * roundMs);
    while (rumor.spreading > 0 && simulation.time < longestRounds * roundMs);
    simulation.run(simulation.time + roundMs);
    residue.add((nodes - rumor.informed) / nodes);
    traffic.add(rumor.copies / nodes);
  }
  return { residue, traffic };
}

/** In standard errors of the difference. */
function difference(one: Moments, other: Moments): number {
  return (one.mean - other.mean) / Math.hypot(one.standardError, other.standardError);
}

const push = { mode: "push", stop: "counter", hasFeedback: true, isMinimised: false } as const;
const rules: readonly [string, Rules, number][] = [
  ["push, feedback, counter 1", { ...push, stopAfter: 1 }, 300],
  ["push, feedback, counter 2", { ...push, stopAfter: 2 }, 300],
  ["push, feedback, counter 3", { ...push, stopAfter: 3 }, 300],
  ["push, blind, counter 3", { ...push, hasFeedback: false, stopAfter: 3 }, 300],
  ["push, feedback, coin 2", { ...push, stop: "coin", stopAfter: 2 }, 300],
  ["pull, feedback, counter 1", { ...push, mode: "pull", stopAfter: 1 }, 300],
  ["pull, blind, counter 2", { ...push, mode: "pull", hasFeedback: false, stopAfter: 2 }, 300],
  ["push-pull, feedback, counter 1", { ...push, mode: "push-pull", stopAfter: 1 }, 300],
  ["push-pull, blind, counter 2", { ...push, mode: "push-pull", hasFeedback: false, stopAfter: 2 }, 300],
  ["push-pull, minimised, counter 2", { ...push, mode: "push-pull", isMinimised: true, stopAfter: 2 }, 300],
];

describe("live nodes and columns", () => {
  test.each(rules)("%s: the same residue, the same traffic", (name, rule, runs) => {
    const one = live(rule, runs);
    const other = columns(rule, 3 * runs);
    for (const measure of ["residue", "traffic"] as const) {
      const text = `${measure} ${one[measure].mean.toFixed(4)} live, ${other[measure].mean.toFixed(4)} in columns`;
      expect(Math.abs(difference(one[measure], other[measure])), `${name}: ${text}`).toBeLessThan(4);
    }
  });

  test("so many runs see the difference between a coin and a counter of the same k", () => {
    const one = live({ ...push, stopAfter: 2 }, 300);
    const other = columns({ ...push, stop: "coin", stopAfter: 2 }, 900);
    expect(difference(one.residue, other.residue)).toBeLessThan(-4);
    expect(difference(one.traffic, other.traffic)).toBeGreaterThan(4);
  });
});
