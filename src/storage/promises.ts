/**
 * The sequence numbers that were promised to compare-and-swaps: Paxos' acceptor (Lamport, "Paxos Made Simple", 2001,
 * section 2.2), once for each record, with sequence numbers as ballots. Whoever asks with a higher number gets the promise,
 * and the one before him has lost it.
 *
 * A promise is forgotten when a record of that number or a higher one is here, which says the same. Otherwise it is kept
 * for as long as a record could live that was written under it.
 */
import type { Identity, Millis } from "../core/index.ts";
import { deletionLifetimeMs } from "./store-messages.ts";

export interface PromiseOfNumber {
  readonly sequence: number;
  readonly ticket: number;
  /** Who asked for it; "": somebody, in an earlier life of this node. */
  readonly source: Identity;
  readonly at: Millis;
}

export class Promises {
  readonly #max: number;
  readonly #promises = new Map<string, PromiseOfNumber>();
  readonly #perSource = new Map<Identity, number>();

  /** A single source gets an eighth of `max`, so that nobody keeps all others from it. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#promises.size;
  }
  get(slot: string): PromiseOfNumber | undefined {
    return this.#promises.get(slot);
  }

  /** False if there is no room for one more; a promise for the same slot takes the place of the one before. */
  set(slot: string, promise: PromiseOfNumber): boolean {
    const before = this.#promises.get(slot);
    if (before === undefined && this.#promises.size >= this.#max) this.#dropOutdated(promise.at);
    const isFull = before === undefined && this.#promises.size >= this.#max;
    const given = this.#perSource.get(promise.source) ?? 0;
    if (isFull || (before?.source !== promise.source && given >= Math.ceil(this.#max / 8))) return false;
    this.delete(slot);
    this.#put(slot, promise);
    return true;
  }

  /** What was on disk was promised, however much it is. */
  restore(slot: string, promise: Omit<PromiseOfNumber, "source">): void {
    this.delete(slot);
    this.#put(slot, { ...promise, source: "" });
  }

  #put(slot: string, promise: PromiseOfNumber): void {
    this.#promises.set(slot, promise);
    this.#perSource.set(promise.source, (this.#perSource.get(promise.source) ?? 0) + 1);
  }

  delete(slot: string): boolean {
    const promise = this.#promises.get(slot);
    if (promise === undefined) return false;
    this.#promises.delete(slot);
    const left = this.#perSource.get(promise.source)! - 1;
    if (left === 0) this.#perSource.delete(promise.source);
    else this.#perSource.set(promise.source, left);
    return true;
  }

  #dropOutdated(now: Millis): void {
    for (const [slot, { at }] of this.#promises) if (at + deletionLifetimeMs <= now) this.delete(slot);
  }
}
