import { existsSync, mkdirSync, renameSync } from "node:fs";
import { ClassicLevel } from "classic-level";
import { UsageError } from "../core/index.ts";

/** What a node keeps on disk: small values by key. Writes are gathered and committed together. */
export interface Store {
  /** All entries whose key begins with `prefix`, in order of key. */
  entries(prefix: string): Promise<[key: string, value: Uint8Array][]>;
  /** Undefined removes the key. `onDurable` is called when this, and all before it, survives a power cut. */
  put(key: string, value: Uint8Array | undefined, onDurable?: () => void): void;
  /** Resolves when everything put so far is durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Write {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** A LevelDB folder: log-structured, checksummed, and safe to kill at any moment. */
export class DiskStore implements Store {
  readonly #level: ClassicLevel<string, Uint8Array>;
  #writes: Write[] = [];
  #callbacks: (() => void)[] = [];
  #committing: Promise<void> | undefined;
  readonly #onError: (error: Error) => void;

  private constructor(level: ClassicLevel<string, Uint8Array>, onError: (error: Error) => void) {
    this.#level = level;
    this.#onError = onError;
  }

  /**
   * Opens the folder, and makes it where there is none. A folder that cannot be read is set aside under another
   * name, with a warning, and a new one is begun: a node that lost its memory can learn again, one that does not
   * start cannot. Throws `UsageError` if another process has it open or it may not be written.
   */
  static async open(
    folder: string,
    warn: (text: string) => void,
    onError: (error: Error) => void,
  ): Promise<DiskStore> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      return new DiskStore(await openLevel(folder), onError);
    } catch (error) {
      const code = causeCode(error);
      if (code === "LEVEL_LOCKED") {
        throw new UsageError(
          `${folder}: another process uses this data folder; stop it, or choose another folder`,
        );
      }
      if (!existsSync(folder) || code === "EACCES")
        throw new UsageError(`${folder}: cannot be written (${String(error)})`);
      const aside = `${folder}.corrupt-${new Date().toISOString().replace(/[:.]/g, "-")}`;
      renameSync(folder, aside);
      warn(
        `the data in ${folder} cannot be read (${causeMessage(error)}); set aside as ${aside}, starting empty`,
      );
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return new DiskStore(await openLevel(folder), onError);
    }
  }

  async entries(prefix: string): Promise<[string, Uint8Array][]> {
    await this.flush();
    return await this.#level.iterator({ gte: prefix, lt: `${prefix}\uffff` }).all();
  }

  put(key: string, value: Uint8Array | undefined, onDurable?: () => void): void {
    this.#writes.push({ key, value });
    if (onDurable !== undefined) this.#callbacks.push(onDurable);
    this.#committing ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.#commit());
  }

  async flush(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#level.close();
  }

  /** Commits until nothing is left. What arrives while the disk is busy makes the next batch. */
  async #commit(): Promise<void> {
    try {
      while (this.#writes.length > 0) {
        const writes = this.#writes;
        const callbacks = this.#callbacks;
        this.#writes = [];
        this.#callbacks = [];
        await this.#level.batch(
          writes.map(({ key, value }) =>
            value === undefined ? { type: "del", key } : { type: "put", key, value },
          ),
          { sync: true },
        );
        for (const callback of callbacks) callback();
      }
    } catch (error) {
      // A promise that cannot be kept is not given: whoever waits for the disk waits on.
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#committing = undefined;
    }
  }
}

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
