import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import { idBytes, joined, unpacked } from "./packed-ids.ts";
import { RangeFingerprints } from "./range-fingerprints.ts";
import {
  type IdRange,
  initiate,
  type ReconciliationOptions,
  reconciliationOptions,
  respond,
} from "./set-reconciliation.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const hexOf = (packed: Uint8Array) => unpacked(packed).map(hex).sort();

/**
 * Ids that share beginnings of many lengths, so that bounds are long and ranges are uneven. They end in a hash: sums of
 * small numbers are equal all the time.
 */
function idOf([spread, low]: readonly [number, number]): Uint8Array {
  const id = sha256(Uint8Array.of(spread, low >> 8, low));
  id.fill(0, 0, 20);
  id[spread % 3] = spread;
  id[18] = low >> 8;
  id[19] = low;
  return id;
}
const element = fc.tuple(fc.constantFrom(0, 0, 0, 1, 2, 7, 200), fc.nat(1500)).map(idOf);
const elements = fc.array(element, { maxLength: 400, size: "max" });
const setOf = (...lists: (readonly Uint8Array[])[]) => RangeFingerprints.of(joined(lists.flat()));

function randomIds(count: number, seed: number): Uint8Array[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Uint8Array.from({ length: idBytes }, () => random.below(256)));
}

/** Message by message until both are silent; what each learns that the other has. Sets are not changed. */
function reconcile(a: RangeFingerprints, b: RangeFingerprints, overrides?: Partial<ReconciliationOptions>) {
  const options = reconciliationOptions(overrides);
  const sets = [a, b];
  const sent: (readonly IdRange[])[] = [];
  const missing: [string[], string[]] = [[], []];
  let ranges = initiate(a);
  for (let turn = 1; ranges.length > 0; turn = 1 - turn) {
    sent.push(ranges);
    expect(sent.length).toBeLessThan(200);
    const step = respond(sets[turn]!, ranges, options)!;
    missing[turn]!.push(...hexOf(step.want));
    missing[1 - turn]!.push(...hexOf(step.have));
    ranges = step.reply;
  }
  return { sent, missing };
}

/** How often somebody with so many ids can cut. */
function cuts(
  ids: number,
  { branching, listThreshold }: Pick<ReconciliationOptions, "branching" | "listThreshold">,
) {
  let count = 0;
  for (let rest = ids; rest > listThreshold; rest = Math.ceil(rest / branching)) count++;
  return count;
}

const options = fc.record({
  branching: fc.integer({ min: 2, max: 20 }),
  listThreshold: fc.integer({ min: 1, max: 40 }),
});

