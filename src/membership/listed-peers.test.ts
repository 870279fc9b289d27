import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Identity, type NodeId, sample, seededRandom } from "../core/index.ts";
import { type Listed, ListedPeers } from "./listed-peers.ts";
import type { ListEntry } from "./messages.ts";
import { isElder } from "./seniority.ts";

const entryOf = (peer: NodeId, since: number): Listed => ({ line: { peer, since }, place: -1 });

/** What an excerpt is, said without a table: the eldest, and as many more of a copy of the whole list. */
function excerptOf(lines: readonly ListEntry[], asker: Identity, limit: number, seed: number): ListEntry[] {
  const others = lines.filter(({ peer }) => peer !== asker);
  if (others.length <= limit) return others;
  const eldest = others.toSorted((a, b) => (isElder(a, b) ? -1 : 1)).slice(0, 8);
  const drawn = sample(others, limit - eldest.length, seededRandom(seed));
  return [...new Set([...eldest, ...drawn])];
}

const step = fc.record({
  kind: fc.constantFrom("list", "list", "list", "delete" as const),
  peer: fc.nat(40),
  since: fc.nat(5),
});

describe("the table beside a plain map", () => {
  test("keeps the order of registration, and hands out the same excerpts again and again", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(45), fc.nat(), (steps, asker, seed) => {
        const table = new ListedPeers();
        const plain = new Map<NodeId, ListEntry>();
        const crowd = Array.from({ length: 30 }, (_, i) => ({ kind: "list", peer: i, since: i % 7 }));
        for (const { kind, peer, since } of [...crowd, ...steps]) {
          if (kind === "delete") {
            table.delete(peer);
            plain.delete(peer);
          } else {
            const known = table.get(peer);
            if (known === undefined) table.add(entryOf(peer, since));
            else table.relist(known, { peer, since });
            plain.set(peer, { peer, since });
          }
          expect(table.size).toBe(plain.size);
          expect([...table.values()].map(({ place }) => place)).toEqual([...plain.keys()].map((_, i) => i));
          // An excerpt leaves the table as it was: the next one is drawn from the same list.
          const excerpt = table.excerptFor(asker, 12, seededRandom(seed));
          expect(excerpt).toEqual(excerptOf([...plain.values()], asker, 12, seed));
        }
        expect([...table.values()].map(({ line }) => line)).toEqual([...plain.values()]);
      }),
    );
  });
});

test("all who are handed a peer's line get the same object", () => {
  const table = new ListedPeers();
  for (let peer = 0; peer < 5; peer++) table.add(entryOf(peer, peer));
  const [forOne] = table.excerptFor(98, 12, seededRandom(1));
  const [forTwo] = table.excerptFor(99, 12, seededRandom(1));
  expect(forOne).toBe(forTwo);
});

test("a line that says the same is kept, so that it stays one object", () => {
  const table = new ListedPeers();
  const entry = entryOf(1, 5);
  const { line } = entry;
  table.add(entry);
  table.relist(entry, { peer: 1, since: 5 });
  expect(entry.line).toBe(line);
});

test("entries may be deleted while the table is walked: none is left out", () => {
  const table = new ListedPeers();
  for (let peer = 0; peer < 6; peer++) table.add(entryOf(peer, peer));
  const walked: NodeId[] = [];
  for (const { line } of table.values()) {
    walked.push(line.peer);
    if (line.peer === 1) for (const gone of [0, 1, 3]) table.delete(gone);
  }
  expect(walked).toEqual([0, 1, 2, 4, 5]);
});
