/** What a run cost the machine. */
import { getHeapStatistics } from "node:v8";

export class MachineClock {
  readonly #startedAt = performance.now();

  get wallMs(): number {
    return Math.max(1, Math.round(performance.now() - this.#startedAt));
  }

  /** How often in a second, up to now. */
  rate(count: number): number {
    return Math.round((count / this.wallMs) * 1000);
  }
}

/** Heap and buffers of this thread, with what the collector has not fetched yet. */
export function memoryMiB(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return Math.round((used_heap_size + external_memory) / 2 ** 20);
}

/** What this process may still take: less than the machine has, where a container says so. */
export function availableBytes(): number {
  return process.availableMemory();
}
