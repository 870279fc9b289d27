import type { Millis } from "../core/index.ts";
import { latestTime } from "./agenda.ts";
import { isMessage, kindOf, maxHeld } from "./event-words.ts";

interface SlowNode {
  perEventMs: Millis;
  busyUntil: Millis;
  /** Head and payload of what it has not come to yet. */
  queue: number[];
  /** How much of the queue is done with. */
  done: number;
}

/** Nodes that take their time: each comes to an event when it is done with those before it, and with this one. */
export class SlowNodes {
  readonly #nodes = new Map<number, SlowNode>();
  // The event that `next` took last.
  head = 0;
  payload = 0;

  isSlow(row: number): boolean {
    return this.#nodes.has(row);
  }

  /** With 0 the node is slow until it has done what waits. */
  set(row: number, perEventMs: Millis, time: Millis): void {
    const node = this.#nodes.get(row);
    if (node !== undefined) {
      node.perEventMs = perEventMs;
      this.#quickenIfDone(row, node);
    } else if (perEventMs > 0) this.#nodes.set(row, { perEventMs, busyUntil: time, queue: [], done: 0 });
  }

  /** When the node will be done with the event, or -1 if there is no room. Timers and commands always have some. */
  queue(row: number, head: number, payload: number, time: Millis): Millis {
    const node = this.#nodes.get(row)!;
    if (isMessage(kindOf(head)) && node.queue.length - node.done >= 2 * maxHeld) return -1;
    node.queue.push(head, payload);
    node.busyUntil = Math.max(node.busyUntil, time) + node.perEventMs;
    // Nobody is so slow that the end of time would come first and stop the simulation.
    return Math.min(latestTime, Math.ceil(node.busyUntil));
  }

  /** Takes the first event that waits, if there is one, and leaves its parts in the fields above. */
  next(row: number): boolean {
    const node = this.#nodes.get(row);
    if (node === undefined) return false;
    const { queue } = node;
    this.head = queue[node.done]!;
    this.payload = queue[node.done + 1]!;
    node.done += 2;
    if (node.done > 1024 && node.done * 2 > queue.length) {
      queue.splice(0, node.done);
      node.done = 0;
    }
    this.#quickenIfDone(row, node);
    return true;
  }

  /** All that has waited for the node, which is slow no longer. */
  release(row: number): readonly number[] {
    const node = this.#nodes.get(row);
    this.#nodes.delete(row);
    return node === undefined ? [] : node.queue.slice(node.done);
  }

  #quickenIfDone(row: number, { perEventMs, queue, done }: SlowNode): void {
    if (perEventMs === 0 && done === queue.length) this.#nodes.delete(row);
  }
}
