import { addressOf, formatContact, hostOf, identityOf, type NodeId, portOf } from "../core/index.ts";
import { isHost, isPort, maxHostLength } from "./host.ts";
import { MalformedFrame } from "./malformed-frame.ts";

export const idBytes = 20;

/** A contact as the schema has it. */
export interface ContactFields {
  /** 20 bytes, or none for "whoever answers there". */
  readonly id: Uint8Array;
  readonly host: string;
  readonly port: number;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly contact: string;
}

/** Longer encodings (a long host name, fields that we do not know) are rare: not worth a place. */
const maxEntryBytes = 64;
/** A contact with an id is at least this long, so the hash may look this far. */
const minEntryBytes = idBytes + 2;

/**
 * Remembers which bytes stand for which contact, both ways. Every message names nodes, nearly always the same
 * ones: a hit saves the parsing and the checks, and all equal contacts of the process are one string.
 *
 * Towards contacts it is a direct-mapped table: a newcomer takes its slot from whoever has it, so that it never
 * grows and a peer that invents contacts can at most make us parse again. Towards bytes it is a map that is
 * emptied when it is full. A power of two of `slots`; at the default about 4 MB when all are used.
 */
export class ContactTable {
  readonly #slots: (Entry | undefined)[];
  readonly #bytesOf = new Map<NodeId, Uint8Array>();

  constructor(slots = 16_384) {
    this.#slots = new Array(slots).fill(undefined);
  }

  /** The contact that these bytes stood for when they were last seen. */
  find(buffer: Uint8Array, start: number, end: number): string | undefined {
    const length = end - start;
    if (length < minEntryBytes || length > maxEntryBytes) return undefined;
    const entry = this.#slots[this.#slotOf(buffer, start, end)];
    if (entry === undefined || entry.bytes.length !== length) return undefined;
    const bytes = entry.bytes;
    for (let i = 0; i < length; i++) if (bytes[i] !== buffer[start + i]) return undefined;
    return entry.contact;
  }

  /** Copies the bytes. */
  remember(buffer: Uint8Array, start: number, end: number, contact: string): void {
    const length = end - start;
    if (length < minEntryBytes || length > maxEntryBytes) return;
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = buffer[start + i]!;
    this.#slots[this.#slotOf(buffer, start, end)] = { bytes, contact };
  }

  /** The bytes of a contact, made by `encode` if it is new. */
  bytesOf(contact: NodeId, encode: (contact: NodeId) => Uint8Array): Uint8Array {
    let bytes = this.#bytesOf.get(contact);
    if (bytes === undefined) {
      bytes = encode(contact);
      if (this.#bytesOf.size >= this.#slots.length) this.#bytesOf.clear();
      this.#bytesOf.set(contact, bytes);
    }
    return bytes;
  }

  // Ids are hashes already: some of their bytes will do, and the last two for nodes without one.
  #slotOf(buffer: Uint8Array, start: number, end: number): number {
    const hash =
      (buffer[start + 4]! | (buffer[start + 5]! << 8) | (buffer[start + 6]! << 16)) ^
      (buffer[end - 1]! << 4) ^
      (buffer[end - 2]! << 9);
    return hash & (this.#slots.length - 1);
  }
}

/** Throws `MalformedFrame("bad-contact")` unless these fields name a node, or an address if the id is empty. */
export function contactOf({ id, host, port }: ContactFields): string {
  if (id.length !== idBytes && id.length !== 0)
    throw new MalformedFrame("bad-contact", `id of ${id.length} bytes`);
  if (host.length > maxHostLength || !isHost(host)) throw new MalformedFrame("bad-contact", "host");
  if (!isPort(port)) throw new MalformedFrame("bad-contact", `port ${port}`);
  let hex = "";
  for (let i = 0; i < id.length; i++) hex += hexOf[id[i]!]!;
  return formatContact(hex, host, port);
}

/** The reverse. Throws `MalformedFrame("bad-contact")` for anything that would not come back as the same text. */
export function contactFields(contact: NodeId): ContactFields {
  const hex = String(identityOf(contact));
  const id = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < id.length; i++) id[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  const fields = { id, host: hostOf(contact), port: portOf(contact) };
  if (contactOf(fields) !== contact) throw new MalformedFrame("bad-contact", addressOf(contact));
  return fields;
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
