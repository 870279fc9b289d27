import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareXor,
  hostOf,
  type Key,
  type KeyedNode,
  keyFromNumber,
  randomKey,
  seededRandom,
  sharedBits,
} from "../core/index.ts";
import { KademliaTable, type KademliaTableConfig } from "./kademlia-table.ts";

const self = keyFromNumber(0n);
/** A key that shares exactly so many bits with ours; `rest` tells those of one bucket apart. */
const keyIn = (bucket: number, rest = 0): Key => keyFromNumber((1n << BigInt(159 - bucket)) + BigInt(rest));
const contact = (bucket: number, rest = 0): KeyedNode => ({
  node: `${bucket}.${rest}`,
  key: keyIn(bucket, rest),
});
const tableOf = (changes: Partial<KademliaTableConfig> = {}) =>
  new KademliaTable({
    self,
    k: 2,
    maxParked: 2,
    maxFailures: 3,
    maxPerHost: 0,
    maxPerHostInBucket: 0,
    hostOf,
    ...changes,
  });
/** Where there is room. */
function fill(table: KademliaTable, contacts: readonly KeyedNode[], now = 0) {
  for (const one of contacts) {
    if (table.get(one.key) !== undefined) continue;
    const leaves = table.crowdedOutBy(one.key);
    if (leaves !== undefined) table.remove(leaves.key);
    if (table.hasRoomFor(one.key)) table.add(one, now);
  }
}
const names = (contacts: readonly KeyedNode[]) => contacts.map(({ node }) => node);

describe("the document's rule", () => {
  test("a sender in its kbucket is removed and appended: it goes to the tail", () => {
    const table = tableOf({ k: 3 });
    fill(table, [contact(0, 1), contact(0, 2), contact(0, 3)]);
    expect(table.seen(contact(0, 1), 10)).toBe(true);
    expect(names(table.bucket(0))).toEqual(["0.2", "0.3", "0.1"]);
    expect(table.seenAt(keyIn(0, 1))).toBe(10);
    expect(table.headOf(0)?.node).toBe("0.2");
  });

  test("a sender that is not known is not made known by being seen", () => {
    const table = tableOf();
    expect(table.seen(contact(0, 1), 10)).toBe(false);
    expect(table.size).toBe(0);
  });

  test("len(kbucket) < K_SIZE: there is room, and it is appended", () => {
    const table = tableOf();
    fill(table, [contact(0, 1)]);
    expect(table.hasRoomFor(keyIn(0, 2))).toBe(true);
    table.add(contact(0, 2), 5);
    expect(names(table.bucket(0))).toEqual(["0.1", "0.2"]);
  });

  test("a full kbucket has no room for those that are far away", () => {
    const table = tableOf();
    // Two nodes nearer to us, so that nobody of bucket 0 is among the k nearest.
    fill(table, [contact(5, 1), contact(5, 2), contact(0, 1), contact(0, 2)]);
    expect(table.hasRoomFor(keyIn(0, 3))).toBe(false);
  });

  test("the oldest entry is replaced by who waits: removed, and the other appended", () => {
    const table = tableOf();
    fill(table, [contact(5, 1), contact(5, 2), contact(0, 1), contact(0, 2)]);
    table.park(contact(0, 3), true);
    table.remove(keyIn(0, 1));
    const { contact: next } = table.replacementIn(0)!;
    table.add(next, 7);
    expect(names(table.bucket(0))).toEqual(["0.2", "0.3"]);
    expect(table.replacementIn(0)).toBeUndefined();
  });
});

describe("splitting", () => {
  test("only the bucket in which our own id lies is split, and as often as it takes", () => {
    const table = tableOf();
    fill(table, [contact(0, 1), contact(3, 1), contact(9, 1)]);
    expect(table.bucketCount).toBe(2);
    expect(names(table.bucket(0))).toEqual(["0.1"]);
    expect(names(table.bucket(1))).toEqual(["3.1", "9.1"]);
    fill(table, [contact(9, 2)]);
    expect(table.bucketCount).toBe(5);
    expect(names(table.bucket(3))).toEqual(["3.1"]);
    expect(names(table.bucket(4))).toEqual(["9.1", "9.2"]);
  });

  test("our own key is never taken in", () => {
    expect(tableOf().hasRoomFor(self)).toBe(false);
  });

  test("the parked go with the bucket that they belong to", () => {
    const table = tableOf();
    fill(table, [contact(1, 1), contact(1, 2)]);
    table.park(contact(7, 1), true);
    fill(table, [contact(0, 1)]); // splits
    expect(table.isParked(keyIn(7, 1))).toBe(true);
    expect(table.replacementIn(0)).toBeUndefined();
    expect(table.parkedCount).toBe(1);
  });

  test("whoever is among the k nearest is taken in though its bucket is full, up to twice k", () => {
    // The subtree beside ours holds many, ours nobody: lopsided.
    const table = tableOf({ k: 4 });
    fill(
      table,
      [90, 80, 70, 60].map((rest) => contact(3, rest)),
    );
    fill(table, [contact(0, 1)]);
    for (const rest of [50, 40, 30, 20]) {
      expect(table.hasRoomFor(keyIn(3, rest))).toBe(true);
      table.add(contact(3, rest), 0);
    }
    expect(table.hasRoomFor(keyIn(3, 85))).toBe(false);
    expect(table.crowdedOutBy(keyIn(3, 85))).toBeUndefined();
    expect(names(table.closest(self, 4))).toEqual(["3.20", "3.30", "3.40", "3.50"]);
    // At the bound the farthest goes.
    expect(table.hasRoomFor(keyIn(3, 10))).toBe(false);
    expect(table.crowdedOutBy(keyIn(3, 10))?.node).toBe("3.90");
  });
});

