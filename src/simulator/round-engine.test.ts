import { describe, expect, test } from "vitest";
import type { Random, RoundCalls, RoundProtocol } from "../core/index.ts";
import { type RoundSemantics, roundSemantics, runRounds } from "./round-engine.ts";

/** Notes who called whom. Everybody knows from the round `knownAfter` on; the rows in `silent` never call. */
class Calls implements RoundProtocol {
  readonly rows: number;
  readonly rounds: [caller: number, callee: number][][] = [[]];
  readonly #knownAfter: number;
  readonly #silent: ReadonlySet<number>;
  isDoubleBuffered: boolean | undefined;

  constructor(rows: number, knownAfter: number, silent: readonly number[] = []) {
    this.rows = rows;
    this.#knownAfter = knownAfter;
    this.#silent = new Set(silent);
  }
  get informed() {
    return this.rounds.length > this.#knownAfter ? this.rows : 1;
  }
  checksum = 0;
  prepare(isDoubleBuffered: boolean) {
    this.isDoubleBuffered = isDoubleBuffered;
  }
  isActive(row: number) {
    return !this.#silent.has(row);
  }
  contact(caller: number, callee: number) {
    this.rounds.at(-1)!.push([caller, callee]);
  }
  commit() {
    this.rounds.push([]);
  }
  /** Of the rounds that were played. */
  get played() {
    return this.rounds.slice(0, -1);
  }
}

/** A push-pull rumor with every node active, as plain as it can be. */
class Plain implements RoundProtocol {
  readonly rows: number;
  #present: Set<number>;
  #future: Set<number>;
  checksum = 0;

