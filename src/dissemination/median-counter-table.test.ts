import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MedianCounterTable, medianCounterLevels, medianCounterOptions } from "./median-counter-table.ts";

const { A, C, D } = medianCounterLevels;
const uncapped = { ctrMax: 3, cRounds: 3, ageCapRounds: 255 };

/** A cell that was brought to this level by the rule itself. */
function cellAt(level: number, options = uncapped) {
  const table = new MedianCounterTable(1, options);
  if (level === A) return table;
  table.infect(0);
  while (table.levelOf(0) !== level) {
    table.onHeard(0, C, 0);
    table.endRound(0);
  }
  return table;
}

/** One round with partners at these levels; the level after it. */
function round(table: MedianCounterTable, ...levels: number[]): number {
  for (const level of levels) table.onHeard(0, level, table.ageOf(0));
  table.endRound(0);
  return table.levelOf(0);
}

describe("a cell in A", () => {
  test("stays there until it hears of the rumor", () => {
    const table = cellAt(A);
    expect(round(table)).toBe(A);
    expect(round(table, A, A, D)).toBe(A);
    expect([table.knows(0), table.isActive(0), table.ageOf(0)]).toEqual([false, false, 0]);
  });

  test("goes to B_1 if any partner was in B, and to C if all who knew it were in C", () => {
    for (const level of [1, 2, 3]) expect(round(cellAt(A), level)).toBe(1);
    expect(round(cellAt(A), C, A, 3, C)).toBe(1);
    expect(round(cellAt(A), C, A, D, C)).toBe(C);
  });

  test("has news, but knows nothing and says so, until the round ends", () => {
    const table = cellAt(A);
    expect(table.hasNews(0)).toBe(false);
    table.onHeard(0, 2, 4);
    expect([table.hasNews(0), table.knows(0), table.levelOf(0), table.isActive(0)]).toEqual([
      true,
      false,
      A,
      false,
    ]);
    expect(table.endRound(0)).toBe(true);
    expect([table.hasNews(0), table.knows(0), table.ageOf(0)]).toEqual([false, true, 5]);
    expect(table.endRound(0)).toBe(false);
  });

  test("takes the highest age that it is told", () => {
    const table = cellAt(A);
    for (const age of [3, 7, 5]) table.onHeard(0, 1, age);
    table.endRound(0);
    expect(table.ageOf(0)).toBe(8);
  });
});

describe("a cell in B_m", () => {
  test("goes one further if more partners were at m or above, or in C, than below or in A", () => {
    expect(round(cellAt(2), 2)).toBe(3);
    expect(round(cellAt(2), 3, C, 1)).toBe(3);
    expect(round(cellAt(2), C, C, A)).toBe(3);
  });

  test("stays where as many or more were below it, and where it met nobody", () => {
    expect(round(cellAt(2), 2, 1)).toBe(2);
    expect(round(cellAt(2), C, A, A)).toBe(2);
    expect(round(cellAt(2))).toBe(2);
  });

  test("counts each round for itself", () => {
    const table = cellAt(2);
    expect(round(table, A, A, A)).toBe(2);
    expect(round(table, C)).toBe(3);
  });

  test("goes to C beyond ctrMax, sends there for cRounds more, and is silent then", () => {
    const table = cellAt(3);
    expect(round(table, 3)).toBe(C);
    for (let rounds = 1; rounds < uncapped.cRounds; rounds++) expect(round(table, A)).toBe(C);
    expect(table.isActive(0)).toBe(true);
    expect(round(table, A)).toBe(D);
    expect(table.isActive(0)).toBe(false);
    expect(round(table, 1, 2)).toBe(D);
  });

  test("hears nothing from partners in D: without the age cap it would stay for ever", () => {
    const table = cellAt(1);
    while (table.ageOf(0) < uncapped.ageCapRounds - 1) expect(round(table, D)).toBe(1);
    expect(round(table, D)).toBe(D);
    expect(table.isOver(0)).toBe(true);
  });
});

describe("the age cap", () => {
  const capped = { ctrMax: 3, cRounds: 3, ageCapRounds: 4 };

  test("silences whoever knows the rumor, after so many rounds since it began", () => {
    const table = new MedianCounterTable(1, capped);
    table.infect(0);
    expect([round(table, A), round(table, A), round(table, A), round(table, A)]).toEqual([1, 1, 1, D]);
  });

  test("lets who hears of the rumor in its last round know it, and not send it", () => {
    const table = new MedianCounterTable(1, capped);
    table.onHeard(0, 1, 3);
    expect(table.endRound(0)).toBe(true);
    expect([table.knows(0), table.isActive(0), table.levelOf(0)]).toEqual([true, false, D]);
  });

  test("is reached at once by a rumor that begins too old", () => {
    const table = new MedianCounterTable(1, capped);
    table.infect(0, 4);
    expect(table.levelOf(0)).toBe(D);
  });
});

test("infect changes nothing for a cell that knows the rumor", () => {
  const table = cellAt(3);
  table.infect(0);
  expect(table.levelOf(0)).toBe(3);
});

test("a cleared cell is as new, and its neighbors are as they were", () => {
  const table = new MedianCounterTable(3, uncapped);
  for (const cell of [0, 1, 2]) table.infect(cell);
  table.onHeard(1, C, 9);
  table.clear(1);
  expect([0, 1, 2].map((cell) => table.levelOf(cell))).toEqual([1, A, 1]);
  expect([table.hasNews(1), table.ageOf(1), table.endRound(1)]).toEqual([false, 0, false]);
});

// ---- Whatever is heard -------------------------------------------------------------------------------------------

