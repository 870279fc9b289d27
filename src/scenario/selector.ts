import { type Random, sample, seededRandom, UsageError } from "../core/index.ts";
import type { Action, Scenario, Selector } from "./scenario.ts";
import { defaultPeers, defaultSeeds } from "./scenario-options.ts";

/** A node as the scenario knows it, living or dead. */
export interface KnownNode {
  readonly name: string;
  readonly role: "peer" | "seed";
  readonly isLiving: boolean;
  /** Hangs: who wants "all" or some of the living does not mean it. */
  readonly isPaused?: boolean;
}

/** Turns selectors into names. Draws happen here and nowhere else, so that both worlds draw the same nodes. */
export class Selection {
  readonly #nodes: () => Iterable<KnownNode>;
  readonly #random: Random;
  #drawn: readonly string[] = [];

  constructor(nodes: () => Iterable<KnownNode>, random: Random) {
    this.#nodes = nodes;
    this.#random = random;
  }

  /** Throws `UsageError` where there is no node of that name, or too few living ones to draw from. */
  names(selector: Selector): readonly string[] {
    if (typeof selector === "string") return this.#named(selector);
    if (isList(selector)) return this.#listed(selector);
    const { random, of } = selector;
    const living = this.#living(of === "peers" ? "peer" : "seed");
    const count = random === "minority" ? Math.floor((living.length - 1) / 2) : random;
    if (count > living.length) {
      throw new UsageError(`random: ${count} ${of} are to be drawn, and ${living.length} are living`);
    }
    this.#drawn = sample(living, count, this.#random);
    return this.#drawn;
  }

  /** The action with names for selectors, and with groups for a share. Throws as `names` does. */
  resolve(action: Action): Action {
    switch (action.do) {
      case "partition":
        if (action.by !== undefined) return action;
        return {
          do: "partition",
          groups: action.groups?.map((group) => this.names(group)) ?? this.#split(action.share ?? 0.5),
        };
      case "cut":
        return { ...action, from: this.names(action.from), to: this.names(action.to) };
      case "publish":
        return { ...action, from: this.names(action.from) };
      case "forge-reports":
        return { ...action, against: this.names(action.against) };
      case "join":
      case "heal":
      case "links":
      case "forge-registrations":
        return action;
      default:
        return { ...action, node: this.names(action.node) };
    }
  }

  /** So many of the peers, and so many of the seeds, are cut off from the rest. */
  #split(share: number): (readonly string[])[] {
    const off = [this.#living("peer"), this.#living("seed")].flatMap((names) =>
      sample(names, Math.round(share * names.length), this.#random),
    );
    return [[], off];
  }

  #named(name: string): readonly string[] {
    if (name === "all peers") return this.#living("peer");
    if (name === "all seeds") return this.#living("seed");
    if (name === "the drawn") return this.#drawn;
    const nodes = [...this.#nodes()];
    if (nodes.some((node) => node.name === name)) return [name];
    const known = nodes.map((node) => node.name);
    const shown = known.length > 12 ? `${known.slice(0, 12).join(", ")}, …` : known.join(", ");
    throw new UsageError(`node: there is no "${name}"; there are ${shown}`);
  }

  /** Each once, in order, however often it is named. */
  #listed(selectors: readonly string[]): readonly string[] {
    const known = new Set(Array.from(this.#nodes(), ({ name }) => name));
    const names = new Set<string>();
    for (const one of new Set(selectors)) {
      if (known.has(one)) names.add(one);
      else for (const name of this.#named(one)) names.add(name);
    }
    return [...names];
  }

  #living(role: "peer" | "seed"): string[] {
    const names: string[] = [];
    for (const node of this.#nodes())
      if (node.isLiving && node.isPaused !== true && node.role === role) names.push(node.name);
    return names;
  }
}

function isList(selector: Selector): selector is readonly string[] {
  return Array.isArray(selector);
}

type NodeSettings = NonNullable<Scenario["nodes"]>[number];

/**
 * What is different about which node, for those of the beginning and those that join by name. Draws of its own: worlds
 * ask before anything has happened.
 */
export function settingsByName(scenario: Scenario, seed: number): ReadonlyMap<string, NodeSettings> {
  const { network = {}, nodes = [], timeline = [] } = scenario;
  const planned: KnownNode[] = [];
  for (let i = 1; i <= (network.seeds ?? defaultSeeds); i++) planned.push(living(`seed-${i}`, "seed"));
  for (let i = 1; i <= (network.peers ?? defaultPeers); i++) planned.push(living(`peer-${i}`, "peer"));
  for (const step of timeline)
    if (step.do === "join" && step.name !== undefined) planned.push(living(step.name, "peer"));
  const selection = new Selection(() => planned, seededRandom(seed));
  const settings = new Map<string, NodeSettings>();
  for (const some of nodes)
    for (const name of selection.names(some.which)) settings.set(name, { ...settings.get(name), ...some });
  return settings;
}

function living(name: string, role: "peer" | "seed"): KnownNode {
  return { name, role, isLiving: true };
}
