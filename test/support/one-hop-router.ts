/**
 * A router that knows everybody: one hop to each node. What a store is tested over where the router is not the question.
 * Newcomers say hello to those that they know, and are told who else is there; a node that is silent is gone.
 */
import {
  compareXor,
  type Environment,
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  type Lookup,
  type LookupOutcome,
  type LookupReport,
  type LookupStep,
  type NodeId,
  type RouterCommand,
  type RoutingProtocol,
  type Typed,
} from "../../src/core/index.ts";

type Message =
  | { readonly type: "hello" | "welcome"; readonly nodes: readonly NodeId[] }
  | { readonly type: "ping" | "pong"; readonly nonce: number }
  | { readonly type: "goodbye" };

type Timer = { readonly type: "watch" | "joined" } | { readonly type: "silent"; readonly nonce: number };

type Env = Environment<Message, Timer, any>;

interface Ping {
  readonly to: NodeId;
  readonly sentAt: number;
  readonly done: (isThere: boolean, env: Env) => void;
}

const timeoutMs = 200;
const joinMs = 2 * timeoutMs;

export interface OneHopConfig {
  readonly self: KeyedNode;
  readonly keyedNode: KeyedNodeOf;
  readonly bootstrap: readonly NodeId[];
  /** Default: by XOR. */
  readonly order?: ((key: Key, a: Key, b: Key) => number) | undefined;
  /** How often four of the others are asked whether they are there. */
  readonly watchMs?: number | undefined;
}

export class OneHopRouter implements RoutingProtocol<Message, Timer> {
  readonly self: KeyedNode;
  readonly #config: OneHopConfig;
  readonly #contacts = new Map<NodeId, KeyedNode>();
  readonly #pings = new Map<number, Ping>();
  #nextNonce = 1;
  readonly #watchMs: number;
  #isJoining = false;
  #watched = 0;

  constructor(config: OneHopConfig) {
    this.#config = config;
    this.self = config.self;
    this.#watchMs = config.watchMs ?? 500;
    this.hasJoined = config.bootstrap.length === 0;
  }

  hasJoined = false;

  get size(): number {
    return this.#contacts.size;
  }
  compare(key: Key, a: Key, b: Key): number {
    return (this.#config.order ?? compareXor)(key, a, b);
  }
  replicas(key: Key, count: number): KeyedNode[] {
    return [this.self, ...this.#contacts.values()]
      .sort((a, b) => this.compare(key, a.key, b.key))
      .slice(0, count);
  }
  contacts(): KeyedNode[] {
    return [...this.#contacts.values()];
  }

  start(env: Env): void {
    this.#greet(env);
    env.schedule(1 + env.random.below(this.#watchMs), { type: "watch" });
  }

  /** Messages may be lost: until somebody has answered, it is tried again. */
  #greet(env: Env): void {
    for (const node of this.#config.bootstrap) env.send(node, { type: "hello", nodes: [] });
  }

  onCommand(command: RouterCommand, env: Env): void {
    if (command.type === "lookup") this.#begin(command, env.now, env);
    else if (command.type === "leave")
      for (const node of this.#contacts.keys()) env.send(node, { type: "goodbye" });
    else if (command.type === "learn-of")
      for (const node of command.nodes) env.send(node, { type: "hello", nodes: [] });
  }

  onNotice(notice: Typed, env: Env): void {
    if (notice.type === "find-nodes") this.onCommand({ ...(notice as any), type: "lookup" }, env);
  }

  onMessage(from: NodeId, message: Message, env: Env): void {
    switch (message.type) {
      case "hello":
      case "welcome":
        if (message.type === "hello") env.send(from, { type: "welcome", nodes: [...this.#contacts.keys()] });
        for (const node of message.nodes)
          if (node !== env.self && !this.#contacts.has(node)) env.send(node, { type: "hello", nodes: [] });
        return this.#add(from, env);
      case "goodbye":
        return this.#remove(from, env);
      case "ping":
        this.#add(from, env);
        return env.send(from, { type: "pong", nonce: message.nonce });
      case "pong": {
        const ping = this.#pings.get(message.nonce);
        this.#pings.delete(message.nonce);
        if (ping?.to === from) ping.done(true, env);
      }
    }
  }

  onTimer(timer: Timer, env: Env): void {
    if (timer.type === "silent") {
      const ping = this.#pings.get(timer.nonce);
      this.#pings.delete(timer.nonce);
      ping?.done(false, env);
      return;
    }
    if (timer.type === "joined") {
      this.hasJoined = true;
      const [through] = this.#contacts.keys();
      return env.notify({ type: "router-joined", through, afterMs: joinMs });
    }
    const all = [...this.#contacts.keys()];
    for (let i = 0; i < Math.min(4, all.length); i++)
      this.#ping(all[this.#watched++ % all.length]!, () => {}, env);
    if (all.length === 0) this.#greet(env);
    env.schedule(this.#watchMs, { type: "watch" });
  }

  #add(node: NodeId, env: Env): void {
    if (this.#contacts.has(node)) return;
    const contact = this.#config.keyedNode(node);
    this.#contacts.set(node, contact);
    env.notify({ type: "contact-up", contact });
    if (this.hasJoined || this.#isJoining) return;
    // Others are greeted meanwhile.
    this.#isJoining = true;
    env.schedule(joinMs, { type: "joined" });
  }

  #remove(node: NodeId, env: Env): void {
    const contact = this.#contacts.get(node);
    if (contact === undefined) return;
    this.#contacts.delete(node);
    env.notify({ type: "contact-down", contact });
  }

  #ping(to: NodeId, done: Ping["done"], env: Env): void {
    const nonce = this.#nextNonce++;
    const settle: Ping["done"] = (isThere, later) => {
      if (!isThere) this.#remove(to, later);
      done(isThere, later);
    };
    this.#pings.set(nonce, { to, sentAt: env.now, done: settle });
    env.send(to, { type: "ping", nonce });
    env.schedule(timeoutMs, { type: "silent", nonce });
  }

  /** Asks those that should be the closest whether they are there, until all of them are. */
  #begin(lookup: Lookup, startedAt: number, env: Env): void {
    const closest = this.replicas(lookup.key, lookup.count ?? 8);
    const others = closest.filter(({ node }) => node !== env.self);
    const path: LookupStep[] = [];
    let open = others.length;
    let isSomebodyGone = false;
    const end = (later: Env) => {
      if (isSomebodyGone) this.#begin(lookup, startedAt, later);
      else this.#end(lookup, others.length === 0 ? "alone" : "found", closest, path, startedAt, later);
    };
    if (open === 0) return end(env);
    for (const { node, key } of others)
      this.#ping(
        node,
        (isThere, later) => {
          isSomebodyGone ||= !isThere;
          path.push({
            node,
            key,
            referrer: -1,
            depth: 1,
            branch: 0,
            sentAt: startedAt,
            answeredAt: isThere ? later.now : undefined,
            outcome: isThere ? "answered" : "silent",
            learned: 0,
          });
          if (--open === 0) end(later);
        },
        env,
      );
  }

  #end(
    lookup: Lookup,
    outcome: LookupOutcome,
    closest: readonly KeyedNode[],
    path: readonly LookupStep[],
    startedAt: number,
    env: Env,
  ): void {
    const { request, asker, key } = lookup;
    const report: LookupReport = {
      key,
      outcome,
      closest,
      hops: 1,
      asked: path.length,
      answered: path.length,
      silent: 0,
      refused: 0,
      startedAt,
      endedAt: env.now,
      path,
      records: [],
      without: [],
    };
    env.notify({ type: "lookup-ended", request, asker, report });
  }
}
