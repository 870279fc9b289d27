/**
 * Every tunable of every part, as the command line and the config file see it. All of it is derived from the
 * tables beside the protocols, so that an option cannot be forgotten in one place.
 */
import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { checkOption, type OptionSpec, parseDuration, UsageError } from "../core/index.ts";
import { profileOptionSpecs } from "../profiles/index.ts";
import { transportOptions } from "../transport/index.ts";
import { wireOptions } from "../wire/index.ts";
import { datagramOptions } from "./datagrams.ts";
import { linkOptions } from "./links.ts";
import type { NodeOptions } from "./node.ts";

type Value = number | string | boolean;

export interface Tunable {
  /** The part that it belongs to: `heartbeat`, `overlay`, … */
  readonly section: string;
  /** Its name in code and config file: `pingIntervalMs`. */
  readonly name: string;
  /** Its name on the command line: `ping-interval`. */
  readonly flag: string;
  readonly isDuration: boolean;
  readonly spec: OptionSpec<Value>;
}

const sections: Record<string, object> = {
  ...profileOptionSpecs,
  links: linkOptions.specs,
  wire: wireOptions.specs,
  transport: transportOptions.specs,
  datagrams: datagramOptions.specs,
};

export const tunables: readonly Tunable[] = Object.entries(sections).flatMap(([section, specs]) =>
  Object.entries(specs as Record<string, OptionSpec<Value>>).map(([name, spec]) => ({
    section,
    name,
    flag: spec.flag ?? kebab(name.replace(/Ms$/, "")),
    isDuration: name.endsWith("Ms"),
    spec,
  })),
);

/** All tunables that hold where these were set, by section. */
export function tunablesOf(options: NodeOptions): Record<string, Record<string, unknown>> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const { section, name, spec } of tunables) {
    const set = (options as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[section];
    all[section] ??= {};
    all[section][name] = set?.[name] ?? spec.default;
  }
  return all;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The value of a tunable as a text gives it. Throws `UsageError` naming the option, the value and the rule. */
export function parseTunable(tunable: Tunable, text: string): Value {
  const option = `--${tunable.flag}`;
  const { spec } = tunable;
  let value: Value;
  if (tunable.isDuration) value = parseDuration(option, text);
  else if (typeof spec.default === "number") {
    value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isNaN(value)) throw new UsageError(`${option}: "${text}" is not a number`);
  } else if (typeof spec.default === "boolean") {
    if (text !== "true" && text !== "false")
      throw new UsageError(`${option}: "${text}" is not true or false`);
    value = text === "true";
  } else value = text;
  checkOption(option, value, spec);
  return value;
}

/**
 * Reads a config file (YAML or JSON): sections with tunables, each by its name (`pingIntervalMs: 1000`) or as on the
 * command line (`ping-interval: 1s`).
 *
 *     heartbeat:
 *       ping-interval: 1s
 *     overlay:
 *       law: preferential
 *
 * Throws `UsageError` naming file, line and mend.
 */
export function loadConfigFile(path: string): NodeOptions {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--config: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, maxAliasCount: 0 } as object);
  const [syntaxError] = document.errors;
  if (syntaxError !== undefined) {
    throw new UsageError(
      `${path}:${lineCounter.linePos(syntaxError.pos[0]).line}: ${syntaxError.message.split("\n")[0]}`,
    );
  }
  const contents = (document.toJS() ?? {}) as Record<string, Record<string, unknown>>;
  const lineOf = (keys: string[]) => {
    const pair = keys.length === 1 ? undefined : document.getIn(keys, true);
    const node = (pair ?? document.get(keys[0]!, true)) as { range?: [number, number, number] } | undefined;
    return node?.range === undefined ? 1 : lineCounter.linePos(node.range[0]).line;
  };
  if (typeof contents !== "object" || Array.isArray(contents))
    throw new UsageError(`${path}:1: expected sections such as "heartbeat:"`);
  return optionsOf(contents, (keys) => `${path}:${lineOf(keys)}`);
}

/**
 * Options as a file gives them, by section: each by its name (`pingIntervalMs: 1000`) or as on the command line
 * (`ping-interval: 1s`). Throws `UsageError` that begins with `where`, told the section and the option.
 */
export function optionsOf(contents: object, where: (keys: string[]) => string): NodeOptions {
  const options: Record<string, Record<string, Value>> = {};
  for (const [section, entries] of Object.entries(contents)) {
    if (!Object.hasOwn(sections, section)) {
      throw new UsageError(
        `${where([section])}: no section "${section}"; there are ${Object.keys(sections).join(", ")}`,
      );
    }
    if (entries === null) continue;
    if (typeof entries !== "object")
      throw new UsageError(`${where([section])}: "${section}" must hold options`);
    options[section] = {};
    for (const [key, raw] of Object.entries(entries)) {
      const tunable = tunables.find(
        (one) => one.section === section && (one.name === key || one.flag === key),
      );
      if (tunable === undefined) {
        const names = tunables.filter((one) => one.section === section).map((one) => one.flag);
        throw new UsageError(
          `${where([section, key])}: no option "${key}" in ${section}; there are ${names.join(", ")}`,
        );
      }
      try {
        options[section]![tunable.name] = parseTunable(tunable, String(raw));
      } catch (error) {
        throw new UsageError(`${where([section, key])}: ${(error as Error).message}`);
      }
    }
  }
  return options as NodeOptions;
}

/** Throws `UsageError` for a section that there is not, or that holds no options. What is in them, each part checks. */
export function checkSections(options: object): void {
  for (const [section, entries] of Object.entries(options)) {
    if (!Object.hasOwn(sections, section))
      throw new UsageError(
        `options.${section}: there is no such section; there are ${Object.keys(sections).join(", ")}`,
      );
    if (entries !== undefined && (typeof entries !== "object" || entries === null || Array.isArray(entries)))
      throw new UsageError(`options.${section}: ${JSON.stringify(entries)} is no object of options`);
  }
}
