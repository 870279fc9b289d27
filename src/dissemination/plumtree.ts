/**
 * Plumtree, source-keyed: a broadcast tree of eager links for each source, and lazy links that announce (Leitao, Pereira,
 * Rodrigues: Epidemic broadcast trees, 2007).
 *
 *     a message      A ─ gossip ─► eager neighbors              A ─ i-have(ids) ─► lazy ones, with the next tick
 *     a copy         A ◄─ gossip ─ B, which A has already       A ─ prune(tree) ─► B: both are lazy to each other now
 *     none comes     A ◄─ i-have ─ B, and no gossip in T1       A ─ graft(id) ─► B,  A ◄─ gossip ─ B: both are eager
 *
 * The first message of a source floods, and all links but those by which it came first fall out of its tree. So the
 * tree is that of the shortest paths from the source, and of its next messages each node gets one copy. Where links or
 * nodes fail, announcements show what is missing, and grafts mend the tree.
 *
 * Deviation: the paper has one tree, which its first source makes. Under many sources it never settles. Here each source
 * has one, see source-trees.ts.
 * Deviation: whoever announced a message to us, or asked for it, has it or will: it is neither sent nor announced there.
 */
import { type Identity, identityOf, type Millis, type NeighborView, type NodeId } from "../core/index.ts";
import {
  type Announcement,
  type Graft,
  type IHave,
  type MessageId,
  maxAnnounced,
  maxGossipBytes,
  maxTreesNamed,
  type Prune,
} from "./messages.ts";
import { payloadBytes } from "./payload.ts";
import type { Retained } from "./retained-messages.ts";
import { messageKey } from "./seen-messages.ts";
import { makeEager, makeLazy, SourceTrees, type SourceTreesOptions, type Tree } from "./source-trees.ts";
import type { BroadcastEnvironment, MessageStore, Spreading } from "./spreading.ts";

export interface PlumtreeOptions extends SourceTreesOptions {
  readonly tickMs: Millis;
  readonly graftTimeoutMs: Millis;
  readonly graftRetryMs: Millis;
  readonly optimiseHops: number;
  readonly maxHot: number;
}

export interface PlumtreeCounters {
  announced: number;
  grafts: number;
  prunes: number;
  graftsGivenUp: number;
  announcementsDropped: number;
  unexpected: number;
}

export interface PlumtreeConfig {
  readonly view: NeighborView;
  readonly store: MessageStore;
  readonly options: PlumtreeOptions;
  readonly counters: PlumtreeCounters;
}

/** A message that somebody has and we have not. */
interface Missing {
  readonly id: MessageId;
  /** Who announced it and was not asked yet, in this order. */
  readonly announcers: { readonly node: NodeId; readonly hops: number }[];
  /** When the next one is asked. */
  dueAt: Millis;
}

/** What a neighbor is told at the next tick. */
interface Outgoing {
  readonly pruned: Set<Tree>;
  readonly grafted: Set<Tree>;
  readonly wanted: MessageId[];
}

/** Messages that are awaited at a time; those beyond are left to the history. */
const maxMissing = 4096;
const maxAnnouncers = 8;
/** Bytes that one graft is answered with (and one message more). */
const maxGraftedBytes = 2 * maxGossipBytes;

export class Plumtree implements Spreading {
  readonly trees: SourceTrees;
  readonly #config: PlumtreeConfig;
  /** Received since the last tick: not announced yet. */
  #fresh: Retained[] = [];
  readonly #missing = new Map<string, Missing>();
  readonly #outgoing = new Map<NodeId, Outgoing>();
  #isTicking = false;
  #startedAt: Millis = 0;

  constructor(config: PlumtreeConfig) {
    this.#config = config;
    this.trees = new SourceTrees(config.options);
  }

  get unfinished(): Iterable<Retained> {
    return this.#fresh;
  }

  /** So young that announcements and grafts are under way; what was restored from disk is older than it looks. */
  isOffered({ receivedAt }: Retained, now: Millis): boolean {
    return receivedAt > this.#startedAt && now - receivedAt < this.#offeredMs;
  }

