import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RingCampaignConfig, ringCampaign } from "../../../test/support/ring-campaign.ts";
import { TextbookChord } from "../../../test/support/textbook-chord.ts";
import { isBetween, type KeyedNode, keyFromNumber } from "../../core/index.ts";
import { Chord } from "../../lookup/index.ts";
import { ChordInvariant, type RingMember } from "./chord-invariant.ts";

const at = (place: number): KeyedNode => ({ node: place, key: keyFromNumber(BigInt(place)) });
const member = (place: number, list: readonly number[], predecessor?: number): RingMember => ({
  self: at(place),
  predecessor: predecessor === undefined ? undefined : at(predecessor),
  successors: list.map(at),
});

/** Members 10, 20 … with exact pointers. */
function exact(count: number, length: number) {
  const invariant = new ChordInvariant(length);
  const place = (i: number) => 10 * (1 + ((i + count) % count));
  const ring = Array.from({ length: count }, (_, i) => {
    const list = Array.from({ length }, (_, j) => place(i + 1 + j));
    return member(place(i), list, place(i - 1));
  });
  for (const one of ring) invariant.update(one);
  return { invariant, ring };
}

describe("the checker of the invariant", () => {
  test("says nothing until L + 1 members are principal, and holds from then on", () => {
    const { invariant } = exact(3, 3);
    expect(invariant.isArmed).toBe(false);
    const larger = exact(5, 3).invariant;
    expect(larger.isArmed).toBe(true);
    expect(larger.principals).toBe(5);
    expect(larger.fault).toBeUndefined();
    expect(larger.faultsWhenCalm()).toEqual([]);
  });

  test("sees a member whose successors are all dead", () => {
    const { invariant } = exact(6, 2);
    invariant.remove(at(30).key);
    expect(invariant.fault).toBeUndefined();
    invariant.remove(at(40).key);
    expect(invariant.fault).toBe("node 20 has no living successor");
  });

  test("sees members that are skipped", () => {
    const { invariant } = exact(4, 2);
    expect(invariant.principals).toBe(4);
    invariant.update(member(10, [30, 40], 40));
    expect(invariant.principals).toBe(3);
    invariant.update(member(20, [40, 10], 10));
    expect(invariant.principals).toBe(2);
    expect(invariant.fault).toBe("2 of 4 members are principal, fewer than 3");
  });

  test("says which member may be lost, and what is not exact when all is calm", () => {
    const { invariant } = exact(5, 2);
    expect(invariant.canLose(at(30).key)).toBe(true);
    invariant.remove(at(30).key);
    // 10 has 20 alive, 20 has 40: neither may go, and of the principals none.
    expect(invariant.canLose(at(40).key)).toBe(false);
    expect(invariant.faultsWhenCalm()[0]).toContain("successor 2 of 10 is 40, not");
    expect(invariant.faultsWhenCalm().join()).toContain("the predecessor of 40 is 20, not");
  });

  test("counts as slow counting does, whatever changes", () => {
    const step = fc.record({
      place: fc.integer({ min: 1, max: 12 }),
      list: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const invariant = new ChordInvariant(3);
        const members = new Map<number, RingMember>();
        for (const { place, list } of steps) {
          // In order, as the lists of a ring are.
          const up = [...new Set(list)]
            .filter((one) => one !== place)
            .sort((a, b) => ((a - place + 12) % 12) - ((b - place + 12) % 12));
          invariant.update(member(place, up));
          if (up.length === 0) members.delete(place);
          else members.set(place, member(place, up));
          const all = [...members.values()];
          const isSkipped = ({ self }: RingMember) =>
            all.some(({ self: from, successors }) =>
              [from, ...successors].some((one, i, chain) => {
                const next = chain[i + 1];
                return next !== undefined && isBetween(one.key, self.key, next.key);
              }),
            );
          expect(invariant.members).toBe(all.length);
          expect(invariant.principals).toBe(all.filter((one) => !isSkipped(one)).length);
          const isHomeless = all.some(
            ({ successors }) => !successors.some(({ node }) => members.has(node as number)),
          );
          if (invariant.isArmed)
            expect(invariant.fault?.includes("no living successor") ?? false).toBe(isHomeless);
        }
      }),
    );
  });
});

// ---- Chord under random joins and crashes --------------------------------------------------------------------------

const settings = { minTimeoutMs: 150, firstTimeoutMs: 150, maxTimeoutMs: 300 };
const paces = {
  stabilizeMs: 300,
  minStabilizeMs: 100,
  checkPredecessorMs: 300,
  fixFingersMs: 1000,
  searchMs: 5000,
  busyMs: 400,
  attempts: 1,
  minSilenceMs: 0,
};

type Campaign = Pick<RingCampaignConfig, "length" | "crashes">;

function corrected({ length, crashes }: Campaign, seed: number) {
  const options = { ...paces, successors: length };
  return ringCampaign({
    ...{ seed, length, crashes, members: 2 * length + 3, newcomers: 60, lastsMs: 10_000, spacingMs: 2000 },
    make: (place) => new Chord({ ...place, settings, options }),
  });
}

function textbook({ length, crashes }: Campaign, seed: number) {
  return ringCampaign({
    ...{ seed, length, crashes, members: 2 * length + 3, newcomers: 60, lastsMs: 10_000, spacingMs: 2000 },
    make: (place) => new TextbookChord({ ...place, length, periodMs: 200, timeoutMs: 150 }),
  });
}

const campaigns: [string, Campaign][] = [
  ["one crash at a time", { length: 3, crashes: "spaced" }],
  ["as many as the invariant survives", { length: 2, crashes: "invariant" }],
];

describe.each(campaigns)("under random joins and crashes, %s", (_, campaign) => {
  test("the corrected ring is never broken, and exact when all is calm", () => {
    let [joins, crashes] = [0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const { fault, faultsWhenCalm, ...counts } = corrected(campaign, seed);
      expect({ seed, fault, faultsWhenCalm }).toEqual({ seed, fault: undefined, faultsWhenCalm: [] });
      joins += counts.joins;
      crashes += counts.crashes;
    }
    expect(joins).toBeGreaterThan(200);
    expect(crashes).toBeGreaterThan(100);
  });

  test("the textbook's is found broken within a few campaigns", () => {
    const faults = Array.from({ length: 20 }, (_, seed) => textbook(campaign, seed).fault);
    expect(faults.filter((fault) => fault !== undefined).length).toBeGreaterThan(3);
  });
});
