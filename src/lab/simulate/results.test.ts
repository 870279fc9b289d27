/** What is done with the results of runs: lines that merge, tables, charts, the report. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createContext, runInContext, Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runBatch } from "./batch.ts";
import { batchReport, namedSeeds, shownNumber, tableOf } from "./batch-report.ts";
import { chartsOf } from "./charts.ts";
import { htmlReport } from "./html-report.ts";
import { keyOf, lineOf, mergeResultLines, ResultFile, readResultLines } from "./result-lines.ts";
import type { SimulationResult } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-results-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}.ndjson`);

let rumors: readonly SimulationResult[];
/** A node is removed after so many copies. */
const blind = (stopAfter: number) => ({ stop: "counter", hasFeedback: false, stopAfter }) as const;
let networks: readonly SimulationResult[];

beforeAll(async () => {
  const common = { seed: 1, runs: 4, threads: 0 };
  const options = { source: { messages: 2, intervalMs: 200 }, overlay: { law: "seed-exponential" } } as const;
  rumors = (await runBatch({ ...common, preset: "push", nodes: 200, parameters: { rumor: { ...blind(3) } } }))
    .results;
  networks = (
    await runBatch({ ...common, preset: "classic", nodes: 30, parameters: { publishers: 2, options } })
  ).results;
});

describe("the key of a run", () => {
  const input = { preset: "push", nodes: 10, seed: 7, parameters: { rumor: { ...blind(2), fanout: 1 } } };

  test("does not depend on the order in which parameters were written", () => {
    expect(keyOf({ ...input, parameters: { rumor: { fanout: 1, ...blind(2) } } })).toBe(keyOf(input));
    expect(keyOf({ ...input, parameters: { ...input.parameters, links: undefined } })).toBe(keyOf(input));
  });

  test("depends on all that decides the run", () => {
    const others = [
      { ...input, seed: 8 },
      { ...input, nodes: 11 },
      { ...input, preset: "pull" },
      { ...input, parameters: { rumor: { ...blind(3), fanout: 1 } } },
    ];
    expect(new Set([input, ...others].map(keyOf)).size).toBe(5);
    expect(keyOf(input)).toMatch(/^push-[0-9a-f]{16}-7$/);
  });
});

describe("lines of results", () => {
  test("merge to the batch that they are parts of, in whatever order they come, and each once", () => {
    const [a, b] = [newFile(), newFile()];
    writeFileSync(a, [rumors[2]!, networks[1]!, rumors[0]!].map(lineOf).join(""));
    writeFileSync(b, [rumors[3]!, rumors[1]!, rumors[0]!, networks[0]!].map(lineOf).join(""));
    const merged = mergeResultLines([...readResultLines(a), ...readResultLines(b)]);
    expect(merged.map((batch) => batch.map(({ result }) => result))).toEqual([
      [...rumors],
      [networks[0], networks[1]],
    ]);
  });

  test("that disagree are refused", () => {
    const file = newFile();
    writeFileSync(file, lineOf(rumors[0]!) + lineOf({ ...rumors[0]!, traceHash: "0000000000000000" }));
    expect(() => mergeResultLines(readResultLines(file))).toThrow(/push-.*-1: two lines disagree/);
  });

  test("are refused with file and line when they are something else", () => {
    const file = newFile();
    writeFileSync(file, `${lineOf(rumors[0]!)}{"key":"x"}\n`);
    expect(() => readResultLines(file)).toThrow(`${file}:2: is no result line`);
    expect(() => readResultLines(join(folder, "none"))).toThrow(/none: cannot be read \(ENOENT\)/);
  });

  test("survive a process that died in the middle of one", () => {
    const path = newFile();
    writeFileSync(path, lineOf(rumors[0]!) + lineOf(rumors[1]!).slice(0, 50));
    const file = new ResultFile(path);
    expect(file.find(rumors[0]!)).toEqual(rumors[0]);
    expect(file.find(rumors[1]!)).toBeUndefined();
    file.add(rumors[1]!);
    file.close();
    expect(readResultLines(path).map(({ result }) => result.seed)).toEqual([1, 2]);
  });

  test("lose nothing where only the end of the last line is missing", () => {
    const path = newFile();
    writeFileSync(path, lineOf(rumors[0]!).trimEnd());
    const file = new ResultFile(path);
    file.add(rumors[1]!);
    file.close();
    expect(readResultLines(path).map(({ result }) => result.seed)).toEqual([1, 2]);
  });
});

