import { UsageError } from "./errors.ts";

/**
 * Every tunable is described once: its default and where that comes from, its rule, its unit (in its name). From
 * this one table come the validation, the config file, the command line and the documentation.
 */
export interface OptionSpec<T extends number | string | boolean> {
  readonly default: T;
  /** One sentence for the user; where the default comes from, or "guess". */
  readonly description: string;
  readonly min?: number;
  readonly max?: number;
  /** For texts: the allowed values. */
  readonly choices?: readonly T[];
  /** For numbers that may have fractions. */
  readonly isFraction?: boolean;
  /** The name on the command line where the derived one would be unclear beside other layers' options. */
  readonly flag?: string;
}

type Value = number | string | boolean;
export type OptionSpecs<Options> = { readonly [Name in keyof Options]-?: OptionSpec<Options[Name] & Value> };

/** Makes the one validation of an options type: defaults filled in, everything checked, the result frozen. */
export function defineOptions<Options extends object>(specs: OptionSpecs<Options>) {
  const validate = (overrides: Partial<Options> = {}): Readonly<Options> => {
    for (const name of Object.keys(overrides)) {
      if (!Object.hasOwn(specs, name)) {
        throw new UsageError(`${name}: there is no such option; there are ${Object.keys(specs).join(", ")}`);
      }
    }
    const result: Record<string, Value> = {};
    for (const name of Object.keys(specs)) {
      const spec = (specs as Record<string, OptionSpec<Value>>)[name]!;
      const value = (overrides as Record<string, Value | undefined>)[name] ?? spec.default;
      checkOption(name, value, spec);
      result[name] = value;
    }
    return Object.freeze(result) as Readonly<Options>;
  };
  return Object.assign(validate, { specs });
}

/** Throws `UsageError` naming the option, the value and the rule. */
export function checkOption(name: string, value: unknown, spec: OptionSpec<Value>): void {
  if (typeof value !== typeof spec.default) {
    throw new UsageError(`${name}: ${JSON.stringify(value)} is not a ${typeof spec.default}`);
  }
  if (spec.choices !== undefined && !spec.choices.includes(value as Value)) {
    throw new UsageError(`${name}: ${JSON.stringify(value)} is not one of ${spec.choices.join(", ")}`);
  }
  if (typeof value !== "number") return;
  if (!Number.isFinite(value) || (!spec.isFraction && !Number.isSafeInteger(value))) {
    throw new UsageError(`${name}: ${value} is not ${spec.isFraction ? "a number" : "an integer"}`);
  }
  if (spec.min !== undefined && value < spec.min)
    throw new UsageError(`${name}: ${value} is less than ${spec.min}`);
  if (spec.max !== undefined && value > spec.max)
    throw new UsageError(`${name}: ${value} is more than ${spec.max}`);
}
