import { describe, expect, test } from "vitest";
import { arrange, type LayoutJob, linksOfEach, outgrewPlace, ringPlaces, whoMoves } from "./layout.ts";

/** A ring of links with chords, and no places yet. */
function job(keys: readonly string[], overrides: Partial<LayoutJob> = {}): LayoutJob {
  const n = keys.length;
  const numbers = keys.map((key) => Number(key.slice(5)));
  const at = new Map(numbers.map((number, i) => [number, i]));
  const links: number[] = [];
  for (const number of numbers)
    for (const step of [1, 5]) {
      const other = at.get((number + step) % n);
      if (other !== undefined) links.push(at.get(number)!, other);
    }
  return {
    keys,
    places: new Float32Array(2 * n).fill(Number.NaN),
    links: Uint32Array.from(links),
    weights: new Float32Array(links.length / 2).fill(1),
    moves: "all",
    ...overrides,
  };
}

const last = (of: LayoutJob) => [...arrange(of)].at(-1)!;
const names = (n: number) => Array.from({ length: n }, (_, i) => `peer-${i}`);
const linkSet = (from: number, to: number) =>
  new Set(Array.from({ length: to - from }, (_, i) => `${from + i} ${from + i + 1}`));

describe("a layout by forces", () => {
  test("is the same for the same network, in whatever order its nodes came", () => {
    const keys = names(30);
    const forwards = last(job(keys));
    const backwards = last(job(keys.toReversed()));
    for (let i = 0; i < keys.length; i++) {
      expect(backwards[2 * (keys.length - 1 - i)]).toBe(forwards[2 * i]);
      expect(backwards[2 * (keys.length - 1 - i) + 1]).toBe(forwards[2 * i + 1]);
    }
  });

  test("puts neighbors nearer to each other than strangers", () => {
    const given = job(names(40));
    const places = last(given);
    const distance = (a: number, b: number) =>
      Math.hypot(places[2 * a]! - places[2 * b]!, places[2 * a + 1]! - places[2 * b + 1]!);
    let linked = 0;
    for (let i = 0; i < given.links.length; i += 2) linked += distance(given.links[i]!, given.links[i + 1]!);
    let all = 0;
    for (let a = 0; a < 40; a++) for (let b = 0; b < a; b++) all += distance(a, b);
    expect(linked / given.weights.length).toBeLessThan((all / (20 * 39)) * 0.8);
  });

  test("moves nobody who has a place when somebody joins, and puts the newcomer beside its neighbors", () => {
    const before = last(job(names(30)));
    const places = new Float32Array(62).fill(Number.NaN);
    places.set(before);
    const after = last(
      job([...names(30), "newcomer"], {
        places,
        moves: "new",
        links: Uint32Array.from([...job(names(30)).links, 30, 3, 30, 4]),
        weights: new Float32Array(62).fill(1),
      }),
    );
    expect(after.subarray(0, 60)).toEqual(before);
    const toNeighbor = Math.hypot(after[60]! - after[6]!, after[61]! - after[7]!);
    const width = Math.max(...before) - Math.min(...before);
    expect(toNeighbor).toBeLessThan(width / 2);
  });

  test("of nobody is nothing", () => {
    expect(last(job([]))).toHaveLength(0);
  });
});

describe("who moves", () => {
  test("nobody, where only few links changed", () => {
    expect(whoMoves(linkSet(0, 100), linkSet(5, 105), false)).toBe("nobody");
  });
  test("the newcomer alone, where one joins", () => {
    expect(whoMoves(linkSet(0, 100), linkSet(0, 103), true)).toBe("new");
  });
  test("everybody, where the network has become another one", () => {
    expect(whoMoves(linkSet(0, 20), linkSet(0, 100), true)).toBe("all");
    expect(whoMoves(new Set(), linkSet(0, 10), true)).toBe("all");
  });
});

describe("a place that was given before there were links", () => {
  test("is given up for the first link, and once more for twice as many", () => {
    expect(outgrewPlace(0, 0)).toBe(false);
    expect(outgrewPlace(0, 1)).toBe(true);
    expect(outgrewPlace(1, 1)).toBe(false);
    expect(outgrewPlace(2, 4)).toBe(true);
  });
  test("is kept by whoever had some links, however many come", () => {
    expect(outgrewPlace(3, 100)).toBe(false);
  });
  test("links count at both ends, by their weights", () => {
    const links = Uint32Array.of(0, 1, 1, 2);
    const degrees = linksOfEach({ keys: names(4), links, weights: Float32Array.of(1, 0.5) });
    expect([...degrees]).toEqual([1, 1.5, 0.5, 0]);
  });
});

test("a ring has everybody as far from the middle and from the next", () => {
  const places = ringPlaces(12);
  const radius = Math.hypot(places[0]!, places[1]!);
  for (let i = 0; i < 12; i++) expect(Math.hypot(places[2 * i]!, places[2 * i + 1]!)).toBeCloseTo(radius, 3);
  expect(places[1]).toBeCloseTo(-radius, 3);
});
