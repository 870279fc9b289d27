import protobuf from "protobufjs";
import { type Identity, type NodeId, type Proof, RangeSet, type Signed, type Typed } from "../core/index.ts";
import { idBytes as hashBytes } from "../dissemination/anti-entropy-messages.ts";
import { maxPayloadBytes, maxRangesPerOrigin, type Payload } from "../dissemination/messages.ts";
import { idBytes as identityBytes } from "./contact-table.ts";
import { MalformedFrame } from "./malformed-frame.ts";

/**
 * What one field may be, said once for both directions: between the value in memory and the one that protobufjs
 * reads and writes. Both directions throw `MalformedFrame` for what breaks a limit: we do not send what we would
 * not take.
 */
export interface Shape<T> {
  /** `value` is what a generated decoder left; undefined, null or protobufjs' default where the field is missing. */
  read(value: unknown): T;
  write(value: T): unknown;
  /** The most protobuf fields that one such value consists of, itself included (see `StrictReader`). */
  readonly maxFields: number;
}

/** Beside `type`, which the kind of the frame says. */
export type Fields<T> = { readonly [Name in Exclude<keyof T, "type">]-?: Shape<T[Name]> };

// A missing number is protobufjs' default: 0, or a `Long` of 0. (Others never reach us as `Long`, see StrictReader.)
const readNumber = (value: unknown): number => (typeof value === "number" ? value : 0);

export const uint64: Shape<number> = {
  read: readNumber,
  write(value) {
    if (!Number.isSafeInteger(value) || value < 0) throw new MalformedFrame("bad-number", String(value));
    return value;
  },
  maxFields: 1,
};

export const uint32: Shape<number> = {
  read: readNumber,
  write(value) {
    if (value >>> 0 !== value) throw new MalformedFrame("bad-number", String(value));
    return value;
  },
  maxFields: 1,
};

/** One of a few numbers. */
export function oneOf<T extends number>(...values: readonly T[]): Shape<T> {
  return checked(uint32 as Shape<T>, (value) => {
    if (!values.includes(value)) throw new MalformedFrame("bad-choice", String(value));
  });
}

export const flag: Shape<boolean> = {
  read: (value) => value === true,
  write: (value) => value,
  maxFields: 1,
};

/** One of a few words; the numbers are those of the schema. */
export function choice<T extends string>(numbers: Readonly<Record<T, number>>): Shape<T> {
  const words = new Map<unknown, T>((Object.keys(numbers) as T[]).map((word) => [numbers[word], word]));
  return {
    read(value) {
      const word = words.get(value);
      if (word === undefined) throw new MalformedFrame("bad-choice", String(value));
      return word;
    },
    write(value) {
      if (!Object.hasOwn(numbers, value)) throw new MalformedFrame("bad-choice", String(value));
      return numbers[value];
    },
    maxFields: 1,
  };
}

/** A contact with an id: "whoever answers there" can be dialled, but not listed, linked, accused or believed. */
export const peer: Shape<NodeId> = {
  read(value) {
    if (typeof value !== "string") throw new MalformedFrame("missing-field", "contact");
    if (value.startsWith("@")) throw new MalformedFrame("bad-contact", "no id");
    return value;
  },
  write(value) {
    if (typeof value !== "string" || value.startsWith("@"))
      throw new MalformedFrame("bad-contact", String(value));
    return value;
  },
  maxFields: 4,
};

/** Letters, digits, signs and spaces of any script, but nothing that moves the cursor or turns the line around. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]*$/u;

/** A short text that people will read. */
export function label(maxLength: number): Shape<string> {
  const check = (value: string): string => {
    if (value.length > maxLength) throw new MalformedFrame("too-long", `text of ${value.length}`);
    if (!printable.test(value)) throw new MalformedFrame("bad-text", "not printable");
    return value;
  };
  return { read: (value) => check(value as string), write: check, maxFields: 1 };
}

/** Bytes whose number is one of `lengths`. */
export function fixedBytes(...lengths: readonly number[]): Shape<Uint8Array> {
  return bytesWhere((length) => {
    if (!lengths.includes(length)) throw new MalformedFrame("bad-length", `${length} bytes`);
  });
}

export function bytesBetween(min: number, max: number): Shape<Uint8Array> {
  return bytesWhere((length) => {
    if (length < min || length > max) throw new MalformedFrame("bad-length", `${length} bytes`);
  });
}

