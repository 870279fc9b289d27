import { describe, expect, test } from "vitest";
import { type Identity, type NodeId, seededRandom } from "../core/index.ts";
import { MemberEntry, MemberTable } from "./swim-members.ts";
import { RandomOrder, SharedOrder } from "./swim-probe-order.ts";

const entry = (member: NodeId) =>
  new MemberEntry(
    {
      statement: { type: "member-record", member, incarnation: 1, since: 0, role: "peer", tags: [] },
      proof: new Uint8Array(0),
    },
    0,
  );

/** Each of so many nodes with its own table of all others, met in an order of its own. */
function network(count: number) {
  const random = seededRandom(count);
  return Array.from({ length: count }, (_, self) => {
    const members = new MemberTable();
    const others = Array.from({ length: count }, (_, node) => node).filter((node) => node !== self);
    while (others.length > 0) members.add(entry(others.splice(random.below(others.length), 1)[0]!));
    return { members, order: new SharedOrder(members, () => self) };
  });
}

describe("the shared order", () => {
  test.each([2, 3, 4, 5, 12, 31])("gives everybody of %i exactly one prober in each period", (count) => {
    const nodes = network(count);
    for (let period = 1_000_000; period < 1_000_000 + 3 * count; period++) {
      const probed = nodes.map(({ order }) => order.next(period)!.identity);
      expect(new Set(probed).size).toBe(count);
      expect(probed.every((identity, self) => identity !== self)).toBe(true);
    }
  });

  test.each([2, 3, 7, 30, 64])("lets each of %i probe each other once in a cycle", (count) => {
    for (const { order } of network(count)) {
      const cycle = count - 1;
      for (const start of [0, 5 * cycle, 100_000 * cycle]) {
        const probed = Array.from({ length: cycle }, (_, i) => order.next(start + i)!.identity);
        expect(new Set(probed).size).toBe(cycle);
      }
    }
  });

  test("is another one in each cycle", () => {
    const { order } = network(30)[0]!;
    const cycles = Array.from({ length: 20 }, (_, cycle) =>
      Array.from({ length: 29 }, (_, i) => order.next(29 * cycle + i)!.identity).join(),
    );
    expect(new Set(cycles).size).toBeGreaterThan(15);
  });

  test("asks nobody when nobody is here", () => {
    expect(new SharedOrder(new MemberTable(), () => 0).next(7)).toBeUndefined();
  });
});

describe("the random order", () => {
  test("asks each once in a round, newcomers too, and nobody who is gone", () => {
    const random = seededRandom(3);
    const members = new MemberTable();
    const order = new RandomOrder(members);
    for (let node = 0; node < 10; node++) members.add(entry(node));
    const round = (count: number) => Array.from({ length: count }, () => order.next(0, random)!.identity);
    const first = round(10);
    expect(new Set(first).size).toBe(10);
    expect(round(10)).not.toEqual(first);
    const [one, two] = [order.next(0, random)!.identity, order.next(0, random)!.identity];
    const gone = members.here.find(({ identity }) => identity !== one && identity !== two)!;
    members.setGone(gone, "failed", 0);
    const newcomer = entry(77);
    members.add(newcomer);
    order.add(newcomer, random);
    const rest: Identity[] = round(8);
    expect(new Set([one, two, ...rest])).toEqual(new Set(members.here.map(({ identity }) => identity)));
  });

  test("keeps no list of those who come and go", () => {
    const random = seededRandom(3);
    const members = new MemberTable();
    const order = new RandomOrder(members);
    const flapping = entry(1);
    members.add(flapping);
    members.add(entry(2));
    for (let i = 0; i < 1000; i++) order.add(flapping, random);
    let turns = 0;
    while (order.next(0, random)!.identity !== 2) turns++;
    expect(turns).toBeLessThan(12);
  });
});

describe("the table of members", () => {
  test("keeps those who are here sorted, candidates packed, and the longest gone first", () => {
    const random = seededRandom(9);
    const members = new MemberTable();
    const entries = Array.from({ length: 60 }, (_, node) => entry(node));
    for (let step = 0; step < 600; step++) {
      const one = entries[random.below(60)]!;
      const known = members.get(one.identity);
      if (known === undefined) {
        const fresh = entry(one.identity);
        entries[one.identity as number] = fresh;
        members.add(fresh);
      } else if (random.below(3) === 0) members.forget(known);
      else if (known.isHere) members.setGone(known, random.below(2) === 0 ? "failed" : "left", step);
      else
        members.renew(
          known,
          { ...known.record, statement: { ...known.record.statement, incarnation: step } },
          step,
        );
      const here = members.here.map(({ identity }) => identity as number);
      expect(here).toEqual([...here].sort((a, b) => a - b));
      expect(members.candidates.length).toBe(here.length);
      expect(members.candidates.map(({ place }) => place)).toEqual([...here.keys()]);
      const gone = [...members.gone].map(({ changedAt }) => changedAt);
      expect(gone).toEqual([...gone].sort((a, b) => a - b));
      expect(members.size).toBe(here.length + gone.length);
    }
    const rebuilt = new MemberTable();
    for (const { record } of members.here) rebuilt.add(new MemberEntry(record, 0));
    expect(rebuilt.fingerprintWith(99, 1)).toBe(members.fingerprintWith(99, 1));
    expect(rebuilt.fingerprintWith(99, 2)).not.toBe(members.fingerprintWith(99, 1));
  });
});
