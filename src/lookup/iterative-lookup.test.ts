import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareXor,
  type Key,
  type KeyedNode,
  keyFromNumber,
  keyOfName,
  randomKey,
  seededRandom,
  UsageError,
} from "../core/index.ts";
import type { StoredRecord } from "../core/records.ts";
import { IterativeLookup, type IterativeLookupConfig, type LookupQuestion } from "./iterative-lookup.ts";

/** Nodes 1, 2, 3, … have the keys 1, 2, 3, …; the key that is looked for is 0, so that lower numbers are nearer. */
const target = keyFromNumber(0n);
const node = (number: number): KeyedNode => ({ node: number, key: keyFromNumber(BigInt(number)) });
const nodes = (...numbers: number[]) => numbers.map(node);
const self = node(1_000_000);

function lookupOf(candidates: readonly number[], changes: Partial<IterativeLookupConfig> = {}) {
  return new IterativeLookup({
    key: target,
    order: (a, b) => compareXor(target, a, b),
    candidates: nodes(...candidates),
    self,
    countsSelf: false,
    endRule: "closest-answered",
    width: 3,
    count: 3,
    alpha: 2,
    pace: "slots",
    budget: 1000,
    branches: 1,
    records: "none",
    startedAt: 0,
    ...changes,
  });
}

const to = (questions: readonly LookupQuestion[]) => questions.map(({ to }) => to.node);
/** The index of the question to a node. */
const indexOf = (lookup: IterativeLookup, asked: number) =>
  lookup.report().path.findIndex((step) => step.node === asked);
function reply(lookup: IterativeLookup, from: number, named: readonly number[] = [], now = 1) {
  lookup.onReply(indexOf(lookup, from), { nodes: nodes(...named) }, now);
  return to(lookup.next(now));
}

