/**
 * The distributed store as a program uses it: each record is kept by the few nodes that are responsible for its key, on
 * their disks. See docs/protocols/store.md for what is promised, and when.
 */
import { type Identity, type Key, type RecordKind, type Typed, UsageError } from "../core/index.ts";
import type { Payload } from "../dissemination/messages.ts";
import { halfASurrogatePair } from "../dissemination/payload.ts";
import type { DeleteRecord, GetRecord, PutRecord, StoreEnded } from "../storage/store-commands.ts";

interface Cancellable {
  /** Ends the waiting: the promise is rejected with the signal's reason. What was sent is not called back. */
  readonly signal?: AbortSignal | undefined;
}

export type PutOptions = Omit<PutRecord, "type" | "request" | "name" | "value"> & Cancellable;
export type DeleteOptions = Omit<DeleteRecord, "type" | "request" | "name"> & Cancellable;
/** `key`: of an immutable record, instead of a name. `owner`: whose, of an owned record; default: this node. */
export type GetOptions = Omit<GetRecord, "type" | "request" | "name" | "key"> & Cancellable;

/** What became of an operation, replica by replica. */
export type OperationResult = StoreEnded;

/** A record that was found. */
export interface FoundRecord {
  readonly key: Key;
  readonly kind: RecordKind;
  readonly value: Uint8Array;
  /** The value as UTF-8. */
  readonly text: string;
  readonly sequence: number;
  /** The id of the member that wrote it; empty in immutable records. */
  readonly writer: string;
  readonly writtenAt: Date;
  /** When it is forgotten, unless it is published again. */
  readonly expiresAt: Date | undefined;
  readonly result: OperationResult;
}

/** An operation did not come about; `result` says of each replica why. */
export class StoreFailure extends Error {
  readonly result: OperationResult;

  constructor(result: OperationResult) {
    super(describeFailure(result));
    this.name = "StoreFailure";
    this.result = result;
  }
}

/** A command of the store without its number. */
export type Operation =
  | Omit<PutRecord, "request">
  | Omit<GetRecord, "request">
  | Omit<DeleteRecord, "request">;

/** What each operation knows; the compiler sees to it that nothing is missing. A misspelt `cas` would overwrite. */
const optionNames = {
  put: {
    ...{ kind: true, cas: true, sequence: true, lifetimeMs: true, replicas: true, writeQuorum: true },
    signal: true,
  } satisfies Record<keyof PutOptions, true>,
  get: {
    ...{ kind: true, owner: true, replicas: true, readQuorum: true },
    signal: true,
  } satisfies Record<keyof GetOptions, true>,
  delete: {
    ...{ kind: true, cas: true, replicas: true, writeQuorum: true },
    signal: true,
  } satisfies Record<keyof DeleteOptions, true>,
};

function checkNames(operation: keyof typeof optionNames, options: object): void {
  const known = optionNames[operation];
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name))
      throw new UsageError(
        `${name}: ${operation} has no such option; there are ${Object.keys(known).join(", ")}`,
      );
}

type Notice = Typed & Record<string, any>;

/** What records need of their node. */
export interface RecordsConfig {
  readonly hasStore: () => boolean;
  readonly isRunning: () => boolean;
  /** Hands a command to the store. */
  readonly command: (body: Notice) => void;
  readonly onNotice: (listener: (notice: Notice) => void) => () => void;
}

export class Records {
  readonly #config: RecordsConfig;
  #nextRequest = 1;

  constructor(config: RecordsConfig) {
    this.#config = config;
  }

  /**
   * Resolves when enough replicas have it on disk. Throws `UsageError` for what no store could keep, and `StoreFailure`
   * where it did not come about: some replicas may have it all the same then.
   */
  async put(name: string, value: Payload, { signal, ...options }: PutOptions = {}): Promise<OperationResult> {
    checkNames("put", options);
    const bytes = bytesOf(value);
    const named = options.kind === "immutable" ? {} : { name };
    const result = await this.ask({ type: "put", ...named, value: bytes, ...options }, signal);
    if (result.outcome !== "stored") throw new StoreFailure(result);
    return result;
  }

  /** Undefined if there is no such record, or it was deleted. Throws as `put` does. */
  async get(nameOrKey: string, { signal, ...options }: GetOptions = {}): Promise<FoundRecord | undefined> {
    checkNames("get", options);
    const which = options.kind === "immutable" ? { key: nameOrKey } : { name: nameOrKey };
    const result = await this.ask({ type: "get", ...which, ...options }, signal);
    if (result.outcome === "missing" || result.outcome === "deleted") return undefined;
    if (result.outcome !== "found") throw new StoreFailure(result);
    return foundRecord(result);
  }

