import { describe, expect, test } from "vitest";
import { RecordingEnvironment, UsageError } from "../core/index.ts";
import {
  MedianCounter,
  type MedianCounterNotice,
  type MedianCounterProtocolOptions,
  medianCounterMessages,
} from "./median-counter.ts";
import { medianCounterLevels } from "./median-counter-table.ts";

const { A, C, D } = medianCounterLevels;
const { call, answer } = medianCounterMessages;

/** One node of some thousand, as it lives: a row of its own, a name that is no number, and one partner. */
function oneNode(options: Partial<MedianCounterProtocolOptions> = {}) {
  const env = new RecordingEnvironment<number, number, MedianCounterNotice>("self");
  const partners = { choose: () => "partner" };
  const node = new MedianCounter({
    rows: 1,
    nodes: 1000,
    partners,
    options: { intervalMs: 500, ...options },
  });
  env.now = 1_700_000_000_000;
  node.start(env);
  /** The node's next timer comes: what it sends then. */
  const wake = () => {
    const { after, timer } = env.scheduled().at(-1)!;
    env.take();
    env.now += after;
    node.onTimer(timer, env);
    return env.sent();
  };
  return { env, node, wake };
}

describe("a node in A", () => {
  test("calls within an interval, then every interval, and says that it knows nothing", () => {
    const { env, node, wake } = oneNode();
    expect(env.scheduled()[0]!.after).toBeLessThan(500);
    for (let round = 0; round < 3; round++) {
      expect(wake()).toEqual([{ to: "partner", message: call(A, 0) }]);
      expect(env.scheduled().map(({ after }) => after)).toEqual([500]);
    }
    expect(node.copies).toBe(0);
  });

  test("answers a call, so that a partner in B can count it", () => {
    const { env, node } = oneNode();
    node.onMessage("other", call(A, 0), env);
    expect(env.sent()).toEqual([{ to: "other", message: answer(A, 0) }]);
  });

  test("announces the rumor at once, once, and sends it from its next round on", () => {
    const { env, node, wake } = oneNode();
    wake();
    env.take();
    node.onMessage("other", call(2, 4), env);
    node.onMessage("third", answer(1, 4), env);
    expect(env.notices()).toEqual([{ type: "infected", from: "other" }]);
    expect(env.sent()).toEqual([{ to: "other", message: answer(A, 0) }]);
    expect([node.heard, node.copies]).toEqual([1, 0]);
    env.schedule(500, 1);
    expect(wake()).toEqual([{ to: "partner", message: call(1, 5) }]);
    expect(node.copies).toBe(1);
  });
});

describe("a node that knows the rumor", () => {
  test("takes no command to begin it again, neither before nor after the end of its round", () => {
    const { env, node, wake } = oneNode();
    node.onMessage("other", answer(1, 2), env);
    node.onCommand({ type: "infect" }, env);
    wake();
    node.onCommand({ type: "infect" }, env);
    expect(node.heard).toBe(1);
    expect(env.notices()).toEqual([]);
  });

  test("counts who answers and who calls, and says within the round what was true when it began", () => {
    const { env, node, wake } = oneNode();
    node.onCommand({ type: "infect" }, env);
    expect(wake()).toEqual([{ to: "partner", message: call(1, 1) }]);
    node.onMessage("partner", answer(1, 1), env);
    node.onMessage("caller", call(C, 1), env);
    expect(env.sent().at(-1)).toEqual({ to: "caller", message: answer(1, 1) });
    expect(wake()).toEqual([{ to: "partner", message: call(2, 2) }]);
  });

  test("in D is silent, but calls until the age cap, and then sets no timer any more", () => {
    const { env, node, wake } = oneNode({ ctrMax: 1, cRounds: 1, ageCapRounds: 6 });
    node.onCommand({ type: "infect" }, env);
    node.onMessage("x", answer(C, 0), env);
    expect(wake()[0]!.message).toBe(call(C, 1));
    expect(wake()[0]!.message).toBe(call(D, 2));
    expect([node.spreading, node.informed, node.copies]).toEqual([0, 1, 1]);
    env.take();
    node.onMessage("caller", call(1, 2), env);
    expect(env.effects).toEqual([]);
    env.schedule(500, 1);
    for (let age = 3; age < 6; age++) expect(wake()[0]!.message).toBe(call(D, age));
    expect(wake()).toEqual([]);
    expect(env.effects).toEqual([]);
  });
});

test("nonsense is counted and changes nothing", () => {
  const { env, node } = oneNode();
  env.take();
  for (const nonsense of [-1, 0.5, 1 << 17, Number.NaN, Infinity, "1" as unknown as number])
    node.onMessage("liar", nonsense, env);
  expect(node.nonsense).toBe(6);
  expect([env.effects, node.heard]).toEqual([[], 0]);
});

test("a quiet node announces nothing", () => {
  const { env, node } = oneNode({ isQuiet: true });
  node.onCommand({ type: "infect" }, env);
  expect(env.notices()).toEqual([]);
  expect(node.heard).toBe(1);
});

test("aligned nodes call at the multiples of the interval", () => {
  const env = new RecordingEnvironment<number, number, MedianCounterNotice>(0);
  env.now = 1234;
  new MedianCounter({ rows: 2, options: { timing: "aligned", intervalMs: 500 } }).start(env);
  expect(env.scheduled()[0]!.after).toBe(266);
});

describe("in rounds", () => {
  test("a contact carries the rumor both ways, and counts a copy for each side that sends it", () => {
    const rumor = new MedianCounter({ rows: 4 });
    rumor.infect(0);
    rumor.prepare();
    rumor.contact(0, 1);
    rumor.contact(2, 0);
    rumor.contact(1, 3);
    expect([rumor.copies, rumor.heard]).toEqual([2, 1]);
    rumor.commit();
    expect(Array.from(rumor.infectedAt)).toEqual([0, 1, 1, -1]);
    rumor.contact(1, 2);
    expect(rumor.copies).toBe(4);
  });

  test("all call until nobody sends the rumor, and nobody after that", () => {
    const rumor = new MedianCounter({ rows: 2, options: { ageCapRounds: 3 } });
    rumor.infect(0);
    rumor.prepare();
    for (let round = 1; round <= 3; round++) {
      expect(rumor.isActive()).toBe(true);
      rumor.contact(0, 1);
      rumor.commit();
    }
    expect(rumor.isActive()).toBe(false);
    expect([rumor.heard, rumor.informed, rumor.spreading]).toEqual([2, 2, 0]);
  });
});

test("what makes no sense is refused", () => {
  expect(() => new MedianCounter({ rows: 0 })).toThrow(UsageError);
  expect(() => new MedianCounter({ rows: 1, partners: { choose: () => 1 } })).toThrow("nodes: 1");
  expect(() => new MedianCounter({ rows: 9, options: { ctrMax: -1 } })).toThrow("ctrMax: -1");
});
