import { existsSync, renameSync } from "node:fs";
import { ClassicLevel } from "classic-level";
import { UsageError } from "../core/index.ts";
import { makeFolder } from "./folders.ts";

/** What a node keeps on disk: small values by key. Writes are gathered and committed together. */
export interface Store {
  /** All entries whose key begins with `prefix`, in order of key. */
  entries(prefix: string): Promise<[key: string, value: Uint8Array][]>;
  /** Undefined removes the key. `onDurable` is called when this, and all before it, survives a power cut. */
  put(key: string, value: Uint8Array | undefined, onDurable?: () => void): void;
  /** Resolves when everything put so far is durable, or could not be written. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Write {
  readonly value: Uint8Array | undefined;
  readonly isAwaited: boolean;
}

const firstRetryMs = 1000;
const maxRetryMs = 60_000;
/** Keys that wait for a disk that does not take them; beyond it the oldest that nobody awaits are given up. */
const maxWaiting = 100_000;

/** A LevelDB folder: log-structured, checksummed, and safe to kill at any moment. */
export class DiskStore implements Store {
  readonly #folder: string;
  readonly #onError: (error: Error) => void;
  #level: ClassicLevel<string, Uint8Array>;
  /** The last value of each key, in order of their last writes. */
  #writes = new Map<string, Write>();
  #callbacks: (() => void)[] = [];
  #committing: Promise<void> | undefined;
  /** A write failed: nothing that this LevelDB takes now can be believed (see `#commit`). */
  #mustReopen = false;
  #retryPause = 0;
  #retry: NodeJS.Timeout | undefined;
  #isClosing = false;

  private constructor(
    folder: string,
    level: ClassicLevel<string, Uint8Array>,
    onError: (error: Error) => void,
  ) {
    this.#folder = folder;
    this.#level = level;
    this.#onError = onError;
  }

  /**
   * Opens the folder, and makes it where there is none. A folder that cannot be read is set aside under another
   * name, with a warning, and a new one is begun: a node that lost its memory can learn again, one that does not
   * start cannot. Throws `UsageError` if another process has it open, it may not be written, or the machine lacks
   * what it takes (files, space): then the data are sound, and stay where they are.
   */
  static async open(
    folder: string,
    warn: (text: string) => void,
    onError: (error: Error) => void,
  ): Promise<DiskStore> {
    try {
      makeFolder(folder, 0o700);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageError(
        code === "EEXIST"
          ? `${folder}: a file is where the data folder should be; remove it, or choose another folder`
          : `${folder}: cannot be made (${code}); choose another data folder`,
      );
    }
    try {
      return new DiskStore(folder, await openLevel(folder), onError);
    } catch (error) {
      const code = causeCode(error);
      if (code === "LEVEL_LOCKED") {
        throw new UsageError(
          `${folder}: another process uses this data folder; stop it, or choose another folder`,
        );
      }
      if (!existsSync(folder) || code === "EACCES")
        throw new UsageError(`${folder}: cannot be written (${String(error)})`);
      if (isTheMachinesFault.test(causeMessage(error)))
        throw new UsageError(`${folder}: cannot be used now (${causeMessage(error)})`);
      const aside = `${folder}.corrupt-${new Date().toISOString().replace(/[:.]/g, "-")}`;
      renameSync(folder, aside);
      warn(
        `the data in ${folder} cannot be read (${causeMessage(error)}); set aside as ${aside}, starting empty`,
      );
      makeFolder(folder, 0o700);
      return new DiskStore(folder, await openLevel(folder), onError);
    }
  }

  async entries(prefix: string): Promise<[string, Uint8Array][]> {
    await this.flush();
    return await this.#level.iterator({ gte: prefix, lt: `${prefix}\uffff` }).all();
  }

  put(key: string, value: Uint8Array | undefined, onDurable?: () => void): void {
    if (this.#isClosing) return;
    const isAwaited = onDurable !== undefined || this.#writes.get(key)?.isAwaited === true;
    this.#writes.delete(key);
    this.#writes.set(key, { value, isAwaited });
    if (onDurable !== undefined) this.#callbacks.push(onDurable);
    if (this.#retry !== undefined) return this.#boundWaiting();
    this.#committing ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.#commit());
  }

  async flush(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    await this.flush();
    if (this.#writes.size > 0) await this.#commit(); // the last chance of what the disk did not take before
    await this.#level.close();
  }

  /**
   * Commits until nothing is left. What arrives while the disk is busy makes the next batch. What the disk does not
   * take waits, and so does everything behind it: LevelDB may have left half a record in its log, and what it writes
   * behind that, saying that it is safe, is lost at the next start. Only opened anew can it be believed again.
   */
  async #commit(): Promise<void> {
    try {
      if (this.#mustReopen) await this.#reopen();
      while (this.#writes.size > 0) {
        const writes = this.#writes;
        const callbacks = this.#callbacks;
        this.#writes = new Map();
        this.#callbacks = [];
        try {
          await this.#level.batch(
            [...writes].map(([key, { value }]) =>
              value === undefined ? { type: "del", key } : { type: "put", key, value },
            ),
            { sync: true },
          );
        } catch (error) {
          this.#mustReopen = true;
          for (const [key, write] of this.#writes) {
            writes.delete(key);
            writes.set(key, write);
          }
          this.#writes = writes;
          this.#callbacks = [...callbacks, ...this.#callbacks];
          throw error;
        }
        this.#retryPause = 0;
        for (const callback of callbacks) callback();
      }
    } catch (error) {
      // A promise that cannot be kept is not given: whoever waits for the disk waits on.
      this.#onError(error instanceof Error ? error : new Error(String(error)));
      this.#tryAgainLater();
    } finally {
      this.#committing = undefined;
    }
  }

  async #reopen(): Promise<void> {
    await this.#level.close();
    this.#level = await openLevel(this.#folder);
    this.#mustReopen = false;
  }

  #tryAgainLater(): void {
    if (this.#isClosing || this.#writes.size === 0) return;
    this.#boundWaiting();
    this.#retryPause = Math.min(maxRetryMs, Math.max(firstRetryMs, this.#retryPause * 2));
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#committing ??= this.#commit();
    }, this.#retryPause).unref();
  }

  #boundWaiting(): void {
    if (this.#writes.size <= maxWaiting) return;
    for (const [key, { isAwaited }] of this.#writes) {
      if (isAwaited) continue;
      this.#writes.delete(key);
      return;
    }
  }
}

/** The system's words for what will pass: too few descriptors, a full disk, a disk that may not be written. */
const isTheMachinesFault =
  /too many open files|no space left|quota exceeded|read-only file system|permission denied|cannot allocate memory/i;

/** Opens and reads everything once, so that damage shows now and not in the middle of the night. */
async function openLevel(folder: string): Promise<ClassicLevel<string, Uint8Array>> {
  const level = new ClassicLevel<string, Uint8Array>(folder, { keyEncoding: "utf8", valueEncoding: "view" });
  await level.open();
  try {
    for await (const _entry of level.iterator()) {
      // Checksums are verified by reading.
    }
  } catch (error) {
    await level.close();
    throw error;
  }
  return level;
}

function causeCode(error: unknown): string | undefined {
  const cause = (error as { cause?: { code?: string } }).cause;
  return cause?.code ?? (error as { code?: string }).code;
}

function causeMessage(error: unknown): string {
  const cause = (error as { cause?: Error }).cause;
  return cause?.message ?? (error instanceof Error ? error.message : String(error));
}