describe("silent contacts", () => {
  test("are named only where there are not enough others, and not at all where that is wished", () => {
    const table = tableOf({ k: 4 });
    fill(table, [contact(0, 1), contact(0, 2), contact(0, 3)]);
    table.fail(keyIn(0, 1));
    const key = keyIn(0, 0);
    expect(names(table.closest(key, 3))).toEqual(["0.2", "0.3"]);
    expect(names(table.closest(key, 2, "if-needed"))).toEqual(["0.2", "0.3"]);
    expect(names(table.closest(key, 3, "if-needed"))).toEqual(["0.2", "0.3", "0.1"]);
  });

  test("are believed to be gone after so many silences in a row, and to be there again when they are seen", () => {
    const table = tableOf();
    fill(table, [contact(0, 1)]);
    expect([1, 2, 3].map(() => table.fail(keyIn(0, 1)))).toEqual([1, 2, 3]);
    expect(table.isBelievedGone(keyIn(0, 1))).toBe(true);
    expect(table.believed(self, 5)).toEqual([]);
    table.seen(contact(0, 1), 9);
    expect(table.failuresOf(keyIn(0, 1))).toBe(0);
    expect(names(table.believed(self, 5))).toEqual(["0.1"]);
  });

  test("that are gone do not keep the living out of the k nearest", () => {
    const table = tableOf({ k: 2 });
    fill(table, [contact(3, 1), contact(3, 2), contact(0, 1), contact(0, 2)]);
    expect(table.hasRoomFor(keyIn(0, 0))).toBe(false);
    for (let i = 0; i < 3; i++) table.fail(keyIn(3, 1));
    expect(table.hasRoomFor(keyIn(0, 0)), "it would be the second of those that live").toBe(true);
    table.seen(contact(3, 1), 9);
    expect(table.hasRoomFor(keyIn(0, 0))).toBe(false);
    for (let i = 0; i < 3; i++) table.fail(keyIn(0, 1));
    expect(table.hasRoomFor(keyIn(0, 0)), "the one that is gone is not nearer than these").toBe(false);
  });

  test("that are gone keep nobody of their own bucket out either", () => {
    const table = tableOf({ k: 2 });
    fill(table, [contact(0, 1), contact(0, 2)]);
    expect(table.hasRoomFor(keyIn(0, 3))).toBe(false);
    for (let i = 0; i < 3; i++) table.fail(keyIn(0, 1));
    expect(table.hasRoomFor(keyIn(0, 3))).toBe(true);
  });

  test("a silence of one table is none of another", () => {
    const [one, other] = [tableOf(), tableOf()];
    fill(one, [contact(0, 1)]);
    fill(other, [contact(0, 1)]);
    one.fail(keyIn(0, 1));
    expect(other.failuresOf(keyIn(0, 1))).toBe(0);
  });

  test("a silence of somebody unknown is not kept", () => {
    expect(tableOf().fail(keyIn(0, 1))).toBe(0);
  });
});

describe("the replacement cache", () => {
  test("is bounded; who never answered goes before who did", () => {
    const table = tableOf();
    table.park(contact(0, 1), true);
    table.park(contact(0, 2), false);
    table.park(contact(0, 3), false);
    expect([1, 2, 3].map((rest) => table.isParked(keyIn(0, rest)))).toEqual([true, false, true]);
    table.park(contact(0, 4), true);
    table.park(contact(0, 5), false);
    expect([1, 3, 4, 5].map((rest) => table.isParked(keyIn(0, rest)))).toEqual([true, false, true, false]);
    expect(table.parkedCount).toBe(2);
  });

  test("gives the one seen last of those that have answered", () => {
    const table = tableOf({ maxParked: 3 });
    table.park(contact(0, 1), true);
    table.park(contact(0, 2), true);
    table.park(contact(0, 3), false);
    expect(table.replacementIn(0)?.contact.node).toBe("0.2");
    table.park(contact(0, 1), false); // seen again: it has answered all the same
    expect(table.replacementIn(0)?.contact.node).toBe("0.1");
  });
});

