import fc from "fast-check";
import { expect, test } from "vitest";
import { isElder, type Seniority } from "./seniority.ts";

const peer: fc.Arbitrary<Seniority> = fc.record({ peer: fc.nat(5), since: fc.nat(3) });
const isSame = (a: Seniority, b: Seniority) => a.peer === b.peer && a.since === b.since;

test("who joined earlier is elder", () => {
  expect(isElder({ peer: 9, since: 1 }, { peer: 1, since: 2 })).toBe(true);
  expect(isElder({ peer: 1, since: 2 }, { peer: 9, since: 1 })).toBe(false);
});

test("of two who joined at the same moment one is elder, and everybody agrees which", () => {
  expect(isElder({ peer: "anna@h:9", since: 1 }, { peer: "bert@h:1", since: 1 })).toBe(true);
  expect(isElder({ peer: "bert@h:1", since: 1 }, { peer: "anna@h:9", since: 1 })).toBe(false);
});

test("the address does not matter", () => {
  expect(isElder({ peer: "anna@z:1", since: 1 }, { peer: "anna@a:1", since: 1 })).toBe(false);
  expect(isElder({ peer: "anna@a:1", since: 1 }, { peer: "anna@z:1", since: 1 })).toBe(false);
});

test("of two different peers exactly one is elder; nobody is elder than itself", () => {
  fc.assert(fc.property(peer, peer, (a, b) => isElder(a, b) !== (isSame(a, b) || isElder(b, a))));
});

test("the elder of an elder is elder", () => {
  fc.assert(fc.property(peer, peer, peer, (a, b, c) => !(isElder(a, b) && isElder(b, c)) || isElder(a, c)));
});

test("if all but the eldest have an elder neighbor, the graph is connected", () => {
  const peers = fc.uniqueArray(peer, {
    minLength: 1,
    maxLength: 12,
    comparator: (a, b) => a.peer === b.peer,
  });
  fc.assert(
    fc.property(peers, fc.infiniteStream(fc.nat()), (all, choices) => {
      const byAge = all.toSorted((a, b) => (isElder(a, b) ? -1 : 1));
      // Each chooses any one of its elders; follow them from anywhere.
      const elderOf = new Map(
        byAge.map((each, i) => [each, i === 0 ? undefined : byAge[choices.next().value! % i]]),
      );
      for (const start of all) {
        let at = start;
        for (let next = elderOf.get(at); next !== undefined; next = elderOf.get(at)) at = next;
        expect(at).toBe(byAge[0]);
      }
    }),
  );
});
