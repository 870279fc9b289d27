/**
 * The flood: every message to everybody, over every link of the overlay (the seed report, section 5; the
 * implementation report, section 4.2).
 *
 * On first receipt a message is forwarded to all neighbors except those that sent it or got it. So a link carries it
 * at most once in each direction, and it costs at most 2|E| - |V| + 1 sends. Forwarding waits for the end of the
 * turn: copies that arrive from other neighbors until then need no answer.
 */
import type { Millis, NeighborView, NodeId } from "../core/index.ts";
import type { Retained } from "./retained-messages.ts";
import type { BroadcastEnvironment, MessageStore, Spreading } from "./spreading.ts";

export interface FloodConfig {
  readonly view: NeighborView;
  readonly store: MessageStore;
  readonly forwardDelayMs: Millis;
}

export class Flood implements Spreading {
  readonly #config: FloodConfig;
  /** First received, and not yet forwarded; and whom they came from. */
  #pending: { readonly retained: Retained; readonly from: NodeId | undefined }[] = [];

  constructor(config: FloodConfig) {
    this.#config = config;
  }

  get unfinished(): Iterable<Retained> {
    return this.#pending.map(({ retained }) => retained);
  }

  onNew(retained: Retained, from: NodeId | undefined, env: BroadcastEnvironment): void {
    this.#pending.push({ retained, from });
    if (this.#pending.length === 1) env.schedule(this.#config.forwardDelayMs, { type: "flush" });
  }

  onFlush(env: BroadcastEnvironment): void {
    const { view, store } = this.#config;
    const pending = this.#pending;
    this.#pending = [];
    for (const { retained, from } of pending) {
      const to = view.neighbors.filter(
        (neighbor) => neighbor !== from && !store.isHolder(retained, neighbor),
      );
      if (to.length > 0) store.forward(retained, to, env);
    }
  }
}