function bytesWhere(check: (length: number) => void): Shape<Uint8Array> {
  return {
    read(value) {
      // A missing field is protobufjs' empty array.
      const bytes = value as ArrayLike<number>;
      check(bytes.length);
      return new Uint8Array(bytes);
    },
    write(value) {
      check(value.length);
      return value;
    },
    maxFields: 1,
  };
}

export const maxProofBytes = 256;

/** Has a memory of its own, as the next record or report may be kept for months. */
export const proof: Shape<Proof> = bytesWhere((length) => {
  if (length > maxProofBytes) throw new MalformedFrame("too-long", `proof of ${length} bytes`);
});

interface PayloadFields {
  readonly text?: string;
  readonly bytes?: Uint8Array;
}

/** The length that counts: texts as UTF-8. */
export function payloadBytes(payload: Payload): number {
  return typeof payload === "string" ? protobuf.util.utf8.length(payload) : payload.length;
}

export const payload: Shape<Payload> = {
  read(value) {
    const fields = value as PayloadFields;
    if (Object.hasOwn(fields, "text")) return fields.text!;
    if (Object.hasOwn(fields, "bytes")) return copyOf(fields.bytes!);
    throw new MalformedFrame("missing-field", "payload");
  },
  write(value) {
    if (typeof value !== "string") {
      if (value.length > maxPayloadBytes)
        throw new MalformedFrame("too-long", `payload of ${value.length} bytes`);
      return { bytes: value };
    }
    // The exact length costs a walk over the text; a third of the limit is short enough however it is encoded.
    if (value.length > maxPayloadBytes / 3 && payloadBytes(value) > maxPayloadBytes) {
      throw new MalformedFrame("too-long", `payload of ${value.length} characters`);
    }
    if (!isWellFormed(value)) throw new MalformedFrame("bad-text", "half of a surrogate pair");
    return { text: value };
  },
  maxFields: 2,
};

/** A payload that is kept for long: its bytes have a memory of their own. */
export const keptPayload: Shape<Payload> = {
  ...payload,
  read(value) {
    const read = payload.read(value);
    return typeof read === "string" ? read : new Uint8Array(read);
  },
};

/** A text that programs choose: anything that UTF-8 can say, and at least one character. */
export function keyText(maxLength: number): Shape<string> {
  const check = (value: string): string => {
    if (value.length > maxLength) throw new MalformedFrame("too-long", `text of ${value.length}`);
    if (value.length === 0) throw new MalformedFrame("bad-length", "empty text");
    if (!isWellFormed(value)) throw new MalformedFrame("bad-text", "half of a surrogate pair");
    return value;
  };
  return { read: (value) => check(value as string), write: check, maxFields: 1 };
}

const hexDigits = /^([0-9a-f]{2})+$/;

/** The part of a contact that is the key: 20 bytes on the wire, 40 hexadecimal digits in memory. */
export const identity: Shape<Identity> = {
  read(value) {
    const bytes = value as ArrayLike<number>;
    if (bytes.length !== identityBytes) throw new MalformedFrame("bad-length", `id of ${bytes.length} bytes`);
    let hex = "";
    for (let i = 0; i < identityBytes; i++) hex += bytes[i]!.toString(16).padStart(2, "0");
    return hex;
  },
  write(value) {
    if (typeof value !== "string" || value.length !== 2 * identityBytes || !hexDigits.test(value))
      throw new MalformedFrame("bad-length", `id ${String(value)}`);
    return Uint8Array.from({ length: identityBytes }, (_, i) =>
      Number.parseInt(value.slice(2 * i, 2 * i + 2), 16),
    );
  },
  maxFields: 1,
};

/** Hashes packed one after the other, in pieces that are no longer than any byte string may be. */
export function packedHashes(max: number): Shape<Uint8Array> {
  const pieceBytes = 1024 * hashBytes;
  const check = (length: number) => {
    if (length % hashBytes !== 0) throw new MalformedFrame("bad-length", `${length} bytes of ids`);
    if (length > max * hashBytes) throw new MalformedFrame("too-many-entries", `${length / hashBytes} ids`);
  };
  return {
    read(value) {
      const pieces = value as readonly ArrayLike<number>[];
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      check(length);
      const all = new Uint8Array(length);
      let at = 0;
      for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
      }
      return all;
    },
    write(value) {
      check(value.length);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < value.length; at += pieceBytes) pieces.push(value.subarray(at, at + pieceBytes));
      return pieces;
    },
    maxFields: Math.ceil(max / 1024),
  };
}

/** Sequence ranges, as `RangeSet` takes them. */
export const ranges: Shape<readonly number[]> = {
  read: (value) => checkRanges(value as number[]),
  write: (value) => checkRanges(value),
  maxFields: 1,
};

