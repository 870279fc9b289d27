import { type Command, Option } from "commander";
import { UsageError } from "../core/index.ts";
import { idleOption } from "../dissemination/index.ts";
import {
  formatDuration,
  loadConfigFile,
  mergeOptions,
  type NodeOptions,
  parseTunable,
  type Tunable,
  tunables,
} from "../node/index.ts";
import { broadcastOf } from "../profiles/index.ts";

const headings: Record<string, string> = {
  stack: "Profile:",
  source: "Generated messages:",
  heartbeat: "Heartbeat of the classic profile:",
  overlay: "Overlay of the classic profile:",
  swim: "SWIM and Lifeguard, of the modern profile:",
  hyparview: "HyParView, of the modern profile:",
  broadcast: "Broadcast and history:",
  state: "Shared state:",
  registration: "Registration with seeds:",
  registry: "Seeds:",
  lookup: "Lookup:",
  kademlia: "Kademlia:",
  chord: "Chord:",
  pastry: "Pastry:",
  store: "Store:",
  links: "Links:",
  wire: "Wire format:",
  transport: "Connections:",
  datagrams: "Datagrams:",
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
    for (const option of optionsFor(tunable)) command.addOption(option);
  }
  return command.optionsGroup("Options:");
}

/** What is true or false may be said with a word or without; the help shows the way that changes something. */
function optionsFor(tunable: Tunable): Option[] {
  const { flag, spec } = tunable;
  if (typeof spec.default !== "boolean")
    return [new Option(`--${flag} <${placeholder(tunable)}>`, describe(tunable))];
  return [
    new Option(`--${flag} [true|false]`, describe(tunable)).hideHelp(spec.default),
    new Option(`--no-${flag}`, `turn this off: ${describe(tunable)}`).hideHelp(!spec.default),
  ];
}

function placeholder({ isDuration, spec }: Tunable): string {
  if (isDuration) return "duration";
  if (spec.choices !== undefined) return "name";
  return typeof spec.default === "string" ? "text" : "number";
}

function describe({ isDuration, spec }: Tunable): string {
  const value = isDuration ? formatDuration(spec.default as number) : String(spec.default);
  const choices = spec.choices === undefined ? "" : ` [${spec.choices.join(", ")}]`;
  return `${spec.description}${choices} (default: ${value})`;
}

/** The tunables that the user gave, from `--config` and the command line. Throws `UsageError`. */
export function readTunables(given: Record<string, unknown>): NodeOptions {
  const options = tunablesOf(given);
  const broadcast = broadcastOf(options);
  const idle = idleOption(options.broadcast ?? {}, broadcast);
  if (idle === undefined) return options;
  const { flag } = tunables.find(({ section, name }) => section === "broadcast" && name === idle.name)!;
  throw new UsageError(
    `--${flag}: means nothing to ${broadcast}; leave it out, or take --broadcast ${idle.methods.join(" or ")}`,
  );
}

/** The same for whoever uses some of them for something else, and knows what means nothing. Throws `UsageError`. */
export function tunablesOf(given: Record<string, unknown>): NodeOptions {
  const fromLine: Record<string, Record<string, unknown>> = {};
  for (const tunable of tunables) {
    const value = given[camel(tunable.flag)];
    // A boolean comes from `--flag` and `--no-flag`.
    if (typeof value !== "string" && typeof value !== "boolean") continue;
    fromLine[tunable.section] ??= {};
    fromLine[tunable.section]![tunable.name] = parseTunable(tunable, String(value));
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
