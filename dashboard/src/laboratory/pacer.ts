/**
 * How far virtual time may go at the moment: at a speed, at once to a goal, or not at all. It knows no simulation and
 * no timer; whoever runs asks it before each step.
 */
import type { Millis } from "../../../src/core/index.ts";

/** Whoever is further behind than this does not catch up: time was lost, and goes on at its speed from here. */
const maxLagMs = 250;

export class Pacer {
  readonly #wallMs: () => number;
  #speed = 0;
  #goal: Millis = 0;
  /** Virtual time at a moment of ours, from which the speed counts. */
  #anchor: { readonly at: Millis; readonly wallMs: number };

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
    this.#anchor = { at: 0, wallMs: wallMs() };
  }

  /** Virtual ms for each ms of ours. 0 stands still, and gives up a goal; Infinity is as fast as possible. */
  setSpeed(speed: number, now: Millis): void {
    this.#speed = speed >= 0 ? speed : 0;
    if (speed === 0) this.#goal = now;
    this.#anchor = { at: now, wallMs: this.#wallMs() };
  }

  /** As fast as possible to that moment; from there at the speed that was set. */
  runTo(at: Millis): void {
    this.#goal = at;
  }

  /** The latest moment that may come now. */
  limit(now: Millis): Millis {
    if (now < this.#goal) {
      this.#anchor = { at: this.#goal, wallMs: this.#wallMs() };
      return this.#goal;
    }
    if (this.#speed === 0) return now;
    if (this.#speed === Number.POSITIVE_INFINITY) return this.#speed;
    const wallMs = this.#wallMs();
    const limit = this.#anchor.at + (wallMs - this.#anchor.wallMs) * this.#speed;
    if (limit - now > maxLagMs * this.#speed) {
      this.#anchor = { at: now, wallMs };
      return now + this.#speed;
    }
    return limit;
  }

  /** In how many ms of ours it may go on; Infinity: when somebody says so. */
  waitMs(now: Millis): number {
    if (this.limit(now) >= now + 1) return 0;
    return this.#speed === 0 ? Number.POSITIVE_INFINITY : (now + 1 - this.limit(now)) / this.#speed;
  }
}
