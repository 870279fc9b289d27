import type { Environment, Millis, NodeId, Random, Tagged } from "../core/index.ts";
import { atEndOfTurn } from "./turn.ts";

export interface LiveEnvironmentConfig {
  readonly self: NodeId;
  readonly random: Random;
  readonly send: (to: NodeId, message: Tagged) => void;
  readonly onTimer: (timer: Tagged) => void;
  readonly onNotice: (notice: Tagged) => void;
}

export interface PendingTimer {
  readonly timer: Tagged;
  /** When it is due. */
  readonly at: Millis;
}

/** The world of one live node: the machine's clock, the operating system's die, sockets behind `send`. */
export class LiveEnvironment implements Environment<Tagged, Tagged, Tagged> {
  readonly self: NodeId;
  readonly row = 0;
  readonly random: Random;
  readonly #config: LiveEnvironmentConfig;
  readonly #timers = new Map<NodeJS.Timeout, PendingTimer>();
  /** How far the clock was ahead of the machine's own count at most. */
  #offset = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(config: LiveEnvironmentConfig) {
    this.#config = config;
    this.self = config.self;
    this.random = config.random;
  }

  /**
   * Milliseconds since 1970. When somebody sets the clock back it goes on from where it was: for protocols that wait for
   * a moment it must not stand still. A clock that is put forward is followed.
   */
  get now(): Millis {
    // The clock first: what passes between the two must not make it run ahead.
    const now = Date.now();
    const counted = performance.now();
    if (now - counted > this.#offset) this.#offset = now - counted;
    return Math.floor(counted + this.#offset);
  }

  send(to: NodeId, message: Tagged): void {
    if (!this.#isClosed) this.#config.send(to, message);
  }

  schedule(after: Millis, timer: Tagged): void {
    if (this.#isClosed) return;
    if (after <= 0) {
      atEndOfTurn(() => {
        if (!this.#isClosed) this.#config.onTimer(timer);
      });
      return;
    }
    const handle = setTimeout(() => {
      this.#timers.delete(handle);
      this.#config.onTimer(timer);
    }, after);
    this.#timers.set(handle, { timer, at: this.now + after });
  }

  /** What this node waits for. */
  get pendingTimers(): Iterable<PendingTimer> {
    return this.#timers.values();
  }

  notify(notice: Tagged): void {
    this.#config.onNotice(notice);
  }

  close(): void {
    this.#isClosed = true;
    for (const handle of this.#timers.keys()) clearTimeout(handle);
    this.#timers.clear();
  }
}
