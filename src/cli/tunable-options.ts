import { type Command, Option } from "commander";
import {
  formatDuration,
  loadConfigFile,
  mergeOptions,
  type NodeOptions,
  parseTunable,
  type Tunable,
  tunables,
} from "../node/index.ts";

const headings: Record<string, string> = {
  source: "Generated messages:",
  heartbeat: "Heartbeat:",
  overlay: "Overlay:",
  broadcast: "Flood and history:",
  registration: "Registration with seeds:",
  registry: "Seeds:",
  links: "Links:",
  wire: "Wire format:",
  transport: "Connections:",
};

/** Decided by the command itself, never by the user. */
const internal = new Set(["waitsForCommand"]);

/** Adds every tunable of every protocol, grouped by part, and `--config`; without the parts that mean nothing here. */
export function addTunables(command: Command, without: readonly string[] = []): Command {
  command.optionsGroup("Options:");
  command.option(
    "--config <file>",
    "YAML or JSON file with any of the options below, by section; the command line wins",
  );
  for (const tunable of tunables) {
    if (internal.has(tunable.name) || without.includes(tunable.section)) continue;
    command.optionsGroup(headings[tunable.section]!);
    command.addOption(new Option(`--${tunable.flag} <${placeholder(tunable)}>`, describe(tunable)));
  }
  return command.optionsGroup("Options:");
}

function placeholder({ isDuration, spec }: Tunable): string {
  if (isDuration) return "duration";
  if (spec.choices !== undefined) return "name";
  if (typeof spec.default === "string") return "text";
  return typeof spec.default === "number" ? "number" : "true|false";
}

function describe({ isDuration, spec }: Tunable): string {
  const value = isDuration ? formatDuration(spec.default as number) : String(spec.default);
  const choices = spec.choices === undefined ? "" : ` [${spec.choices.join(", ")}]`;
  return `${spec.description}${choices} (default: ${value})`;
}

/** The tunables that the user gave, from `--config` and the command line. Throws `UsageError`. */
export function readTunables(given: Record<string, unknown>): NodeOptions {
  const fromLine: Record<string, Record<string, unknown>> = {};
  for (const tunable of tunables) {
    const text = given[camel(tunable.flag)];
    if (typeof text !== "string") continue;
    fromLine[tunable.section] ??= {};
    fromLine[tunable.section]![tunable.name] = parseTunable(tunable, text);
  }
  const config = given["config"];
  return mergeOptions(
    typeof config === "string" ? loadConfigFile(config) : undefined,
    fromLine as NodeOptions,
  );
}

function camel(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
