/**
 * Chord's ring maintenance as it stands in the first papers (Stoica et al. 2001 and 2003), with their mistakes: a
 * newcomer knows one successor and no list; pointers are taken over unheard; the predecessor is forgotten when it is
 * silent; and queries are not atomic. For tests that show that the checker of the invariant finds them.
 */
import {
  type Environment,
  isBetween,
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  type NodeId,
  type Protocol,
} from "../../src/core/index.ts";
import type { ChordMessage, Routed, State } from "../../src/lookup/chord-messages.ts";
import type { RingPointers } from "../../src/lookup/chord-ring.ts";

type Timer =
  | { readonly type: "stabilize" | "check" | "join" }
  | { readonly type: "timeout"; readonly question: Question };

interface Question {
  readonly nonce: number;
  readonly about: "join" | "successor" | "list" | "predecessor";
  readonly asked: KeyedNode;
}

export interface TextbookConfig {
  readonly self: KeyedNode;
  readonly keyedNode: KeyedNodeOf;
  readonly bootstrap: readonly NodeId[];
  readonly restored?: RingPointers | undefined;
  readonly length: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
}

type Env = Environment<ChordMessage, Timer, { readonly type: string }>;

export class TextbookChord implements Protocol<ChordMessage, Timer, { readonly type: string }, never> {
  readonly self: KeyedNode;
  predecessor: KeyedNode | undefined;
  successors: readonly KeyedNode[] = [];
  readonly #config: TextbookConfig;
  readonly #open = new Map<number, Question>();

  constructor(config: TextbookConfig) {
    this.self = config.self;
    this.#config = config;
    this.predecessor = config.restored?.predecessor;
    this.successors = config.restored?.successors ?? [];
  }

  start(env: Env): void {
    if (this.successors.length === 0) env.schedule(0, { type: "join" });
    for (const type of ["stabilize", "check"] as const)
      env.schedule(env.random.below(this.#config.periodMs), { type });
  }

  onCommand(): void {}

  onTimer(timer: Timer, env: Env): void {
    const { periodMs, bootstrap, keyedNode } = this.#config;
    if (timer.type === "timeout") return this.#onSilence(timer.question, env);
    if (timer.type === "join") {
      if (this.successors.length > 0) return;
      const contact = bootstrap[env.random.below(bootstrap.length)]!;
      this.#ask("join", keyedNode(contact), env);
      return env.schedule(10 * periodMs, timer);
    }
    const [successor] = this.successors;
    if (timer.type === "stabilize" && successor !== undefined) this.#ask("successor", successor, env);
    if (timer.type === "check" && this.predecessor !== undefined)
      this.#ask("predecessor", this.predecessor, env);
    env.schedule(Math.ceil(periodMs * (0.5 + env.random.unit())), timer);
  }

  onMessage(from: NodeId, message: ChordMessage, env: Env): void {
    switch (message.type) {
      case "ask-state":
        return env.send(from, {
          type: "state",
          nonce: message.nonce,
          predecessor: this.predecessor?.node,
          successors: this.successors.map(({ node }) => node),
        });
      case "route":
        return env.send(from, { type: "routed", nonce: message.nonce, ...this.#wayTo(message.key) });
      case "ping":
        return env.send(from, { type: "pong", nonce: message.nonce });
      case "pong":
        this.#open.delete(message.nonce);
        return;
      case "notify":
        return this.#onNotify(this.#config.keyedNode(from), env);
      case "state":
        return this.#onState(message, env);
      case "routed":
        return this.#onRouted(message, env);
    }
  }

  #ask(about: Question["about"], asked: KeyedNode, env: Env): void {
    const nonce = env.random.uint32();
    const question = { nonce, about, asked };
    this.#open.set(nonce, question);
    if (about === "join") env.send(asked.node, { type: "route", nonce, key: this.self.key });
    else env.send(asked.node, { type: about === "predecessor" ? "ping" : "ask-state", nonce });
    env.schedule(this.#config.timeoutMs, { type: "timeout", question });
  }

  #onSilence(question: Question, env: Env): void {
    if (!this.#open.delete(question.nonce)) return;
    const { about, asked } = question;
    if (about === "predecessor" && this.predecessor === asked) {
      this.predecessor = undefined;
      env.notify({ type: "ring-changed" });
    }
    if (about === "successor") {
      const rest = this.successors.filter((node) => node !== asked);
      // The last one is all there is.
      if (rest.length > 0) this.#setList(rest, env);
      if (rest.length > 0) this.#ask("successor", rest[0]!, env);
    }
  }

  /** n.find_successor: as far as the list goes; otherwise the last of it is asked. */
  #wayTo(key: Key): Pick<Routed, "closer" | "owners"> {
    const closer = this.successors.filter((node) => isBetween(this.self.key, node.key, key)).reverse();
    const owners = this.successors.filter((node) => !closer.includes(node));
    return { closer: closer.map(({ node }) => node), owners: owners.map(({ node }) => node) };
  }

  /** n.join: predecessor := nil; successor := n'.find_successor(n). */
  #onRouted({ nonce, closer, owners }: Routed, env: Env): void {
    const { keyedNode } = this.#config;
    if (!this.#open.delete(nonce) || this.successors.length > 0) return;
    if (closer.length > 0) return this.#ask("join", keyedNode(closer[0]!), env);
    const successor = owners.map(keyedNode).find(({ key }) => key !== this.self.key);
    if (successor !== undefined) this.#setList([successor], env);
  }

  /** n.stabilize: x := successor.predecessor; if x in (n, successor) then successor := x; successor.notify(n). */
  #onState({ nonce, predecessor, successors }: State, env: Env): void {
    const { keyedNode } = this.#config;
    const question = this.#open.get(nonce);
    if (question === undefined || !this.#open.delete(nonce)) return;
    const list = [question.asked, ...successors.map(keyedNode)];
    const x = predecessor === undefined ? undefined : keyedNode(predecessor);
    if (x !== undefined && isBetween(this.self.key, x.key, question.asked.key)) list.unshift(x);
    this.#setList(list, env);
    env.send(this.successors[0]!.node, { type: "notify" });
  }

  #onNotify(node: KeyedNode, env: Env): void {
    if (this.predecessor !== undefined && !isBetween(this.predecessor.key, node.key, this.self.key)) return;
    this.predecessor = node;
    env.notify({ type: "ring-changed" });
  }

  #setList(list: readonly KeyedNode[], env: Env): void {
    this.successors = list.filter(({ key }) => key !== this.self.key).slice(0, this.#config.length);
    env.notify({ type: "ring-changed" });
  }
}
