/** What the documents say exists: files, tests, commands, options, defaults. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { formatDuration } from "../src/core/duration.ts";
import type { Experiment } from "../src/lab/reproduce/experiment.ts";
import { experiments } from "../src/lab/reproduce/experiments.ts";
import { tunables } from "../src/node/settings.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

function markdownFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...markdownFiles("docs"),
  ...(existsSync(join(root, "examples")) ? markdownFiles("examples") : []),
];

/** A link to a file of tests, and what tests in it claim: `[x.test.ts](x.test.ts): "a" and "b"`. */
const testReferences = /\]\(([^)]*\.(?:test|contract)\.ts)\)[:,]?((?:\s(?:and\s)?"[^"]+")+)/g;

/** Without the fenced blocks, where brackets mean something else. */
function prose(text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```/gm, "");
}

/** The anchors that a page offers, as forges make them of its headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
  return new Set(headings.map(slug));
}

describe.each(documents)("%s", (path) => {
  const text = read(path);

  test("leads only to files and headings that exist", () => {
    for (const [, target] of prose(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file, anchor] = target!.split("#") as [string, string | undefined];
      const found = file === "" ? path : join(dirname(path), file);
      expect(existsSync(join(root, found)), `${target} in ${path}`).toBe(true);
      expect(relative(root, join(root, found)), "stays in the repository").not.toMatch(/^\.\./);
      if (anchor !== undefined && found.endsWith(".md")) expect(anchorsOf(read(found))).toContain(anchor);
    }
  });

  test("names only tests that exist, in the file that it says", () => {
    for (const [, file, claims] of text.matchAll(testReferences)) {
      const source = read(join(dirname(path), file!));
      for (const [, claim] of claims!.matchAll(/"([^"]+)"/g)) {
        expect(source, `${file} of ${path}`).toContain(claim!.replaceAll("\\|", "|").replace(/\s+/g, " "));
      }
    }
  });

  test("names only commands, options and scripts that exist", () => {
    const main = read("src/cli/main.ts");
    const scripts = JSON.parse(read("package.json")).scripts;
    const code = [...text.matchAll(/`([^`\n]+)`/g), ...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```/gm)];
    for (const line of code.flatMap(([, block]) => block!.split("\n"))) {
      for (const [, name] of line.matchAll(/npm run ([\w:-]+)/g))
        expect(scripts, line).toHaveProperty([name!]);
      const command = /^(?:\$ )?(?:npx )?grapevine ([a-z-]+)(?= |$)([^#|]*)/.exec(line.trim());
      if (command === null || /^ \d$/.test(command[2]!)) continue; // what is signed begins so, see wire.md
      const [, name, rest] = command;
      expect(main, `${line} in ${path}`).toContain(`./${name}.ts`);
      const isKnown = name === "reproduce" ? isOfReproduce(experimentsIn(rest!)) : isOption;
      for (const [, flag] of rest!.matchAll(/ --([a-z][a-z-]*)/g))
        expect(isKnown(flag!), `--${flag} of ${line} in ${path}`).toBe(true);
    }
    for (const [, flag] of prose(text).matchAll(/`--([a-z][a-z-]*)`/g)) {
      expect(isOption(flag!) || isFlagOf(experiments, flag!), `--${flag} in ${path}`).toBe(true);
    }
  });
});

const commandSources = readdirSync(join(root, "src/cli"))
  .map((name) => read(join("src/cli", name)))
  .join("\n");

/** What is true or false may be denied. */
function isSaidAs(flag: string, name: string, usual: unknown): boolean {
  return flag === name || (typeof usual === "boolean" && flag === `no-${name}`);
}

function isOption(flag: string): boolean {
  if (flag === "help" || tunables.some((one) => isSaidAs(flag, one.flag, one.spec.default))) return true;
  return new RegExp(`"--${flag}[ "]`).test(commandSources);
}

/** The experiments that `grapevine reproduce` names; each must be one. What follows two blanks is a remark. */
function experimentsIn(rest: string): Experiment[] {
  const names = /^(?: \w[\w-]*)*/.exec(rest)![0].split(" ").slice(1);
  return names
    .filter((name) => name !== "all")
    .map((name) => {
      const found = experiments.find((experiment) => experiment.name === name);
      expect(found, `the experiment ${name}`).toBeDefined();
      return found!;
    });
}

/** Flags of one experiment mean nothing to another. */
function isOfReproduce(chosen: readonly Experiment[]): (flag: string) => boolean {
  const command = read("src/cli/reproduce.ts");
  return (flag) => flag === "help" || new RegExp(`"--${flag}[ "]`).test(command) || isFlagOf(chosen, flag);
}

function isFlagOf(some: readonly Experiment<any, any>[], flag: string): boolean {
  return some.some(({ flags = [] }) => flags.some((one) => isSaidAs(flag, one.name, one.default)));
}

describe("docs/coverage.md", () => {
  const rows = read("docs/coverage.md")
    .split("\n")
    .filter((line) => /^\| \d+\.\d+ \|/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));

  test("has every row of the two reports, the text, the lecture and the mind map once, in order", () => {
    const numbered = (document: number, count: number) =>
      Array.from({ length: count }, (_, i) => `${document}.${i + 1}`);
    expect(rows.map(([, id]) => id)).toEqual([
      ...numbered(1, 28),
      ...numbered(2, 18),
      ...numbered(0, 31),
      ...numbered(3, 24),
      ...numbered(4, 11),
    ]);
  });

  test("every row has one of the statuses that the page explains", () => {
    for (const [, id, , status] of rows)
      expect(status, `status of ${id}`).toMatch(/^(works|measured|partly|planned|\[?answered)\b/);
  });

  test("names a file, a test and a command for whatever works", () => {
    for (const [, id, , status, files, tests, commands] of rows) {
      if (!/^(works|measured|partly)/.test(status!)) continue;
      expect(files, `files of ${id}`).toMatch(/\]\(\.\.\/\S+\)/);
      expect(tests, `tests of ${id}`).toMatch(/\.ts\) "/);
      expect(commands, `command of ${id}`).toMatch(/^`grapevine /);
      expect([...tests!.matchAll(testReferences)].length, `tests of ${id}`).toBe(tests!.split("; [").length);
    }
  });
});

