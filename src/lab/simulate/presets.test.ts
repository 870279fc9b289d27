import { describe, expect, test } from "vitest";
import { Moments, type TraceEvent } from "../../core/index.ts";
import { checkersFor } from "../../scenario/checkers.ts";
import { runScenario } from "../../scenario/runner.ts";
import { withOverrides } from "../../scenario/scenario-options.ts";
import type { RoundSemantics } from "../../simulator/index.ts";
import { findScenario } from "../scenario/find-scenario.ts";
import { createSimulatedWorld } from "../scenario/simulated-world.ts";
import { TraceSummary } from "../trace/index.ts";
import { completeInput } from "./preset.ts";
import { presetNamed, presets } from "./presets.ts";
import {
  machineFigures,
  type ProfileResult,
  type RoundsResult,
  type RumorResult,
  type RunWatch,
  type ScenarioResult,
  type SimulationParameters,
  type SimulationResult,
  unwatched,
} from "./run.ts";

/** A node is removed after so many copies. */
const blind = (stopAfter: number) => ({ stop: "counter", hasFeedback: false, stopAfter }) as const;

function simulate<Result = SimulationResult>(
  name: string,
  { nodes, seed = 1, ...parameters }: { nodes: number; seed?: number } & SimulationParameters,
  watch: Partial<RunWatch> = {},
): Promise<Result> {
  const preset = presetNamed(name);
  const input = completeInput(preset, { nodes, seed, parameters });
  return Promise.resolve(preset.run(input, { ...unwatched, ...watch })) as Promise<Result>;
}

/** Without what the machine has to do with it. */
function simulated(result: SimulationResult): object {
  return Object.fromEntries(Object.entries(result).filter(([name]) => !machineFigures.has(name)));
}

class Recorder {
  readonly events: TraceEvent[] = [];
  readonly names: string[] = [];
  readonly summary = new TraceSummary();

  name(node: string | number, name: string, role: string): void {
    this.names.push(name);
    this.summary.name(node, name, role);
  }
  event(event: TraceEvent): void {
    this.events.push(event);
    this.summary.add(event);
  }
}

const crash = withOverrides(findScenario("crash"), {});
const small: Readonly<Record<string, { nodes: number } & SimulationParameters>> = {
  classic: { nodes: 30, publishers: 3, options: { source: { messages: 2, intervalMs: 200 } } },
  modern: { nodes: 30, publishers: 3, options: { source: { messages: 2, intervalMs: 200 } } },
  push: { nodes: 500 },
  pull: { nodes: 500 },
  "push-pull": { nodes: 500 },
  scenario: { nodes: 8, scenario: crash },
};

describe.each(Object.keys(small))("%s", (name) => {
  test("gives the same for the same seed, and another run for another seed", async () => {
    const first = await simulate(name, small[name]!);
    const again = await simulate(name, small[name]!);
    const other = await simulate(name, { ...small[name]!, seed: 2 });
    expect(simulated(again)).toEqual(simulated(first));
    expect(other.traceHash).not.toBe(first.traceHash);
    expect(first.traceHash).toMatch(/^[0-9a-f]{16}$/);
    expect(first).toMatchObject({ ok: true, ratio: 1, nodes: small[name]!.nodes, seed: 1, preset: name });
  });

  test("is plain JSON, with its parameters complete", async () => {
    const result = await simulate(name, small[name]!);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const input = completeInput(presetNamed(name), {
      nodes: result.nodes,
      seed: 1,
      parameters: result.parameters,
    });
    expect(input.parameters).toEqual(result.parameters);
  });

  test("happens no differently when it is traced", async () => {
    const trace = new Recorder();
    const traced = await simulate(name, small[name]!, { trace });
    expect(traced.traceHash).toBe((await simulate(name, small[name]!)).traceHash);
    expect(trace.events.length).toBeGreaterThan(0);
    expect(trace.events.every(({ at }, i) => i === 0 || at >= trace.events[i - 1]!.at)).toBe(true);
  });

  test("reports progress that only grows, and ends when it is told to", async () => {
    const shares: number[] = [];
    await simulate(name, small[name]!, { onProgress: (share) => shares.push(share) });
    expect(shares.length).toBeGreaterThan(0);
    expect(shares.every((share, i) => share >= (shares[i - 1] ?? 0) && share <= 1)).toBe(true);
    const stopped = await simulate(name, small[name]!, { isStopped: () => true });
    expect(stopped).toMatchObject({ ending: "stopped", ok: false });
  });
});