test("a host has so many places in the table and in each bucket, and no more", () => {
  const at = (bucket: number, rest: number, host: string): KeyedNode => {
    const key = keyIn(bucket, rest);
    return { node: `${key}@${host}:${rest}`, key };
  };
  const table = tableOf({ k: 8, maxPerHost: 3, maxPerHostInBucket: 2 });
  fill(table, [at(0, 1, "10.0.0.1"), at(0, 2, "10.0.0.1")]);
  for (let rest = 1; rest <= 7; rest++) fill(table, [at(1, rest, `10.0.1.${rest}`)]);
  expect(table.bucketCount).toBeGreaterThan(1);
  expect(table.admitsHostOf(at(0, 3, "10.0.0.1"))).toBe(false);
  expect(table.admitsHostOf(at(0, 3, "10.0.0.2"))).toBe(true);
  expect(table.admitsHostOf(at(1, 8, "10.0.0.1"))).toBe(true);
  fill(table, [at(1, 8, "10.0.0.1")]);
  expect(table.admitsHostOf(at(2, 1, "10.0.0.1"))).toBe(false);
  // A contact is no rival of itself.
  expect(table.admitsHostOf(at(0, 1, "10.0.0.1"))).toBe(true);
});

// ---- Laws ----------------------------------------------------------------------------------------------------------

const populations = fc.record({
  seed: fc.nat(100_000),
  size: fc.integer({ min: 0, max: 300 }),
  k: fc.integer({ min: 1, max: 8 }),
});

function populate({ seed, size, k }: { seed: number; size: number; k: number }) {
  const random = seededRandom(seed);
  const own = randomKey(random);
  const everybody = Array.from({ length: size }, (_, node): KeyedNode => ({ node, key: randomKey(random) }));
  const table = tableOf({ self: own, k });
  fill(table, everybody);
  return { table, own, everybody, random };
}

describe("in any table", () => {
  test("each contact is in the bucket of its shared bits, and no bucket has more than twice k", () => {
    fc.assert(
      fc.property(populations, (population) => {
        const { table, own } = populate(population);
        let seen = 0;
        for (let bucket = 0; bucket < table.bucketCount; bucket++) {
          const isLast = bucket === table.bucketCount - 1;
          const contacts = table.bucket(bucket);
          seen += contacts.length;
          expect(contacts.length).toBeLessThanOrEqual(2 * population.k);
          for (const { key } of contacts) {
            if (isLast) expect(sharedBits(own, key)).toBeGreaterThanOrEqual(bucket);
            else expect(sharedBits(own, key)).toBe(bucket);
          }
        }
        expect(seen).toBe(table.size);
      }),
      { numRuns: 200 },
    );
  });

  test("the k nearest to us of all that were offered are there, in whatever order they came", () => {
    fc.assert(
      fc.property(populations, (population) => {
        const { table, own, everybody } = populate(population);
        const nearest = everybody.toSorted((a, b) => compareXor(own, a.key, b.key)).slice(0, population.k);
        expect(table.closest(own, population.k)).toEqual(nearest);
      }),
      { numRuns: 200 },
    );
  });

  test("the closest to any key are those that a search through all of them finds", () => {
    fc.assert(
      fc.property(populations, fc.integer({ min: 0, max: 20 }), (population, count) => {
        const { table, random } = populate(population);
        for (const { key } of table.contacts) if (random.unit() < 0.2) table.fail(key);
        const key = randomKey(random);
        const fresh = table.contacts.filter((one) => table.failuresOf(one.key) === 0);
        const expected = fresh.toSorted((a, b) => compareXor(key, a.key, b.key)).slice(0, count);
        expect(table.closest(key, count)).toEqual(expected);
        expect(new Set(table.closestInAnyOrder(key, count))).toEqual(new Set(expected));
      }),
      { numRuns: 200 },
    );
  });

  test("whoever is removed is gone, and the others stay", () => {
    fc.assert(
      fc.property(populations, (population) => {
        const { table, random } = populate(population);
        const before = [...table.contacts];
        const removed = new Set(before.filter(() => random.unit() < 0.5));
        for (const one of removed) expect(table.remove(one.key)).toBe(true);
        expect([...table.contacts]).toEqual(before.filter((one) => !removed.has(one)));
        for (const one of before) expect(table.get(one.key)).toBe(removed.has(one) ? undefined : one);
      }),
      { numRuns: 100 },
    );
  });

  test("a table that is filled at once is the table of these buckets", () => {
    const { table, own } = populate({ seed: 1, size: 200, k: 8 });
    const buckets = Array.from({ length: table.bucketCount }, (_, bucket) => table.bucket(bucket));
    const filled = tableOf({ self: own, k: 8 });
    filled.fill(buckets, 3);
    expect(filled.contacts).toEqual(table.contacts);
    expect(filled.bucketCount).toBe(table.bucketCount);
    for (const { key } of table.contacts) expect(filled.seenAt(key)).toBe(3);
  });
});
