/**
 * How far each run of a batch is, in memory that all threads share: a thread that is deep in a simulation neither
 * reads nor sends messages. The same memory tells them to stop.
 *
 *     [ stop | share, events, virtual time of run 0 | of run 1 | … ]
 */
import type { Millis } from "../../core/index.ts";

const perRun = 3;

export class ProgressBoard {
  /** To be handed to other threads. */
  readonly memory: SharedArrayBuffer;
  readonly #stop: Int32Array;
  readonly #figures: Float64Array;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#stop = new Int32Array(memory, 0, 1);
    this.#figures = new Float64Array(memory, 8);
  }

  static for(runs: number): ProgressBoard {
    return new ProgressBoard(new SharedArrayBuffer(8 * (1 + perRun * runs)));
  }

  static over(memory: SharedArrayBuffer): ProgressBoard {
    return new ProgressBoard(memory);
  }

  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }
  get isStopped(): boolean {
    return Atomics.load(this.#stop, 0) !== 0;
  }

  set(run: number, share: number, events: number, virtualMs: Millis): void {
    this.#figures[perRun * run] = share;
    this.#figures[perRun * run + 1] = events;
    this.#figures[perRun * run + 2] = virtualMs;
  }

  /** Runs, with fractions of those that are under way; events of all; the virtual time that is furthest. */
  get sum(): { readonly runs: number; readonly events: number; readonly virtualMs: Millis } {
    let runs = 0;
    let events = 0;
    let virtualMs = 0;
    for (let at = 0; at < this.#figures.length; at += perRun) {
      runs += this.#figures[at]!;
      events += this.#figures[at + 1]!;
      virtualMs = Math.max(virtualMs, this.#figures[at + 2]!);
    }
    return { runs, events, virtualMs };
  }
}
