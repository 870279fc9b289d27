import { describe, expect, test } from "vitest";
import { retainedOf } from "../../test/support/publications.ts";
import { seededRandom } from "../core/index.ts";
import { maxLevel } from "./messages.ts";
import type { Retained } from "./retained-messages.ts";
import type { Contact } from "./round-exchange.ts";
import { RumorMongering, type RumorMongeringConfig } from "./rumor-mongering.ts";
import type { RumorRules } from "./rumor-table.ts";

const random = seededRandom(1);

function mongering(config: Partial<RumorRules & Omit<RumorMongeringConfig, "rules">> = {}) {
  const { stop = "counter", hasFeedback = true, stopAfter = 2, ...rest } = config;
  return new RumorMongering({
    rules: { stop, hasFeedback, stopAfter },
    mode: "push",
    isMinimised: false,
    maxHot: 8,
    ...rest,
  });
}

const theirs = (level: number) => ({ level, ageRounds: 0 });
const contact = (kind: Contact["kind"], wasUseful: boolean, level = 0): Contact => ({
  kind,
  wasUseful,
  theirs: theirs(level),
});
const useless = (kind: Contact["kind"], level = 0) => contact(kind, false, level);
const useful = (kind: Contact["kind"]) => contact(kind, true);

/** One message that is hot, and how to see whether it still is. */
function withOne(policy: RumorMongering) {
  const message = retainedOf(0);
  policy.onNew(message);
  return {
    meets: (...contacts: Contact[]) => {
      for (const one of contacts) policy.onContact(message, one, random);
    },
    offers: (times: number) => {
      for (let i = 0; i < times; i++) policy.onOffer(message, random);
    },
    endsRound: () => policy.endRound(random),
    get isHot() {
      return [...policy.hot].includes(message);
    },
    get level() {
      return policy.standing(message).level;
    },
  };
}

describe("push, feedback, counter", () => {
  test("a message goes cold when k partners in a row knew it", () => {
    const one = withOne(mongering({ stopAfter: 3 }));
    one.meets(useless("called"), useless("called"));
    expect([one.isHot, one.level]).toEqual([true, 2]);
    one.meets(useless("called"));
    expect([one.isHot, one.level]).toEqual([false, maxLevel]);
  });

  test("one that needed it sets the counter back", () => {
    const one = withOne(mongering());
    one.meets(useless("called"), useful("called"), useless("called"));
    expect([one.isHot, one.level]).toEqual([true, 1]);
  });

  test("each answer counts when it comes, two late ones in one round as two", () => {
    const one = withOne(mongering());
    one.meets(useless("called"), useless("called"));
    expect(one.isHot).toBe(false);
  });

  test("an offer alone counts for nothing, nor does a round without contact", () => {
    const one = withOne(mongering({ stopAfter: 1 }));
    one.offers(10);
    one.endsRound();
    expect(one.isHot).toBe(true);
  });

  test("a caller that offers what we spread teaches us nothing: it is the one that learns", () => {
    const one = withOne(mongering({ stopAfter: 1 }));
    one.meets(useless("met"));
    one.endsRound();
    expect(one.isHot).toBe(true);
  });
});

describe("blind", () => {
  test("push counts the offer, whatever the partner says", () => {
    const one = withOne(mongering({ hasFeedback: false }));
    one.offers(1);
    one.meets(useless("called"), useless("called"), useful("called"));
    expect([one.isHot, one.level]).toEqual([true, 1]);
    one.offers(1);
    expect(one.isHot).toBe(false);
  });

  test.each(["pull", "push-pull"] as const)("%s counts all offers of a round as one", (mode) => {
    const one = withOne(mongering({ hasFeedback: false, mode }));
    one.offers(5);
    one.endsRound();
    expect([one.isHot, one.level]).toEqual([true, 1]);
    one.endsRound();
    expect(one.level, "a round without an offer counts for nothing").toBe(1);
    one.offers(1);
    one.endsRound();
    expect(one.isHot).toBe(false);
  });
});