describe("closest-answered", () => {
  test("asks the alpha nearest it knows, and with each answer the next", () => {
    const lookup = lookupOf([40, 10, 30, 20]);
    expect(to(lookup.next(0))).toEqual([10, 20]);
    expect(to(lookup.next(0))).toEqual([]);
    expect(reply(lookup, 20, [5, 15])).toEqual([5]);
  });

  test("ends when the width nearest known have answered, and tells them", () => {
    const lookup = lookupOf([10, 20, 30, 40]);
    lookup.next(0);
    expect(reply(lookup, 10, [20, 30])).toEqual([30]);
    reply(lookup, 20);
    expect(lookup.outcome).toBeUndefined();
    reply(lookup, 30, [], 7);
    expect(lookup.outcome).toBe("found");
    const report = lookup.report();
    expect(report.closest).toEqual(nodes(10, 20, 30));
    expect(report).toMatchObject({ asked: 3, answered: 3, silent: 0, hops: 1, startedAt: 0, endedAt: 7 });
  });

  test("alpha answers in a row that bring nobody nearer: it asks all that are left of the width nearest", () => {
    const lookup = lookupOf([10, 20, 30, 40, 50, 60], { width: 6, count: 6 });
    expect(to(lookup.next(0))).toEqual([10, 20]);
    expect(reply(lookup, 10, [70])).toEqual([30]);
    expect(reply(lookup, 20, [80])).toEqual([40, 50, 60]);
  });

  test("somebody nearer ends the burst before it begins", () => {
    const lookup = lookupOf([10, 20, 30, 40, 50, 60], { width: 6, count: 6 });
    lookup.next(0);
    reply(lookup, 10, [70]);
    expect(reply(lookup, 20, [5])).toEqual([5]);
  });

  test("hops are the referrals to the nearest node, and the path says who named whom", () => {
    const lookup = lookupOf([50], { width: 1, count: 1, alpha: 1 });
    lookup.next(0);
    reply(lookup, 50, [20, 30]);
    reply(lookup, 20, [4]);
    reply(lookup, 4);
    const { hops, path, closest } = lookup.report();
    expect(closest).toEqual(nodes(4));
    expect(hops).toBe(3);
    expect(path.map(({ node, referrer, depth, learned }) => [node, referrer, depth, learned])).toEqual([
      [50, -1, 1, 2],
      [20, 0, 2, 1],
      [4, 1, 3, 0],
    ]);
  });

  test("the asker is one of the nearest if it counts, and is never asked", () => {
    const lookup = lookupOf([10, 20, 30], { self: node(15), countsSelf: true });
    lookup.next(0);
    reply(lookup, 10, [15]);
    reply(lookup, 20);
    expect(lookup.outcome).toBe("found");
    expect(lookup.report().closest).toEqual(nodes(10, 15, 20));
  });

  test("in batches nobody is asked before all of the batch have answered or are silent", () => {
    const lookup = lookupOf([10, 20, 30, 40], { pace: "batches" });
    expect(to(lookup.next(0))).toEqual([10, 20]);
    expect(reply(lookup, 10, [5])).toEqual([]);
    lookup.onSoftTimeout(indexOf(lookup, 20));
    expect(to(lookup.next(1))).toEqual([]);
    lookup.onHardTimeout(indexOf(lookup, 20));
    expect(to(lookup.next(2))).toEqual([5, 30]);
  });

  test("with nobody to ask it is alone, and with nobody who answers exhausted", () => {
    expect(lookupOf([]).outcome).toBe("alone");
    expect(lookupOf([]).report().closest).toEqual([self]);
    const lookup = lookupOf([10]);
    lookup.next(0);
    lookup.onHardTimeout(0);
    lookup.next(1);
    expect(lookup.report()).toMatchObject({ outcome: "exhausted", closest: [], silent: 1 });
  });

  test("the budget is the most questions, and what is open then may still be answered", () => {
    const lookup = lookupOf([10, 20, 30], { budget: 2 });
    expect(to(lookup.next(0))).toEqual([10, 20]);
    expect(reply(lookup, 10, [1])).toEqual([]);
    expect(lookup.outcome).toBeUndefined();
    reply(lookup, 20);
    expect(lookup.report()).toMatchObject({ outcome: "budget", asked: 2, closest: nodes(10, 20) });
  });

  test("a number below 1 is refused by its name", () => {
    expect(() => lookupOf([1], { alpha: 0 })).toThrow(UsageError);
    expect(() => lookupOf([1], { branches: 0 })).toThrow(/branches: 0 is less than 1/);
  });
});

