/** Running experiments, and what is made of what they find: on a small experiment of a real rumor. */
import { createContext, runInContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Moments } from "../../core/index.ts";
import { Rumor, type RumorMode } from "../../dissemination/index.ts";
import { runRounds } from "../../simulator/index.ts";
import { type Experiment, isWithin, reproduceHere } from "./experiment.ts";
import { experiments } from "./experiments.ts";
import { flagsOf, parseWords } from "./flags.ts";
import { reproductionPage } from "./html-report.ts";
import { measuredSeries } from "./measured-series.ts";
import { cellsOf, commandOf, experimentReport, reasonsOf, reproductionReport, verdictOf } from "./report.ts";
import { type ReproductionProgress, reproduce } from "./run.ts";

interface Task {
  readonly nodes: number;
  readonly seeds: readonly number[];
  readonly mode: RumorMode;
}

/** Rounds until 2^5 and 2^7 nodes know a rumor: log2 n + ln n for push. The gate can be put where nothing fits. */
function spread(gate = { low: 1, high: 30 }): Experiment<Task, number[]> {
  return {
    name: "spread",
    description: "Rounds until everybody knows",
    source: "Frieze and Grimmett 1985",
    defaultRuns: 20,
    quickRuns: 4,
    flags: [
      { name: "mode", description: "who calls", default: "push", choices: ["push", "pull", "push-pull"] },
      { name: "largest", description: "nodes, as a power of two", default: 7, min: 5, max: 10 },
      { name: "small", description: "32 nodes too", default: true },
      { name: "verbose", description: "one more note", default: false },
      { name: "label", description: "of the rows", default: "n" },
    ],
    plan({ seed, runs, flags }) {
      const sizes = [...(flags["small"] === true ? [32] : []), 2 ** Number(flags["largest"])];
      const seeds = Array.from({ length: runs }, (_, i) => seed + i);
      return sizes.flatMap((nodes) => [
        { nodes, seeds: seeds.slice(0, runs / 2), mode: flags["mode"] as RumorMode },
        { nodes, seeds: seeds.slice(runs / 2), mode: flags["mode"] as RumorMode },
      ]);
    },
    measure: ({ nodes, seeds, mode }) =>
      seeds.map((seed) => {
        const rumor = new Rumor({ rows: nodes, options: { mode } });
        rumor.infect(0);
        return runRounds(rumor, { seed, semantics: "synchronous" }).rounds;
      }),
    report({ flags }, tasks, samples) {
      const sizes = [...new Set(tasks.map(({ nodes }) => nodes))];
      const measured = sizes.map((size) =>
        Moments.of(samples.flatMap((rounds, i) => (tasks[i]!.nodes === size ? rounds : []))).toJSON(),
      );
      const theory = sizes.map((size) => Math.log2(size) + Math.log(size));
      return {
        rows: sizes.map((size, i) => ({
          of: `${flags["label"]} = ${size}`,
          figure: "rounds",
          ...(i === 0 ? { published: 8 } : {}),
          theory: theory[i]!,
          measured: measured[i]!,
          ...(i === 0 ? { gate: { ...gate, why: "about log2 n + ln n" } } : {}),
        })),
        charts: [
          {
            id: "rounds",
            title: "Rounds",
            note: "By size.",
            x: { label: "nodes", isLogarithmic: true },
            y: { label: "rounds" },
            at: sizes,
            series: [
              { label: "log2 n + ln n", style: "line", color: 1, values: theory },
              measuredSeries({ label: "measured", color: 1 }, measured),
            ],
          },
        ],
        notes: ["Synchronous rounds.", ...(flags["verbose"] === true ? ["<b>loud</b>"] : [])],
      };
    },
  };
}

const run = (experiment: Experiment<any, any>, more: object = {}) =>
  reproduce({ experiments: [experiment], seed: 1, threads: 0, ...more });