const options = fc.record({
  ctrMax: fc.integer({ min: 1, max: 5 }),
  cRounds: fc.integer({ min: 1, max: 5 }),
  ageCapRounds: fc.integer({ min: 1, max: 40 }),
});
const level = fc.oneof(fc.nat(6), fc.constantFrom(A, C, D));
const heard = fc.record({ level, age: fc.nat(50) });
const rounds = fc.array(fc.array(heard, { maxLength: 5 }), { maxLength: 60 });

describe("whatever a cell hears", () => {
  test("its level never falls, and rises by one B in a round", () => {
    fc.assert(
      fc.property(options, rounds, (given, all) => {
        const table = new MedianCounterTable(1, given);
        table.infect(0);
        for (const one of all) {
          const before = table.levelOf(0);
          for (const { level, age } of one) table.onHeard(0, level, age);
          table.endRound(0);
          const after = table.levelOf(0);
          expect(after).toBeGreaterThanOrEqual(before);
          if (after > before && after < C) expect(after).toBe(before + 1);
          if (after === C && before < C) expect(before).toBe(given.ctrMax);
        }
      }),
    );
  });

  test("it is silent after as many rounds as the age cap, counted from the rumor's begin", () => {
    fc.assert(
      fc.property(options, rounds, fc.nat(39), (given, all, firstAge) => {
        const table = new MedianCounterTable(1, given);
        table.infect(0, firstAge);
        for (let played = firstAge; played < given.ageCapRounds; played++) {
          for (const { level, age } of all[played - firstAge] ?? []) table.onHeard(0, level, age);
          table.endRound(0);
        }
        expect(table.isActive(0)).toBe(false);
        expect(table.levelOf(0)).toBe(D);
      }),
    );
  });

  test("the order within a round makes no difference", () => {
    fc.assert(
      fc.property(options, rounds, fc.nat(3), (given, all, start) => {
        const outcome = (sort: (one: { level: number; age: number }[]) => typeof one) => {
          const table = new MedianCounterTable(1, given);
          if (start > 0) table.infect(0, start);
          return all.map((one) => {
            for (const { level, age } of sort(one)) table.onHeard(0, level, age);
            table.endRound(0);
            return [table.levelOf(0), table.ageOf(0)];
          });
        };
        expect(outcome((one) => one.toReversed())).toEqual(outcome((one) => one));
      }),
    );
  });

  test("is active exactly in B and C, and knows exactly outside A", () => {
    fc.assert(
      fc.property(options, rounds, (given, all) => {
        const table = new MedianCounterTable(1, given);
        for (const one of all) {
          for (const { level, age } of one) table.onHeard(0, level, age);
          table.endRound(0);
          const at = table.levelOf(0);
          expect(table.isActive(0)).toBe(at !== A && at !== D);
          expect(table.knows(0)).toBe(at !== A);
        }
      }),
    );
  });

  test("levels that do not exist are not heard", () => {
    for (const nonsense of [-1, 0.5, 256, 1e9, Number.NaN, Infinity, -Infinity]) {
      const table = new MedianCounterTable(2, uncapped);
      table.infect(1);
      for (const cell of [0, 1]) table.onHeard(cell, nonsense, 1);
      table.endRound(0);
      table.endRound(1);
      expect([table.levelOf(0), table.levelOf(1)]).toEqual([A, 1]);
    }
  });

  test("ages that do not exist make no rumor live longer than one that begins now", () => {
    for (const nonsense of [-5, Number.NaN, Infinity, 1e12, 2.5]) {
      const table = new MedianCounterTable(1, uncapped);
      table.onHeard(0, 1, nonsense);
      for (let played = 0; played < uncapped.ageCapRounds; played++) table.endRound(0);
      expect(table.levelOf(0)).toBe(D);
    }
  });

  test("a flood of partners within one round does not turn the balance round", () => {
    const table = cellAt(1);
    for (let i = 0; i < 40_000; i++) table.onHeard(0, C, 0);
    table.endRound(0);
    expect(table.levelOf(0)).toBe(2);
    for (let i = 0; i < 40_000; i++) table.onHeard(0, A, 0);
    table.endRound(0);
    expect(table.levelOf(0)).toBe(2);
  });
});

// ---- Options -----------------------------------------------------------------------------------------------------

describe("the options", () => {
  test("grow with ln ln n, and the age cap with log3 n", () => {
    const of = (nodes: number) => Object.values(medianCounterOptions(nodes));
    expect(of(1000)).toEqual([3, 3, 21]);
    expect(of(10_000)).toEqual([3, 3, 24]);
    expect(of(1_000_000)).toEqual([3, 3, 30]);
    expect(of(2)).toEqual([3, 3, 11]);
    expect(medianCounterOptions(1e12).ctrMax).toBe(4);
  });

  test("what is given is kept, and the rest follows it", () => {
    expect(medianCounterOptions(1000, { ctrMax: 5 })).toMatchObject({ ctrMax: 5, cRounds: 5 });
    expect(medianCounterOptions(1000, { cRounds: 2 })).toMatchObject({ ctrMax: 3, cRounds: 2 });
    expect(medianCounterOptions(1000, { ageCapRounds: 9 }).ageCapRounds).toBe(9);
  });

  test("what makes no sense is refused", () => {
    expect(() => medianCounterOptions(1)).toThrow("nodes: 1 is less than 2");
    expect(() => medianCounterOptions(9, { ctrMax: 101 })).toThrow("ctrMax: 101 is more than 100");
    expect(() => new MedianCounterTable(0, uncapped)).toThrow("cells: 0 is not a positive integer");
    expect(() => new MedianCounterTable(1, { ...uncapped, cRounds: 0 })).toThrow("cRounds: 0 is for");
    expect(() => new MedianCounterTable(1, { ...uncapped, ageCapRounds: 256 })).toThrow("ageCapRounds: 256");
  });
});
