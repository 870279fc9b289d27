import { identityOf, type NodeId } from "../core/index.ts";
import { maxUpdates, type Update } from "./swim-messages.ts";
import { NewsQueue, updateBytes } from "./swim-news.ts";
import { noUpdates, type SwimEnvironment, type SwimParts } from "./swim-parts.ts";
import type { SwimSuspicions } from "./swim-suspicion.ts";

/** Doubts that a node repeats in each of its pings until they are cleared; guess. */
const repeatedDoubts = 2;

/**
 * How news gets around: it rides along with probes and answers, and while there is any it is also passed on in between.
 */
export class SwimSpreading {
  readonly #parts: SwimParts;
  readonly #suspicions: SwimSuspicions;
  readonly #news: NewsQueue;
  #isGossiping = false;

  constructor(parts: SwimParts, suspicions: SwimSuspicions) {
    this.#parts = parts;
    this.#suspicions = suspicions;
    this.#news = new NewsQueue(parts.options.maxGossipBytes, () => parts.counters.newsDropped++);
  }

  spread(update: Update, rank: 0 | 1 | 2, env: SwimEnvironment): void {
    this.#news.add(update, rank);
    if (this.#isGossiping) return;
    this.#schedule(env.random.below(this.#parts.options.gossipIntervalMs), env);
  }

  onTimer(env: SwimEnvironment): void {
    this.#isGossiping = false;
    const { gossipFanout, maxGossipBytes, gossipIntervalMs } = this.#parts.options;
    const companions = this.#parts.companions(gossipFanout, undefined, env);
    for (const node of companions) {
      const updates = this.#take(maxGossipBytes, maxUpdates);
      if (updates.length > 0) env.send(node, { type: "gossip", updates });
    }
    // Alone we keep what we have; the first who comes sets this going again.
    if (this.#news.size > 0 && companions.length > 0) this.#schedule(gossipIntervalMs, env);
  }

  /** First what it has to hear, and what is said against it; then news; then what we doubt, until it is cleared. */
  updatesFor(to: NodeId, first: readonly Update[] = noUpdates): readonly Update[] {
    const { members, options } = this.#parts;
    const member = members.get(identityOf(to));
    const accusation = options.buddy ? member?.doubt?.accusations[0] : undefined;
    const isQuiet = this.#news.size === 0 && this.#suspicions.size === 0;
    if (isQuiet && accusation === undefined && member?.leave === undefined) return first;
    const updates = first.slice();
    if (accusation !== undefined) updates.push(accusation);
    if (member?.leave !== undefined) updates.push(member.leave);
    let left = options.maxGossipBytes;
    for (const update of updates) left -= updateBytes(update);
    for (const update of this.#take(left, maxUpdates - updates.length)) {
      updates.push(update);
      left -= updateBytes(update);
    }
    if (options.buddy) this.#repeatDoubts(updates, left);
    return updates;
  }

  /** The refutation may have passed us by: whoever knows better says so. */
  #repeatDoubts(updates: Update[], maxBytes: number): void {
    let left = maxBytes;
    for (const doubt of this.#suspicions.someDoubts(repeatedDoubts)) {
      left -= updateBytes(doubt);
      if (left < 0 || updates.length >= maxUpdates) return;
      if (!updates.includes(doubt)) updates.push(doubt);
    }
  }

  /** Each piece retransmitMult * ceil(log10(n + 1)) times, in a network of n with ourselves. */
  #take(maxBytes: number, maxCount: number): Update[] {
    const { members, options } = this.#parts;
    let digits = 1;
    for (let limit = 10; limit < members.here.length + 2; limit *= 10) digits++;
    return this.#news.take(maxBytes, maxCount, options.retransmitMult * digits);
  }

  #schedule(after: number, env: SwimEnvironment): void {
    this.#isGossiping = true;
    env.schedule(after, { type: "gossip", dueAt: env.now + after });
  }
}
