/** Checking what a model is told, where it may come from a file and its shape is not to be trusted. */
import { checkOption, UsageError } from "../core/index.ts";

export interface NumberRule {
  readonly min?: number;
  readonly max?: number;
  readonly isFraction?: boolean;
  readonly isOptional?: boolean;
}

/** What each model has: numbers and their rules, and the names of what has rules of its own. */
export type ModelRules<Name extends string> = {
  readonly [Model in Name]: {
    readonly numbers: Readonly<Record<string, NumberRule>>;
    readonly others?: readonly string[];
  };
};

/**
 * Throws `UsageError` unless `given` names one of the models and has what that model has, no more and no less, and each
 * number keeps its rule. `prefix` stands before the names of options in errors, as in `latency.`.
 */
export function checkModel<Name extends string>(
  given: { readonly model: Name },
  rules: ModelRules<Name>,
  prefix = "",
): void {
  checkOption(`${prefix}model`, given.model, { default: "", description: "", choices: Object.keys(rules) });
  const { numbers, others = [] } = rules[given.model];
  const known = [...Object.keys(numbers), ...others];
  for (const name of Object.keys(given)) {
    if (name === "model" || known.includes(name)) continue;
    throw new UsageError(
      `${prefix}${name}: the model ${given.model} has no such option; it has ${known.join(", ")}`,
    );
  }
  const values: Readonly<Record<string, unknown>> = { ...given };
  for (const [name, rule] of Object.entries(numbers)) {
    if (rule.isOptional && values[name] === undefined) continue;
    checkNumber(`${prefix}${name}`, values[name], rule);
  }
}

export function checkNumber(name: string, value: unknown, rule: NumberRule): void {
  checkOption(name, value, { default: 0, description: "", ...rule });
}
