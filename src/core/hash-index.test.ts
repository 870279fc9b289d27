import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HashIndex } from "./hash-index.ts";

/** A list of names, packed as KnownPeers packs: the last one moves into the gap. */
class Names {
  readonly index = new HashIndex();
  readonly list: string[] = [];
  readonly #hashOf: (name: string) => number;

  constructor(hashOf: (name: string) => number) {
    this.#hashOf = hashOf;
  }
  placeOf(name: string): number {
    return this.index.find(this.#hashOf(name), (place) => this.list[place] === name);
  }
  add(name: string): void {
    this.index.add(this.#hashOf(name), this.list.length);
    this.list.push(name);
  }
  delete(name: string): void {
    const place = this.placeOf(name);
    const last = this.list.pop()!;
    this.index.delete(this.#hashOf(name), place);
    if (last === name) return;
    this.list[place] = last;
    this.index.move(this.#hashOf(last), this.list.length, place);
  }
}

const names = Array.from({ length: 40 }, (_, i) => `name ${i}`);
const numberOf = (name: string) => Number(name.slice(5));

describe("an index beside a plain map", () => {
  test.each<[string, (name: string) => number]>([
    ["hashes that differ", (name) => Math.imul(numberOf(name), 0x9e3779b1)],
    ["hashes that are unsigned", (name) => Math.imul(numberOf(name), 0x9e3779b1) >>> 0],
    ["hashes that crowd together", (name) => numberOf(name) % 5],
    ["hashes that crowd at the end of the table", (name) => -1 - (numberOf(name) % 3)],
    ["one hash for all", () => 7],
  ])("finds each name where it is, and no other: %s", (_, hashOf) => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 150 }), (steps) => {
        const under = new Names(hashOf);
        const plain = new Set<string>();
        for (const name of steps) {
          if (plain.delete(name)) under.delete(name);
          else {
            plain.add(name);
            under.add(name);
          }
          expect(under.index.size).toBe(plain.size);
        }
        for (const name of names) expect(under.placeOf(name)).toBe(under.list.indexOf(name));
      }),
    );
  });
});

test("a place that is not there is neither moved nor deleted", () => {
  const index = new HashIndex();
  index.add(1, 0);
  index.move(1, 5, 6);
  index.delete(1, 5);
  index.delete(2, 0);
  expect(index.size).toBe(1);
  expect(index.find(1, () => true)).toBe(0);
});
