import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordingEnvironment } from "../core/index.ts";
import {
  PushSum,
  type PushSumConfig,
  type PushSumMessage,
  type PushSumNotice,
  type PushSumOptions,
  type PushSumTimer,
} from "./push-sum.ts";

const half = { type: "send-half" } as const;

/** One node, as it lives: a row of its own, a name that is no number, and one partner. */
function oneNode(options: Partial<PushSumOptions> = {}, config: Partial<PushSumConfig> = {}) {
  const env = new RecordingEnvironment<PushSumMessage, PushSumTimer, PushSumNotice>("self");
  const partners = { choose: () => "partner" };
  const node = new PushSum({ rows: 1, values: [8], partners, options, ...config });
  env.now = 10_000;
  node.start(env);
  env.take();
  /** The node's timer comes: the message that it sends. */
  const send = () => {
    env.take();
    node.onTimer(half, env);
    return env.sent()[0]!.message;
  };
  return { env, node, send };
}

const honest: PushSumMessage = { type: "push-sum", sum: 2, weight: 0.5, epoch: 0, min: 4, max: 4 };

describe("a node", () => {
  test("keeps one half and sends the other, each interval", () => {
    const { env, node, send } = oneNode({ intervalMs: 700 });
    expect(send()).toEqual({ type: "push-sum", sum: 4, weight: 0.5, epoch: 0, min: 8, max: 8 });
    expect(env.scheduled()).toEqual([{ after: 700, timer: half }]);
    expect(send()).toMatchObject({ sum: 2, weight: 0.25 });
    expect(node.mass()).toEqual({ sum: 2, weight: 0.25 });
    expect(node.estimateOf(0)).toBe(8);
  });

  test("adds what it gets, and remembers the smallest and the largest value", () => {
    const { env, node, send } = oneNode();
    node.onMessage("other", honest, env);
    expect(node.mass()).toEqual({ sum: 10, weight: 1.5 });
    expect(send()).toMatchObject({ min: 4, max: 8 });
  });

  test("has no estimate before it has weight", () => {
    const { env, node } = oneNode({ aggregate: "count" });
    expect(node.estimateOf(0)).toBeUndefined();
    node.onMessage("root", { ...honest, sum: 1, weight: 0.25, min: 1, max: 1 }, env);
    expect(node.estimateOf(0)).toBe(8);
  });

  test("starts with the mass of its aggregate: one weight in all for sum and count, one for each node for mean", () => {
    const mass = (aggregate: PushSumOptions["aggregate"]) =>
      new PushSum({ rows: 4, values: [1, 2, 3, 4], options: { aggregate } }).mass();
    expect(mass("mean")).toEqual({ sum: 10, weight: 4 });
    expect(mass("sum")).toEqual({ sum: 10, weight: 1 });
    expect(mass("count")).toEqual({ sum: 4, weight: 1 });
  });

  test("that gets another value adds the difference, also after it has given half of the old one away", () => {
    const { env, node, send } = oneNode();
    const sent = send();
    node.onCommand({ type: "set-value", value: 20 }, env);
    expect(node.mass().sum + sent.sum).toBe(20);
    expect(send()).toMatchObject({ min: 8, max: 20 });
    expect(() => node.onCommand({ type: "set-value", value: Number.NaN }, env)).toThrow("value: NaN");
  });
});

// ---- Mass --------------------------------------------------------------------------------------------------------

/** Values and halvings so few that floating point is exact: 2^10 at most, in steps of 2^-40 at least. */
const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 2, maxLength: 8 });