describe("slow and silent nodes", () => {
  test("a slow one opens a place for the next, and one more behind the nearest may be asked", () => {
    const lookup = lookupOf([10, 20, 30, 40], { width: 2, count: 2 });
    lookup.next(0);
    lookup.onSoftTimeout(indexOf(lookup, 10));
    expect(to(lookup.next(5))).toEqual([30]);
    expect(lookup.outcome).toBeUndefined();
    // It counts like any other.
    reply(lookup, 10, [], 9);
    reply(lookup, 20, [], 9);
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(10, 20), silent: 0 });
  });

  test("a silent one makes room among the nearest", () => {
    const lookup = lookupOf([10, 20, 30, 40]);
    lookup.next(0);
    lookup.onHardTimeout(indexOf(lookup, 10));
    for (const from of [20, 30, 40]) {
      lookup.next(1);
      reply(lookup, from);
    }
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(20, 30, 40), silent: 1 });
  });

  test("a late answer counts, and so do the nodes that it names", () => {
    const lookup = lookupOf([10, 20, 30, 40]);
    lookup.next(0);
    lookup.onHardTimeout(indexOf(lookup, 10));
    lookup.next(1);
    reply(lookup, 20);
    expect(reply(lookup, 10, [3], 8)).toContain(3);
    reply(lookup, 3);
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(3, 10, 20) });
    expect(lookup.step(indexOf(lookup, 10))).toMatchObject({ outcome: "late", answeredAt: 8 });
  });

  test("one that refuses is no candidate any more", () => {
    const lookup = lookupOf([10, 20], { width: 2 });
    lookup.next(0);
    lookup.onRefused(indexOf(lookup, 10), 1);
    reply(lookup, 20);
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(20), refused: 1 });
  });

  test("a second answer to one question changes nothing", () => {
    const lookup = lookupOf([10, 20, 30]);
    lookup.next(0);
    reply(lookup, 10, [25]);
    reply(lookup, 10, [1]);
    expect(lookup.report().path.map(({ node }) => node)).not.toContain(1);
  });

  test("another address of a silent node is tried, but not for ever", () => {
    const at = (address: string): KeyedNode => ({ node: address, key: keyFromNumber(5n) });
    const lookup = lookupOf([20, 30, 40, 50, 60], { alpha: 5, width: 6, count: 6 });
    const asked: unknown[] = [];
    for (const [i, { index }] of lookup.next(0).entries()) {
      lookup.onReply(index, { nodes: [at(`address-${i}`)] }, 1);
      for (const question of lookup.next(1)) {
        asked.push(question.to.node);
        lookup.onHardTimeout(question.index);
      }
    }
    expect(asked).toEqual(["address-0", "address-1", "address-2"]);
  });

  test("another address that was named while the first was not yet given up is tried then", () => {
    const at = (address: string): KeyedNode => ({ node: address, key: keyFromNumber(5n) });
    const lookup = lookupOf([20, 30], { alpha: 3, width: 3, count: 3 });
    const [first, second] = lookup.next(0);
    lookup.onReply(first!.index, { nodes: [at("old address")] }, 1);
    const [old] = lookup.next(1);
    expect(old!.to.node).toBe("old address");
    lookup.onReply(second!.index, { nodes: [at("new address")] }, 2);
    expect(lookup.next(2), "it may still answer").toEqual([]);
    lookup.onHardTimeout(old!.index);
    const [again] = lookup.next(3);
    expect(again!.to.node).toBe("new address");
    lookup.onReply(again!.index, { nodes: [] }, 4);
    lookup.next(4);
    expect(lookup.report()).toMatchObject({ outcome: "found" });
    expect(lookup.report().closest[0]?.node).toBe("new address");
    expect(lookup.report().path[again!.index]).toMatchObject({ referrer: second!.index });
  });

  test("a suspect is asked aside, and counts if it answers before it is slow: nobody waits longer for it", () => {
    const isSuspect = ({ node }: KeyedNode) => node === 5 || node === 6;
    const lookup = lookupOf([5, 6, 10, 20, 30], { isSuspect });
    expect(to(lookup.next(0)).sort()).toEqual([10, 20, 5, 6].sort());
    reply(lookup, 10);
    reply(lookup, 20);
    reply(lookup, 30);
    expect(lookup.outcome, "both may still be the nearest").toBeUndefined();
    reply(lookup, 5);
    lookup.onSoftTimeout(indexOf(lookup, 6));
    lookup.next(2);
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(5, 10, 20), silent: 0 });
  });

  test("a suspect that would not be one of the best is waited for by nobody, and asked when it would", () => {
    const lookup = lookupOf([10, 20, 30, 40], { isSuspect: ({ node }) => node === 40 });
    expect(to(lookup.next(0))).toEqual([10, 20]);
    expect(reply(lookup, 10)).toEqual([30]);
    lookup.onHardTimeout(indexOf(lookup, 20));
    expect(to(lookup.next(2))).toEqual([40]);
    reply(lookup, 30);
    expect(lookup.outcome).toBeUndefined();
    reply(lookup, 40);
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(10, 30, 40) });
  });

  test("where all are suspects they are waited for", () => {
    const lookup = lookupOf([5], { isSuspect: () => true });
    expect(to(lookup.next(0))).toEqual([5]);
    expect(lookup.outcome).toBeUndefined();
    reply(lookup, 5);
    expect(lookup.report()).toMatchObject({ outcome: "found", closest: nodes(5) });
  });
});