test("docs/security.md gives every limit that is an option with its default", () => {
  const words = (text: string) =>
    text.replace(/(\d)(ms|s|m|h)\b/, (_, n, unit) => `${n} ${unit === "m" ? "min" : unit}`);
  let found = 0;
  for (const line of read("docs/security.md").split("\n")) {
    const [, , limit, option] = line.split("|").map((cell) => cell.trim());
    const flag = /^`--([a-z-]+)`$/.exec(option ?? "")?.[1];
    const tunable = tunables.find((one) => one.flag === flag);
    if (tunable === undefined) continue;
    const value = tunable.spec.default as number;
    const shown = tunable.isDuration
      ? words(formatDuration(value))
      : tunable.name.endsWith("Bytes")
        ? value >= 2 ** 20
          ? `${value / 2 ** 20} MiB`
          : `${value / 2 ** 10} KiB`
        : value < 10_000
          ? String(value)
          : value.toLocaleString("en-US");
    expect(limit, line).toMatch(new RegExp(`(^|, )${shown}($|,)`));
    found++;
  }
  expect(found).toBeGreaterThan(20);
});

test("the library example of README.md is examples/join.mjs, shortened", () => {
  const example = /^```ts\n([\s\S]*?)^```/m.exec(read("README.md"))?.[1];
  const source = read("examples/join.mjs")
    .split("\n")
    .map((line) => line.trim());
  let at = 0;
  for (const line of example!
    .trim()
    .split("\n")
    .map((text) => text.trim())) {
    const next = source.indexOf(line, at);
    expect(next, line).toBeGreaterThanOrEqual(at);
    at = next + 1;
  }
});

test.each([
  "package.json",
  "dashboard/package.json",
  "bench/package.json",
  "bench/lookup/package.json",
  "bench/dashboard/drawing/package.json",
])("docs/dependencies.md has a row for all that %s names", (path) => {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(read(path));
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    expect(read("docs/dependencies.md")).toContain(`\n| \`${name}\` |`);
  }
});
