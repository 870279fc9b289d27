import { describe, expect, test } from "vitest";
import { retainedOf } from "../../test/support/publications.ts";
import { medianCounterLevels } from "./median-counter-table.ts";
import { MedianCounting } from "./median-counting.ts";
import type { Retained } from "./retained-messages.ts";
import type { Standing } from "./round-exchange.ts";

const { A, C, D } = medianCounterLevels;
const options = { ctrMax: 3, cRounds: 2, ageCapRounds: 20 };

const counting = (maxHot = 8) => new MedianCounting({ options, maxHot });
const at = (level: number, ageRounds = 0): Standing => ({ level, ageRounds });

function meet(policy: MedianCounting, message: Retained, ...levels: number[]): void {
  for (const level of levels)
    policy.onContact(message, { wasUseful: false, kind: "called", theirs: at(level) });
}

test("what begins here is in B_1, is offered, and grows older", () => {
  const policy = counting();
  const message = retainedOf(0);
  policy.onNew(message, undefined);
  expect([...policy.hot]).toEqual([message]);
  expect(policy.standing(message)).toEqual(at(1, 0));
  policy.endRound();
  expect(policy.standing(message)).toEqual(at(1, 1));
});

describe("what somebody had offered", () => {
  test("is learned when the round ends, and is not offered before", () => {
    const policy = counting();
    const message = retainedOf(0);
    policy.onNew(message, at(2, 5));
    expect([...policy.hot]).toEqual([]);
    expect(policy.standing(message), "until then it counts as not heard").toEqual(at(A));
    policy.endRound();
    expect([...policy.hot]).toEqual([message]);
    expect(policy.standing(message)).toEqual(at(1, 6));
  });

  test("by one in C, is in C from the start", () => {
    const policy = counting();
    const message = retainedOf(0);
    policy.onNew(message, at(C, 5));
    policy.endRound();
    expect(policy.standing(message).level).toBe(C);
  });

  test.each([A, D, 255, 1.5, -1, Number.NaN])(
    "by somebody who says that it stands at %d, begins here: nonsense silences nobody",
    (level) => {
      const policy = counting();
      const message = retainedOf(0);
      policy.onNew(message, at(level, 5));
      expect([...policy.hot]).toEqual([message]);
      expect(policy.standing(message)).toEqual(at(1, 0));
    },
  );
});

describe("it goes silent", () => {
  /** Levels as the rounds end, until D, while each round meets these levels. */
  function levelsWhileMeeting(...levels: number[]): number[] {
    const policy = counting();
    const message = retainedOf(0);
    policy.onNew(message, undefined);
    const seen: number[] = [];
    while (seen.at(-1) !== D && seen.length < 100) {
      meet(policy, message, ...levels);
      policy.endRound();
      seen.push(policy.standing(message).level);
    }
    return seen;
  }

  test("where most partners are at its level or above: B_1 to B_ctrMax, so many rounds of C, D", () => {
    expect(levelsWhileMeeting(C, C, A)).toEqual([2, 3, C, C, D]);
  });

  test("by its age, where none of them is", () => {
    expect(levelsWhileMeeting(A, A, C)).toHaveLength(options.ageCapRounds);
    expect(levelsWhileMeeting()).toHaveLength(options.ageCapRounds);
  });

  test("then its cell is free, and contacts mean nothing to it", () => {
    const policy = counting(1);
    const [old, young] = [retainedOf(0), retainedOf(1)];
    policy.onNew(old, at(C, 19));
    policy.endRound();
    expect(policy.standing(old).level).toBe(D);
    policy.onNew(young, undefined);
    meet(policy, old, C, C, C);
    policy.endRound();
    expect(policy.standing(young)).toEqual(at(1, 1));
  });
});

test("what is silent keeps no cell: the oldest that speaks need not make way for the next", () => {
  const policy = counting(2);
  const [speaking, silent, next] = [0, 1, 2].map((i) => retainedOf(i)) as [Retained, Retained, Retained];
  policy.onNew(speaking, undefined);
  policy.onNew(silent, at(C, 19));
  policy.endRound();
  policy.onNew(next, undefined);
  expect([...policy.hot]).toEqual([speaking, next]);
});

test("beyond so many messages the oldest goes silent, and the others stand where they stood", () => {
  const policy = counting(3);
  const messages = Array.from({ length: 5 }, (_, i) => retainedOf(i));
  for (const message of messages) {
    policy.onNew(message, undefined);
    meet(policy, message, C);
    policy.endRound();
  }
  expect([...policy.hot]).toEqual(messages.slice(2));
  expect(messages.map((message) => policy.standing(message).level)).toEqual([D, D, 2, 2, 2]);
});
