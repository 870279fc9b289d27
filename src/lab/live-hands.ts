/**
 * Does to live nodes what scenarios do, one action at a time: the hands of whoever watches a network, and of scenarios
 * that run live. What it does it says as events of layer `scenario`.
 */
import { type NodeId, seededRandom, type TraceEvent, traceEvent, UsageError } from "../core/index.ts";
import { heartbeatOptions } from "../membership/heartbeat-options.ts";
import type { GrapevineNode, Hands, Outcome } from "../node/index.ts";
import { durationMs } from "../scenario/duration.ts";
import type { Action } from "../scenario/scenario.ts";
import { Selection } from "../scenario/selector.ts";
import type { LinkSettings } from "../simulator/index.ts";
import { type ScenarioNotice, scenarioLayer } from "../trace/index.ts";
import type { LocalNetwork } from "./local-network.ts";
import { Gates } from "./scenario/gated-transport.ts";

/** A node in this process, or one that is a process of its own. */
export interface HandledNode {
  readonly name: string;
  readonly role: "peer" | "seed";
  readonly contact: NodeId;
  readonly isRunning: boolean;
  readonly isPaused: boolean;
  publish(text: string): Promise<unknown>;
  pause(): void;
  resume(): void;
  leave(): Promise<void>;
  kill(): Promise<void>;
}

export interface LiveHandsConfig {
  /** The living and the dead, each name once. */
  readonly nodes: () => Iterable<HandledNode>;
  readonly pingIntervalMs: number;
  /** For what is drawn. */
  readonly seed: number;
  /** Between all nodes; without them nothing can be cut or slowed. */
  readonly gates?: Gates | undefined;
  /** Starts a peer; without a name it takes the next free one. */
  readonly join?: (name: string | undefined) => Promise<HandledNode>;
  /** Whoever crashed starts again, with what it had on disk or without. */
  readonly restart?: (node: HandledNode, keepsDisk: boolean) => Promise<unknown>;
  /** Nothing is on any disk: whoever restarts begins anew. */
  readonly isForgetful?: boolean;
  /** The node is the process: a crash is kill -9. */
  readonly killsProcess?: () => unknown;
}

/** What live nodes can be made to do; attacks are for those who write scenarios. */
type Handled = Exclude<Action["do"], "drift" | "forge-reports" | "forge-registrations" | "junk">;
type Doings = {
  readonly [Do in Handled]: (action: Extract<Action, { readonly do: Do }>) => Promise<Outcome>;
};

const toAll: Outcome = { nodes: [] };

export class LiveHands implements Hands {
  readonly actions: readonly Handled[];
  readonly #config: LiveHandsConfig;
  readonly #selection: Selection;
  readonly #listeners = new Set<(event: TraceEvent) => void>();
  /** Whose next beginning is a restart, and whether with its disk. */
  readonly #restarting = new Map<string, boolean>();
  #said = 0;

