/** The simulator, the protocols, whole networks and what is told of them run wherever JavaScript does: a page can hold a network. */
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build, type Rollup } from "vite";
import { beforeAll, describe, expect, test } from "vitest";
import * as core from "./support/browser-core.ts";

/** What a program may not ask for here, and a browser or Node would have. */
const machine = [
  "process",
  "require",
  "module",
  "Buffer",
  "global",
  "console",
  "setTimeout",
  "setImmediate",
  "queueMicrotask",
  "crypto",
  "performance",
  "fetch",
  "structuredClone",
  "TextEncoder",
  "window",
  "self",
  "document",
  "navigator",
];

let script: string;

/** A value of the language and nothing else: no machine, no page. */
function emptyContext() {
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
  // The inspector puts it there.
  runInContext("delete globalThis.console", context);
  return context;
}

/** Calls a function of the bundle in an empty context. */
function inEmptyContext(call: string): unknown {
  const context = emptyContext();
  runInContext(script, context);
  return JSON.parse(runInContext(`JSON.stringify(core.${call})`, context));
}

/** The same of a function that takes its time. */
async function laterInEmptyContext(call: string): Promise<unknown> {
  const context = emptyContext();
  runInContext(script, context);
  return JSON.parse(await runInContext(`core.${call}.then((value) => JSON.stringify(value))`, context));
}

beforeAll(async () => {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: false,
      lib: {
        entry: join(import.meta.dirname, "support/browser-core.ts"),
        formats: ["iife"],
        name: "core",
      },
    },
  });
  const chunks = (result as Rollup.RollupOutput[])[0]!.output;
  expect(chunks).toHaveLength(1);
  script = (chunks[0] as Rollup.OutputChunk).code;
});

describe("in a context with nothing in it", () => {
  test("there is no machine to ask", () => {
    const context = emptyContext();
    for (const name of machine)
      expect([name, runInContext(`typeof ${name}`, context)]).toEqual([name, "undefined"]);
  });

  test("one script holds all, and names no module of Node", () => {
    expect(script).not.toMatch(/["']node:|\brequire\(|\bimport\(/);
    expect(script.length).toBeGreaterThan(50_000); // it is the thing itself
  });

  test("a rumor in columns is the same run as outside", () => {
    const outside = core.push(7, 2000);
    expect(outside.informed).toBeGreaterThan(1990);
    expect(inEmptyContext("push(7, 2000)")).toEqual(outside);
    expect(inEmptyContext("push(8, 2000)")).not.toEqual(outside);
  });

  test("so are rounds", () => {
    const outside = core.rounds(7, 10_000);
    expect(outside.informed).toBe(10_000);
    expect(inEmptyContext("rounds(7, 10000)")).toEqual(outside);
  });

  test("so is a classic network in which a peer dies", () => {
    const outside = core.classic(7, 12);
    expect(outside.delivered).toBe(11 * 10);
    expect(outside.removed).toBeGreaterThan(0);
    expect(inEmptyContext("classic(7, 12)")).toEqual(outside);
    expect(inEmptyContext("classic(8, 12)")).not.toEqual(outside);
  });

  test("so is a scenario, with its verdict and the figures of its trace", async () => {
    const outside = await core.scenario(7, "crash");
    expect(outside.report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(outside.report.violations).toEqual([]);
    expect(outside.summary.faults.removedEverywhere).toBe(1);
    expect(await laterInEmptyContext('scenario(7, "crash")')).toEqual(JSON.parse(JSON.stringify(outside)));
    expect(await laterInEmptyContext('scenario(8, "crash")')).not.toEqual(outside);
  });
});