  constructor(rows: number) {
    this.rows = rows;
    this.#present = new Set([0]);
    this.#future = this.#present;
  }
  get informed() {
    return this.#present.size;
  }
  prepare(isDoubleBuffered: boolean) {
    this.#future = isDoubleBuffered ? new Set(this.#present) : this.#present;
  }
  isActive() {
    return true;
  }
  contact(caller: number, callee: number) {
    if (!this.#present.has(caller) && !this.#present.has(callee)) return;
    this.#future.add(caller).add(callee);
  }
  commit() {
    if (this.#future !== this.#present) this.#present = new Set(this.#future);
    this.checksum = [...this.#present].reduce((sum, row) => sum + row, 0);
  }
}

function callsOf(semantics: RoundSemantics, rows: number, rounds: number, seed = 1, silent?: number[]) {
  const calls = new Calls(rows, rounds, silent);
  runRounds(calls, { seed, semantics });
  return calls;
}

describe.each(roundSemantics)("%s rounds", (semantics) => {
  test("name themselves, and are double-buffered only if synchronous", () => {
    const calls = new Calls(10, 3);
    expect(runRounds(calls, { seed: 1, semantics })).toMatchObject({
      semantics,
      nodes: 10,
      ending: "informed",
    });
    expect(calls.isDoubleBuffered).toBe(semantics === "synchronous");
  });

  test("are the same for the same seed, and other ones for another", () => {
    const run = (seed: number) => runRounds(new Plain(200), { seed, semantics });
    expect(run(1)).toEqual(run(1));
    expect(run(1).hash).not.toBe(run(2).hash);
    expect(run(1).hash).not.toBe(run(1 + 2 ** 32).hash);
    expect(callsOf(semantics, 50, 3).rounds).toEqual(callsOf(semantics, 50, 3).rounds);
    expect(callsOf(semantics, 50, 3, 1).rounds).not.toEqual(callsOf(semantics, 50, 3, 2).rounds);
  });

  test("count the informed from before the first round to the last", () => {
    const seen: number[][] = [];
    const result = runRounds(new Plain(200), {
      seed: 1,
      semantics,
      onRound: (round, informed) => seen.push([round, informed]),
    });
    expect(result.informedByRound[0]).toBe(1);
    expect(result.informedByRound.at(-1)).toBe(200);
    expect(result.informedByRound).toEqual(result.informedByRound.toSorted((a, b) => a - b));
    expect(seen).toEqual(result.informedByRound.slice(1).map((informed, i) => [i + 1, informed]));
    expect(result.rounds).toBe(result.informedByRound.length - 1);
  });

  test("call each other node equally often, and never itself", () => {
    const rows = 8;
    const calls = callsOf(semantics, rows, 7000).played.flat();
    const counts = Array.from({ length: rows }, () => new Array<number>(rows).fill(0));
    for (const [caller, callee] of calls) counts[caller]![callee]!++;
    const expected = calls.length / (rows * (rows - 1));
    let chiSquare = 0;
    for (const [caller, row] of counts.entries()) {
      expect(row[caller]).toBe(0);
      for (const [callee, count] of row.entries()) {
        if (callee !== caller) chiSquare += (count - expected) ** 2 / expected;
      }
    }
    // 55 cells are free (poisson) or 48: beyond 100 is less likely than 0.0002.
    expect(chiSquare).toBeLessThan(100);
  });

  test("draw for each node alone: where one is silent, all others call whom they would have called", () => {
    const sorted = (calls: Calls) =>
      calls.played.map((round) => round.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
    const all = sorted(callsOf(semantics, 40, 5)).map((round) => round.filter(([caller]) => caller !== 7));
    expect(sorted(callsOf(semantics, 40, 5, 1, [7]))).toEqual(all);
  });

  test("end when the given number is over, or when nobody is active", () => {
    expect(runRounds(new Calls(10, 99), { seed: 1, semantics, maxRounds: 4 })).toMatchObject({
      ending: "max-rounds",
      rounds: 4,
      time: 4,
    });
    const everybody = Array.from({ length: 10 }, (_, row) => row);
    expect(runRounds(new Calls(10, 99, everybody), { seed: 1, semantics })).toMatchObject({
      ending: "quiet",
      rounds: 0,
      contacts: 0,
    });
  });

  test("go on while a single node is active, even if chance passes over it", () => {
    const others = Array.from({ length: 9 }, (_, row) => row);
    const calls = new Calls(10, 50, others);
    const result = runRounds(calls, { seed: 1, semantics });
    expect(result.rounds).toBe(50);
    expect(new Set(calls.played.flat().map(([caller]) => caller))).toEqual(new Set([9]));
    expect(calls.played.some((round) => round.length === 0)).toBe(semantics === "poisson");
  });
});

describe("who calls in a round", () => {
  const rows = 5000;
  const callers = (semantics: RoundSemantics) =>
    callsOf(semantics, rows, 3).played.map((round) => round.map(([caller]) => caller));
  const inOrder = Array.from({ length: rows }, (_, row) => row);

  test("synchronous: everybody once; the order makes no difference", () => {
    for (const round of callers("synchronous")) expect(round).toEqual(inOrder);
  });

  test("sequential: everybody once, in an order that is new in each round", () => {
    const rounds = callers("sequential");
    for (const round of rounds) {
      expect(round.toSorted((a, b) => a - b)).toEqual(inOrder);
      // In a random order one node is where it was before, on average; so are two neighbors of the row.
      expect(round.filter((row, i) => row === i).length).toBeLessThan(8);
      expect(round.filter((row, i) => row + 1 === round[i + 1]).length).toBeLessThan(8);
      // The mean place of the first half of the rows: standard deviation 20.
      const places = round.flatMap((row, i) => (row < rows / 2 ? [i] : []));
      expect(Math.abs(places.reduce((sum, i) => sum + i, 0) / places.length - rows / 2)).toBeLessThan(80);
    }
    expect(rounds[0]!.filter((row, i) => row === rounds[1]![i]).length).toBeLessThan(8);
  });

  test("poisson: with replacement, so that a share of 1/e does not call, and as many call once", () => {
    for (const round of callers("poisson")) {
      expect(round).toHaveLength(rows);
      const counts = new Array<number>(rows).fill(0);
      for (const caller of round) counts[caller]!++;
      for (const [times, share] of [Math.exp(-1), Math.exp(-1), Math.exp(-1) / 2].entries()) {
        // Standard deviations below 0.007.
        expect(Math.abs(counts.filter((count) => count === times).length / rows - share)).toBeLessThan(0.03);
      }
    }
  });
});

test("each order of a sequential round is as likely as any other", () => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= 6000; seed++) {
    const order = callsOf("sequential", 3, 1, seed).played[0]!.map(([caller]) => caller);
    counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  // 1000 expected, standard deviation 28.9
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * 28.9);
});

test("a node's partner has the same name in synchronous and in sequential rounds: seed, round, node", () => {
  const byCaller = (calls: Calls) => calls.played.map((round) => round.toSorted((a, b) => a[0] - b[0]));
  expect(byCaller(callsOf("sequential", 10_000, 2))).toEqual(byCaller(callsOf("synchronous", 10_000, 2)));
});

test("the hash tells apart what only the protocol's checksum tells apart", () => {
  const hashOf = (checksum: number) => {
    const calls = new Calls(10, 2);
    calls.checksum = checksum;
    return runRounds(calls, { seed: 1, semantics: "synchronous" }).hash;
  };
  expect(hashOf(1)).toBe(hashOf(1));
  expect(hashOf(1)).not.toBe(hashOf(2));
});

test("the time of poisson rounds ends with the contact that informed the last node", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const result = runRounds(new Plain(100), { seed, semantics: "poisson" });
    expect(result.time).toBe(result.contacts / 100);
    expect(Math.ceil(result.time)).toBe(result.rounds);
  }
});

