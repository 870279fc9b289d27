/**
 * Compare-and-swap under the worst that the replicas may go through: lost messages, crashes and restarts with disks, clients
 * that are all at it at once. Every client appends its mark to one list, as often as it can; a mark that was acknowledged
 * must be in the list for ever, and nobody may have written over it.
 */
import { describe, expect, test } from "vitest";
import { bytes, StoreNetwork, type StoreNetworkConfig, textOf } from "../../test/support/store-network.ts";
import type { StoreEnded } from "./store-commands.ts";

interface Outcome {
  readonly acknowledged: string[];
  /** What may have happened or not. */
  readonly unclear: string[];
  readonly conflicts: number;
  readonly contended: number;
  /** The expected number of each acknowledged swap. */
  readonly expected: number[];
  readonly final: string[];
  readonly network: StoreNetwork;
}

interface Appending extends Partial<StoreNetworkConfig> {
  readonly seed: number;
  readonly clients: number;
  readonly rounds: number;
  /** Now and then a node crashes and comes back with its disk; one at a time. */
  readonly crashes?: boolean;
}

/** As many as there are replicas: then all agree who they are, whatever is lost. */
const nodes = 8;

function appendAtOnce({ clients, rounds, crashes = false, ...config }: Appending): Outcome {
  const network = new StoreNetwork({ rows: nodes, ...config }).gather();
  const acknowledged: string[] = [];
  const unclear: string[] = [];
  const expected: number[] = [];
  let conflicts = 0;
  let contended = 0;
  const begin = (client: number, round: number): void => {
    if (round >= rounds) return;
    const row = client % nodes;
    const again = () => network.simulation.at(network.time + 1, () => begin(client, round));
    if (!network.simulation.isAlive(row)) return void network.simulation.at(network.time + 50, again);
    watch(network.operate(row, { type: "get", name: "list" }), again, (got) => {
      if (got.outcome !== "found" && got.outcome !== "missing") return again();
      const mark = `${client}.${round}`;
      const value = bytes(`${textOf(got) ?? ""} ${mark}`);
      const died = () => {
        unclear.push(mark);
        begin(client, round + 1);
      };
      const swap = { type: "put", name: "list", value, cas: got.sequence };
      watch(network.operate(row, swap), died, (ended) => {
        if (ended.outcome === "stored") {
          acknowledged.push(mark);
          expected.push(got.sequence);
        } else if (ended.outcome === "conflict") conflicts++;
        else if (ended.outcome === "contended") contended++;
        else unclear.push(mark);
        network.simulation.at(network.time + 1, () => begin(client, round + 1));
      });
    });
  };
  const watch = (
    asked: { row: number; ended: unknown },
    onDeath: () => void,
    onEnded: (ended: StoreEnded) => void,
  ) => {
    const { row } = asked;
    const protocol = network.store(row);
    const look = () => {
      if (asked.ended !== undefined) onEnded(asked.ended as StoreEnded);
      else if (!network.simulation.isAlive(row) || network.store(row) !== protocol) onDeath();
      else network.simulation.at(network.time + 5, look);
    };
    look();
  };
  for (let client = 0; client < clients; client++)
    network.simulation.at(network.time, () => begin(client, 0));
  if (crashes) {
    const die = network.dieOf(0);
    for (let i = 0; i < 12; i++) {
      const row = die.below(nodes);
      network.simulation.at(4000 + i * 4000, () => {
        if (network.simulation.isAlive(row)) network.crash(row);
      });
      network.simulation.at(6000 + i * 4000, () => {
        if (!network.simulation.isAlive(row)) network.start(row, [(row + 1) % nodes, (row + 2) % nodes]);
      });
    }
  }
  network.run(120_000);
  const final = network.get(0, "list");
  return {
    acknowledged,
    unclear,
    conflicts,
    contended,
    expected,
    final: (textOf(final) ?? "").trim().split(" ").filter(Boolean),
    network,
  };
}

/** What must hold whatever happened. */
function expectNothingLost({ acknowledged, unclear, expected, final }: Outcome): void {
  expect(new Set(expected).size).toBe(expected.length);
  expect(acknowledged.filter((mark) => !final.includes(mark))).toEqual([]);
  expect(new Set(final).size).toBe(final.length);
  expect(final.filter((mark) => !acknowledged.includes(mark) && !unclear.includes(mark))).toEqual([]);
}

