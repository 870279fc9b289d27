/** What a write to disk takes (guess: a solid-state disk that is not idle). */
export const diskMs = 2;

/** What a node finds again after a crash. A write is whole or not there; what it costs in time is `diskMs`. */
export class SimulatedDisk {
  readonly #entries = new Map<string, unknown>();

  /** `undefined` removes the entry. */
  write(key: string, value: unknown): void {
    if (value === undefined) this.#entries.delete(key);
    else this.#entries.set(key, value);
  }

  read<T>(key: string): T | undefined {
    return this.#entries.get(key) as T | undefined;
  }

  /** The entries whose keys begin so, in the order in which they were first written. */
  below<T>(prefix: string): T[] {
    return [...this.#entries].flatMap(([key, value]) => (key.startsWith(prefix) ? [value as T] : []));
  }
}