test("a protocol that takes many contacts at once gets the same as one that takes them one by one", () => {
  class Bulk extends Calls {
    contacts(first: number, callees: Uint32Array, count: number) {
      for (let i = 0; i < count; i++) this.contact(first + i, callees[i]!);
      return count;
    }
  }
  const bulk = new Bulk(10_000, 2);
  const result = runRounds(bulk, { seed: 3, semantics: "synchronous" });
  expect(result).toEqual(runRounds(new Calls(10_000, 2), { seed: 3, semantics: "synchronous" }));
  expect(result.contacts).toBe(20_000);
  expect(bulk.rounds).toEqual(callsOf("synchronous", 10_000, 2, 3).rounds);
});

test("what makes no sense is refused before anything happens", () => {
  const calls = new Calls(10, 3);
  const settings = { seed: 1, semantics: "synchronous" } as const;
  expect(() => runRounds(calls, { ...settings, seed: 0.5 })).toThrow("seed: 0.5 is not an integer");
  expect(() => runRounds(calls, { ...settings, semantics: "async" as "poisson" })).toThrow(
    "semantics: async is not one of synchronous, sequential, poisson",
  );
  expect(() => runRounds(calls, { ...settings, maxRounds: -1 })).toThrow("maxRounds: -1 is less than 0");
  expect(() => runRounds(new Calls(1, 3), settings)).toThrow("rows: 1 is less than 2");
  expect(calls.isDoubleBuffered).toBeUndefined();
});