  get #offeredMs(): Millis {
    const { tickMs, graftTimeoutMs, graftRetryMs } = this.#config.options;
    return 2 * (tickMs + graftTimeoutMs + graftRetryMs);
  }

  start(env: BroadcastEnvironment): void {
    this.#startedAt = env.now;
  }

  // ---- Messages ----

  onNew(retained: Retained, from: NodeId | undefined, env: BroadcastEnvironment): void {
    const { view, store } = this.#config;
    const { statement, hops } = retained.gossip;
    const tree = this.trees.note(statement);
    if (from !== undefined) this.#makeEager(tree, from);
    // The last eager neighbor is gone, and nobody would get more than an announcement of what is published here.
    else if (tree.lazy.length >= view.neighbors.length) tree.lazy.length = 0;
    tree.parent = from;
    tree.hops = hops === undefined ? undefined : hops - 1; // it counts the next link, too
    if (this.#missing.size > 0) this.#stopMissing(retained, tree, env);
    const to = view.neighbors.filter(
      (neighbor) =>
        neighbor !== from &&
        neighbor !== statement.origin &&
        !tree.lazy.includes(neighbor) &&
        !store.isHolder(retained, neighbor),
    );
    if (to.length > 0) store.forward(retained, to, env);
    this.#fresh.push(retained);
    if (this.#fresh.length > this.#config.options.maxHot) {
      this.#config.counters.announcementsDropped++;
      this.#sayRemoved(this.#fresh.shift()!, env);
    }
    this.#tickSoon(env);
  }

  /** A second copy: this link is not part of the tree. */
  onCopy(retained: Retained, from: NodeId, env: BroadcastEnvironment): void {
    if (!this.#config.view.has(from)) return;
    const tree = this.trees.of(retained.gossip.statement.origin);
    if (this.#outgoing.get(from)?.grafted.has(tree)) return; // it is about to be asked for this link
    this.#prune(tree, from);
    this.#tickSoon(env);
  }

  #prune(tree: Tree, neighbor: NodeId): void {
    makeLazy(tree, neighbor);
    const outgoing = this.#to(neighbor);
    outgoing.grafted.delete(tree);
    outgoing.pruned.add(tree);
  }

  #makeEager(tree: Tree, neighbor: NodeId): void {
    makeEager(tree, neighbor);
    this.#outgoing.get(neighbor)?.pruned.delete(tree);
  }

  onPrune(from: NodeId, { sources, isShared }: Prune): void {
    const { view, counters } = this.#config;
    if (!view.has(from)) counters.unexpected++;
    else {
      if (isShared) makeLazy(this.trees.shared, from);
      for (const source of sources) {
        // One that we count among the quiet ones still: it is pruned when its tree is.
        const own = this.trees.ownOf(source);
        if (own !== undefined) makeLazy(own, from);
      }
    }
  }

  // ---- Announcements ----

  onIHave(from: NodeId, { messages }: IHave, env: BroadcastEnvironment): void {
    const { view, store, options, counters } = this.#config;
    if (!view.has(from)) {
      counters.unexpected++;
      return;
    }
    for (const { origin, incarnation, sequence, hops } of messages) {
      const id = { origin, incarnation, sequence };
      const retained = store.find(id);
      if (retained !== undefined) {
        store.noteHolder(retained, from, env);
        // Where sources share a tree their ways differ: nobody could say whose parent that was.
        const own = this.trees.ownOf(identityOf(origin));
        if (own !== undefined && retained.gossip.hops === (own.hops ?? 0) + 1)
          this.#optimise(own, from, hops, env);
        continue;
      }
      if (store.hasSeen(id)) continue;
      const key = messageKey(id);
      const missing = this.#missing.get(key);
      if (missing !== undefined) {
        const { announcers } = missing;
        if (announcers.length < maxAnnouncers && !announcers.some(({ node }) => node === from))
          announcers.push({ node: from, hops });
      } else if (this.#missing.size < maxMissing) {
        const dueAt = env.now + options.graftTimeoutMs;
        this.#missing.set(key, { id, announcers: [{ node: from, hops }], dueAt });
        this.#tickSoon(env);
      } else counters.announcementsDropped++;
    }
  }

  /** It has come. */
  #stopMissing(retained: Retained, tree: Tree, env: BroadcastEnvironment): void {
    const key = messageKey(retained.gossip.statement);
    const missing = this.#missing.get(key);
    if (missing === undefined) return;
    this.#missing.delete(key);
    for (const { node, hops } of missing.announcers) {
      this.#config.store.noteHolder(retained, node, env);
      this.#optimise(tree, node, hops, env);
    }
  }

  /**
   * This neighbor announced what has come over many more links than it would have by it: it takes the place of the one
   * that sent it. It is not below us in the tree, since there all are further from the source.
   */
  #optimise(tree: Tree, announcer: NodeId, hops: number, env: BroadcastEnvironment): void {
    const { view, options } = this.#config;
    const { parent } = tree;
    if (options.optimiseHops === 0 || hops === 0 || tree.hops === undefined) return;
    if (tree.hops - hops < options.optimiseHops || parent === undefined || parent === announcer) return;
    if (!view.has(announcer) || !view.has(parent)) return;
    this.#graft(tree, announcer);
    this.#prune(tree, parent);
    tree.parent = undefined; // one change at a time: the next message shows what it was worth
    this.#tickSoon(env);
  }

  #graft(tree: Tree, neighbor: NodeId): Outgoing {
    this.#makeEager(tree, neighbor);
    const outgoing = this.#to(neighbor);
    outgoing.grafted.add(tree);
    return outgoing;
  }

  onGraft(from: NodeId, { sources, isShared, wanted }: Graft, env: BroadcastEnvironment): void {
    const { view, store, counters } = this.#config;
    if (!view.has(from)) {
      counters.unexpected++;
      return;
    }
    if (isShared) this.#makeEager(this.trees.shared, from);
    for (const source of sources) this.#makeEager(this.trees.of(source), from);
    let bytes = 0;
    for (const id of wanted) {
      const retained = store.find(id);
      // What it sent or got on this link it will not get again, however often it asks.
      if (retained === undefined || store.isHolder(retained, from)) continue;
      store.forward(retained, [from], env);
      for (const payload of retained.gossip.statement.payloads) bytes += payloadBytes(payload);
      if (bytes >= maxGraftedBytes) return;
    }
  }

  // ---- Neighbors ----

  /** It is eager in every tree, and told of what is under way; histories bring what is older. */
  onNeighborUp(neighbor: NodeId, env: BroadcastEnvironment): void {
    const { store } = this.#config;
    this.trees.makeEagerEverywhere(neighbor);
    const young = store.latestRetained(maxAnnounced).filter((one) => this.isOffered(one, env.now));
    this.#announce(neighbor, young, env);
  }

  onNeighborDown(neighbor: NodeId): void {
    this.trees.makeEagerEverywhere(neighbor);
    this.#outgoing.delete(neighbor);
  }

  // ---- Ticks: whatever is no payload waits for the next one, so that it travels together ----

  #tickSoon(env: BroadcastEnvironment): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    env.schedule(this.#config.options.tickMs, { type: "flush" });
  }

  onFlush(env: BroadcastEnvironment): void {
    this.#isTicking = false;
    const fresh = this.#fresh;
    this.#fresh = [];
    if (fresh.length > 0)
      for (const neighbor of this.#config.view.neighbors) this.#announce(neighbor, fresh, env);
    for (const retained of fresh) this.#sayRemoved(retained, env);
    for (const [key, missing] of this.#missing) if (missing.dueAt <= env.now) this.#ask(key, missing, env);
    for (const [neighbor, outgoing] of this.#outgoing) this.#tell(neighbor, outgoing, env);
    this.#outgoing.clear();
    if (this.#missing.size > 0) this.#tickSoon(env);
  }

  /** Of these, what it neither sent nor got nor announced. */
  #announce(neighbor: NodeId, messages: readonly Retained[], env: BroadcastEnvironment): void {
    const { store, counters } = this.#config;
    let list: Announcement[] = [];
    const send = () => {
      counters.announced += list.length;
      env.send(neighbor, { type: "i-have", messages: list });
      list = [];
    };
    for (const retained of messages) {
      const { statement, hops = 0 } = retained.gossip;
      const { origin, incarnation, sequence } = statement;
      if (neighbor === origin || store.isHolder(retained, neighbor)) continue;
      list.push({ origin, incarnation, sequence, hops });
      if (list.length === maxAnnounced) send();
    }
    if (list.length > 0) send();
  }

  /** The next of those who announced it and are neighbors still. Were it nobody, the history would bring it. */
  #ask(key: string, missing: Missing, env: BroadcastEnvironment): void {
    const { view, options, counters } = this.#config;
    let next = missing.announcers.shift();
    while (next !== undefined && !view.has(next.node)) next = missing.announcers.shift();
    if (next === undefined) {
      counters.graftsGivenUp++;
      this.#missing.delete(key);
      return;
    }
    this.#graft(this.trees.of(missing.id.origin), next.node).wanted.push(missing.id);
    missing.dueAt = env.now + options.graftRetryMs;
  }

  #to(neighbor: NodeId): Outgoing {
    let outgoing = this.#outgoing.get(neighbor);
    if (outgoing === undefined) {
      outgoing = { pruned: new Set(), grafted: new Set(), wanted: [] };
      this.#outgoing.set(neighbor, outgoing);
    }
    return outgoing;
  }

  #tell(neighbor: NodeId, { pruned, grafted, wanted }: Outgoing, env: BroadcastEnvironment): void {
    const { counters } = this.#config;
    for (const trees of named(pruned)) {
      counters.prunes++;
      env.send(neighbor, { type: "prune", ...trees });
    }
    // As many pieces as the longer of the two lists needs.
    const pieces = named(grafted);
    for (let i = 0; i < pieces.length || i * maxAnnounced < wanted.length; i++) {
      const trees = pieces[i] ?? { sources: [], isShared: false };
      counters.grafts++;
      env.send(neighbor, {
        type: "graft",
        ...trees,
        wanted: wanted.slice(i * maxAnnounced, (i + 1) * maxAnnounced),
      });
    }
  }

  #sayRemoved({ gossip }: Retained, env: BroadcastEnvironment): void {
    const { origin, incarnation, sequence, payloads } = gossip.statement;
    env.notify({ type: "removed", origin, incarnation, sequence, count: payloads.length });
  }
}

/** The names of these trees, in pieces of which each fits a message. */
function named(trees: ReadonlySet<Tree>): { sources: Identity[]; isShared: boolean }[] {
  const pieces: { sources: Identity[]; isShared: boolean }[] = [];
  for (const { source } of trees) {
    let last = pieces.at(-1);
    if (last === undefined || last.sources.length === maxTreesNamed) {
      last = { sources: [], isShared: false };
      pieces.push(last);
    }
    if (source === undefined) last.isShared = true;
    else last.sources.push(source);
  }
  return pieces;
}
