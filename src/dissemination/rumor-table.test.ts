import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Random, seededRandom, UsageError } from "../core/index.ts";
import { type RumorRules, RumorTable, rumorStates, rumorStops } from "./rumor-table.ts";

const { susceptible, infected, removed } = rumorStates;

/** A die that nobody may roll. */
const noDie: Random = {
  uint32: () => expect.unreachable(),
  unit: () => expect.unreachable(),
  below: () => expect.unreachable(),
};

function tableOf(rules: Partial<RumorRules>, cells = 1): RumorTable {
  return new RumorTable(cells, { stop: "counter", hasFeedback: true, stopAfter: 3, ...rules });
}

function infectedCell(rules: Partial<RumorRules>): RumorTable {
  const table = tableOf(rules);
  table.infect(0);
  return table;
}

describe("feedback and counter", () => {
  test("k useless contacts in a row end the interest, and a useful one sets the count back", () => {
    const table = infectedCell({ stopAfter: 3 });
    const uses = [false, false, true, false, false, false];
    const ended = uses.map((wasUseful) => table.onContact(0, wasUseful, noDie));
    expect(ended).toEqual([false, false, false, false, false, true]);
    expect(table.stateOf(0)).toBe(removed);
  });

  test("k = 1: the first useless contact ends it", () => {
    expect(infectedCell({ stopAfter: 1 }).onContact(0, false, noDie)).toBe(true);
  });
});

test("blind and counter: k contacts end the interest, useful or not", () => {
  const table = infectedCell({ hasFeedback: false, stopAfter: 3 });
  expect([true, false, true].map((wasUseful) => table.onContact(0, wasUseful, noDie))).toEqual([
    false,
    false,
    true,
  ]);
});

test.each([
  { hasFeedback: true, wasUseful: false, share: 1 / 4 },
  { hasFeedback: true, wasUseful: true, share: 0 },
  { hasFeedback: false, wasUseful: false, share: 1 / 4 },
  { hasFeedback: false, wasUseful: true, share: 1 / 4 },
])("coin with k = 4, feedback $hasFeedback, useful $wasUseful: ends with probability $share", (one) => {
  const cells = 20_000;
  const table = tableOf({ stop: "coin", hasFeedback: one.hasFeedback, stopAfter: 4 }, cells);
  const random = seededRandom(1);
  for (let cell = 0; cell < cells; cell++) {
    table.infect(cell);
    table.onContact(cell, one.wasUseful, random);
  }
  // Standard deviation 0.003.
  expect(Math.abs(table.removed / cells - one.share)).toBeLessThanOrEqual(one.share === 0 ? 0 : 0.0125);
});

test("never is SI: no contact ends it", () => {
  const table = infectedCell({ stop: "never", stopAfter: 1 });
  for (let contact = 0; contact < 100; contact++) expect(table.onContact(0, false, noDie)).toBe(false);
  expect(table.stateOf(0)).toBe(infected);
});

describe("minimisation", () => {
  const counterAfter = (mine: number, theirs: number) => {
    const table = infectedCell({ stopAfter: 5 });
    for (let contact = 0; contact < mine; contact++) table.onContact(0, false, noDie);
    table.noteBothKnow(0, theirs);
    table.endCycle(0, noDie);
    return table.counterOf(0);
  };

  test("increments the smaller counter only, and both if they are equal", () => {
    expect([counterAfter(1, 2), counterAfter(2, 1), counterAfter(2, 2)]).toEqual([2, 2, 3]);
  });

  test("takes whoever has lost interest for the one that counted most", () => {
    const table = tableOf({ stopAfter: 5 }, 2);
    for (const cell of [0, 1]) table.infect(cell);
    table.remove(1);
    expect(table.counterOf(1)).toBe(5);
    table.noteBothKnow(0, table.counterOf(1));
    table.endCycle(0, noDie);
    expect(table.counterOf(0)).toBe(1);
  });
});

test("a dormant death certificate wakes, spreads as if new, and goes dormant again", () => {
  const table = infectedCell({ stopAfter: 2 });
  expect(table.reactivate(0)).toBe(false);
  table.onContact(0, false, noDie);
  table.remove(0);
  expect([table.infected, table.removed]).toEqual([0, 1]);
  expect(table.infect(0)).toBe(false);
  expect(table.reactivate(0)).toBe(true);
  expect([table.infected, table.removed, table.counterOf(0)]).toEqual([1, 0, 0]);
  table.onContact(0, false, noDie);
  expect(table.onContact(0, false, noDie)).toBe(true);
});

test("a cleared slot knows nothing of the update that it held", () => {
  for (const isRemoved of [false, true]) {
    const table = infectedCell({ stopAfter: 2 });
    table.onContact(0, false, noDie);
    if (isRemoved) table.remove(0);
    table.clear(0);
    expect([table.stateOf(0), table.counterOf(0), table.infected, table.removed]).toEqual([0, 0, 0, 0]);
    expect(table.infect(0)).toBe(true);
  }
});