describe("where others call", () => {
  test("all partners of a round count as one: in vain only if all of them knew it", () => {
    const one = withOne(mongering({ mode: "pull" }));
    one.meets(useless("asked"), useless("asked"), useless("asked"));
    one.endsRound();
    expect([one.isHot, one.level]).toEqual([true, 1]);
    one.meets(useless("asked"), useful("asked"), useless("asked"));
    one.endsRound();
    expect([one.isHot, one.level], "reset").toEqual([true, 0]);
    for (const _ of [1, 2]) {
      one.meets(useless("asked"));
      one.endsRound();
    }
    expect(one.isHot).toBe(false);
  });

  test("in push-pull calls, being asked and meeting one that spreads it too are one contact", () => {
    const one = withOne(mongering({ mode: "push-pull" }));
    one.meets(useless("called"), useless("asked"), useless("met"));
    one.endsRound();
    expect(one.level).toBe(1);
    one.meets(useless("called"), useless("met"), useful("asked"));
    one.endsRound();
    expect(one.level).toBe(0);
    one.meets(useless("met"));
    one.endsRound();
    expect(one.level, "meeting alone counts").toBe(1);
  });

  test("in pull a meeting counts for nothing: whoever asks has nothing to tell", () => {
    const one = withOne(mongering({ mode: "pull", stopAfter: 1 }));
    one.meets(useless("met"));
    one.endsRound();
    expect(one.isHot).toBe(true);
  });
});

describe("minimisation", () => {
  const minimised = () => withOne(mongering({ mode: "push-pull", isMinimised: true, stopAfter: 3 }));

  test("only the smaller counter grows, and both if they are equal", () => {
    const one = minimised();
    for (const [level, after] of [
      [0, 1],
      [0, 1],
      [1, 2],
      [1, 2],
      [200, maxLevel],
    ] as const) {
      one.meets(useless("called", level));
      one.endsRound();
      expect(one.level, `after meeting ${level}`).toBe(after);
    }
  });

  test("a useful contact sets it back also where the other knows less", () => {
    const one = minimised();
    one.meets(useless("met", maxLevel));
    one.endsRound();
    one.meets(useful("called"));
    one.endsRound();
    expect(one.level).toBe(0);
  });
});

describe("stops", () => {
  test("never: nothing makes it cold", () => {
    const one = withOne(mongering({ stop: "never" }));
    for (let i = 0; i < 1000; i++) one.meets(useless("called"));
    one.endsRound();
    expect(one.isHot).toBe(true);
  });

  test("coin: after a useless contact with probability 1/k", () => {
    let contacts = 0;
    const messages = 2000;
    for (let i = 0; i < messages; i++) {
      const one = withOne(mongering({ stop: "coin", stopAfter: 4 }));
      one.meets(useful("called"));
      for (; one.isHot; contacts++) one.meets(useless("called"));
    }
    // Geometric with mean 4 and standard deviation sqrt(12): four standard errors are 0.31.
    expect(Math.abs(contacts / messages - 4)).toBeLessThan(0.31);
  });
});

describe("many messages", () => {
  test("each has a counter of its own, and the cell of one that went cold begins anew", () => {
    const policy = mongering({ maxHot: 2 });
    const [first, second, third] = [0, 1, 2].map((i) => retainedOf(i)) as [Retained, Retained, Retained];
    policy.onNew(first);
    policy.onNew(second);
    for (let i = 0; i < 2; i++) policy.onContact(first, useless("called"), random);
    policy.onContact(second, useless("called"), random);
    policy.onNew(third);
    expect([...policy.hot]).toEqual([second, third]);
    expect([second, third].map((message) => policy.standing(message).level)).toEqual([1, 0]);
  });

  test("beyond so many the oldest goes cold; what is no longer hot is not touched", () => {
    const policy = mongering({ maxHot: 3 });
    const messages = Array.from({ length: 10 }, (_, i) => retainedOf(i));
    for (const message of messages) policy.onNew(message);
    expect([...policy.hot]).toEqual(messages.slice(-3));
    policy.onContact(messages[0]!, useless("called"), random);
    policy.onOffer(messages[0]!, random);
    expect(policy.standing(messages[0]!)).toEqual({ level: maxLevel, ageRounds: 0 });
    expect([...policy.hot].map((message) => policy.standing(message).level)).toEqual([0, 0, 0]);
  });
});

test.each([
  [{ stopAfter: 255 }, "stopAfter: 255 is not less than 255"],
  [{ stopAfter: 0 }, "stopAfter: 0 is not an integer between 1"],
  [
    { isMinimised: true },
    "isMinimised: true is for push-pull with feedback and counter, not for push with feedback and counter",
  ],
  [{ isMinimised: true, mode: "push-pull", stop: "coin" }, "not for push-pull with feedback and coin"],
  [{ isMinimised: true, mode: "push-pull", hasFeedback: false }, "not for push-pull blind and counter"],
] as const)("rules that are none are the caller's mistake: %o", (config, message) => {
  expect(() => mongering(config)).toThrow(message);
});