describe("running", () => {
  test("gives what the experiment gives by itself, with its default runs", async () => {
    const experiment = spread();
    const [outcome] = await run(experiment);
    const input = {
      seed: 1,
      runs: 20,
      flags: { mode: "push", largest: 7, small: true, verbose: false, label: "n" },
    };
    expect(outcome!.input).toEqual(input);
    const { rows, notes, charts } = outcome!;
    expect({ rows, notes, charts }).toEqual(reproduceHere(experiment, input));
    expect(rows.map(({ measured }) => measured.count)).toEqual([20, 20]);
    expect(rows[1]!.measured.mean).toBeGreaterThan(rows[0]!.measured.mean);
  });

  test("takes few runs if it is to be quick, and as many as one says", async () => {
    const counts = async (more: object) => (await run(spread(), more))[0]!.rows[0]!.measured.count;
    expect(await counts({ quick: true })).toBe(4);
    expect(await counts({ quick: true, runs: 6 })).toBe(6);
  });

  test("hands flags to the experiment, and another seed is another sample", async () => {
    const [pull] = await run(spread(), { flags: { mode: "pull", small: "false", largest: "8" } });
    expect(pull!.rows.map(({ of }) => of)).toEqual(["n = 256"]);
    const means = await Promise.all(
      [{}, { seed: 2 }, { flags: { mode: "push-pull" } }].map(async (more) => {
        const [outcome] = await run(spread(), more);
        return outcome!.rows[1]!.measured.mean;
      }),
    );
    expect(new Set(means).size).toBe(3);
  });

  test("says how far it is, over all experiments, and tells of each that is complete", async () => {
    const seen: ReproductionProgress[] = [];
    const complete: string[] = [];
    const other = { ...spread(), name: "other" };
    await reproduce({
      ...{ experiments: [spread(), other], seed: 1, threads: 0, quick: true },
      onProgress: (progress) => seen.push(progress),
      onOutcome: ({ experiment, wallMs }) => {
        complete.push(`${experiment.name} after ${seen.length}`);
        expect(wallMs).toBeGreaterThanOrEqual(0);
      },
    });
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(seen[4]).toEqual({ done: 5, tasks: 8, experiment: "other" });
    expect(complete).toEqual(["spread after 4", "other after 8"]);
  });

  test("can be ended: what is complete is the result, and the rest is missing", async () => {
    const controller = new AbortController();
    const outcomes = await reproduce({
      ...{ experiments: [spread(), { ...spread(), name: "other" }], seed: 1, threads: 0, quick: true },
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 6) controller.abort();
      },
    });
    expect(outcomes.map(({ experiment }) => experiment.name)).toEqual(["spread"]);
    const report = reproductionReport(outcomes, ["spread", "other"]);
    expect(report).toMatchObject({ ok: false, missing: ["other"] });
    expect(report.experiments[0]!.ok).toBe(true);
  });

  test("copies samples as threads do, so that what cannot be copied is found out without any", async () => {
    const careless = { ...spread(), measure: () => ({ rounds: () => 5 }) } as Experiment<any, any>;
    await expect(run(careless)).rejects.toThrow(/could not be cloned/);
    expect(() => reproduceHere(careless, { seed: 1, runs: 2, flags: { small: true, largest: 7 } })).toThrow(
      /could not be cloned/,
    );
  });
});

describe("flags", () => {
  const mistakes: [given: object, complaint: string][] = [
    [
      { fanout: "3" },
      "--fanout: spread has no such flag; it has --mode, --largest, --small, --verbose, --label",
    ],
    [{ mode: "shout" }, '--mode: there is no "shout"; take one of push, pull, push-pull'],
    [{ largest: "11" }, '--largest: "11" is not a number from 5 up to 10'],
    [{ largest: "many" }, '--largest: "many" is not a number from 5 up to 10'],
    [{ largest: "" }, '--largest: "" is not a number'],
    [{ largest: true }, '--largest: "true" is not a number'],
    [{ small: "3" }, '--small: takes no value, but "3"; write --small or --no-small'],
  ];
  test.each(mistakes)("%j is refused", (given, complaint) => {
    expect(() => flagsOf(spread(), given as Record<string, string>)).toThrow(complaint);
  });

  test("are complete, with numbers as numbers", () => {
    expect(flagsOf(spread(), { largest: "6", verbose: true, label: "1..3" })).toEqual({
      ...{ mode: "push", largest: 6, small: true, verbose: true, label: "1..3" },
    });
  });

  test("are told from names: a plain one takes no value, the others do", () => {
    const all = [spread(), { ...spread(), name: "other" }];
    const parse = (text: string) => parseWords(text.split(" "), all);
    expect(parse("spread --mode pull --verbose other --no-small --label=a=b")).toEqual({
      names: ["spread", "other"],
      flags: { mode: "pull", verbose: true, small: false, label: "a=b" },
    });
    expect(parse("--verbose spread --label -3")).toEqual({
      names: ["spread"],
      flags: { verbose: true, label: "-3" },
    });
    expect(() => parse("spread --mode")).toThrow("--mode: lacks its value");
    expect(() => parse("spread --mode --verbose")).toThrow("--mode: lacks its value");
    expect(() => parse("spread --mode pull --mode push")).toThrow("--mode: is given twice");
    expect(() => parse("spread -m")).toThrow("-m: there is no such option");
    // Refused by name, once it is known whose it is not.
    expect(parse("spread --unknown")).toEqual({ names: ["spread"], flags: { unknown: true } });
  });
});

