/**
 * The shared map of a node, as a program uses it: every peer of the network has all of it, and may change any key. See
 * docs/protocols/anti-entropy.md for what happens when two write at once.
 */
import { UsageError } from "../core/index.ts";
import type { ValueEntry } from "../dissemination/anti-entropy-messages.ts";
import type { Payload } from "../dissemination/messages.ts";
import type { SharedState as SharedStateLayer } from "../dissemination/shared-state.ts";

export interface StateEntry {
  readonly key: string;
  readonly value: Payload;
  /** The id of the member that wrote it. */
  readonly writer: string;
  /** By the writer's clock. */
  readonly at: Date;
}

/** What the map needs of its node. */
export interface SharedStateConfig {
  /** Undefined in a seed. */
  readonly layer: SharedStateLayer | undefined;
  readonly isRunning: () => boolean;
  readonly command: (body: { readonly type: string; readonly [field: string]: unknown }) => void;
  /** Resolves when everything so far is on disk, where there is one, and no neighbor is far behind in reading. */
  readonly settled: () => Promise<void>;
}

/**
 *     await node.state.set("color", "green");
 *     node.state.get("color");
 *
 * The latest write wins, everywhere the same. Changes of others are heard as notices `state-changed` of the node, or as
 * `network.stateChanges()`.
 */
export class SharedState {
  readonly #config: SharedStateConfig;

  constructor(config: SharedStateConfig) {
    this.#config = config;
  }

  /** Keys that have a value. */
  get size(): number {
    return this.#config.layer?.size ?? 0;
  }

  /** Undefined if there is none. Bytes are not to be changed. */
  get(key: string): Payload | undefined {
    return this.#config.layer?.get(key);
  }

  /** With who wrote it, and when. */
  entry(key: string): StateEntry | undefined {
    const entry = this.#config.layer?.map?.entry(key);
    return entry?.type === "value" ? publicEntry(entry) : undefined;
  }

  /** All that have a value, in no order that means anything. */
  *entries(): IterableIterator<StateEntry> {
    for (const entry of this.#config.layer?.map?.entries() ?? [])
      if (entry.type === "value") yield publicEntry(entry);
  }

  /**
   * Counts at once, here; resolves when it is on disk, where there is a data folder, and no neighbor is far behind: await
   * it, and a fast writer keeps to the network's pace. Throws `UsageError`, before anything
   * has changed, for a key that is empty or longer than 256 characters, a value that is longer than 64 KiB (or
   * `maxValueBytes`), a map that is full, and on seeds and stopped nodes.
   */
  async set(key: string, value: Payload): Promise<void> {
    this.#check();
    this.#config.command({ type: "set", key, value: typeof value === "string" ? value : value.slice() });
    await this.#config.settled();
  }

  /** False if there was no such key. Throws as `set` does. */
  async delete(key: string): Promise<boolean> {
    this.#check();
    const isThere = this.get(key) !== undefined;
    this.#config.command({ type: "delete", key });
    await this.#config.settled();
    return isThere;
  }

  #check(): void {
    if (this.#config.layer === undefined) throw new UsageError("state: a seed shares none; ask a peer");
    if (!this.#config.isRunning()) throw new UsageError("state: this node has stopped");
  }
}

function publicEntry({ key, value, timestamp }: ValueEntry): StateEntry {
  return { key, value, writer: String(timestamp.site), at: new Date(timestamp.time) };
}