  constructor(config: LiveHandsConfig) {
    this.#config = config;
    const { nodes, seed, gates, join, restart } = config;
    this.#selection = new Selection(function* () {
      for (const { name, role, isRunning, isPaused } of nodes())
        yield { name, role, isLiving: isRunning, isPaused };
    }, seededRandom(seed));
    this.actions = [
      ...(["publish", "crash", "leave", "pause", "resume"] as const),
      ...(join === undefined ? [] : (["join"] as const)),
      ...(restart === undefined ? [] : (["restart"] as const)),
      ...(gates === undefined ? [] : (["partition", "cut", "heal", "links", "slow"] as const)),
    ];
  }

  onEvent(listener: (event: TraceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Throws `UsageError` for what cannot be done; of several nodes, those before have had it done to them then. */
  async perform(action: Action): Promise<Outcome> {
    if (!(this.actions as readonly string[]).includes(action.do))
      throw new UsageError(`${action.do}: cannot be done here; there are ${this.actions.join(", ")}`);
    const resolved = this.#selection.resolve(action);
    return await (this.#doings[resolved.do as Handled] as (action: Action) => Promise<Outcome>)(resolved);
  }

  /** To be called when a node begins to listen that joined or restarted by these hands, before anything else is said of it. */
  began({ name, role, contact }: Pick<HandledNode, "name" | "role" | "contact">, at = Date.now()): void {
    const keepsDisk = this.#restarting.get(name);
    this.#announce(
      contact,
      keepsDisk === undefined ? { type: "joined", name, role } : { type: "restarted", name, keepsDisk },
      at,
    );
  }

  readonly #doings: Doings = {
    join: async ({ name, count = 1, over = 0 }) => {
      const pauseMs = durationMs(over, this.#config.pingIntervalMs, "over") / count;
      const joined: string[] = [];
      for (let i = 0; i < count; i++) {
        if (i > 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        joined.push((await this.#config.join!(name)).name);
      }
      return { nodes: joined };
    },
    crash: async ({ node }) => {
      const outcome = await this.#each(node, async (one) => {
        this.#announce(one.contact, { type: "crashed" });
        if (this.#config.killsProcess === undefined) await one.kill();
      });
      const { killsProcess } = this.#config;
      const isLast = killsProcess !== undefined && outcome.nodes.length > 0;
      return isLast ? { ...outcome, afterwards: killsProcess } : outcome;
    },
    restart: async ({ node, keepsDisk = true }) => {
      for (const one of this.#named(node)) {
        const isLiving = one.isRunning || this.#restarting.has(one.name);
        if (isLiving) throw new UsageError(`restart: ${one.name} lives; crash it first`);
        this.#restarting.set(one.name, keepsDisk && this.#config.isForgetful !== true);
        try {
          await this.#config.restart!(one, keepsDisk);
        } finally {
          this.#restarting.delete(one.name);
        }
      }
      return { nodes: node as readonly string[] };
    },
    pause: ({ node }) =>
      this.#each(node, async (one) => {
        if (one.isPaused) return;
        this.#announce(one.contact, { type: "paused" });
        one.pause();
      }),
    resume: ({ node }) =>
      this.#each(node, async (one) => {
        if (!one.isPaused) return;
        this.#announce(one.contact, { type: "resumed" });
        one.resume();
      }),
    leave: ({ node }) =>
      this.#each(node, async (one) => {
        if (one.isPaused)
          throw new UsageError(`leave: ${one.name} is paused and cannot say goodbye; resume it first`);
        this.#announce(one.contact, { type: "left" });
        await one.leave();
      }),
    publish: ({ from, messages = 1, text }) => {
      for (const one of this.#named(from)) {
        if (one.role === "seed")
          throw new UsageError(`publish: ${one.name} is a seed, and seeds do not gossip; take a peer`);
        if (one.isPaused) throw new UsageError(`publish: ${one.name} is paused; resume it first`);
      }
      return this.#each(from, async (one) => {
        for (let i = 0; i < messages; i++) await one.publish(text ?? `${one.name} says ${++this.#said}`);
      });
    },
    partition: async ({ groups = [], by }) => {
      if (by !== undefined) throw noZones();
      const names = groups as readonly (readonly string[])[];
      const all = names.flat();
      const twice = all.find((name, i) => all.indexOf(name) < i);
      if (twice !== undefined) throw new UsageError(`groups: "${twice}" is in two groups; leave out one`);
      this.#config.gates!.partition(names);
      const apart = names.slice(1);
      const rest = [...this.#config.nodes()].length - apart.flat().length;
      const sizes = [rest, ...apart.map(({ length }) => length)];
      return this.#announceToAll({ type: "partitioned", sizes, apart });
    },
    cut: async ({ from, to }) => {
      const [sources, targets] = [from, to] as readonly [readonly string[], readonly string[]];
      this.#config.gates!.cut(sources, targets);
      return this.#announceToAll({ type: "cut", from: sources, to: targets });
    },
    heal: async () => {
      this.#config.gates!.heal();
      return this.#announceToAll({ type: "healed" });
    },
    links: async ({ set }) => {
      checkLiveLinks(set);
      this.#config.gates!.setLinks(set);
      return this.#announceToAll({ type: "links-changed", set: { ...set } });
    },
    slow: ({ node, perEventMs }) =>
      this.#each(node, async (one) => {
        this.#config.gates!.slow(one.name, perEventMs);
        this.#announce(one.contact, { type: "slowed", perEventMs });
      }),
  };

  /** One after the other, as they were named; the dead are passed over. */
  async #each(selector: unknown, act: (node: HandledNode) => Promise<void>): Promise<Outcome> {
    const nodes: string[] = [];
    for (const one of this.#named(selector)) {
      if (!one.isRunning) continue;
      await act(one);
      nodes.push(one.name);
    }
    return { nodes };
  }

  #named(selector: unknown): HandledNode[] {
    const byName = new Map<string, HandledNode>();
    for (const node of this.#config.nodes()) byName.set(node.name, node);
    return (selector as readonly string[]).map((name) => byName.get(name)!);
  }

  #announceToAll(notice: ScenarioNotice): Outcome {
    this.#announce("", notice);
    return toAll;
  }

  #announce(node: NodeId, notice: ScenarioNotice, at = Date.now()): void {
    const event = traceEvent(at, node, scenarioLayer, notice);
    for (const listener of this.#listeners) listener(event);
  }
}

/** Nodes that may join beside those of the beginning, behind gates. */
export const roomForJoiners = 10_000;

/** Open gates for a network of so many nodes. */
export function openGates(nodes: number): Gates {
  return new Gates({ nodes: nodes + roomForJoiners, seed: Date.now() >>> 0 });
}

/** Hands for a whole network of this process. */
export function handsOf(network: LocalNetwork): LiveHands {
  const { options, config } = network;
  const hands = new LiveHands({
    nodes: () => network.nodes,
    pingIntervalMs: options.heartbeat?.pingIntervalMs ?? heartbeatOptions.specs.pingIntervalMs.default,
    seed: Date.now() >>> 0,
    gates: config.gates,
    isForgetful: config.dataFolder === undefined,
    join: (name) => network.join(name),
    restart: (node, keepsDisk) => network.restart(node as GrapevineNode, keepsDisk),
  });
  network.onBegin = (node) => hands.began(node);
  return hands;
}

/** Hands for a process that is one node. */
export function handsOfOne(node: GrapevineNode, killsProcess: () => unknown): LiveHands {
  return new LiveHands({ nodes: () => [node], pingIntervalMs: 0, seed: 0, killsProcess });
}

export function noZones(): UsageError {
  return new UsageError(
    "by: live nodes are in no zones; name the groups, or run this with --world simulated",
  );
}

/** Live links are streams of the machine's own speed. Throws `UsageError` for what only a simulation has. */
export function checkLiveLinks(links: Partial<LinkSettings>): void {
  const { kind = "stream", duplication = 0, reordering = 0 } = links;
  const { uploadBytesPerSecond = 0, downloadBytesPerSecond = 0 } = links;
  const cannot = (option: string, why: string) =>
    new UsageError(`links.${option}: ${why}; run this with --world simulated`);
  if (kind !== "stream") throw cannot("kind", "live links are streams");
  if (duplication > 0) throw cannot("duplication", "a stream doubles nothing");
  if (reordering > 0) throw cannot("reordering", "a stream keeps the order");
  if (uploadBytesPerSecond > 0 || downloadBytesPerSecond > 0)
    throw cannot("uploadBytesPerSecond", "bandwidth can only be simulated");
}