function checkRanges(bounds: readonly number[]): readonly number[] {
  if (bounds.length > 2 * maxRangesPerOrigin) throw new MalformedFrame("too-many-entries", "ranges");
  if (!RangeSet.isValid(bounds)) throw new MalformedFrame("bad-ranges");
  return bounds;
}

export function listOf<T>(shape: Shape<T>, max: number, min = 0): Shape<readonly T[]> {
  const check = (length: number) => {
    if (length > max) throw new MalformedFrame("too-many-entries", `${length} of at most ${max}`);
    if (length < min) throw new MalformedFrame("bad-length", `${length} of at least ${min} entries`);
  };
  return {
    read(value) {
      const list = value as readonly unknown[];
      check(list.length);
      const result: T[] = [];
      for (let i = 0; i < list.length; i++) result.push(shape.read(list[i]));
      return result;
    },
    write(value) {
      check(value.length);
      const result: unknown[] = [];
      for (let i = 0; i < value.length; i++) result.push(shape.write(value[i]!));
      return result;
    },
    maxFields: max * shape.maxFields,
  };
}

export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    read: (value) => (value === null || value === undefined ? undefined : shape.read(value)),
    write: (value) => (value === undefined ? undefined : shape.write(value)),
    maxFields: shape.maxFields,
  };
}

/** A count with a limit. */
export function atMost(max: number): Shape<number> {
  return checked(uint32, (value) => {
    if (value > max) throw new MalformedFrame("bad-number", String(value));
  });
}

/** A count that is not there when it is 0. */
export function unlessZero(shape: Shape<number>): Shape<number | undefined> {
  return {
    read: (value) => shape.read(value) || undefined,
    write: (value) => (value === undefined ? undefined : shape.write(value) || undefined),
    maxFields: shape.maxFields,
  };
}

/** A text that is not there when it is empty. */
export function unlessEmptyText(shape: Shape<string>): Shape<string | undefined> {
  return {
    read: (value) => shape.read(value) || undefined,
    write: (value) => (value === undefined ? undefined : shape.write(value) || undefined),
    maxFields: shape.maxFields,
  };
}

/** A flag that is not there when it is false. */
export const unlessFalse: Shape<boolean | undefined> = {
  read: (value) => value === true || undefined,
  write: (value) => value || undefined,
  maxFields: 1,
};

/** A message or a part of one; `type` is put into what is read. */
export function struct<T extends object>(
  fields: Fields<T>,
  type?: T extends Typed ? T["type"] : undefined,
): Shape<T> {
  const names = Object.keys(fields);
  const shapes = Object.values<Shape<unknown>>(fields);
  return {
    read(value) {
      if (value === null || value === undefined) throw new MalformedFrame("missing-field");
      const source = value as Record<string, unknown>;
      const result: Record<string, unknown> = type === undefined ? {} : { type };
      for (let i = 0; i < names.length; i++) result[names[i]!] = shapes[i]!.read(source[names[i]!]);
      return result as T;
    },
    write(value) {
      const source = value as Record<string, unknown>;
      const result: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) result[names[i]!] = shapes[i]!.write(source[names[i]!]);
      return result;
    },
    maxFields: 1 + shapes.reduce((sum, shape) => sum + shape.maxFields, 0),
  };
}

/** A shape with one more rule, which throws `MalformedFrame`. */
export function checked<T>(shape: Shape<T>, check: (value: T) => void): Shape<T> {
  return {
    read(value) {
      const result = shape.read(value);
      check(result);
      return result;
    },
    write(value) {
      check(value);
      return shape.write(value);
    },
    maxFields: shape.maxFields,
  };
}

export function signed<Statement>(statement: Shape<Statement>): Shape<Signed<Statement>> {
  return struct<Signed<Statement>>({ statement, proof } as Fields<Signed<Statement>>);
}

// In Node 20, but not yet in the library of ES2023.
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

const slabBytes = 8192;
let slab = new Uint8Array(slabBytes);
let slabUsed = 0;

/**
 * A copy that does not keep the socket's chunk alive. Small ones share slabs: an `ArrayBuffer` of its own costs
 * 0.3 to 2.5 microseconds, a place in a slab 0.1. Only for what is kept for a short time, since the last of its
 * copies keeps the whole slab.
 */
function copyOf(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > slabBytes / 4) return new Uint8Array(bytes);
  if (slabUsed + length > slabBytes) {
    slab = new Uint8Array(slabBytes);
    slabUsed = 0;
  }
  slab.set(bytes, slabUsed);
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}