const rules = fc.record({
  stop: fc.constantFrom(...rumorStops),
  hasFeedback: fc.boolean(),
  stopAfter: fc.integer({ min: 1, max: 4 }),
});
const cells = 5;
const steps = fc.array(
  fc.record({
    do: fc.constantFrom("infect", "useful", "useless", "both-know", "remove", "reactivate", "clear"),
    cell: fc.nat(cells - 1),
    counter: fc.nat(5),
  }),
  { maxLength: 200 },
);

test("states go only from susceptible to infected to removed, but for those that wake and those that are cleared", () => {
  fc.assert(
    fc.property(rules, steps, fc.integer(), (rules, steps, seed) => {
      const table = new RumorTable(cells, rules);
      const random = seededRandom(seed);
      for (const step of steps) {
        const before = table.state.slice();
        play(table, step, random);
        for (let cell = 0; cell < cells; cell++) {
          const [from, to] = [before[cell]!, table.stateOf(cell)];
          if (from === to) continue;
          expect(cell).toBe(step.cell);
          if (step.do === "clear") expect(to).toBe(susceptible);
          else if (step.do === "reactivate") expect([from, to]).toEqual([removed, infected]);
          else expect(to).toBe(from + 1);
        }
        expect(table.infected).toBe(table.state.filter((state) => state === infected).length);
        expect(table.removed).toBe(table.state.filter((state) => state === removed).length);
        if (table.rules.stop === "counter")
          expect(table.counterOf(step.cell)).toBeLessThanOrEqual(table.rules.stopAfter);
      }
    }),
  );
});

function play(table: RumorTable, step: { do: string; cell: number; counter: number }, random: Random): void {
  const { cell } = step;
  switch (step.do) {
    case "infect":
      table.infect(cell);
      break;
    case "useful":
    case "useless":
      table.onContact(cell, step.do === "useful", random);
      break;
    case "both-know":
      table.noteBothKnow(cell, step.counter);
      table.endCycle(cell, random);
      break;
    case "remove":
      table.remove(cell);
      break;
    case "reactivate":
      table.reactivate(cell);
      break;
    case "clear":
      table.clear(cell);
      break;
  }
}

test("feedback and counter: M that lost interest sent (k + 1) M - 1 to k (2 M - 1) messages", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer(),
      (nodes, k, seed) => {
        const table = tableOf({ stopAfter: k }, nodes);
        const random = seededRandom(seed);
        table.infect(0);
        let messages = 0;
        while (table.infected > 0) {
          const spreaders = [...table.state.keys()].filter((cell) => table.stateOf(cell) === infected);
          const from = spreaders[random.below(spreaders.length)]!;
          const to = (from + 1 + random.below(nodes - 1)) % nodes;
          messages++;
          table.onContact(from, table.infect(to), random);
        }
        const count = table.removed;
        expect(messages).toBeGreaterThanOrEqual((k + 1) * count - 1);
        expect(messages).toBeLessThanOrEqual(k * (2 * count - 1));
      },
    ),
  );
});

test("what is no rule is refused by name, value and rule", () => {
  expect(() => tableOf({}, 0)).toThrow(new UsageError("cells: 0 is not a positive integer"));
  expect(() => tableOf({ stopAfter: 0 })).toThrow("stopAfter: 0 is not an integer between 1 and 65535");
  expect(() => tableOf({ stop: "dice" as "coin" })).toThrow("stop: dice is not one of never, coin, counter");
});

describe("what is judged once for each cycle", () => {
  test("a cycle in which anybody needed it is useful, one in which all had it is one useless contact", () => {
    const table = infectedCell({ stopAfter: 3 });
    const cycle = (...uses: boolean[]) => {
      for (const wasUseful of uses) table.note(0, wasUseful);
      table.endCycle(0, noDie);
      return table.counterOf(0);
    };
    expect([cycle(false, false), cycle(), cycle(false), cycle(false, true, false), cycle(false)]).toEqual([
      1, 1, 2, 0, 1,
    ]);
  });

  test("the cycles of all cells at once are those of each", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.boolean()), { maxLength: 60 }), (notes) => {
        const [all, each] = [tableOf({ stopAfter: 1 }, 10), tableOf({ stopAfter: 1 }, 10)];
        for (const table of [all, each]) {
          for (let cell = 0; cell < 9; cell++) table.infect(cell);
          for (const [cell, wasUseful] of notes) table.note(cell, wasUseful);
        }
        const gone: number[] = [];
        all.endCycleOfAll(
          () => noDie,
          (cell) => gone.push(cell),
        );
        const expected = [...each.state.keys()].filter((cell) => each.endCycle(cell, noDie));
        expect(gone).toEqual(expected);
        expect(all.state).toEqual(each.state);
      }),
    );
  });

  test("nothing is noted of cells that do not spread, nor left over from the update before", () => {
    const table = tableOf({ stopAfter: 1 });
    table.note(0, false);
    table.infect(0);
    expect(table.endCycle(0, noDie)).toBe(false);
    table.note(0, false);
    table.clear(0);
    table.infect(0);
    expect(table.endCycle(0, noDie)).toBe(false);
  });
});