describe("records", () => {
  const record = (key: Key): StoredRecord => ({
    statement: {
      type: "record",
      kind: "shared",
      key,
      name: "name",
      value: undefined,
      sequence: 1,
      writer: "w",
      writtenAt: 0,
      lifetimeMs: 1000,
    },
    proof: new Uint8Array(0),
  });

  test("the first ends the lookup, and those that had none are told, nearest first", () => {
    const lookup = lookupOf([10, 20, 30], { records: "first" });
    lookup.next(0);
    reply(lookup, 20);
    lookup.onReply(indexOf(lookup, 10), { nodes: [], records: [record(target)] }, 3);
    expect(lookup.report()).toMatchObject({
      outcome: "record",
      records: [{ from: 10, record: record(target) }],
      without: nodes(20),
    });
  });

  test("all of them are gathered if that is wished, and none of another key", () => {
    const lookup = lookupOf([10, 20], { records: "all", width: 2 });
    lookup.next(0);
    lookup.onReply(0, { nodes: [], records: [record(target)] }, 1);
    lookup.onReply(1, { nodes: [], records: [record(keyOfName("another"))] }, 1);
    lookup.next(1);
    expect(lookup.report()).toMatchObject({ outcome: "found", without: nodes(20) });
    expect(lookup.report().records).toHaveLength(1);
  });
});

describe("disjoint branches", () => {
  test("begin with candidates that are dealt out in turn", () => {
    const lookup = lookupOf([10, 20, 30, 40], { branches: 2, alpha: 1 });
    lookup.next(0);
    const { path } = lookup.report();
    expect(path.map(({ node, branch }) => [node, branch])).toEqual([
      [10, 0],
      [20, 1],
    ]);
  });

  test("share no node: what one has asked, the other takes as answered and learns nothing from", () => {
    const lookup = lookupOf([10, 20], { branches: 2, alpha: 1, width: 1, count: 2 });
    lookup.next(0);
    expect(reply(lookup, 10, [1])).toEqual([1]);
    // The other branch hears of the same node, and needs not ask it.
    expect(reply(lookup, 20, [1])).toEqual([]);
    expect(reply(lookup, 1, [])).toEqual([]);
    expect(lookup.report()).toMatchObject({ outcome: "found", asked: 3, closest: nodes(1, 10) });
  });

  test("one branch that is led astray does not keep the others from the goal", () => {
    // Node 10 is a liar: it names only its like, and so do they.
    const honest: Record<number, number[]> = { 20: [8], 8: [2], 2: [] };
    const lies: Record<number, number[]> = { 10: [9], 9: [7], 7: [] };
    const run = (branches: number) => {
      const lookup = lookupOf([10, 20], { branches, alpha: 1, width: 1, count: 1 });
      for (let open = lookup.next(0); open.length > 0; ) {
        for (const { index, to } of open) {
          const named = honest[to.node as number] ?? lies[to.node as number]!;
          lookup.onReply(index, { nodes: nodes(...named) }, 1);
        }
        open = lookup.next(1);
      }
      return lookup.report().closest[0]!.node;
    };
    expect(run(1)).toBe(7);
    expect(run(2)).toBe(2);
  });
});

// ---- Whatever happens ----------------------------------------------------------------------------------------------

/** Networks of random keys in which everybody knows some at random, and events in a random order. */
const worlds = fc.record({
  seed: fc.nat(1_000_000),
  size: fc.integer({ min: 2, max: 60 }),
  silent: fc.constantFrom(0, 0.2, 0.7),
  width: fc.integer({ min: 1, max: 8 }),
  alpha: fc.integer({ min: 1, max: 5 }),
  branches: fc.integer({ min: 1, max: 4 }),
  budget: fc.constantFrom(1000, 1000, 7),
  pace: fc.constantFrom("slots" as const, "batches" as const),
  suspects: fc.constantFrom(0, 0.3),
});
type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

