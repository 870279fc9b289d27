/**
 * What events carry, kept aside until they happen, so that the agenda is made of numbers: objects in a slab, messages of
 * a wire-true run as bytes in an arena. Whoever takes an event out of the agenda takes its payload out of here, or
 * discards it.
 */
import { invariant } from "../core/index.ts";
import { ByteArena } from "./byte-arena.ts";
import {
  commandObject,
  kindOf,
  messageBytes,
  messageNumber,
  messageObject,
  timerObject,
} from "./event-words.ts";
import { Slab } from "./slab.ts";

/** Messages to bytes and back, without objects of its own. */
export interface MessageCodec<Message = any> {
  /** No message is longer. */
  readonly maxBytes: number;
  /** Writes the message to the beginning of `target`; returns its length. */
  write(message: Message, target: Uint8Array): number;
  /** Keeps nothing of the bytes. Throws if they are no message: then they are dropped and counted. */
  read(source: Uint8Array, start: number, end: number): Message;
}

/** What comes of bytes that are no message. */
export const unreadable = Symbol("unreadable");

export class Payloads {
  readonly #objects = new Slab<any>();
  readonly #arena = new ByteArena();
  readonly #codec: MessageCodec | undefined;
  readonly #scratch: Uint8Array;

  constructor(codec: MessageCodec | undefined) {
    this.#codec = codec;
    this.#scratch = new Uint8Array(codec?.maxBytes ?? 0);
  }

  /** Objects and messages in bytes that are kept. */
  get size(): number {
    return this.#objects.size + this.#arena.pieces;
  }
  /** What the bytes take; objects are not counted. */
  get memoryBytes(): number {
    return this.#arena.memoryBytes;
  }

  put(object: any): number {
    return this.#objects.put(object);
  }

  take(payload: number): any {
    return this.#objects.take(payload);
  }

  /** Keeps the message as the bytes that the codec makes of it. */
  write(message: any): number {
    const length = this.#codec!.write(message, this.#scratch);
    invariant(length <= this.#scratch.length, "no message is longer than maxBytes of its codec");
    return this.putBytes(this.#scratch, length);
  }

  putBytes(source: Uint8Array, length: number): number {
    const piece = this.#arena.take(length);
    const start = this.#arena.start(piece);
    const { bytes } = this.#arena;
    if (length > 64) bytes.set(source.subarray(0, length), start);
    else for (let i = 0; i < length; i++) bytes[start + i] = source[i]!;
    return piece;
  }

  /** The length of a message that is kept as bytes. */
  bytesOf(payload: number): number {
    return this.#arena.length(payload);
  }

  /** The message of an event of that kind, which is kept no longer; or `unreadable`. */
  takeMessage(kind: number, payload: number): any {
    if (kind === messageNumber) return payload;
    return kind === messageObject ? this.#objects.take(payload) : this.#read(payload);
  }

  /** The payload of a second copy of the message. */
  copyMessage(kind: number, payload: number): number {
    if (kind === messageNumber) return payload;
    if (kind === messageObject) return this.#objects.put(this.#objects.peek(payload));
    const start = this.#arena.start(payload);
    const length = this.#arena.length(payload);
    return this.putBytes(this.#arena.bytes.subarray(start, start + length), length);
  }

  /** For an event that will never happen. */
  discard(kind: number, payload: number): void {
    if (kind === messageBytes) this.#arena.release(payload);
    else if (kind === messageObject || kind === timerObject || kind === commandObject)
      this.#objects.take(payload);
  }

  /** The same for a list of heads and payloads. */
  discardAll(events: readonly number[]): void {
    for (let i = 0; i < events.length; i += 2) this.discard(kindOf(events[i]!), events[i + 1]!);
  }

  #read(piece: number): any {
    const start = this.#arena.start(piece);
    const end = start + this.#arena.length(piece);
    try {
      return this.#codec!.read(this.#arena.bytes, start, end);
    } catch {
      return unreadable;
    } finally {
      this.#arena.release(piece);
    }
  }
}
