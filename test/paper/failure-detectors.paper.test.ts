/** What the laws of src/theory say of detectors by heartbeats, held against the detectors in virtual time. */
import { expect, test } from "vitest";
import { Stack, sample } from "../../src/core/index.ts";
import { HeartbeatGossip, HeartbeatState, heartbeatGossipBytes } from "../../src/dissemination/index.ts";
import { AllToAllHeartbeat, GossipHeartbeat } from "../../src/membership/index.ts";
import { Simulation } from "../../src/simulator/index.ts";
import {
  allToAllTraffic,
  gossipDetection,
  gossipHeartbeatTraffic,
  missedHeartbeatsPerDay,
  phiSilence,
  silenceDetection,
} from "../../src/theory/index.ts";

const latency = { model: "uniform", fromMs: 1, toMs: 9 } as const;
const range = (n: number) => Array.from({ length: n }, (_, row) => row);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function allToAll(n: number, loss: number, options: { readonly verdict?: "phi" } = {}) {
  const verdicts: { readonly peer: number; readonly at: number }[] = [];
  const simulation = new Simulation({
    seed: 4,
    rows: n,
    links: { latency, loss },
    onNotice: (_, { type, peer }, at) => type === "member-failed" && verdicts.push({ peer, at }),
  });
  const detectors = range(n).map((row) => {
    const contacts = range(n).filter((other) => other !== row);
    const detector = new AllToAllHeartbeat({ contacts, standing: { incarnation: 1, since: 0 }, options });
    simulation.host(row, detector);
    return detector;
  });
  return { simulation, verdicts, detectors };
}

/** How long after each of these crashes the others noticed. */
function delaysOf(
  { simulation, verdicts }: Pick<ReturnType<typeof allToAll>, "simulation" | "verdicts">,
  crashes: number,
  gapMs: number,
): number[][] {
  const delays: number[][] = [];
  for (let node = 0; node < crashes; node++) {
    // Not at a full second: each node has its own moment of it.
    const at = 60_000 + (gapMs + 137) * node;
    simulation.run(at);
    simulation.crash(node);
    simulation.run(at + gapMs);
    delays.push(verdicts.flatMap((verdict) => (verdict.peer === node ? [verdict.at - at] : [])));
  }
  return delays;
}

test("a crash is noticed by the silence of all to all after the limit, less half an interval", () => {
  const delays = delaysOf(allToAll(24, 0), 16, 6000);
  const theory = silenceDetection({ intervalMs: 1000, limitMs: 3500, latencyMs: 5 });
  expect(delays.every((one, i) => one.length === 23 - i)).toBe(true);
  expect(Math.abs(mean(delays.flat()) - theory.meanMs)).toBeLessThan(200);
  expect(Math.max(...delays.flat())).toBeLessThan(theory.p99Ms + 30);
});

test("with phi it is noticed when phi of the learnt intervals says so", () => {
  const delays = delaysOf(allToAll(24, 0, { verdict: "phi" }), 16, 6000);
  // Regular heartbeats: the deviation is its least.
  const limitMs = phiSilence({ model: "normal", meanMs: 1000, deviationMs: 100, threshold: 8 });
  const theory = silenceDetection({ intervalMs: 1000, limitMs, latencyMs: 5 });
  expect(Math.abs(mean(delays.flat()) - theory.meanMs)).toBeLessThan(200);
});

test("the living are suspected as often as heartbeats get lost in a row", () => {
  const n = 10;
  const { simulation, detectors } = allToAll(n, 0.2);
  const [hours, pairs] = [0.25, n * (n - 1)];
  simulation.run(hours * 3_600_000);
  const measured = detectors.reduce((sum, { counters }) => sum + counters.suspicions, 0);
  const theory = (missedHeartbeatsPerDay({ loss: 0.2, misses: 3, intervalMs: 1000 }) / 24) * hours * pairs;
  expect(theory).toBeGreaterThan(400);
  expect(Math.abs(measured / theory - 1)).toBeLessThan(4 / Math.sqrt(theory));
});

test("by gossip it is noticed after t_fail and an epidemic, and n digests are what it costs", () => {
  const n = 32;
  const verdicts: { readonly peer: number; readonly at: number }[] = [];
  const simulation = new Simulation({
    seed: 9,
    rows: n,
    links: { latency },
    sizeOf: ({ body }) => heartbeatGossipBytes(body),
    onNotice: (_, { body }, at) => body.type === "member-failed" && verdicts.push({ peer: body.peer, at }),
  });
  const detectors = range(n).map((row) => {
    const others = range(n).filter((other) => other !== row);
    const state = new HeartbeatState(row, 1);
    const detector = new GossipHeartbeat({ contacts: others, states: state, options: { failMs: 12_000 } });
    const living = (other: number) => simulation.isAlive(other);
    const gossip = new HeartbeatGossip({
      state,
      // With whom all do, so that n is the number of those who live.
      peers: {
        sample: (count, random) =>
          sample(others.filter(living), count, random).map((peer) => ({ peer, since: 0 })),
      },
    });
    simulation.host(row, new Stack({ gossip, detector }));
    return detector;
  });

  simulation.run(30_000);
  const { bytes } = simulation.counters;
  simulation.run(59_000);
  const measured = (simulation.counters.bytes - bytes) / 29 / n;
  const sizes = { messageBytes: 33, digestBytes: 33, deltaBytes: 48 };
  const most = gossipHeartbeatTraffic({ n, intervalMs: 1000, ...sizes }).bytes;
  expect(measured).toBeLessThan(most);
  expect(measured).toBeGreaterThan(
    gossipHeartbeatTraffic({ n, intervalMs: 1000, ...sizes, differ: 0.5 }).bytes,
  );
  expect(most).toBeGreaterThan(allToAllTraffic({ n, intervalMs: 1000, heartbeatBytes: 43 }).bytes);

  const delays = delaysOf({ simulation, verdicts }, 5, 20_000);
  expect(delays.every((one, i) => one.length === n - 1 - i)).toBe(true);
  expect(detectors.reduce((sum, { counters }) => sum + counters.cleared, 0)).toBe(0);
  const theory = gossipDetection({ n: n - 2, intervalMs: 1000, failMs: 12_000 });
  // Beyond t_fail: about two intervals of epidemic, less the half.
  const epidemic = theory.meanMs - 12_000;
  expect(Math.abs(mean(delays.flat()) - 12_000 - epidemic)).toBeLessThan(0.25 * epidemic);
  expect(mean(delays.map((one) => Math.min(...one)))).toBeLessThan(theory.meanMs);
  expect(mean(delays.map((one) => Math.max(...one)))).toBeLessThan(theory.lastMs + 1000);
});
