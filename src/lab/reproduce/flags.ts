/** Flags of experiments: words of a command line to complete and checked values. */
import { UsageError } from "../../core/index.ts";
import type { Experiment, ExperimentFlag, ReproductionInput } from "./experiment.ts";

export type Flags = ReproductionInput["flags"];
/** What was asked for, by the name of the flag; a text where it comes from a command line. */
export type GivenFlags = Readonly<Record<string, string | number | boolean>>;

type AnyExperiment = Experiment<any, any>;

/** All flags of the experiment, what was not given by its default. Throws `UsageError`. */
export function flagsOf({ name, flags = [] }: AnyExperiment, given: GivenFlags): Flags {
  for (const flag of Object.keys(given)) {
    if (flags.some((known) => known.name === flag)) continue;
    const known = flags.map((one) => `--${one.name}`).join(", ");
    throw new UsageError(
      `--${flag}: ${name} has no such flag; ${known === "" ? "it has none" : `it has ${known}`}`,
    );
  }
  return Object.fromEntries(
    flags.map((flag) => {
      const value = given[flag.name];
      return [flag.name, value === undefined ? flag.default : checkedValue(flag, value)];
    }),
  );
}

function checkedValue(flag: ExperimentFlag, given: string | number | boolean): string | number | boolean {
  const { name, choices } = flag;
  switch (typeof flag.default) {
    case "boolean":
      if (typeof given === "boolean") return given;
      if (given === "true" || given === "false") return given === "true";
      throw new UsageError(`--${name}: takes no value, but "${given}"; write --${name} or --no-${name}`);
    case "number":
      return numberOf(flag, given);
    default: {
      const text = String(given);
      if (choices !== undefined && !choices.includes(text))
        throw new UsageError(`--${name}: there is no "${text}"; take one of ${choices.join(", ")}`);
      return text;
    }
  }
}

function numberOf({ name, min, max }: ExperimentFlag, given: string | number | boolean): number {
  const value = typeof given === "string" && given.trim() === "" ? Number.NaN : Number(given);
  const isTooSmall = min !== undefined && value < min;
  const isTooLarge = max !== undefined && value > max;
  if (Number.isFinite(value) && typeof given !== "boolean" && !isTooSmall && !isTooLarge) return value;
  const from = min === undefined ? "" : ` from ${min}`;
  const to = max === undefined ? "" : ` up to ${max}`;
  throw new UsageError(`--${name}: "${given}" is not a number${from}${to}`);
}

/**
 * The words that no option of the command took: names of experiments, and their flags as `--k 1..3`, `--k=1..3`,
 * `--feedback`, `--no-feedback`. Which flags stand alone, the experiments say. Throws `UsageError`.
 */
export function parseWords(
  words: readonly string[],
  experiments: readonly AnyExperiment[],
): { readonly names: readonly string[]; readonly flags: GivenFlags } {
  const names: string[] = [];
  const flags: Record<string, string | boolean> = {};
  const give = (name: string, value: string | boolean) => {
    if (Object.hasOwn(flags, name)) throw new UsageError(`--${name}: is given twice`);
    flags[name] = value;
  };
  const named = experiments.filter(({ name }) => words.includes(name));
  const isAlone = (flag: string) => isBoolean(flag, named.length > 0 ? named : experiments);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith("-")) {
      names.push(word);
      continue;
    }
    if (!word.startsWith("--")) throw new UsageError(`${word}: there is no such option`);
    const [flag, ...rest] = word.slice(2).split("=") as [string, ...string[]];
    const positive = flag.startsWith("no-") ? flag.slice("no-".length) : undefined;
    if (rest.length > 0) give(flag, rest.join("="));
    else if (isAlone(flag)) give(flag, true);
    else if (positive !== undefined && isAlone(positive)) give(positive, false);
    else {
      const value = words[i + 1];
      // A flag that nobody knows is refused by name later, with or without a value.
      if (value === undefined || value.startsWith("--")) {
        if (named.some(({ flags: known = [] }) => known.some(({ name }) => name === flag)))
          throw new UsageError(`${word}: lacks its value`);
        give(flag, true);
      } else {
        give(flag, value);
        i++;
      }
    }
  }
  return { names, flags };
}

function isBoolean(name: string, experiments: readonly AnyExperiment[]): boolean {
  return experiments.some(({ flags = [] }) =>
    flags.some((flag) => flag.name === name && typeof flag.default === "boolean"),
  );
}