describe.each(["classic", "modern"])("a network of the %s profile", (profile) => {
  test("counts what a summary of its trace counts", async () => {
    const trace = new Recorder();
    const result = await simulate<ProfileResult>(profile, small[profile]!, { trace });
    const report = trace.summary.report();
    expect(result).toMatchObject({ published: 6, deliveries: 6 * 29, expected: 6 * 29 });
    const { published, deliveries, deliveredTwice, deliveredFromNowhere, rmr, ldh } = report;
    expect(result).toMatchObject({ published, deliveries, deliveredTwice, deliveredFromNowhere, rmr, ldh });
    const { count, ...delayMs } = report.delayMs!;
    expect(count).toBe(deliveries);
    expect(result.delayMs!.mean).toBeCloseTo(delayMs.mean, 3);
    expect(result.delayMs!.max).toBe(delayMs.max);
    for (const name of ["p50", "p90", "p99"] as const)
      expect(Math.abs(result.delayMs![name] - delayMs[name])).toBeLessThanOrEqual(delayMs[name] / 64);
    expect(trace.names).toHaveLength(36);
  });
});

describe("classic", () => {
  test("lets the seed draw who publishes", async () => {
    const publishers = async (seed: number) => {
      const trace = new Recorder();
      await simulate("classic", { ...small["classic"]!, seed }, { trace });
      return new Set(trace.events.flatMap(({ type, node }) => (type === "published" ? [node] : [])));
    };
    const [first, second] = [await publishers(1), await publishers(2)];
    expect([first.size, second.size]).toEqual([3, 3]);
    expect(second).not.toEqual(first);
  });

  test("has a distribution for each total", async () => {
    const { degrees, traffic, delays, nodes, deliveries, copiesPerNode } = await simulate<ProfileResult>(
      "classic",
      small["classic"]!,
    );
    const total = (counts: readonly (readonly [number, number])[]) =>
      counts.reduce((sum, [, count]) => sum + count, 0);
    expect(degrees!.histogram.reduce((sum, count) => sum + count, 0)).toBe(nodes);
    expect(degrees!.histogram.reduce((sum, count, degree) => sum + count * degree, 0)).toBe(
      2 * degrees!.links,
    );
    expect(total(traffic!)).toBe(nodes);
    expect(traffic!.reduce((sum, [copies, count]) => sum + copies * count, 0) / nodes).toBeCloseTo(
      copiesPerNode,
      3,
    );
    expect(total(delays!)).toBe(deliveries);
  });

  test("delivers everything over datagrams of which every fifth is lost, by way of history", async () => {
    const links = { kind: "datagram", loss: 0.2 } as const;
    const options = { ...small["classic"]!.options, broadcast: { repairIntervalMs: 500 } };
    const result = await simulate<ProfileResult>("classic", { ...small["classic"]!, options, links });
    expect(result).toMatchObject({ ratio: 1, ok: true, ending: "complete" });
    const lossless = await simulate<ProfileResult>("classic", small["classic"]!);
    expect(result.delayMs!.max).toBeGreaterThan(lossless.delayMs!.max);
  });

  test("says what did not arrive in the time that it had", async () => {
    const result = await simulate<ProfileResult>("classic", { ...small["classic"]!, limitMs: 20 });
    expect(result).toMatchObject({ ending: "limit", ok: false });
    expect(result.ratio).toBeLessThan(1);
  });

  test("counts bytes where every message is written as on the wire", async () => {
    const links = { latency: { model: "constant", ms: 10 } } as const;
    const plain = await simulate<ProfileResult>("classic", { ...small["classic"]!, links });
    const wireTrue = await simulate<ProfileResult>("classic", {
      ...small["classic"]!,
      links,
      isWireTrue: true,
    });
    expect(plain.bytes).toBeUndefined();
    expect(wireTrue.ratio).toBe(1);
    expect(wireTrue.bytes! / (wireTrue.messagesPerNode * 36)).toBeGreaterThan(20);
  });

  test.each(["kademlia", "chord", "pastry"] as const)(
    "has %s in its stacks where that is wanted: all join, and the same seed gives the same run",
    async (router) => {
      // Long enough for a ring, which its nodes enter one after the other.
      const source = { messages: 2, intervalMs: 20_000 };
      const options = { source, lookup: { router }, store: { replicas: 3 } };
      const run = async (isWireTrue: boolean) => {
        const trace = new Recorder();
        const result = await simulate<ProfileResult>(
          "classic",
          { ...small["classic"]!, options, isWireTrue },
          { trace },
        );
        expect(result).toMatchObject({ ok: true, ratio: 1 });
        const joined = trace.events.filter(({ type }) => type === "router-joined");
        expect(joined.map(({ layer }) => layer)).toEqual(Array(30).fill(router));
        expect(new Set(joined.map(({ node }) => node)).size).toBe(30);
        return result.traceHash;
      };
      const hash = await run(false);
      expect(await run(false)).toBe(hash);
      await run(true);
      const without = await simulate<ProfileResult>("classic", { ...small["classic"]!, options: { source } });
      expect(without.traceHash).not.toBe(hash);
    },
  );

  test.each([
    [{ options: { lookup: { router: "koorde" } } }, /router: "koorde" is not one of none, kademlia/],
    [{ options: { lookup: { over: "udp" } } }, /over: udp is about live networks; .*--transport datagram/],
    [{ options: { datagrams: { maxGreetings: 5 } } }, /datagrams: is about live networks/],
    [{ seeds: 0 }, /seeds: 0 is not/],
    [{ publishers: 31 }, /publishers: 31 is not an integer between 0 and 30/],
    [{ links: { loss: 2 } }, /loss: 2 is more than 1/],
    [{ options: { heartbeat: { pingIntervalMs: 0 } } }, /pingIntervalMs: 0 is less than/],
    [{ options: { transport: { maxConnections: 5 } } }, /transport: is about live networks/],
    [{ rounds: "poisson" as const }, /rounds: means nothing to classic/],
  ])("refuses %j before it begins", (parameters, complaint) => {
    const input = { nodes: 30, seed: 1, parameters: parameters as SimulationParameters };
    expect(() => completeInput(presetNamed("classic"), input)).toThrow(complaint);
  });
});

