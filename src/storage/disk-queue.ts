/**
 * What must be on disk before it is promised: `persist` goes out, `persisted` comes back, and then the callbacks run. Of
 * each key at most one write is under way, so that an answer never stands for a write that came after it.
 */
import type { Environment, Persist } from "../core/index.ts";
import type { StoreMessage } from "./store-messages.ts";

interface Write<Env> {
  /** What the disk should have now; undefined: nothing. */
  readonly value: () => StoreMessage | undefined;
  /** Wait for the write that is under way, and for the one behind it. */
  current: ((env: Env) => void)[];
  next: ((env: Env) => void)[];
  hasNext: boolean;
}

export class DiskQueue<Env extends Environment<any, any, Persist>> {
  readonly #writes = new Map<string, Write<Env>>();
  #waiting = 0;

  /** Answers that wait for the disk. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Is the last value of this key not on disk yet? */
  isWriting(key: string): boolean {
    return this.#writes.has(key);
  }

  /** `value` is asked when the write begins, so that of several only the last is written. */
  write(key: string, value: () => StoreMessage | undefined, onDurable: (env: Env) => void, env: Env): void {
    this.#waiting++;
    const write = this.#writes.get(key);
    if (write !== undefined) {
      write.next.push(onDurable);
      write.hasNext = true;
      return;
    }
    this.#writes.set(key, { value, current: [onDurable], next: [], hasNext: false });
    env.notify({ type: "persist", key, value: value(), isAwaited: true });
  }

  /** Calls back when what is being written now is on disk; at once if nothing is. */
  whenDurable(key: string, onDurable: (env: Env) => void, env: Env): void {
    const write = this.#writes.get(key);
    if (write === undefined) return onDurable(env);
    this.#waiting++;
    (write.hasNext ? write.next : write.current).push(onDurable);
  }

  /** Nobody waits for it. */
  remove(key: string, env: Env): void {
    const write = this.#writes.get(key);
    if (write !== undefined) write.hasNext = true;
    else env.notify({ type: "persist", key, value: undefined, isAwaited: false });
  }

  onPersisted(key: string, env: Env): void {
    const write = this.#writes.get(key);
    if (write === undefined) return;
    const { current } = write;
    this.#waiting -= current.length;
    if (write.hasNext) {
      write.current = write.next;
      write.next = [];
      write.hasNext = false;
      env.notify({ type: "persist", key, value: write.value(), isAwaited: true });
    } else this.#writes.delete(key);
    for (const onDurable of current) onDurable(env);
  }
}