describe("mass is conserved, to the last bit", () => {
  test("in rounds of every kind, whoever calls whom", () => {
    const calls = fc.array(fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 8 }), { maxLength: 5 });
    fc.assert(
      fc.property(values, calls, fc.boolean(), (own, rounds, isDoubleBuffered) => {
        const rows = own.length;
        const protocol = new PushSum({ rows, values: own });
        const before = protocol.mass();
        protocol.prepare(isDoubleBuffered);
        for (const round of rounds) {
          const hasCalled = new Set<number>();
          for (const [a, b] of round) {
            const [caller, callee] = [a % rows, b % rows];
            if (caller === callee || hasCalled.has(caller)) continue;
            hasCalled.add(caller);
            protocol.contact(caller, callee);
          }
          protocol.commit();
        }
        expect(protocol.mass()).toEqual(before);
      }),
    );
  });

  test("by events, with what is under way, in whatever order timers and messages come", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(100)), { maxLength: 40 });
    fc.assert(
      fc.property(values, steps, fc.constantFrom("mean", "sum", "count"), (own, all, aggregate) => {
        const nodes = own.map((value, i) => {
          const env = new RecordingEnvironment<PushSumMessage, PushSumTimer, PushSumNotice>(i, i);
          const protocol = new PushSum({
            rows: 1,
            values: [value],
            isRoot: () => i === 0,
            partners: { choose: (env) => (i + 1 + env.random.below(own.length - 1)) % own.length },
            options: { aggregate },
          });
          protocol.start(env);
          return { env, protocol };
        });
        const underWay: { to: number; message: PushSumMessage }[] = [];
        for (const [isTimer, which] of all) {
          if (isTimer || underWay.length === 0) {
            const { env, protocol } = nodes[which % nodes.length]!;
            env.take();
            protocol.onTimer(half, env);
            underWay.push(...env.sent().map(({ to, message }) => ({ to: to as number, message })));
          } else {
            const [{ to, message }] = underWay.splice(which % underWay.length, 1) as [(typeof underWay)[0]];
            nodes[to]!.protocol.onMessage("other", message, nodes[to]!.env);
          }
        }
        const sum = (of: (mass: { sum: number; weight: number }) => number) =>
          [...nodes.map(({ protocol }) => protocol.mass()), ...underWay.map(({ message }) => message)].reduce(
            (total, mass) => total + of(mass),
            0,
          );
        expect(sum((mass) => mass.sum)).toBe(
          aggregate === "count" ? own.length : own.reduce((total, value) => total + value, 0),
        );
        expect(sum((mass) => mass.weight)).toBe(aggregate === "mean" ? own.length : 1);
      }),
    );
  });
});

describe("in synchronous rounds", () => {
  test("all send what they had when the round began", () => {
    const protocol = new PushSum({ rows: 3, values: [8, 0, 4] });
    protocol.prepare(true);
    protocol.contact(0, 1);
    protocol.contact(1, 2);
    protocol.contact(2, 1);
    expect(protocol.estimateOf(1)).toBe(0);
    protocol.commit();
    expect(Array.from(protocol.columns.sum)).toEqual([4, 6, 2]);
    expect(Array.from(protocol.columns.weight)).toEqual([0.5, 1.5, 1]);
    expect([Array.from(protocol.columns.min), Array.from(protocol.columns.max)]).toEqual([
      [8, 0, 0],
      [8, 8, 4],
    ]);
  });

  test("a row is informed when its estimate is accurate enough; without a claim nobody ever is", () => {
    const rows = 2;
    const settled = new PushSum({ rows, values: [3, 3], accuracy: 0 });
    expect(settled.informed).toBe(2);
    expect(new PushSum({ rows, values: [3, 5], accuracy: 0.2 }).informed).toBe(0);
    expect(new PushSum({ rows, values: [3, 5], accuracy: 0.25 }).informed).toBe(2);
    expect(new PushSum({ rows, values: [3, 3] }).informed).toBe(0);
  });

  test("the potential is the sum of squared distances from agreement", () => {
    expect(new PushSum({ rows: 2, values: [3, 5] }).potential()).toBe(2);
    expect(new PushSum({ rows: 2, values: [4, 4] }).potential()).toBe(0);
  });

  test("the checksum sees every sum, and where it is", () => {
    const of = (...values: number[]) => new PushSum({ rows: 2, values }).checksum;
    expect(of(3, 5)).toBe(of(3, 5));
    expect(of(3, 5)).not.toBe(of(5, 3));
    expect(of(3, 5)).not.toBe(of(3, 5 + 2 ** -50));
  });
});

// ---- Epochs ------------------------------------------------------------------------------------------------------