describe("what was found", () => {
  test("has the interval of Student's t, and none for a single value", async () => {
    const [outcome] = await run(spread());
    const { measured } = experimentReport(outcome!).rows[0]!;
    const { count, squares } = outcome!.rows[0]!.measured;
    const error = Math.sqrt(squares / (count - 1) / count);
    expect(measured.standardError).toBeCloseTo(error, 12);
    // t of 19 degrees of freedom.
    expect(measured.high! - measured.mean).toBeCloseTo(2.093 * error, 3);
    const one = { ...outcome!, rows: [{ of: "", figure: "x", measured: Moments.of([3]).toJSON() }] };
    expect(experimentReport(one).rows[0]!.measured).toEqual({
      ...{ mean: 3, low: null, high: null, standardError: null, count: 1, min: 3, max: 3 },
    });
  });

  test("is right only if the mean is within its gate, ends included", () => {
    const row = (mean: number) => ({
      of: "",
      figure: "",
      measured: { count: 2, mean, squares: 0, min: 0, max: 9 },
    });
    const gate = { low: 2, high: 3, why: "" };
    const verdicts = [1.99, 2, 3, 3.01, Number.NaN].map((mean) => isWithin({ ...row(mean), gate }));
    expect(verdicts).toEqual([false, true, true, false, false]);
    expect(isWithin(row(100))).toBe(true);
  });

  test("says which gate was left, and why it is there", async () => {
    const [good] = await run(spread());
    const [bad] = await run(spread({ low: 1, high: 2 }));
    expect(reproductionReport([good!], ["spread"])).toMatchObject({ ok: true });
    const report = reproductionReport([bad!], ["spread"]);
    expect(report.ok).toBe(false);
    expect(report.missing).toBeUndefined();
    expect(report.experiments[0]!.rows.map(({ ok }) => ok)).toEqual([false, true]);
    expect(verdictOf(experimentReport(good!))).toBe("the figure that must match does");
    expect(verdictOf(experimentReport(bad!))).toBe("the figure that must match does not");
    expect(reasonsOf(report.experiments[0]!)).toEqual(["about log2 n + ln n"]);
    const [of, figure, published, , mean, interval, gate, verdict] = cellsOf(report.experiments[0]!.rows[0]!);
    expect([of, figure, published, gate, verdict]).toEqual(["n = 32", "rounds", "8", "1 to 2", "left"]);
    expect(interval).toMatch(/^[\d.]+ to [\d.]+$/);
    expect(Number(mean)).toBeCloseTo(bad!.rows[0]!.measured.mean, 1);
    // No gate, no verdict.
    expect(cellsOf(report.experiments[0]!.rows[1]!).slice(-2)).toEqual(["", ""]);
  });

  test("is an object of plain values, always with the same names", async () => {
    const [outcome] = await run(spread());
    const report = reproductionReport([outcome!], ["spread"]);
    expect(JSON.parse(JSON.stringify(report.experiments[0]!.charts))).toEqual(outcome!.charts);
    expect(Object.keys(report.experiments[0]!)).toEqual([
      ...[
        "name",
        "description",
        "source",
        "seed",
        "runs",
        "flags",
        "ok",
        "rows",
        "notes",
        "wallMs",
        "charts",
      ],
    ]);
  });

  test("names the command that finds it again, with what is not as usual", async () => {
    const [usual] = await run(spread());
    expect(commandOf(usual!)).toBe("grapevine reproduce spread");
    const flags = { mode: "pull", small: false, verbose: true, label: "a b" };
    const [other] = await run(spread(), { flags, runs: 2, seed: 9 });
    const words = "--mode pull --no-small --verbose --label 'a b' --runs 2 --seed 9";
    expect(commandOf(other!)).toBe(`grapevine reproduce spread ${words}`);
    const parsed = parseWords(words.replace("'a b'", "a_b").split(" ").slice(0, -4), [spread()]);
    expect(flagsOf(spread(), parsed.flags)).toEqual({ ...other!.input.flags, label: "a_b" });
  });
});

