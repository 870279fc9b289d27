import { isMessage, kindOf, maxHeld } from "./event-words.ts";

/** Nodes that hang: what comes to them waits, as head and payload, in the order in which it came. */
export class PausedNodes {
  readonly #events = new Map<number, number[]>();
  /** They go on at the end of this millisecond. */
  readonly #waking = new Set<number>();

  isWaking(row: number): boolean {
    return this.#waking.has(row);
  }

  wake(row: number): void {
    this.#waking.add(row);
  }

  /** It was paused again before it could go on. */
  keepAsleep(row: number): void {
    this.#waking.delete(row);
  }

  /** False if there is no room. Timers and commands are the node's own, and always have some. */
  hold(row: number, head: number, payload: number): boolean {
    const events = this.#events.get(row);
    if (events === undefined) this.#events.set(row, [head, payload]);
    else if (isMessage(kindOf(head)) && events.length >= 2 * maxHeld) return false;
    else events.push(head, payload);
    return true;
  }

  /** All that has waited for the node, which is paused no longer. */
  release(row: number): readonly number[] {
    this.#waking.delete(row);
    const events = this.#events.get(row) ?? [];
    this.#events.delete(row);
    return events;
  }
}
