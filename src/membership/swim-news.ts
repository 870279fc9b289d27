import { type Identity, identityOf, type NodeId } from "../core/index.ts";
import { type Update, utf8Bytes } from "./swim-messages.ts";

/** Of ourselves first, then doubts, then the rest. */
export const newsRanks = { own: 0, suspicion: 1, other: 2 } as const;
type Rank = (typeof newsRanks)[keyof typeof newsRanks];

interface News {
  readonly update: Update;
  readonly subject: Identity;
  readonly incarnation: number;
  readonly bytes: number;
  readonly rank: Rank;
  sent: number;
  /** Superseded, or passed on often enough. */
  isOld: boolean;
}

/** Bound on what waits to be passed on; guess: a few thousand joins at once. */
export const maxNews = 4096;

/**
 * What is to be passed on, each piece so many times: by rank, least transmitted first, the newest of those first.
 * There is one word of each member about itself, and what is said of an earlier life is dropped.
 */
export class NewsQueue {
  /** By rank and by how often it was sent; what is old is passed over when its turn comes. */
  #tiers: News[][][] = [[], [], []];
  readonly #bySubject = new Map<Identity, News[]>();
  #size = 0;
  /** With those that are old. */
  #stored = 0;
  readonly #maxBytes: number;
  readonly #onDropped: () => void;

  /** What is longer than `maxBytes` fits into no message: only comparisons tell of it. */
  constructor(maxBytes: number, onDropped: () => void) {
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#size;
  }

  add(update: Update, rank: Rank): void {
    const { subject, incarnation } = subjectOf(update);
    const isWord = update.statement.type !== "suspicion";
    const others = this.#bySubject.get(subject) ?? [];
    for (const news of others.slice())
      if (news.incarnation < incarnation || (isWord && news.update.statement.type !== "suspicion"))
        this.#end(news);
    const bytes = updateBytes(update);
    if (bytes > this.#maxBytes) return this.#onDropped();
    const news: News = { update, subject, incarnation, bytes, rank, sent: 0, isOld: false };
    const ofSubject = this.#bySubject.get(subject);
    if (ofSubject === undefined) this.#bySubject.set(subject, [news]);
    else ofSubject.push(news);
    this.#size++;
    this.#store(news);
    if (this.#size > maxNews) this.#dropOne();
    if (this.#stored > 2 * maxNews) this.#sweep();
  }

  /** What fits into so many bytes. Nothing is handed out more than `limit` times. */
  take(maxBytes: number, maxCount: number, limit: number): Update[] {
    const taken: News[] = [];
    let left = maxBytes;
    for (const tiers of this.#tiers) {
      for (const tier of tiers) {
        while (tier.length > 0 && taken.length < maxCount) {
          const news = tier[tier.length - 1]!;
          if (!news.isOld && news.bytes > left) break;
          tier.pop();
          this.#stored--;
          if (news.isOld) continue;
          left -= news.bytes;
          taken.push(news);
        }
      }
    }
    for (const news of taken) {
      news.sent++;
      if (news.sent >= limit) this.#end(news);
      else this.#store(news);
    }
    return taken.map(({ update }) => update);
  }

  #store(news: News): void {
    const tiers = this.#tiers[news.rank]!;
    while (tiers.length <= news.sent) tiers.push([]);
    tiers[news.sent]!.push(news);
    this.#stored++;
  }

  #end(news: News): void {
    news.isOld = true;
    this.#size--;
    const others = this.#bySubject.get(news.subject)!;
    others.splice(others.indexOf(news), 1);
    if (others.length === 0) this.#bySubject.delete(news.subject);
  }

  /** Of the lowest rank the one that most have heard already. */
  #dropOne(): void {
    for (let rank = this.#tiers.length - 1; rank >= 0; rank--) {
      const tiers = this.#tiers[rank]!;
      for (let sent = tiers.length - 1; sent >= 0; sent--) {
        const news = tiers[sent]!.find(({ isOld }) => !isOld);
        if (news === undefined) continue;
        this.#end(news);
        this.#onDropped();
        return;
      }
    }
  }

  #sweep(): void {
    this.#tiers = this.#tiers.map((tiers) => tiers.map((tier) => tier.filter(({ isOld }) => !isOld)));
    this.#stored = this.#size;
  }
}

export function subjectOf({ statement }: Update): {
  readonly subject: Identity;
  readonly incarnation: number;
} {
  const { incarnation } = statement;
  switch (statement.type) {
    case "member-record":
      return { subject: identityOf(statement.member), incarnation };
    case "suspicion":
      return { subject: identityOf(statement.suspect), incarnation };
    case "leave":
      return { subject: identityOf(statement.peer), incarnation };
  }
}

/** What an update takes in a message, on the safe side. */
export function updateBytes({ statement, proof }: Update): number {
  // Numbers, tags of fields and lengths of parts.
  const bytes = 40 + proof.length;
  switch (statement.type) {
    case "member-record":
      return statement.tags.reduce(
        (sum, [name, value]) => sum + 8 + utf8Bytes(name) + utf8Bytes(value),
        bytes + contactBytes(statement.member),
      );
    case "suspicion":
      return bytes + contactBytes(statement.suspect) + contactBytes(statement.accuser);
    case "leave":
      return bytes + contactBytes(statement.peer);
  }
}

/** An id of 20 bytes stands in 40 hexadecimal digits. */
function contactBytes(node: NodeId): number {
  return typeof node === "number" ? 36 : Math.max(10, node.length - 10);
}