describe("two sets", () => {
  test("are both the union afterwards, and nothing is sent to who has it", () => {
    fc.assert(
      fc.property(elements, elements, elements, options, (common, onlyA, onlyB, overrides) => {
        const [a, b] = [setOf(common, onlyA), setOf(common, onlyB)];
        const { missing } = reconcile(a, b, overrides);
        const [ofA, ofB] = [hexOf(a.ids(0, a.size)), hexOf(b.ids(0, b.size))];
        expect(missing[0].sort()).toEqual(ofB.filter((id) => !ofA.includes(id)));
        expect(missing[1].sort()).toEqual(ofA.filter((id) => !ofB.includes(id)));
      }),
      { numRuns: 150 },
    );
  });

  test("that are the same cost one message", () => {
    fc.assert(
      fc.property(elements, (common) => {
        expect(reconcile(setOf(common), setOf(common)).sent).toHaveLength(1);
      }),
    );
  });

  test("take no more messages than the bound says", () => {
    fc.assert(
      fc.property(elements, elements, elements, options, (common, onlyA, onlyB, overrides) => {
        const [a, b] = [setOf(common, onlyA), setOf(common, onlyB)];
        const bound = 4 + 2 * cuts(Math.min(a.size, b.size), overrides);
        expect(reconcile(a, b, overrides).sent.length).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 150 },
    );
  });

  test("of which one is empty take three messages at most", () => {
    const some = setOf(randomIds(5000, 1));
    expect(reconcile(setOf(), some).sent).toHaveLength(1); // the answer is all items, and no ranges
    expect(reconcile(some, setOf()).sent).toHaveLength(2);
  });

  test("of a hundred thousand random ids need no more messages than the paper's bound", () => {
    const common = randomIds(100_000, 2);
    for (const d of [1, 30, 1000]) {
      const a = setOf(common, randomIds(d, 3));
      const b = setOf(common, randomIds(d, 4));
      // 2 + 2 ceil(log_16 100,000) - floor(log_16 16)
      expect(reconcile(a, b).sent.length).toBeLessThanOrEqual(2 + 2 * 5 - 1);
    }
  });
});

describe("messages", () => {
  test("stay within their bounds, and the union is reached all the same", () => {
    const [common, onlyA, onlyB] = [randomIds(6000, 5), randomIds(6000, 6), randomIds(6000, 7)];
    const [a, b] = [setOf(common, onlyA), setOf(common, onlyB)];
    const { sent, missing } = reconcile(a, b, { maxRanges: 512, maxIds: 1024 });
    expect(missing.map(({ length }) => length)).toEqual([6000, 6000]);
    const idsOf = (ranges: readonly IdRange[]) =>
      ranges.reduce((sum, range) => sum + (range.type === "ids" ? range.ids.length / idBytes : 0), 0);
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThanOrEqual(512);
    expect(Math.max(...sent.map(idsOf))).toBeLessThanOrEqual(1024);
    // The bounds were met, and not by chance.
    expect(Math.max(...sent.map(idsOf))).toBeGreaterThan(1000);
    expect(sent.length).toBeGreaterThan(reconcile(a, b).sent.length);
  });

  const fingerprint = new Uint8Array(16);
  const end = { type: "skip", to: undefined } as const;
  const at = (...bytes: number[]) => Uint8Array.from(bytes);
  const ids = (...firsts: number[]) =>
    joined(firsts.map((first) => at(first, ...new Array<number>(31).fill(9))));
  test.each<[string, readonly IdRange[]]>([
    ["no ranges", []],
    ["ranges that end before all ids do", [{ type: "skip", to: at(5) }]],
    ["ranges behind the last", [end, end]],
    ["ranges that go back", [{ type: "skip", to: at(5) }, { type: "skip", to: at(4) }, end]],
    ["an empty range", [{ type: "skip", to: at(5) }, { type: "skip", to: at(5, 0) }, end]],
    ["a bound that is too long", [{ type: "skip", to: new Uint8Array(33).fill(1) }, end]],
    ["a short fingerprint", [{ type: "fingerprint", to: undefined, fingerprint: new Uint8Array(15) }]],
    ["a part of an id", [{ type: "ids", to: undefined, ids: new Uint8Array(31) }]],
    ["ids out of order", [{ type: "ids", to: undefined, ids: ids(2, 1) }]],
    ["an id twice", [{ type: "ids", to: undefined, ids: ids(2, 2) }]],
    [
      "an id below its range",
      [
        { type: "skip", to: at(5) },
        { type: "ids", to: undefined, ids: ids(4) },
      ],
    ],
    ["an id above its range", [{ type: "ids", to: at(5), ids: ids(5) }, end]],
    [
      "more ranges than allowed",
      Array.from({ length: 513 }, (_, i) => ({
        type: "fingerprint",
        to: i === 512 ? undefined : at(i >> 8, i & 255, 1),
        fingerprint,
      })),
    ],
    [
      "more ids than allowed",
      [
        {
          type: "ids",
          to: undefined,
          ids: joined(
            Array.from({ length: 1025 }, (_, i) => at(i >> 8, i & 255, ...new Array<number>(30).fill(0))),
          ),
        },
      ],
    ],
  ])("with %s are nonsense", (_, ranges) => {
    const bounds = reconciliationOptions({ maxRanges: 512, maxIds: 1024 });
    expect(respond(setOf(randomIds(100, 8)), ranges, bounds)).toBeUndefined();
  });

  test("at the very bounds are understood", () => {
    const bounds = reconciliationOptions({ maxRanges: 512, maxIds: 1024 });
    const set = setOf(randomIds(100, 8));
    const many = Array.from({ length: 1024 }, (_, i) =>
      at(i >> 8, i & 255, ...new Array<number>(30).fill(0)),
    );
    const step = respond(set, [{ type: "ids", to: at(5), ids: joined(many) }, end], bounds)!;
    expect(step.want.length / idBytes).toBe(1024);
  });
});

test("a set that changes between two messages harms nobody: what is left differs the next time", () => {
  const common = randomIds(3000, 9);
  const [a, b] = [setOf(common), setOf(common, randomIds(50, 10))];
  const options = reconciliationOptions();
  let ranges = initiate(a);
  const news = randomIds(200, 11);
  for (let turn = 1; ranges.length > 0; turn = 1 - turn) {
    const [own, other] = turn === 0 ? [a, b] : [b, a];
    const step = respond(own, ranges, options)!;
    for (const id of unpacked(step.want)) own.add(id);
    for (const id of unpacked(step.have)) other.add(id);
    own.add(news.pop()!);
    ranges = step.reply;
  }
  const { missing } = reconcile(a, b);
  for (const id of missing[0]) a.add(Uint8Array.from(Buffer.from(id, "hex")));
  for (const id of missing[1]) b.add(Uint8Array.from(Buffer.from(id, "hex")));
  expect(a.fingerprint(0, a.size)).toEqual(b.fingerprint(0, b.size));
});