describe("the report of a batch", () => {
  const runs = [10, 12, 17].map((rounds, i) => ({
    preset: "push",
    engine: "rounds",
    semantics: "poisson",
    nodes: 9,
    seed: i + 1,
    ok: i > 0,
    ratio: i === 0 ? 0.5 : 1,
    traceHash: `000000000000000${i}`,
    parameters: {},
    wallMs: 5,
    rounds,
    reachedRounds: { p50: 4, p100: i === 0 ? null : rounds },
  })) as unknown as SimulationResult[];

  test("has the mean of each figure, its deviation and the interval of Student's t", () => {
    const { figures, ok, ratio, seeds, semantics } = batchReport(runs);
    expect({ ok, ratio, seeds, semantics }).toEqual({
      ok: 2,
      ratio: 0.5,
      seeds: { first: 1, last: 3 },
      semantics: "poisson",
    });
    const { count, mean, deviation, low, high, min, max } = figures["rounds"]!;
    expect({ count, mean, min, max }).toEqual({ count: 3, mean: 13, min: 10, max: 17 });
    // Squares of -3, -1 and 4: 26 / 2. t is 4.3027 for two degrees of freedom.
    expect(deviation).toBeCloseTo(Math.sqrt(13), 10);
    expect(high! - mean).toBeCloseTo(4.30265 * Math.sqrt(13 / 3), 4);
    expect(mean - low!).toBeCloseTo(high! - mean, 10);
  });

  test("counts the runs that have a figure, and puts those of the machine last", () => {
    const { figures } = batchReport(runs);
    expect(figures["reachedRounds.p100"]).toMatchObject({ count: 2, mean: 14.5 });
    expect(Object.keys(figures).at(-1)).toBe("wallMs");
    expect(Object.keys(figures)).not.toContain("seed");
    expect(tableOf(batchReport(runs)).find(([name]) => name?.startsWith("reachedRounds.p100"))).toEqual([
      "reachedRounds.p100 (2 runs)",
      "14.5",
      "3.536",
      "-17.27 to 46.27",
      "12",
      "17",
    ]);
  });

  test("claims no interval for what the machine took: runs that share it are no sample", () => {
    expect(tableOf(batchReport(runs)).find(([name]) => name === "wallMs")?.[3]).toBe("");
    expect(tableOf(batchReport(runs)).find(([name]) => name === "rounds")?.[3]).not.toBe("");
  });

  test.each([
    [[4], "seed 4"],
    [[4, 5, 6], "seeds 4 to 6"],
    [[4, 6, 8], "3 of the seeds 4 to 8"],
  ])("names the seeds %j as %s", (seeds, text) => {
    expect(namedSeeds(batchReport(seeds.map((seed) => ({ ...runs[0]!, seed }))))).toBe(text);
  });

  test("claims no interval for one run", () => {
    const report = batchReport(runs.slice(0, 1));
    expect(report.figures["rounds"]).toMatchObject({
      count: 1,
      mean: 10,
      deviation: null,
      low: null,
      high: null,
    });
    expect(report.traceHash).toBe(runs[0]!.traceHash);
    expect(tableOf(report)[0]).toEqual(["", "value"]);
  });

  test("has a hash that depends on every run and their order", () => {
    const hashes = [runs, runs.slice(0, 2), runs.toReversed()].map((list) => batchReport(list).traceHash);
    expect(new Set(hashes).size).toBe(3);
  });

  test.each([
    [0, "0"],
    [0.123456, "0.1235"],
    [0.00001234, "1.234e-5"],
    [12.3456, "12.35"],
    [1234567.8, "1,234,568"],
    [-31.234, "-31.23"],
    [null, ""],
  ])("shows %d as %s", (value, text) => {
    expect(shownNumber(value)).toBe(text);
  });
});

describe("charts", () => {
  test("are drawn of what there is", () => {
    expect(chartsOf(rumors).map(({ id }) => id)).toEqual(["infection", "delays"]);
    expect(chartsOf(networks).map(({ id }) => id)).toEqual(["delays", "degrees", "traffic"]);
  });

  test("have a value, and a band around it, for each place", () => {
    for (const { at, series } of [...chartsOf(rumors), ...chartsOf(networks)]) {
      expect(at.every((x, i) => i === 0 || x > at[i - 1]!)).toBe(true);
      for (const { values, band } of series) {
        expect(values).toHaveLength(at.length);
        band?.low.forEach((low, i) => {
          expect(low).toBeLessThanOrEqual(values[i]! + 1e-9);
          expect(band.high[i]).toBeGreaterThanOrEqual(values[i]! - 1e-9);
        });
      }
    }
  });

  test("show shares that add up to all", () => {
    const [infection, delays] = chartsOf(rumors);
    infection!.at.forEach((_, i) => {
      expect(infection!.series.reduce((sum, { values }) => sum + values[i]!, 0)).toBeCloseTo(100, 2);
    });
    expect(delays!.series[0]!.values.at(-1)).toBe(100);
    const [, degrees, traffic] = chartsOf(networks);
    const sum = (values: readonly (number | null)[]) =>
      values.reduce<number>((all, one) => all + (one ?? 0), 0);
    expect(sum(degrees!.series[0]!.values)).toBeCloseTo(1, 9);
    expect(sum(traffic!.series[0]!.values)).toBeCloseTo(100, 9);
    // The law that was asked for, beside what came of it.
    expect(degrees!.series[1]!.label).toBe("asked: seed-exponential");
    expect(sum(degrees!.series[1]!.values)).toBeGreaterThan(0.7);
  });

  test("have no band over a single run", () => {
    expect(
      chartsOf(rumors.slice(0, 1)).every(({ series }) => series.every(({ band }) => band === undefined)),
    ).toBe(true);
  });
});