describe("a rumor by events", () => {
  test("has a curve on which nobody is lost, as long as its limit of points", async () => {
    const { curve, nodes, informed, virtualMs } = await simulate<RumorResult>("push", {
      nodes: 2000,
      rumor: { ...blind(2) },
    });
    const { at, susceptible, infected, removed } = curve!;
    expect(at.length).toBeLessThanOrEqual(500);
    at.forEach((time, i) => {
      expect(susceptible[i]! + infected[i]! + removed[i]!).toBe(nodes);
      if (i > 0) expect(time).toBeGreaterThan(at[i - 1]!);
    });
    expect([at[0], at.at(-1)]).toEqual([0, virtualMs]);
    expect(susceptible.at(-1)).toBe(nodes - informed);
    expect(infected.at(-1)).toBe(0);
  });

  test("ends quietly where spreaders stop, with the residue that theory gives", async () => {
    // Blind push with k sends: the share r that never hears it has r = exp(-k (1 - r)).
    const residues = new Moments();
    for (let seed = 1; seed <= 20; seed++) {
      const result = await simulate<RumorResult>("push", { nodes: 4000, seed, rumor: { ...blind(3) } });
      expect(result).toMatchObject({ ending: "quiet", ok: true });
      expect(result.residue).toBeCloseTo(1 - result.ratio, 12);
      expect(result.reachedMs.p100).toBeNull();
      residues.add(result.residue);
    }
    const { low, high } = residues.confidenceInterval(0.999);
    expect(low).toBeLessThan(0.0595);
    expect(high).toBeGreaterThan(0.0595);
    expect(high - low).toBeLessThan(0.01);
  });

  test("knows when each share of all had heard it", async () => {
    const { reachedMs, delayMs, delays, virtualMs, nodes } = await simulate<RumorResult>("push-pull", {
      nodes: 3000,
    });
    const { p50, p99, p100 } = reachedMs as { p50: number; p99: number; p100: number };
    expect(p50).toBeLessThan(p99);
    expect(p99).toBeLessThan(p100);
    expect(p100).toBeLessThanOrEqual(virtualMs);
    expect(delayMs!.max).toBe(p100);
    expect(Math.abs(delayMs!.p50 - p50)).toBeLessThan(p50 / 50);
    // All but the one that began it.
    expect(delays!.reduce((sum, [, count]) => sum + count, 0)).toBe(nodes - 1);
  });

  test("does not wait for ever for pulls that nobody can answer", async () => {
    const result = await simulate<RumorResult>("pull", {
      nodes: 200,
      rumor: { ...blind(1) },
      links: { loss: 0.5 },
    });
    expect(result.ending).toBe("quiet");
    expect(result.ratio).toBeLessThan(1);
  });

  test("takes its links and its interval", async () => {
    const slow = await simulate<RumorResult>("push", {
      nodes: 200,
      links: { latency: { model: "constant", ms: 5000 } },
    });
    const quick = await simulate<RumorResult>("push", { nodes: 200, rumor: { intervalMs: 100 } });
    expect(slow.reachedMs.p50).toBeGreaterThan(5000);
    expect(quick.reachedMs.p100).toBeLessThan(4000);
  });
});

