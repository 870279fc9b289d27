import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import * as degreeLaw from "../src/core/degree-law.ts";
import * as math from "../src/core/deterministic-math.ts";
import * as theory from "../src/theory/index.ts";

const url = (path: string) => new URL(path, import.meta.url);
const page = readFileSync(url("../docs/theory.md"), "utf8");

let plots: Record<string, string>;
beforeAll(async () => {
  const { theoryPlots } = await import(url("../scripts/theory-plots.mjs").href);
  plots = theoryPlots({ theory, math, degreeLaw });
});

test("the pictures are what the formulas draw; otherwise run `npm run docs:theory`", () => {
  const files = readdirSync(url("../docs/pictures/theory"));
  expect(files.sort()).toEqual(
    Object.keys(plots)
      .map((name) => `${name}.svg`)
      .sort(),
  );
  for (const [name, picture] of Object.entries(plots))
    expect(readFileSync(url(`../docs/pictures/theory/${name}.svg`), "utf8"), name).toBe(picture);
});

test("every picture has lines of finite numbers within its frame, and its title as text", () => {
  for (const picture of Object.values(plots)) {
    expect(picture).toMatch(/<title>[^<]+<\/title>/);
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
    const places = [...picture.matchAll(/points="([^"]*)"/g)].flatMap(([, points]) => points!.split(" "));
    expect(places.length).toBeGreaterThan(1);
    for (const [x, y] of places.map((place) => place.split(",").map(Number))) {
      expect(x).toBeGreaterThanOrEqual(62);
      expect(x).toBeLessThanOrEqual(546);
      expect(y).toBeGreaterThanOrEqual(34);
      expect(y).toBeLessThanOrEqual(274);
    }
  }
});

test("the page shows every picture, and no other", () => {
  const shown = [...page.matchAll(/!\[[^\]]+\]\(pictures\/theory\/([\w-]+)\.svg\)/g)].map(
    ([, name]) => name!,
  );
  expect(shown.sort()).toEqual(Object.keys(plots).sort());
});

test("the page names every function of the theory", () => {
  const names = Object.entries(theory).flatMap(([name, value]) =>
    typeof value === "function" ? [name] : [],
  );
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("and no function that is not there", () => {
  const cells = page
    .split("\n")
    .flatMap((line) => (line.startsWith("|") ? [line.split(/(?<!\\)\|/)[3] ?? ""] : []));
  const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  expect(named.length).toBeGreaterThan(80);
  expect(named.filter((name) => !Object.hasOwn(theory, name))).toEqual([]);
});