describe("the HTML report", () => {
  const command = "npx grapevine simulate push --nodes 200";
  const page = () => htmlReport({ batches: [rumors, networks], command, version: "1.2.3" });
  const scripts = (html: string) =>
    [...html.matchAll(/<script(?: type="([^"]*)"[^>]*)?>([\s\S]*?)<\/script>/g)].map(([, type, text]) => ({
      type,
      text: text!,
    }));

  test("holds the figures, the seeds, the hashes and the command", () => {
    const html = page();
    expect(html).toContain(command);
    expect(html).toContain("Grapevine 1.2.3");
    for (const { traceHash } of [...rumors, ...networks]) expect(html).toContain(traceHash);
    expect(html).toContain(batchReport(rumors).traceHash);
    expect(html).toContain("push, 200 nodes");
    expect(html).toContain("classic, 30 nodes");
    expect(html).toContain('<th scope="row">copiesPerNode</th>');
    expect(html.match(/<figure/g)).toHaveLength(5);
  });

  test("asks nobody for anything: all is in it, and its policy forbids requests", () => {
    const html = page();
    expect(html).toContain(
      `content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"`,
    );
    expect(html).not.toMatch(/\b(?:src|href|action)\s*=\s*["']?(?!data:)/);
    expect(html).not.toMatch(/@import|url\(|fetch\(|XMLHttpRequest|import\(/);
    // But for the names of who wrote the library.
    expect([...html.matchAll(/https?:\/\/[^\s"'<]+/g)].map(([url]) => url)).toEqual([
      "https://github.com/leeoniya/uPlot",
    ]);
    expect(html).toContain("The MIT License (MIT)");
  });

  test("cannot be broken by what a scenario is called", () => {
    const scenario = { name: "</script><b>&" };
    const named = rumors.map((result) => ({ ...result, parameters: { scenario } }));
    const html = htmlReport({ batches: [named], command: "'</code>'", version: "1" });
    expect(html).not.toContain("<b>");
    expect(html).toContain("&lt;/script&gt;&lt;b&gt;&amp;");
    expect(scripts(html)).toHaveLength(3);
    expect(html.match(/<\/code>/g)).toHaveLength(html.match(/<code>/g)!.length);
  });

  test("gives its charts to the library: each with data of one length, scales and colours", () => {
    const [library, data, script] = scripts(page());
    expect(() => new Script(library!.text)).not.toThrow();
    expect(JSON.parse(data!.text).map(({ id }: { id: string }) => id)).toEqual([
      "infection-0",
      "delays-0",
      "delays-1",
      "degrees-1",
      "traffic-1",
    ]);
    const drawn: { options: any; columns: readonly (readonly number[])[]; place: { id: string } }[] = [];
    class Plot {
      static readonly paths = { bars: () => () => null, linear: () => () => null };
      constructor(options: object, columns: readonly (readonly number[])[], place: { id: string }) {
        drawn.push({ options, columns, place });
      }
      destroy(): void {}
    }
    const places = new Map<string, object>();
    const html = page();
    const document = {
      documentElement: {},
      getElementById(id: string) {
        expect(html).toContain(`id="${id}"`);
        if (id === "charts") return { textContent: data!.text };
        if (!places.has(id)) places.set(id, { id, clientWidth: 640 });
        return places.get(id);
      },
    };
    const colors = /--series-0: (#\w+)/.exec(html)![1];
    runInContext(
      script!.text,
      createContext({
        document,
        uPlot: Plot,
        getComputedStyle: () => ({ getPropertyValue: () => ` ${colors}` }),
        addEventListener: () => {},
        matchMedia: () => ({ addEventListener: () => {} }),
      }),
    );
    expect(drawn).toHaveLength(5);
    for (const { options, columns } of drawn) {
      expect(new Set(columns.map((column) => column.length)).size).toBe(1);
      expect(options.series).toHaveLength(columns.length);
      expect(options.width).toBe(640);
      for (const { series } of options.bands)
        for (const edge of series) expect(options.series[edge].class).toBe("edge");
      expect(options.axes.map(({ label }: { label: string }) => label.length > 3)).toEqual([true, true]);
      expect(options.series.slice(1).every(({ stroke }: { stroke: string }) => stroke === colors)).toBe(true);
    }
    const degrees = drawn.find(({ place }) => place.id === "degrees-1")!;
    expect([degrees.options.scales.x.distr, degrees.options.scales.y.distr]).toEqual([3, 3]);
    expect(degrees.options.axes[0].values(null, [5, 7, 10])).toEqual(["5", "", "10"]);
  });
});
