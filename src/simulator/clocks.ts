import type { Millis } from "../core/index.ts";
import { latestTime } from "./agenda.ts";

/** Clocks that are wrong: each shows a time of its own. */
export class Clocks {
  readonly #rates: Float64Array;
  readonly #since: Float64Array;
  readonly #shown: Float64Array;
  /** No clock goes back: what it showed when it was set is the least that it shows. */
  readonly #least: Float64Array;

  constructor(rows: number) {
    this.#rates = new Float64Array(rows);
    this.#since = new Float64Array(rows);
    this.#shown = new Float64Array(rows);
    this.#least = new Float64Array(rows);
  }

  set(row: number, time: Millis, rate: number, offsetMs: Millis): void {
    const exact = this.#exact(row, time);
    this.#least[row] = this.local(row, time);
    this.#shown[row] = exact + offsetMs;
    this.#since[row] = time;
    this.#rates[row] = rate;
  }

  local(row: number, time: Millis): Millis {
    return Math.max(this.#least[row]!, Math.floor(this.#exact(row, time)));
  }

  #exact(row: number, time: Millis): number {
    return this.#shown[row]! + (time - this.#since[row]!) * (1 + this.#rates[row]!);
  }

  /** How long it takes until the node's clock has gone on by so much; never less, whatever the rounding. */
  trueDuration(row: number, time: Millis, pause: Millis): Millis {
    const rate = this.#rates[row]!;
    if (rate === 0) return pause;
    let duration = Math.ceil(pause / (1 + rate));
    const start = Math.floor(this.#exact(row, time));
    while (duration < latestTime && Math.floor(this.#exact(row, time + duration)) < start + pause) duration++;
    return duration;
  }
}
