import { describe, expect, test } from "vitest";
import { UsageError } from "./errors.ts";
import { checkOption, defineOptions } from "./options.ts";

interface Sample {
  readonly intervalMs: number;
  readonly rate: number;
  readonly law: "flat" | "steep";
  readonly isLoud: boolean;
}

const sampleOptions = defineOptions<Sample>({
  intervalMs: { default: 1000, min: 10, max: 60_000, description: "How often (guess)" },
  rate: { default: 0.5, min: 0, max: 1, isFraction: true, description: "How much (guess)" },
  law: { default: "flat", choices: ["flat", "steep"], description: "Which" },
  isLoud: { default: false, description: "Whether" },
});

/** What a user's file or command line may hold, whatever the type says. */
const validate = (overrides: Record<string, unknown>) => sampleOptions(overrides as Partial<Sample>);

describe("validation", () => {
  test("fills in the defaults", () => {
    expect(sampleOptions()).toEqual({ intervalMs: 1000, rate: 0.5, law: "flat", isLoud: false });
    expect(sampleOptions({ rate: undefined, law: "steep" })).toMatchObject({ rate: 0.5, law: "steep" });
  });

  test("takes both ends of a range, and zero and false", () => {
    expect(sampleOptions({ intervalMs: 10, rate: 0, isLoud: false })).toMatchObject({
      intervalMs: 10,
      rate: 0,
    });
    expect(sampleOptions({ intervalMs: 60_000, rate: 1 })).toMatchObject({ intervalMs: 60_000, rate: 1 });
  });

  test("freezes the result and leaves the overrides alone", () => {
    const overrides = { intervalMs: 20 };
    const result = sampleOptions(overrides);
    expect(Object.isFrozen(result)).toBe(true);
    expect(overrides).toEqual({ intervalMs: 20 });
  });

  test.each([
    [{ intervalMs: 9 }, "intervalMs: 9 is less than 10"],
    [{ intervalMs: 60_001 }, "intervalMs: 60001 is more than 60000"],
    [{ intervalMs: 10.5 }, "intervalMs: 10.5 is not an integer"],
    [{ intervalMs: Number.NaN }, "intervalMs: NaN is not an integer"],
    [{ intervalMs: Infinity }, "intervalMs: Infinity is not an integer"],
    [{ intervalMs: "20" }, 'intervalMs: "20" is not a number'],
    [{ rate: 1.5 }, "rate: 1.5 is more than 1"],
    [{ rate: Number.NaN }, "rate: NaN is not a number"],
    [{ law: "round" }, 'law: "round" is not one of flat, steep'],
    [{ law: 3 }, "law: 3 is not a string"],
    [{ isLoud: "yes" }, 'isLoud: "yes" is not a boolean'],
    [{ interval: 20 }, "interval: there is no such option; there are intervalMs, rate, law, isLoud"],
  ])("%j is refused, naming the option, the value and the rule", (overrides, message) => {
    expect(() => validate(overrides)).toThrow(UsageError);
    expect(() => validate(overrides)).toThrow(message);
  });

  test("a name that every object has is no option either", () => {
    for (const name of ["toString", "constructor", "__proto__"]) {
      const overrides = JSON.parse(`{ "${name}": 1 }`);
      expect(() => validate(overrides), name).toThrow("there is no such option");
    }
  });
});

test("the table is there to read, for the config file, the command line and the documentation", () => {
  expect(sampleOptions.specs.intervalMs).toMatchObject({ default: 1000, min: 10, max: 60_000 });
  expect(Object.keys(sampleOptions.specs)).toEqual(["intervalMs", "rate", "law", "isLoud"]);
});

test("one value can be checked by itself", () => {
  expect(() => checkOption("rate", 0.25, sampleOptions.specs.rate)).not.toThrow();
  expect(() => checkOption("rate", 2, sampleOptions.specs.rate)).toThrow("rate: 2 is more than 1");
});