describe("an epoch", () => {
  const epochs = { epochMs: 1000 };

  test("is what the clock says; with the next one all begins anew, and the result is announced", () => {
    const { env, node, send } = oneNode(epochs);
    expect(send()).toMatchObject({ epoch: 10, sum: 4 });
    node.onMessage("other", { ...honest, epoch: 10 }, env);
    env.now = 11_000;
    expect(send()).toMatchObject({ epoch: 11, sum: 4, weight: 0.5, min: 8, max: 8 });
    expect(env.notices()).toEqual([
      { type: "aggregated", aggregate: "mean", epoch: 10, estimate: 6, min: 4, max: 8 },
    ]);
  });

  test("is entered early by who hears of it, and not left again", () => {
    const { env, node, send } = oneNode(epochs);
    send();
    node.onMessage("ahead", { ...honest, epoch: 11 }, env);
    expect([node.epochOf(0), node.mass()]).toEqual([11, { sum: 10, weight: 1.5 }]);
    expect(send().epoch).toBe(11);
    env.now = 11_500;
    expect(send()).toMatchObject({ epoch: 11, sum: 2.5 });
  });

  test("that is over takes no messages any more", () => {
    const { env, node } = oneNode(epochs);
    node.onMessage("late", { ...honest, epoch: 9 }, env);
    expect([node.outOfEpoch, node.nonsense, node.mass()]).toEqual([1, 0, { sum: 8, weight: 1 }]);
  });
});

// ---- Nonsense ----------------------------------------------------------------------------------------------------

describe("a message that no honest node sends is counted and dropped", () => {
  const bounds = { maxValue: 100, maxNodes: 1000 };
  const plain: readonly (readonly [string, Partial<Record<keyof PushSumMessage, unknown>>])[] = [
    ["a sum that is no number", { sum: Number.NaN }],
    ["an infinite sum", { sum: -Infinity }],
    ["a sum beyond that of all nodes", { sum: 50_001 }],
    ["a negative weight", { weight: -0.1 }],
    ["a weight that is no number", { weight: Number.NaN }],
    ["an infinite weight", { weight: Infinity }],
    ["a weight beyond that of all nodes", { weight: 501 }],
    ["a smallest value above the largest", { min: 5, max: 4 }],
    ["a value beyond the bound", { max: 101 }],
    ["a value that is no number", { min: Number.NaN }],
    ["an epoch where there are none", { epoch: 1 }],
    ["an epoch that is no integer", { epoch: 0.5 }],
    ["an epoch below zero", { epoch: -1 }],
    ["an epoch that is no number", { epoch: Number.NaN }],
  ];

  test.each(plain)("%s", (_, wrong) => {
    const { env, node } = oneNode(bounds);
    node.onMessage("liar", { ...honest, ...wrong } as PushSumMessage, env);
    expect([node.nonsense, node.mass(), env.effects]).toEqual([1, { sum: 8, weight: 1 }, []]);
    node.onMessage("other", honest, env);
    expect(node.nonsense).toBe(1);
  });

  test("an epoch that is further away than clocks can be", () => {
    const { env, node } = oneNode({ epochMs: 1000 });
    for (const epoch of [8, 12, 1e15, 1e300]) node.onMessage("liar", { ...honest, epoch }, env);
    expect([node.nonsense, node.epochOf(0)]).toEqual([4, 10]);
  });

  test("more weight than there is, where a root has it all", () => {
    const { env, node } = oneNode({ aggregate: "count" });
    node.onMessage("liar", { ...honest, sum: 1, weight: 0.51, min: 1, max: 1 }, env);
    expect(node.nonsense).toBe(1);
  });

  test("whatever comes, estimates stay finite", () => {
    const any = fc.oneof(fc.double(), fc.integer());
    const message = fc.record({ sum: any, weight: any, epoch: fc.constantFrom(0, 1), min: any, max: any });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (all) => {
        const { env, node } = oneNode();
        for (const one of all) node.onMessage("liar", { type: "push-sum", ...one }, env);
        expect(Number.isFinite(node.estimateOf(0))).toBe(true);
      }),
    );
  });
});

test("what makes no sense is refused", () => {
  expect(() => new PushSum({ rows: 0 })).toThrow("rows: 0");
  expect(() => new PushSum({ rows: 2, values: [1, Infinity] })).toThrow("value: Infinity");
  expect(() => new PushSum({ rows: 2, options: { maxValue: 5 }, values: [6] })).toThrow("value: 6");
});