describe.each(roundSemantics)("%s rounds with calls of their own kind", (semantics) => {
  const withCalls = (rows: number, rounds: number, calls: Partial<RoundCalls>, silent?: number[]) => {
    const protocol = new Calls(rows, rounds, silent);
    const all = { fanout: 1, connectionLimit: 0, huntLimit: 0, ...calls };
    const result = runRounds(Object.assign(protocol, { calls: all }), { seed: 1, semantics });
    return { rounds: protocol.played, result };
  };
  const counted = (round: readonly (readonly [number, number])[], side: 0 | 1) => {
    const counts = new Map<number, number>();
    for (const contact of round) counts.set(contact[side], (counts.get(contact[side]) ?? 0) + 1);
    return counts;
  };

  test("fanout: each calls as often, and the first call is the one that it would make alone", () => {
    const [one, three] = [1, 3].map((fanout) => withCalls(50, 4, { fanout }).rounds);
    for (const [round, contacts] of three!.entries()) {
      expect(contacts).toHaveLength(150);
      expect(contacts.filter((_, i) => i % 3 === 0)).toEqual(one![round]);
      expect(contacts.filter((_, i) => i % 3 === 1)).not.toEqual(one![round]);
    }
  });

  test("connection limit: nobody accepts more, and who is refused has no contact", () => {
    const free = withCalls(200, 5, {}).rounds;
    for (const connectionLimit of [1, 2]) {
      const { rounds, result } = withCalls(200, 5, { connectionLimit });
      for (const [round, contacts] of rounds.entries()) {
        const asked = counted(free[round]!, 1);
        const accepted = counted(contacts, 1);
        for (const [callee, count] of asked)
          expect(accepted.get(callee)).toBe(Math.min(count, connectionLimit));
      }
      expect(result.contacts).toBe(rounds.flat().length);
    }
  });

  test("hunt limit: with enough attempts everybody gets through", () => {
    const shareOf = (huntLimit: number) =>
      withCalls(200, 5, { connectionLimit: 1, huntLimit }).result.contacts / 1000;
    // Without hunting 1 - 1/e get through.
    expect(Math.abs(shareOf(0) - (1 - Math.exp(-1)))).toBeLessThan(0.05);
    expect(shareOf(1)).toBeGreaterThan(shareOf(0) + 0.08);
    expect(shareOf(1000)).toBeGreaterThan(0.99);
  });

  test("with a limit it is no advantage to have a low row", () => {
    const rows = 100;
    const rounds = withCalls(rows, 400, { connectionLimit: 1 }).rounds;
    const callers = rounds.flatMap((round) => round.map(([caller]) => caller));
    const mean = callers.reduce((sum, row) => sum + row, 0) / callers.length;
    // Uniform rows have a standard deviation of 28.9, and there are some 25,000 of them: 0.18 for the mean.
    expect(Math.abs(mean - (rows - 1) / 2)).toBeLessThan(0.75);
  });

  test("who is silent takes no call away from others, and calls nobody", () => {
    const { rounds } = withCalls(50, 5, { fanout: 2, connectionLimit: 1 }, [7]);
    expect(rounds.flat().some(([caller]) => caller === 7)).toBe(false);
    expect(rounds.flat().some(([, callee]) => callee === 7)).toBe(true);
  });

  test("go on after all are informed, where that is asked for, until nobody is active", () => {
    class Tired extends Calls {
      override isActive() {
        return this.rounds.length <= 6;
      }
    }
    const run = (isUntilQuiet: boolean) => runRounds(new Tired(10, 3), { seed: 1, semantics, isUntilQuiet });
    expect(run(false)).toMatchObject({ ending: "informed", rounds: 3 });
    expect(run(true)).toMatchObject({ ending: "quiet", rounds: 6, time: 6 });
  });
});

test("calls that make no sense are refused", () => {
  const run = (calls: Partial<RoundCalls>) => {
    const all = { fanout: 1, connectionLimit: 0, huntLimit: 0, ...calls };
    runRounds(Object.assign(new Calls(10, 1), { calls: all }), { seed: 1, semantics: "poisson" });
  };
  expect(() => run({ fanout: 0 })).toThrow("fanout: 0 is not an integer between 1 and 65535");
  expect(() => run({ connectionLimit: -1 })).toThrow("connectionLimit: -1 is not an integer between 0 and");
  expect(() => run({ huntLimit: 0.5 })).toThrow("huntLimit: 0.5 is not an integer between 0 and 65535");
});

test("each node has a die of its own, which is the same whoever else rolls", () => {
  class Rolling extends Calls {
    readonly rolled: number[] = [];
    #randomOf: ((row: number) => Random) | undefined;
    override prepare(isDoubleBuffered: boolean, randomOf?: (row: number) => Random) {
      super.prepare(isDoubleBuffered);
      this.#randomOf = randomOf;
    }
    override contact(caller: number, callee: number) {
      super.contact(caller, callee);
      if (caller === 3) this.rolled.push(this.#randomOf!(3).uint32());
      else this.#randomOf!(caller).uint32();
    }
  }
  const rolledBy3 = (silent: number[], seed = 1) => {
    const rolling = new Rolling(10, 4, silent);
    runRounds(rolling, { seed, semantics: "synchronous" });
    return rolling.rolled;
  };
  expect(new Set(rolledBy3([])).size).toBe(4);
  expect(rolledBy3([1, 7])).toEqual(rolledBy3([]));
  expect(rolledBy3([], 2)).not.toEqual(rolledBy3([]));
});