describe("compare-and-swap", () => {
  test("writes if the number is the one that is there, and says which is there if not", () => {
    const network = new StoreNetwork({ rows: 12 }).gather();
    expect(network.put(0, "color", "green", { cas: 0 })).toMatchObject({ outcome: "stored", sequence: 1 });
    expect(network.put(1, "color", "blue", { cas: 0 })).toMatchObject({ outcome: "conflict", sequence: 1 });
    expect(network.put(1, "color", "blue", { cas: 1 })).toMatchObject({ outcome: "stored", sequence: 2 });
    const beaten = network.put(2, "color", "red", { cas: 1 });
    expect(beaten).toMatchObject({ outcome: "conflict", sequence: 2, record: undefined });
    expect(beaten.replicas.map(({ reason }) => reason)).toContain("superseded");
    expect(network.put(2, "color", "red", { cas: 7 })).toMatchObject({ outcome: "conflict", sequence: 2 });
    expect(textOf(network.get(5, "color"))).toBe("blue");
    expect(network.do(3, { type: "delete", name: "color", cas: 1 }).outcome).toBe("conflict");
    expect(network.do(3, { type: "delete", name: "color", cas: 2 }).outcome).toBe("stored");
    const last = network.get(5, "color");
    expect(last.outcome).toBe("deleted");
    // Numbers grow, but not always by one: a swap that failed may have been promised one.
    expect(last.sequence).toBeGreaterThan(2);
    const late = network.put(2, "color", "red", { cas: 0 });
    expect(late).toMatchObject({ outcome: "conflict", sequence: last.sequence });
  });

  test("leaves no promises behind where it was let in", () => {
    const network = new StoreNetwork({ rows: 12 }).gather();
    network.put(0, "color", "green", { cas: 0 });
    network.run(1000);
    for (let row = 0; row < 12; row++) expect(network.diskOf(row)!.below("store/promise/")).toEqual([]);
  });

  test("of several at once with one expected number acknowledges one at the most", () => {
    let stored = 0;
    // The spread is what brings promises of one between the promises and the stores of another.
    const links = { latency: { model: "exponential", meanMs: 40 } } as const;
    for (let seed = 1; seed <= 60; seed++) {
      const network = new StoreNetwork({ rows: nodes, seed, links }).gather();
      const swap = (client: number) => ({ type: "put", name: "color", value: bytes(`by ${client}`), cas: 0 });
      const asked = [0, 3, 6].map((row) => {
        network.run(20);
        return network.operate(row, swap(row));
      });
      network.finish();
      const outcomes = asked.map(({ ended }) => ended!["outcome"] as string);
      const winners = asked.filter((_, i) => outcomes[i] === "stored");
      expect(winners.length).toBeLessThanOrEqual(1);
      stored += winners.length;
      for (const outcome of outcomes)
        expect(["stored", "conflict", "contended", "partial"]).toContain(outcome);
      network.run(20_000);
      if (winners.length === 1) expect(textOf(network.get(3, "color"))).toBe(`by ${winners[0]!.row}`);
    }
    // Nearly always one of them gets through.
    expect(stored).toBeGreaterThan(50);
  });

  test.each([1, 2, 3])("loses no acknowledged swap of many clients (seed %i)", (seed) => {
    const outcome = appendAtOnce({ seed, clients: 6, rounds: 8 });
    expectNothingLost(outcome);
    expect(outcome.acknowledged.length).toBeGreaterThan(5);
    expect(outcome.conflicts).toBeGreaterThan(5);
  });

  test.each([1, 2, 3, 4, 5, 6])("nor does it when messages are lost and nodes crash (seed %i)", (seed) => {
    const links = { loss: 0.1, duplication: 0.05, latency: { model: "exponential", meanMs: 20 } } as const;
    const outcome = appendAtOnce({ seed, clients: 5, rounds: 12, crashes: true, links });
    expectNothingLost(outcome);
    expect(outcome.acknowledged.length).toBeGreaterThan(5);
  });

  test("and plain puts in between, which may replace it, are never replaced by a swap that did not see them", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const network = new StoreNetwork({ rows: 12, seed }).gather();
      network.put(0, "color", "green");
      const put = network.operate(seed % 12, { type: "put", name: "color", value: bytes("plain") });
      const swap = network.operate((seed + 3) % 12, {
        type: "put",
        name: "color",
        value: bytes("swap"),
        cas: 1,
      });
      network.finish();
      expect(put.ended!["outcome"]).toBe("stored");
      network.run(20_000);
      // Whether before or after the swap: the swap saw "green" or failed, so that the plain put counts in the end,
      // unless it came first and the swap failed.
      expect(textOf(network.get(3, "color"))).toBe("plain");
      expect(["stored", "conflict", "contended", "partial"]).toContain(swap.ended!["outcome"]);
    }
  });
});
