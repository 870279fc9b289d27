/** The source tree has its own test: what the compiler cannot see about floors, purity and order. */
import { describe, expect, test } from "vitest";
import {
  cyclesIn,
  faultsOfFloors,
  faultsOfPurity,
  faultsOfTests,
  faultsOfThePage,
  orphansIn,
  type ParsedSource,
  parse,
  readSources,
  root,
} from "./support/architecture.ts";

const sources = readSources(root, ["src", "dashboard/src", "test"]);

describe("the source tree", () => {
  test("was read: the rules below do not hold for want of files", () => {
    const paths = sources.map(({ path }) => path);
    for (const path of ["src/core/stack.ts", "src/cli/main.ts", "test/architecture.test.ts"])
      expect(paths).toContain(path);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
  });

  test("imports go only downwards", () => {
    expect(faultsOfFloors(sources)).toEqual([]);
  });

  test("pure folders know no machine: no clock, no die, no timer, no output of their own", () => {
    expect(faultsOfPurity(sources)).toEqual([]);
  });

  test("the page has what runs in a browser, and types of the rest", () => {
    expect(faultsOfThePage(sources)).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    expect(cyclesIn(sources)).toEqual([]);
  });

  test("every file is imported by somebody", () => {
    expect(orphansIn(sources)).toEqual([]);
  });

  test("no test is left out, and none runs alone", () => {
    expect(faultsOfTests(sources)).toEqual([]);
  });
});

// ---- The rules see what they should: each is broken here, in sources that are not there ----------------------------

/** One source, or several as `path: text`. */
function fake(path: string, text: string): ParsedSource[];
function fake(texts: Record<string, string>): ParsedSource[];
function fake(first: string | Record<string, string>, text = ""): ParsedSource[] {
  const texts = typeof first === "string" ? { [first]: text } : first;
  return Object.entries(texts).map(([path, one]) => parse({ path, text: one }));
}

describe("the rule of the page", () => {
  const faultsOf = (text: string) => faultsOfThePage(fake("dashboard/src/views/a.tsx", text));

  test("it may import what is pure, what is its own, and types of anything", () => {
    expect(faultsOf('import { x } from "../../../src/trace/index.ts";')).toEqual([]);
    expect(faultsOf('import { x } from "../timeline/timeline.ts"; import React from "react";')).toEqual([]);
    expect(faultsOf('import type { X } from "../../../src/node/index.ts";')).toEqual([]);
  });

  test.each(["../../../src/node/index.ts", "../../../src/lab/index.ts", "../../../test/a.ts", "node:fs"])(
    "it may not import %s",
    (specifier) => {
      const faults = faultsOf(`\nimport { x } from "${specifier}"; const a = <p>hello</p>;`);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain(`dashboard/src/views/a.tsx:2: imports ${specifier}`);
    },
  );
});