/** Runs a lookup to its end; every question ends in some way, and answers may come late. */
function play({ seed, size, silent, width, alpha, branches, budget, pace, suspects }: World) {
  const random = seededRandom(seed);
  const all = Array.from({ length: size }, (_, row): KeyedNode => ({ node: row, key: randomKey(random) }));
  const key = randomKey(random);
  const known = all.map(() => all.filter(() => random.unit() < 0.3));
  const isSilent = all.map(() => random.unit() < silent);
  const isSuspect = all.map(() => random.unit() < suspects);
  const lookup = lookupOf([], {
    key,
    order: (a, b) => compareXor(key, a, b),
    candidates: all.filter(() => random.unit() < 0.2),
    ...{ width, count: width, alpha, branches, budget, pace },
    isSuspect: ({ node }) => isSuspect[node as number]!,
  });
  const open: { question: LookupQuestion; isSlow: boolean }[] = [];
  const givenUp: LookupQuestion[] = [];
  let now = 0;
  let mostOpen = 0;
  const ask = () => {
    const questions = lookup.next(now);
    for (const question of questions) open.push({ question, isSlow: false });
    mostOpen = Math.max(mostOpen, open.filter(({ isSlow }) => !isSlow).length);
  };
  const answer = ({ index, to }: LookupQuestion) =>
    lookup.onReply(index, { nodes: known[to.node as number]! }, now);
  for (ask(); lookup.outcome === undefined; ask()) {
    now++;
    expect(open.length).toBeGreaterThan(0); // else it would wait for nobody, for ever
    if (givenUp.length > 0 && random.unit() < 0.2) answer(givenUp.pop()!);
    const place = random.below(open.length);
    const one = open[place]!;
    if (!one.isSlow && random.unit() < 0.3) {
      one.isSlow = true;
      lookup.onSoftTimeout(one.question.index);
      continue;
    }
    open.splice(place, 1);
    if (!isSilent[one.question.to.node as number]) answer(one.question);
    else {
      lookup.onHardTimeout(one.question.index);
      if (random.unit() < 0.5) givenUp.push(one.question);
    }
  }
  return { lookup, report: lookup.report(), all, key, mostOpen };
}

describe("whatever the order of answers and silences", () => {
  test("it ends, asks nobody twice, and keeps to its budget", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { report } = play(world);
        const asked = report.path.map(({ key }) => key);
        expect(new Set(asked).size).toBe(asked.length);
        expect(asked.length).toBeLessThanOrEqual(world.budget);
        expect(report.answered + report.silent + report.refused).toBeLessThanOrEqual(report.asked);
      }),
      { numRuns: 500 },
    );
  });

  test("the result is the best that answered, in order", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { report, key } = play(world);
        const answered = report.path
          .filter(({ outcome }) => outcome === "answered" || outcome === "late")
          .map((step) => step.key)
          .sort((a, b) => compareXor(key, a, b));
        if (report.outcome === "alone") return;
        expect(report.closest.map((one) => one.key)).toEqual(answered.slice(0, world.width));
      }),
      { numRuns: 500 },
    );
  });

  test("nobody nearer than the result was heard of and not asked, unless the budget came first", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { report, key, lookup } = play({ ...world, budget: 1000, suspects: 0, branches: 1 });
        if (report.outcome !== "found") return;
        expect(lookup.next(0)).toEqual([]);
        const last = report.closest.at(-1)!.key;
        const open = report.path.filter(({ outcome }) => outcome === "asked");
        // What is still open lies behind the result: it was asked in the stead of somebody slow.
        if (report.closest.length === world.width)
          for (const step of open) expect(compareXor(key, step.key, last)).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test("referrals lead back to the asker, and depths count them", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { path } = play(world).report;
        for (const { referrer, depth } of path) {
          if (referrer < 0) expect(depth).toBe(1);
          else expect(depth).toBe(path[referrer]!.depth + 1);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("no more are open at once than places: alpha in a batch", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { mostOpen } = play({ ...world, pace: "batches", suspects: 0, branches: 1 });
        expect(mostOpen).toBeLessThanOrEqual(world.alpha);
      }),
      { numRuns: 300 },
    );
  });
});
