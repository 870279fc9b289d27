/**
 * What is asked of the laboratory, as an address that asks for it again: `?lab=network&peers=50&loss=0.1&seed=7`,
 * `?lab=scenario&name=crash`, `?lab=epidemic&nodes=1000000&mode=push`. Tunables of the nodes have a dot in their names:
 * `heartbeat.pingIntervalMs=500`. What is at its default is left out.
 */
import { checkOption, type OptionSpec, UsageError } from "../../../src/core/index.ts";
import { type RumorOptions, rumorOptions } from "../../../src/dissemination/rumor.ts";
import { type ProfileOptions, profileOptionSpecs } from "../../../src/profiles/index.ts";
import type { Latency } from "../../../src/simulator/index.ts";
import { type EpidemicConfig, epidemicEngines, maxNodes } from "./epidemic-run.ts";

type Value = number | string | boolean;
export type Spec = OptionSpec<Value>;
/** Tunables that are not at their defaults, by section. */
export type Tunables = Readonly<Record<string, Readonly<Record<string, Value>>>>;

export interface NetworkLab {
  readonly kind: "network";
  readonly seeds: number;
  readonly peers: number;
  readonly joinEveryMs: number;
  readonly messages: number;
  readonly everyMs: number;
  readonly links: "stream" | "datagram";
  readonly latency: Latency;
  readonly loss: number;
  readonly seed: number;
  readonly tunables: Tunables;
}

export interface ScenarioLab {
  readonly kind: "scenario";
  readonly name: string;
  readonly seed: number;
  readonly tunables: Tunables;
}

export interface EpidemicLab extends EpidemicConfig {
  readonly kind: "epidemic";
}

export type Lab = NetworkLab | ScenarioLab | EpidemicLab;

const seedSpec = {
  default: 1,
  min: 0,
  max: 2 ** 31 - 1,
  description: "All that chance decides comes from this number: the same seed makes the same run",
};

export const networkSpecs = {
  peers: { default: 30, min: 2, max: 2000, description: "Nodes that gossip" },
  seeds: { default: 3, min: 1, max: 50, description: "Nodes that introduce peers to each other" },
  messages: {
    default: 10,
    min: 0,
    max: 1000,
    description: "Published one after the other, by peers that are drawn",
  },
  everyMs: { default: 2000, min: 1, max: 600_000, description: "Time between two messages" },
  joinEveryMs: { default: 10, min: 0, max: 60_000, description: "Time between two peers that join" },
  loss: {
    default: 0,
    min: 0,
    max: 1,
    isFraction: true,
    description: "Share of messages that get lost; over streams they are sent again, which takes time",
  },
  links: {
    default: "stream",
    choices: ["stream", "datagram"],
    description: "Streams keep the order and lose nothing, as TCP does; datagrams may be lost",
  },
  seed: seedSpec,
} as const satisfies Record<string, Spec>;

/** The numbers of each model of latency that the form offers, with their defaults. */
export const latencyModels = {
  uniform: { fromMs: 5, toMs: 50 },
  constant: { ms: 20 },
  exponential: { meanMs: 30 },
  "log-normal": { medianMs: 30, sigma: 0.6 },
} as const satisfies Partial<Record<Latency["model"], Readonly<Record<string, number>>>>;
export type LatencyModel = keyof typeof latencyModels;

const defaultLatency: Latency = { model: "uniform", ...latencyModels.uniform };

const { mode, fanout, stop, stopAfter, hasFeedback } = rumorOptions.specs;
const rumorSpecs = {
  mode,
  fanout,
  stop,
  stopAfter: { ...stopAfter, max: 255 },
  hasFeedback,
} satisfies Partial<Record<keyof RumorOptions, Spec>>;

export const epidemicSpecs = {
  nodes: { default: 100_000, min: 100, max: maxNodes, description: "Nodes; each may call any other" },
  ...rumorSpecs,
  engine: {
    default: "events",
    choices: epidemicEngines,
    description:
      "events: each node calls at times of its own; synchronous, sequential, poisson: kinds of rounds",
  },
  loss: {
    default: 0,
    min: 0,
    max: 0.9,
    isFraction: true,
    description: "Share of messages that get lost; by events only",
  },
  seed: seedSpec,
} as const satisfies Record<string, Spec>;

/** What can be tuned in every network, by section. */
export const tunableSpecs = profileOptionSpecs as unknown as Readonly<
  Record<string, Readonly<Record<string, Spec>>>
>;

// ---- From and to addresses ----------------------------------------------------------------------------------------

