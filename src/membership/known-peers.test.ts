import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { identityOf, type NodeId, seededRandom } from "../core/index.ts";
import { KnownPeers } from "./known-peers.ts";

const step = fc.record({
  kind: fc.constantFrom("add", "remove" as const),
  peer: fc.nat(12),
  since: fc.nat(3),
});

function madeOf(count: number, limit = 1000): KnownPeers {
  const known = new KnownPeers(limit);
  for (let peer = 0; peer < count; peer++) known.add({ peer, since: peer }, seededRandom(1));
  return known;
}

const peersOf = (candidates: readonly { peer: NodeId }[]) => candidates.map(({ peer }) => peer);

describe("the table beside a plain map", () => {
  test("holds and answers the same", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const known = new KnownPeers(100);
        const plain = new Map<NodeId, number>();
        const random = seededRandom(1);
        for (const { kind, peer, since } of steps) {
          if (kind === "add") {
            expect(known.add({ peer, since }, random)).toBe(!plain.has(peer));
            plain.set(peer, since);
          } else expect(known.remove(peer)).toBe(plain.delete(peer));
          expect(known.size).toBe(plain.size);
          for (let each = 0; each <= 12; each++) expect(known.get(each)?.since).toBe(plain.get(each));
        }
      }),
    );
  });

  test("never outgrows its limit: a newcomer takes a random one's place", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        const known = new KnownPeers(limit);
        const random = seededRandom(1);
        for (const { kind, peer, since } of steps) {
          if (kind === "remove") known.remove(peer);
          else {
            known.add({ peer, since }, random);
            expect(known.get(peer), "the newcomer is in").toEqual({ peer, since });
          }
          expect(known.size).toBeLessThanOrEqual(limit);
          expect(new Set(peersOf(known.candidates)).size).toBe(known.size);
        }
      }),
    );
  });
});

test("a peer that moved is the same peer at its new address", () => {
  const known = new KnownPeers(10);
  const random = seededRandom(1);
  known.add({ peer: "anna@10.0.0.1:1", since: 5 }, random);
  expect(known.add({ peer: "anna@10.0.0.2:2", since: 6 }, random)).toBe(false);
  expect(known.candidates).toEqual([{ peer: "anna@10.0.0.2:2", since: 6 }]);
  expect(known.get(identityOf("anna@10.0.0.2:2"))).toEqual({ peer: "anna@10.0.0.2:2", since: 6 });
});

describe("a sample", () => {
  test("has different acceptable candidates, as many as wanted or as there are", () => {
    fc.assert(
      fc.property(
        fc.nat(30),
        fc.nat(10),
        fc.integer({ min: 1, max: 7 }),
        fc.nat(),
        (size, count, step, seed) => {
          const accept = ({ peer }: { peer: NodeId }) => (peer as number) % step === 0;
          const chosen = peersOf(madeOf(size).sample(count, seededRandom(seed), accept));
          const acceptable = Array.from({ length: size }, (_, i) => i).filter((peer) => accept({ peer }));
          expect(chosen).toHaveLength(Math.min(count, acceptable.length));
          expect(new Set(chosen).size).toBe(chosen.length);
          for (const peer of chosen) expect(acceptable).toContain(peer);
        },
      ),
    );
  });

  test("finds the one acceptable candidate among thousands", () => {
    const known = madeOf(5000, 10_000);
    for (let seed = 0; seed < 20; seed++) {
      expect(peersOf(known.sample(1, seededRandom(seed), ({ peer }) => peer === 4321))).toEqual([4321]);
    }
  });

  test("is uniform: every candidate is as likely as every other", () => {
    const known = madeOf(10);
    const counts = new Array<number>(10).fill(0);
    const random = seededRandom(2);
    for (let i = 0; i < 20_000; i++)
      for (const peer of peersOf(known.sample(1, random))) counts[peer as number]!++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  test("of an empty table is empty", () => {
    expect(madeOf(0).sample(3, seededRandom(1))).toEqual([]);
  });
});
