import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gossipOf } from "../../test/support/publications.ts";
import type { NodeId } from "../core/index.ts";
import type { GossipStatement, MessageId } from "./messages.ts";
import { SeenMessages } from "./seen-messages.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function statement(origin: NodeId, incarnation: number, sequence: number, payloads = 1): GossipStatement {
  return gossipOf(origin, { incarnation, sequence, payloads: Array(payloads).fill("") }).statement;
}

function seenOf(statements: readonly GossipStatement[], maxOrigins = 1000): SeenMessages {
  const seen = new SeenMessages(maxOrigins);
  for (const each of statements) seen.mark(seen.find(each), each);
  return seen;
}

/** Of few origins and lives, so that they meet. */
const someStatements = fc.array(
  fc
    .tuple(fc.nat(3), fc.integer({ min: 1, max: 3 }), fc.nat(20), fc.integer({ min: 1, max: 4 }))
    .map(([origin, incarnation, sequence, payloads]) => statement(origin, incarnation, sequence, payloads)),
  { maxLength: 30 },
);

const keysOf = (statements: readonly GossipStatement[]) =>
  new Set(
    statements.flatMap(({ origin, incarnation, sequence, payloads }) =>
      payloads.map((_, i) => `${origin}/${incarnation}/${sequence + i}`),
    ),
  );
const allIds: MessageId[] = range(0, 3).flatMap((origin) =>
  range(1, 3).flatMap((incarnation) => range(0, 24).map((sequence) => ({ origin, incarnation, sequence }))),
);

describe("what was seen", () => {
  test("is exactly what was marked", () => {
    fc.assert(
      fc.property(someStatements, (statements) => {
        const seen = seenOf(statements);
        const expected = keysOf(statements);
        for (const id of allIds)
          expect(seen.has(id)).toBe(expected.has(`${id.origin}/${id.incarnation}/${id.sequence}`));
      }),
      { seed: 1 },
    );
  });

  test("has the same fingerprint if and only if it is the same, in whatever order and however often", () => {
    fc.assert(
      fc.property(someStatements, someStatements, fc.infiniteStream(fc.nat()), (some, others, order) => {
        const shuffled = [...some, ...some]
          .map((each) => ({ each, rank: order.next().value! }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ each }) => each);
        expect(seenOf(shuffled).fingerprint).toBe(seenOf(some).fingerprint);
        const isSame = [...keysOf(some)].sort().join() === [...keysOf(others)].sort().join();
        expect(seenOf(others).fingerprint === seenOf(some).fingerprint).toBe(isSame);
      }),
      { seed: 1 },
    );
  });

  test("covers a digest if and only if nothing in it is missing", () => {
    fc.assert(
      fc.property(someStatements, someStatements, (some, others) => {
        const ours = keysOf(some);
        const lacksNothing = [...keysOf(others)].every((key) => ours.has(key));
        const seen = seenOf(some);
        expect(
          seenOf(others)
            .digest()
            .every((entry) => seen.covers(entry)),
        ).toBe(lacksNothing);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("is by identity, wherever the origin was", () => {
    const seen = seenOf([statement("anna@10.0.0.1:1", 1, 0)]);
    expect(seen.has({ origin: "anna@10.9.9.9:9", incarnation: 1, sequence: 0 })).toBe(true);
    expect(seen.has({ origin: "bert@10.0.0.1:1", incarnation: 1, sequence: 0 })).toBe(false);
  });
});

describe("what is forgotten", () => {
  test("leaves no trace in the fingerprint: the oldest life of all", () => {
    const statements = range(1, 20).map((origin) => statement(origin, 1, 0));
    const seen = seenOf(statements, 5);
    expect(seen.count).toBe(5);
    expect(seen.fingerprint).toBe(seenOf(statements.slice(-5)).fingerprint);
  });

  test("of one origin are its oldest lives, which count as seen", () => {
    const seen = seenOf(range(1, 20).map((incarnation) => statement(7, incarnation, 0)));
    expect(seen.count).toBe(8);
    expect(seen.has({ origin: 7, incarnation: 1, sequence: 99 })).toBe(true);
    expect(seen.has({ origin: 7, incarnation: 20, sequence: 99 })).toBe(false);
  });

  test("are holes, when one life has too many: the lowest count as seen, and are counted", () => {
    const seen = seenOf(range(0, 2999).map((i) => statement(7, 1, 2 * i)));
    expect(seen.gapsGivenUp).toBe(3000 - 1024);
    expect(seen.has({ origin: 7, incarnation: 1, sequence: 1 })).toBe(true);
    expect(seen.has({ origin: 7, incarnation: 1, sequence: 5997 })).toBe(false);
  });
});