describe("a rumor in rounds", () => {
  test("names what a round is, and that changes the answer by a third", async () => {
    const means = new Map<string, Moments>();
    for (const rounds of ["sequential", "poisson", "synchronous"] as RoundSemantics[]) {
      const moments = new Moments();
      for (let seed = 1; seed <= 10; seed++) {
        const result = await simulate<RoundsResult>("push-pull", { nodes: 10_000, seed, rounds });
        expect(result).toMatchObject({ engine: "rounds", semantics: rounds, ok: true, ratio: 1 });
        expect(result.reachedRounds.p100).toBe(result.rounds);
        moments.add(result.rounds);
      }
      means.set(rounds, moments);
    }
    const [sequential, poisson, synchronous] = [...means.values()].map(({ mean }) => mean);
    expect(sequential).toBeLessThan(poisson! - 1);
    expect(poisson).toBeLessThan(synchronous! - 0.5);
    expect(synchronous! / sequential!).toBeGreaterThan(1.25);
  });

  test("has a point of the curve for each round", async () => {
    const { curve, rounds, nodes } = await simulate<RoundsResult>("push", {
      nodes: 1000,
      rounds: "synchronous",
    });
    expect(curve).toMatchObject({
      unit: "rounds",
      at: Array.from({ length: rounds + 1 }, (_, round) => round),
    });
    expect([curve!.infected[0], curve!.infected.at(-1)]).toEqual([1, nodes]);
  });

  test.each([
    [{ rounds: "chaotic" as RoundSemantics }, /rounds: chaotic is not one of synchronous/],
    [{ rounds: "poisson" as const, links: { loss: 0.1 } }, /links: rounds have none/],
    [{ rounds: "poisson" as const, limitMs: 5 }, /limitMs: rounds know no time/],
    [{ rumor: { mode: "pull" as const } }, /mode: pull is not that of push; take the preset rumor/],
    [{ rumor: { huntLimit: 2 } }, /huntLimit: 2 means nothing without a connectionLimit/],
  ])("refuses %j", (parameters, complaint) => {
    const input = { nodes: 30, seed: 1, parameters };
    expect(() => completeInput(presetNamed("push"), input)).toThrow(complaint);
  });

  test("refuses a trace: there are no events", async () => {
    const trace = new Recorder();
    await expect(
      (async () => simulate("push", { nodes: 30, rounds: "poisson" }, { trace }))(),
    ).rejects.toThrow(/trace: rounds have no events/);
  });
});

describe("a scenario", () => {
  test("is the run that `grapevine run` shows, with the same hash and the same verdict", async () => {
    const result = await simulate<ScenarioResult>("scenario", { nodes: 12, seed: 7, scenario: crash });
    const scenario = withOverrides(crash, { peers: 12 });
    const world = createSimulatedWorld(scenario, { seed: 7 });
    const report = await runScenario(scenario, world, {
      seed: 7,
      checkers: (observer) => checkersFor(scenario, observer, world),
    });
    expect(result.traceHash).toBe(world.traceHash);
    expect(result.ok).toBe(report.ok);
    expect(result).toMatchObject({ violations: [], failedChecks: [] });
    expect(result.deliveries).toBe(report.figures["deliveries"]);
  });

  test("takes other links than its own", async () => {
    const links = { latency: { model: "constant", ms: 30 } } as const;
    const result = await simulate<ScenarioResult>("scenario", { nodes: 8, scenario: crash, links });
    expect(result.delayMs!.p50 % 30).toBe(0);
  });

  test("says what it did not hold", async () => {
    const scenario = {
      ...crash,
      timeline: [{ do: "expect", is: "removed", node: "peer-1" }],
    } as typeof crash;
    const result = await simulate<ScenarioResult>("scenario", { nodes: 8, scenario });
    expect(result).toMatchObject({ ok: false, ending: "limit" });
    expect(result.failedChecks).toHaveLength(1);
  });
});

test("a preset that is not there is refused with those that are", () => {
  expect(() => presetNamed("shout")).toThrow(
    `"shout"; there are ${presets.map(({ name }) => name).join(", ")}`,
  );
});

test.each([1, 1.5, Number.NaN])("%d nodes are none", (nodes) => {
  expect(() => completeInput(presetNamed("push"), { nodes, seed: 1, parameters: {} })).toThrow(
    /nodes: .* at least 2/,
  );
});
