/** What is changed in a fork, as a text that an address can carry: `loss:0.3`, `crash-hub`, `heartbeat.pingIntervalMs:500`. */
import { UsageError } from "../../../src/core/index.ts";
import { mergeOptions, type ProfileOptions } from "../../../src/profiles/index.ts";
import type { Action } from "../../../src/scenario/scenario.ts";
import type { NetworkPicture } from "../../../src/trace/picture.ts";
import { optionsOf, readValue, type Spec, tunableSpecs } from "./lab-address.ts";
import type { NetworkRunConfig } from "./run-messages.ts";

export interface ChangeKind {
  readonly kind: string;
  readonly label: string;
  /** Of its value; undefined where it needs none. */
  readonly value?: Spec;
}

const share = { min: 0, max: 1, isFraction: true };

/** What can be changed from a moment on. A tunable holds from the start of a run, and is said by its own name. */
export const changeKinds: readonly ChangeKind[] = [
  {
    kind: "loss",
    label: "lose messages",
    value: { ...share, default: 0.3, description: "Share of messages that get lost" },
  },
  {
    kind: "latency",
    label: "slow links",
    value: { min: 0, max: 10_000, default: 500, description: "One way, in ms, for every message" },
  },
  { kind: "crash-hub", label: "kill the peer with the most links" },
  {
    kind: "crash",
    label: "kill peers",
    value: { min: 1, max: 1000, default: 3, description: "How many, drawn with the seed" },
  },
  {
    kind: "pause",
    label: "let peers hang",
    value: { min: 1, max: 1000, default: 3, description: "How many, drawn with the seed" },
  },
  {
    kind: "partition",
    label: "split the network",
    value: { ...share, default: 0.5, description: "Share of the nodes that is cut off" },
  },
  {
    kind: "join",
    label: "add peers",
    value: { min: 1, max: 500, default: 10, description: "How many join at once" },
  },
  { kind: "nothing", label: "nothing: the same run again" },
];

export type ForkChange =
  /** Done to the network at that moment. */
  | { readonly type: "actions"; readonly actions: readonly Action[] }
  /** From the start of the run. */
  | {
      readonly type: "tunable";
      readonly section: string;
      readonly name: string;
      readonly value: number | string | boolean;
    };

/** `picture` is the network at the moment of the fork. Throws `UsageError` naming what cannot be. */
export function changeOf(text: string, picture: NetworkPicture): ForkChange {
  const [kind = "", value = ""] = text.split(":");
  const [section = "", name] = kind.split(".");
  if (name !== undefined) {
    const specs = Object.hasOwn(tunableSpecs, section) ? tunableSpecs[section]! : {};
    if (!Object.hasOwn(specs, name)) throw new UsageError(`change: there is no option "${kind}"`);
    return { type: "tunable", section, name, value: readValue(kind, value, specs[name]!) };
  }
  const known = changeKinds.find((one) => one.kind === kind);
  if (known === undefined)
    throw new UsageError(
      `change: "${kind}" is not one of ${changeKinds.map((one) => one.kind).join(", ")}, or an option`,
    );
  const number = known.value === undefined ? 0 : Number(readValue(kind, value, known.value));
  return { type: "actions", actions: actionsOf(kind, number, picture) };
}

function actionsOf(kind: string, value: number, picture: NetworkPicture): readonly Action[] {
  switch (kind) {
    case "loss":
      return [{ do: "links", set: { loss: value } }];
    case "latency":
      return [{ do: "links", set: { latency: { model: "constant", ms: value } } }];
    case "crash-hub":
      return [{ do: "crash", node: hubOf(picture) }];
    case "crash":
    case "pause":
      return [{ do: kind, node: { random: value, of: "peers" } }];
    case "partition":
      return [{ do: "partition", share: value }];
    case "join":
      return [{ do: "join", count: value }];
  }
  return [];
}

function hubOf(picture: NetworkPicture): string {
  let hub: { readonly name: string; readonly links: number } | undefined;
  for (const { name, role, state, neighbors } of picture.nodes.values())
    if (role === "peer" && state === "alive" && neighbors.size > (hub?.links ?? -1))
      hub = { name, links: neighbors.size };
  if (hub === undefined) throw new UsageError("change: there is no living peer to kill");
  return hub.name;
}

/** The same run from its start with another tunable; what was done by hand is done again at the same moments. */
export function withTunableFrom(
  config: NetworkRunConfig,
  { section, name, value }: Extract<ForkChange, { readonly type: "tunable" }>,
): NetworkRunConfig {
  const { scenario } = config;
  const changed: ProfileOptions = optionsOf({ [section]: { [name]: value } });
  const options = mergeOptions(scenario.stack?.options, changed);
  return { ...config, scenario: { ...scenario, stack: { ...scenario.stack, options } } };
}

export function changeText(text: string): string {
  const [kind = "", value] = text.split(":");
  const known = changeKinds.find((one) => one.kind === kind);
  if (known === undefined) return `${kind} = ${value}, from the start`;
  return value === undefined || known.value === undefined ? known.label : `${known.label}: ${value}`;
}