describe("the rule of floors", () => {
  test.each([
    ["src/core/a.ts", "../membership/overlay.ts"],
    ["src/core/a.ts", "../theory/degree-fit.ts"],
    ["src/theory/a.ts", "../membership/overlay.ts"],
    ["src/membership/a.ts", "../dissemination/broadcast.ts"],
    ["src/dissemination/a.ts", "../membership/messages.ts"],
    ["src/lookup/a.ts", "../storage/store.ts"],
    ["src/storage/a.ts", "../simulator/agenda.ts"],
    ["src/profiles/a.ts", "../wire/codec.ts"],
    ["src/simulator/a.ts", "../membership/overlay.ts"],
    ["src/simulated/a.ts", "../wire/codec.ts"],
    ["src/trace/a.ts", "../simulator/agenda.ts"],
    ["src/trace/a.ts", "../scenario/world.ts"],
    ["src/simulated/a.ts", "../scenario/world.ts"],
    ["src/scenario/a.ts", "../lab/wire-codec.ts"],
    ["src/wire/a.ts", "../membership/overlay.ts"],
    ["src/wire/a.ts", "../profiles/classic.ts"],
    ["src/transport/a.ts", "../wire/codec.ts"],
    ["src/node/a.ts", "../lab/local-network.ts"],
    ["src/node/a.ts", "../simulator/agenda.ts"],
    ["src/node/a.ts", "../cli/main.ts"],
    ["src/lab/scenario/a.ts", "../../cli/main.ts"],
  ])("%s may not import %s", (path, specifier) => {
    const faults = faultsOfFloors(fake(path, `\nimport { x } from "${specifier}";`));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${path}:2: imports ${specifier}`);
  });

  test.each([
    ["src/core/a.ts", "./stack.ts"],
    ["src/theory/a.ts", "../core/index.ts"],
    ["src/membership/a.ts", "../core/index.ts"],
    ["src/profiles/a.ts", "../dissemination/broadcast.ts"],
    ["src/wire/a.ts", "../membership/messages.ts"],
    ["src/wire/a.ts", "../dissemination/anti-entropy-messages.ts"],
    ["src/node/a.ts", "../profiles/classic.ts"],
    ["src/simulated/a.ts", "../profiles/classic.ts"],
    ["src/scenario/a.ts", "../trace/layers.ts"],
    ["src/node/a.ts", "../trace/layers.ts"],
    ["src/lab/scenario/a.ts", "../../node/index.ts"],
    ["src/cli/a.ts", "../lab/index.ts"],
    ["src/cli/a.ts", "../../package.json"],
    ["src/node/a.ts", "node:fs"],
    ["src/core/a.ts", "pure-rand/generator/xoroshiro128plus"],
    ["src/core/a.test.ts", "../../test/support/alone.ts"],
  ])("%s may import %s", (path, specifier) => {
    expect(faultsOfFloors(fake(path, `import { x } from "${specifier}";`))).toEqual([]);
  });

  test.each([
    'import type { X } from "../membership/overlay.ts";',
    'export * from "../membership/overlay.ts";',
    'export { x } from "../membership/overlay.ts";',
    'const late = () => import("../membership/overlay.ts");',
    'let x: import("../membership/overlay.ts").Overlay;',
    'new Worker(new URL("../membership/overlay.ts", import.meta.url));',
  ])("sees %s", (text) => {
    expect(faultsOfFloors(fake("src/core/a.ts", text))).toHaveLength(1);
  });

  test("does not take an import in a comment or a text for one", () => {
    const text = '// import "../node/index.ts";\nexport const x = \'import "../node/index.ts"\';';
    expect(faultsOfFloors(fake("src/core/a.ts", text))).toEqual([]);
  });

  test("says what to do instead", () => {
    const [sideways] = faultsOfFloors(fake("src/membership/a.ts", 'import "../dissemination/broadcast.ts";'));
    expect(sideways).toContain("belongs in core as an interface");
    const [message] = faultsOfFloors(fake("src/wire/a.ts", 'import "../membership/overlay.ts";'));
    expect(message).toContain("only its messages.ts and *-messages.ts: put the type there");
  });

  test("a new folder needs a floor, and nobody imports what is not in src", () => {
    expect(faultsOfFloors(fake("src/utils/a.ts", ""))[0]).toContain("has no floor");
    expect(faultsOfFloors(fake("src/node/a.ts", 'import "../../test/support/world.ts";'))[0]).toContain(
      "not in src",
    );
  });
});

describe("the rule of purity", () => {
  test.each([
    ["Date.now()", "use env.now"],
    ['Date["now"]()', "use env.now"],
    ["const { now } = Date; new Date()", "use new Date(env.now)"],
    ["const now = Date()", "use new Date(env.now)"],
    ["Math.random()", "use env.random"],
    ["performance.now()", "use env.now"],
    ["setTimeout(() => {}, 5)", "use env.schedule"],
    ["setInterval(() => {}, 5)", "use env.schedule"],
    ["queueMicrotask(() => {})", "use env.schedule"],
    ["console.log(1)", "use env.notify"],
    ["process.exit(1)", "put it into src/node"],
    ["globalThis.setTimeout", "put it into src/node"],
    ["Buffer.from([])", "use Uint8Array"],
    ["let bytes: Buffer", "use Uint8Array"],
    ["crypto.getRandomValues(x)", "env.random"],
    ['import { readFileSync } from "node:fs"', "put it into src/node"],
    ['const fs = await import("node:fs")', "put it into src/node"],
    ["const timers = { setTimeout }", "use env.schedule"],
    ["Math.log(2)", "use deterministic-math"],
    ["Math.exp(2)", "use deterministic-math"],
    ["Math.pow(2, x)", "use deterministic-math"],
    ['Math["log"](2)', "use deterministic-math"],
    ["2 ** x", "use pow of deterministic-math"],
  ])("finds %s", (text, instead) => {
    const faults = faultsOfPurity(fake("src/membership/a.ts", `\n\n${text};`));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^src\/membership\/a\.ts:3: /);
    expect(faults[0]).toContain(instead);
  });

  test.each([
    "new Date(env.now).toISOString()",
    "env.random.unit()",
    "this.#options.process",
    "const timer = { console: 1, setTimeout: 2 }",
    "interface A { performance: number; process(): void }",
    "class A { process() {} static Buffer = 1 }",
    "Math.floor(Math.sqrt(2)) * 2 ** 32",
    "// Date.now() and setTimeout",
    "const text = 'Math.random()' + `console.log`",
    "const pattern = /process.exit/",
  ])("lets %s pass", (text) => {
    expect(faultsOfPurity(fake("src/membership/a.ts", text))).toEqual([]);
  });

  test.each([
    "core",
    "theory",
    "membership",
    "dissemination",
    "lookup",
    "storage",
    "profiles",
    "simulator",
    "simulated",
    "trace",
    "scenario",
  ])("holds in %s", (folder) => {
    expect(faultsOfPurity(fake(`src/${folder}/a.ts`, "Date.now()"))).toHaveLength(1);
  });

  test.each(["src/node/a.ts", "src/transport/a.ts", "src/lab/a.ts", "src/cli/a.ts", "src/core/a.test.ts"])(
    "does not hold in %s",
    (path) => {
      expect(faultsOfPurity(fake(path, "Date.now(); setTimeout(f); Math.log(x)"))).toEqual([]);
    },
  );

  test("theory may calculate as it likes, and deterministic-math is where it is done", () => {
    expect(faultsOfPurity(fake("src/theory/a.ts", "Math.log(x) + x ** y"))).toEqual([]);
    expect(faultsOfPurity(fake("src/core/deterministic-math.ts", "Math.log(x)"))).toEqual([]);
    expect(faultsOfPurity(fake("src/core/deterministic-math.ts", "Date.now()"))).toHaveLength(1);
  });
});

describe("the rule of circles", () => {
  test("finds a circle of two, of three, and a file that imports itself", () => {
    expect(cyclesIn(fake({ "src/a.ts": 'import "./b.ts";', "src/b.ts": 'export * from "./a.ts";' }))).toEqual(
      ["src/a.ts -> src/b.ts -> src/a.ts; move what they share into a file that imports neither"],
    );
    const three = {
      "src/a.ts": 'import "./b.ts";',
      "src/b.ts": 'import "./c.ts";',
      "src/c.ts": 'import "./a.ts";',
    };
    expect(cyclesIn(fake(three))).toHaveLength(1);
    expect(cyclesIn(fake("src/a.ts", 'import "./a.ts";'))).toHaveLength(1);
  });

  test("finds one that closes through an index", () => {
    const texts = {
      "src/core/index.ts": 'export * from "./a.ts";',
      "src/core/a.ts": 'import { b } from "./index.ts";',
    };
    expect(cyclesIn(fake(texts))).toHaveLength(1);
  });

  test("does not take two ways to one file, or a type, for a circle", () => {
    const diamond = {
      "src/a.ts": 'import "./b.ts"; import "./c.ts";',
      "src/b.ts": 'import "./d.ts";',
      "src/c.ts": 'import "./d.ts";',
      "src/d.ts": 'import type { A } from "./a.ts"; import { type B } from "./b.ts";',
    };
    expect(cyclesIn(fake(diamond))).toEqual([]);
  });
});

describe("the rule of use", () => {
  test("finds a file that nobody imports", () => {
    const texts = {
      "src/core/index.ts": 'export * from "./a.ts";',
      "src/core/a.ts": "",
      "src/core/b.ts": "",
    };
    expect(orphansIn(fake(texts))).toEqual([
      "src/core/b.ts: nobody imports it; export it from the folder's index.ts, or delete it",
    ]);
  });

  test("a test is no user of what is in src, but of what is in test/support", () => {
    const texts = {
      "src/core/a.ts": "",
      "src/core/a.test.ts": 'import "./a.ts"; import "../../test/support/world.ts";',
      "test/support/world.ts": "",
      "test/support/other.ts": "",
    };
    expect(orphansIn(fake(texts)).map((fault) => fault.split(":")[0])).toEqual([
      "src/core/a.ts",
      "test/support/other.ts",
    ]);
  });

  test("entry points need no user, and workers have one in whoever starts them", () => {
    const texts = {
      "src/cli/main.ts": 'import "../lab/runner.ts";',
      "src/lab/index.ts": "",
      "src/lab/runner.ts":
        'new Worker(new URL("./worker.ts", import.meta.url)); new Pool(new URL("./built-worker.js", import.meta.url));',
      "src/lab/worker.ts": "",
      "src/lab/built-worker.ts": "",
      "test/a.test.ts": "",
    };
    expect(orphansIn(fake(texts))).toEqual([]);
  });
});

describe("the rule of tests", () => {
  test.each(["test.only", "it.skip", "describe.only", "test.todo", "describe.skip", "test.fails"])(
    "finds %s",
    (call) => {
      const faults = faultsOfTests(fake("src/core/a.test.ts", `\n${call}("a claim", () => {});`));
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain(`src/core/a.test.ts:2: ${call}; `);
    },
  );

  test("finds one that is put before a table", () => {
    expect(faultsOfTests(fake("test/a.test.ts", "test.only.each([1])('a', () => {});"))).toHaveLength(1);
  });

  test("lets what depends on the machine be left out, and texts be texts", () => {
    const text =
      'test.skipIf(isWindows)("a", () => {}); test.each([1])("b", () => {}); const text = "test.only(";';
    expect(faultsOfTests(fake("test/a.test.ts", text))).toEqual([]);
  });
});