  /** False if there was nothing to delete. Throws as `put` does. */
  async delete(name: string, { signal, ...options }: DeleteOptions = {}): Promise<boolean> {
    checkNames("delete", options);
    const result = await this.ask({ type: "delete", name, ...options }, signal);
    if (result.outcome === "missing") return false;
    if (result.outcome !== "stored") throw new StoreFailure(result);
    return true;
  }

  /**
   * Before the node goes: what is kept here goes to those who are to have it then. The store itself limits how long that
   * takes.
   */
  async handOver(): Promise<void> {
    const { hasStore, isRunning, command, onNotice } = this.#config;
    if (!hasStore() || !isRunning()) return;
    const handedOver = new Promise<void>((resolve) => {
      const stop = onNotice(({ type }) => {
        if (type !== "store-left" && type !== "stopped") return;
        stop();
        resolve();
      });
    });
    command({ type: "leave" });
    await handedOver;
  }

  /** Any operation, and what became of it, whether it came about or not. Throws `UsageError` only. */
  async ask(command: Operation, signal?: AbortSignal): Promise<OperationResult> {
    const config = this.#config;
    if (!config.hasStore())
      throw new UsageError(
        `${command.type}: this node has no store; ask a peer that was started with --router kademlia, chord or pastry`,
      );
    if (!config.isRunning()) throw new UsageError(`${command.type}: this node has stopped`);
    signal?.throwIfAborted();
    const request = this.#nextRequest++;
    return await new Promise((resolve, reject) => {
      const end = () => {
        stopListening();
        signal?.removeEventListener("abort", abort);
      };
      const stopListening = config.onNotice((notice) => {
        if (notice.type === "stopped") {
          end();
          reject(new UsageError(`${command.type}: the node has stopped`));
        } else if (notice.type === "store-ended" && notice["request"] === request) {
          end();
          resolve(notice as unknown as StoreEnded);
        }
      });
      const abort = () => {
        end();
        config.command({ type: "cancel", request });
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      try {
        config.command({ ...command, request });
      } catch (error) {
        end();
        reject(error);
      }
    });
  }
}

/** Copied: what the caller does with its bytes while they are on their way changes nothing. Throws `UsageError`. */
function bytesOf(value: Payload): Uint8Array {
  if (value instanceof Uint8Array) return Uint8Array.from(value); // a Buffer's `slice` would be no copy
  if (typeof value !== "string") throw new UsageError(`value: ${typeof value} is neither a text nor bytes`);
  if (halfASurrogatePair.test(value))
    throw new UsageError(
      "value: the text has half a surrogate pair, which UTF-8 cannot say; send it as bytes",
    );
  return new TextEncoder().encode(value);
}

function foundRecord(result: OperationResult): FoundRecord {
  const { statement } = result.record!;
  const value = statement.value!;
  return {
    key: result.key,
    kind: result.kind,
    value,
    text: new TextDecoder().decode(value),
    sequence: statement.sequence,
    writer: writerText(statement.writer),
    writtenAt: new Date(statement.writtenAt),
    expiresAt: result.expiresAt === undefined ? undefined : new Date(result.expiresAt),
    result,
  };
}

function writerText(writer: Identity): string {
  return String(writer);
}

/** One sentence, with how many replicas said what. */
function describeFailure({ operation, outcome, replicas, needed, sequence }: OperationResult): string {
  const stored = replicas.filter(({ state }) => state === "stored" || state === "found").length;
  const silent = replicas.filter(({ state }) => state === "silent").length;
  const reasons = [...new Set(replicas.flatMap(({ reason }) => reason ?? []))];
  const said = [
    `${replicas.length} asked, ${needed} needed, ${stored} have it, ${silent} silent`,
    ...(reasons.length === 0 ? [] : [`refused because ${reasons.join(", ")}`]),
  ].join("; ");
  const why: Readonly<Record<string, string>> = {
    conflict: `another record is there, with sequence ${sequence}; nothing was written`,
    contended: "others write under this key all the time; nothing was written",
    partial: "too few replicas have it; it may stay or be lost",
    refused: "nobody took it",
    unreachable: "nobody answered",
    busy: "too much is under way at this node; try again",
  };
  return `${operation}: ${why[outcome] ?? outcome} (${said})`;
}