describe("the page", () => {
  const pageOf = async (experiments: readonly Experiment<any, any>[]) => {
    const flags = { verbose: true };
    const outcomes = await reproduce({ experiments, seed: 1, threads: 0, quick: true, flags });
    return reproductionPage({ outcomes, command: "npx grapevine reproduce 'a&b'", version: "1.2.3" });
  };

  test("has for each experiment its chart, its table, its notes and its command, and a list of contents", async () => {
    const html = await pageOf([spread(), { ...spread({ low: 1, high: 2 }), name: "other" }]);
    for (const name of ["spread", "other"]) {
      expect(html).toContain(`<a href="#${name}">`);
      expect(html.split(`id="${name}"`)).toHaveLength(2);
      expect(html).toContain(`id="${name}-0-rounds"`);
      expect(html).toContain(`npx grapevine reproduce ${name} --verbose --runs 4`);
    }
    expect(html).toContain("1 of 2 experiments have figures that must match and do not");
    expect(html.match(/<tr class="failed">/g)).toHaveLength(1);
    expect(html).toContain("Frieze and Grimmett 1985");
    expect(html).toContain("<li>about log2 n + ln n</li>");
    expect(html).toContain("&lt;b&gt;loud");
    expect(html).not.toContain("<b>");
    expect(html).toContain("npx grapevine reproduce 'a&amp;b'");
    expect(html).toContain("Grapevine 1.2.3");
  });

  test("asks nobody for anything", async () => {
    const html = await pageOf([spread()]);
    expect(html).toContain(
      `content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"`,
    );
    expect(html).not.toMatch(/\b(?:src|action)\s*=|\bhref\s*=\s*"(?!#)/);
    expect(html).not.toMatch(/@import|url\(|fetch\(|XMLHttpRequest|import\(/);
  });

  test("draws a whisker from the low end of an interval to the high one, and shows no more paper than needed", async () => {
    const html = await pageOf([spread()]);
    const [outcome] = await run(spread(), { quick: true });
    const [{ plot, options, data }] = drawnOn(html);
    const interval = outcome!.charts[0]!.series[1]!.interval!;
    expect(data).toHaveLength(options.series.length);
    expect(options.series.slice(3).map((one: any) => one.class)).toEqual(["edge", "edge"]);
    // The picture is one unit to the unit, upside down; two whiskers, each with its two ends.
    const lines: [number, number][] = [];
    let from: [number, number] = [0, 0];
    const context = {
      ...Object.fromEntries(["save", "restore", "beginPath", "stroke"].map((name) => [name, () => {}])),
      moveTo: (x: number, y: number) => {
        from = [x, y];
      },
      lineTo: (x: number, y: number) => {
        if (x === from[0]) lines.push([from[1], y]);
      },
    };
    Object.assign(plot, {
      series: options.series.map(() => ({ show: true })),
      ctx: context,
      bbox: { top: -1000, height: 2000 },
      valToPos: (value: number) => -value,
    });
    options.hooks.draw[0](plot);
    expect(lines).toEqual([0, 1].map((i) => [-interval.high[i]!, -interval.low[i]!]));
    plot.series[2].show = false;
    options.hooks.draw[0](plot);
    expect(lines).toHaveLength(2);
    // Lines on logarithmic paper are counted from its edge, so that it begins with one digit: 32 / 1.2 is 26.7.
    const [left, right] = options.scales.x.range;
    expect([left, right]).toEqual([20, expect.closeTo(1.2 * 128, 9)]);
    const { fill, dash } = options.legend.markers;
    expect([1, 2].map((of) => [fill(null, of), dash(null, of)])).toEqual([
      [null, "solid"],
      ["#123456", "solid"],
    ]);
    const heights = options.scales.y.range;
    expect(heights(null, 9, 10)).toEqual([8.92, 10.08]);
    expect(heights(null, 1, 10)[0]).toBe(0);
    expect(heights(null, -1, 10)[0]).toBeLessThan(-1);
  });
});

/** What the page's script hands to the charting library. */
function drawnOn(html: string): any {
  const [, data, script] = [...html.matchAll(/<script(?: type="[^"]*"[^>]*)?>([\s\S]*?)<\/script>/g)].map(
    ([, text]) => text!,
  );
  const drawn: unknown[] = [];
  class Plot {
    static readonly paths = { bars: () => () => null, linear: () => () => null };
    constructor(options: object, columns: object) {
      drawn.push({ plot: this, options, data: columns });
    }
  }
  const document = {
    documentElement: {},
    getElementById: (id: string) => (id === "charts" ? { textContent: data } : { clientWidth: 640 }),
  };
  runInContext(
    script!,
    createContext({
      ...{ document, uPlot: Plot, devicePixelRatio: 1, addEventListener: () => {} },
      getComputedStyle: () => ({ getPropertyValue: () => "#123456" }),
      matchMedia: () => ({ addEventListener: () => {} }),
    }),
  );
  return drawn;
}

describe("the list", () => {
  /** What `grapevine reproduce` takes for itself. */
  const taken = ["runs", "seed", "threads", "quick", "list", "json", "html", "help", "version"];

  test("has each name once, and flags that can be told from the command's own", () => {
    const names = experiments.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, flags = [] } of experiments) {
      expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(name).not.toBe("all");
      for (const flag of flags) {
        expect(taken, `${name} --${flag.name}`).not.toContain(flag.name);
        expect(flag.name, name).toMatch(/^(?!no-)[a-z][a-z0-9-]*$/);
        if (flag.choices !== undefined) expect(flag.choices, name).toContain(flag.default);
      }
    }
  });
});