/** Undefined where nothing is asked of the laboratory. Throws `UsageError` naming what cannot be. */
export function labOf(search: string): Lab | undefined {
  const asked = new URLSearchParams(search);
  const kind = asked.get("lab");
  if (kind === null || kind === "") return undefined;
  if (kind === "network") {
    const values = valuesOf(asked, networkSpecs) as unknown as Omit<
      NetworkLab,
      "kind" | "latency" | "tunables"
    >;
    return { kind, ...values, latency: latencyOf(asked.get("latency")), tunables: tunablesOf(asked) };
  }
  if (kind === "scenario") {
    const { seed } = valuesOf(asked, { seed: seedSpec }) as { seed: number };
    return { kind, name: asked.get("name") ?? "", seed, tunables: tunablesOf(asked) };
  }
  if (kind === "epidemic") return epidemicOf(valuesOf(asked, epidemicSpecs));
  throw new UsageError(`lab: "${kind}" is not one of network, scenario, epidemic`);
}

export function addressOf(lab: Lab): string {
  const asked = new URLSearchParams({ lab: lab.kind });
  const put = (name: string, value: Value, spec: Spec) => {
    if (value !== spec.default) asked.set(name, String(value));
  };
  if (lab.kind === "network") {
    for (const [name, spec] of Object.entries(networkSpecs))
      put(name, lab[name as keyof typeof networkSpecs], spec);
    const latency = latencyText(lab.latency);
    if (latency !== latencyText(defaultLatency)) asked.set("latency", latency);
  } else if (lab.kind === "scenario") {
    asked.set("name", lab.name);
    put("seed", lab.seed, seedSpec);
  } else {
    const values: Record<string, Value | undefined> = { ...lab.rumor, ...lab, rumor: undefined } as never;
    for (const [name, spec] of Object.entries(epidemicSpecs)) put(name, values[name] ?? spec.default, spec);
  }
  if (lab.kind !== "epidemic")
    for (const [section, values] of Object.entries(lab.tunables))
      for (const [name, value] of Object.entries(values)) asked.set(`${section}.${name}`, String(value));
  return `?${asked}`;
}

export function epidemicOf(values: Readonly<Record<string, Value>>): EpidemicLab {
  const { nodes, engine, loss, seed, ...rumor } = values;
  return { kind: "epidemic", nodes, engine, loss, seed, rumor } as unknown as EpidemicLab;
}

function valuesOf(asked: URLSearchParams, specs: Readonly<Record<string, Spec>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const text = asked.get(name);
      return [name, text === null ? spec.default : readValue(name, text, spec)];
    }),
  );
}

/** Throws `UsageError` naming the option, the value and the rule. */
export function readValue(name: string, text: string, spec: Spec): Value {
  const value =
    typeof spec.default === "number"
      ? text.trim() === ""
        ? Number.NaN
        : Number(text)
      : typeof spec.default === "boolean" && (text === "true" || text === "false")
        ? text === "true"
        : text;
  checkOption(name, value, spec);
  return value;
}

function tunablesOf(asked: URLSearchParams): Tunables {
  const tunables: Record<string, Record<string, Value>> = {};
  for (const [key, text] of asked) {
    const [section = "", name] = key.split(".");
    if (name === undefined) continue;
    const spec = Object.hasOwn(tunableSpecs, section) ? ownSpec(tunableSpecs[section]!, name) : undefined;
    if (spec === undefined) throw new UsageError(`${key}: there is no such option`);
    tunables[section] = { ...tunables[section], [name]: readValue(key, text, spec) };
  }
  return tunables;
}

function ownSpec(specs: Readonly<Record<string, Spec>>, name: string): Spec | undefined {
  return Object.hasOwn(specs, name) ? specs[name] : undefined;
}

/** `uniform:5:50`: the model and its numbers. */
function latencyOf(text: string | null): Latency {
  if (text === null) return defaultLatency;
  const [model = "", ...numbers] = text.split(":");
  if (!Object.hasOwn(latencyModels, model))
    throw new UsageError(`latency: "${model}" is not one of ${Object.keys(latencyModels).join(", ")}`);
  const names = Object.keys(latencyModels[model as LatencyModel]);
  if (numbers.length !== names.length)
    throw new UsageError(
      `latency: ${text} needs ${names.join(" and ")}, as in ${latencyText(latencyWith(model as LatencyModel))}`,
    );
  const values = names.map((name, i) => {
    const value = Number(numbers[i]);
    if (!Number.isFinite(value) || value < 0 || value > 600_000)
      throw new UsageError(`latency: ${name} ${numbers[i]} is not between 0 and 600000`);
    return [name, value] as const;
  });
  return { model, ...Object.fromEntries(values) } as unknown as Latency;
}

export function latencyWith(model: LatencyModel): Latency {
  return { model, ...latencyModels[model] } as Latency;
}

function latencyText(latency: Latency): string {
  const { model, ...numbers } = latency;
  return [model, ...Object.values(numbers)].join(":");
}

/** As the options of nodes. */
export function optionsOf(tunables: Tunables): ProfileOptions {
  return tunables as unknown as ProfileOptions;
}
