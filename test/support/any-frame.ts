/**
 * Frames of lookup and store that follow the schema and nothing else: made by walking through it, so that a new field or
 * kind is in here without anybody's doing. Every number, text, list and choice is drawn within its bound, or exactly one
 * is taken one step beyond it. The bounds are said here once more, from the pages of the protocols and not from the codec.
 */
import protobuf from "protobufjs";
import {
  bytesOfKey,
  hostOf,
  identityOf,
  isKey,
  type Key,
  keyOfName,
  type NodeId,
  nonce,
  pick,
  portOf,
  type Random,
  randomKey,
  type StoredRecord,
  type Tagged,
} from "../../src/core/index.ts";
import { schema } from "../../src/wire/index.ts";
import { layers } from "../../src/wire/kinds.ts";
import { maxProofBytes } from "../../src/wire/shapes.ts";

const root = protobuf.parse(schema).root.resolveAll();
const typeOf = (name: string) => root.lookupType(`grapevine.${name}`);

/** Most entries of each list. A list of the schema that is missing here fails the test. */
const longestLists: Readonly<Record<string, number>> = {
  "FindNodeReply.nodes": 32,
  "FindValueReply.nodes": 32,
  "FindValueReply.records": 4,
  "ChordState.successors": 64,
  "ChordRouted.closer": 64,
  "ChordRouted.owners": 65,
  "PastryPassed.silent": 16,
  "PastryArrived.leaves": 64,
  "PastryArrived.silent": 16,
  "PastryState.nodes": 256,
  "PastryLeaves.leaves": 64,
  "PastryRow.nodes": 256,
  "PastryLeave.leaves": 64,
  "OfferRecords.entries": 128,
  "Offered.verdicts": 128,
};
/** Least and greatest numbers, where these are not those that JavaScript holds exactly. */
const numbers: Readonly<Record<string, readonly [number, number]>> = {
  "PastryRoute.hops": [1, 128],
  "PastryRoute.row": [0, 160],
  "PastryPassed.hops": [0, 128],
  "PastryArrived.hops": [0, 128],
  "PastryState.hops": [0, 128],
  "PastryAskRow.row": [0, 160],
  "PastryRow.row": [0, 160],
  "RecordStatement.lifetimeMs": [0, 31 * 24 * 3_600_000],
};
const longestName = 256;
const longestValue = 64 * 1024;
/** Choices that a message leaves out. */
const leastChoices: Readonly<Record<string, number>> = { "Reserve.kind": 2 };
/** Parts that need not be there. */
const optional: ReadonlySet<string> = new Set(["ChordState.predecessor", "Fetched.record"]);

export interface AnyKind {
  readonly layer: string;
  readonly type: string;
  readonly code: number;
  readonly schemaName: string;
}

/** Kinds 112 to 175. */
export const lookupKinds: readonly AnyKind[] = (["kademlia", "chord", "pastry", "store"] as const).flatMap(
  (layer) =>
    Object.entries(layers[layer]).map(([type, { code, schemaType }]) => {
      return { layer, type, code, schemaName: schemaType.name };
    }),
);

/** Where ids, numbers and records come from: anywhere, or from the world that is under attack. */
export interface Draws {
  readonly contact: (random: Random) => NodeId;
  readonly key: (random: Random) => Key;
  readonly number: (random: Random) => number;
  readonly record: ((random: Random) => StoredRecord) | undefined;
  /** Of something that is kept under its hash. */
  readonly name?: (random: Random) => string;
  readonly longestValue: number;
}

const hosts = ["10.0.0.1", "::1", "node-1.example.org", "localhost", "fe80::1", "seed_1"];

export const anywhere: Draws = {
  contact: (random) => {
    const host = pick(hosts, random);
    return `${randomKey(random)}@${host.includes(":") ? `[${host}]` : host}:${1 + random.below(65535)}`;
  },
  key: randomKey,
  number: (random) => {
    const size = random.below(4);
    if (size === 0) return random.below(300);
    if (size === 1) return pick([0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER], random);
    return nonce(random);
  },
  record: undefined,
  longestValue,
};

/** One step beyond a bound: of which field, and how. */
interface Fault {
  readonly field: string;
  readonly what: string;
}

export class FrameMaker {
  readonly #random: Random;
  readonly #draws: Draws;
  #fault: Fault | undefined;
  #isFaulty = false;

  constructor(random: Random, draws: Draws = anywhere) {
    this.#random = random;
    this.#draws = draws;
  }

  /** The body of a frame, within all bounds. */
  within(kind: AnyKind): Uint8Array {
    this.#fault = undefined;
    return this.#body(kind);
  }

  /** With one fault. Undefined if the message has no place for it: it has no such field, or happened to leave it out. */
  beyond(kind: AnyKind): { readonly body: Uint8Array; readonly fault: string } | undefined {
    const faults = faultsOf(kind.schemaName);
    if (faults.length === 0) return undefined;
    const fault = pick(faults, this.#random);
    this.#fault = fault;
    this.#isFaulty = false;
    const body = this.#body(kind);
    this.#fault = undefined;
    return this.#isFaulty ? { body, fault: `${fault.field}: ${fault.what}` } : undefined;
  }

  #body({ code, schemaName }: AnyKind): Uint8Array {
    const type = typeOf(schemaName);
    const encoded = type.encode(this.#message(type)).finish();
    const body = new Uint8Array(1 + encoded.length);
    body[0] = code;
    body.set(encoded, 1);
    return body;
  }

  /** Is this the fault that is to be made, and not made yet? */
  #breaks(field: string, what: string): boolean {
    if (this.#isFaulty || this.#fault?.field !== field || this.#fault.what !== what) return false;
    this.#isFaulty = true;
    return true;
  }

  #message(type: protobuf.Type): Record<string, unknown> {
    if (type.name === "Contact") return this.#contact();
    if (type.name === "RecordStatement") return this.#statement();
    const { record } = this.#draws;
    if (type.name === "StoredRecord" && record !== undefined) return fieldsOfRecord(record(this.#random));
    const message: Record<string, unknown> = {};
    for (const field of type.fieldsArray) {
      const name = `${type.name}.${field.name}`;
      if (field.repeated) message[field.name] = this.#list(field, name);
      else if (optional.has(name) && this.#random.below(2) === 0) continue;
      else if (this.#breaks(name, "missing")) continue;
      else message[field.name] = this.#value(field, name);
    }
    const { name } = this.#draws;
    if (type.name === "Reserve" && name !== undefined && this.#random.below(4) > 0) {
      message["name"] = name(this.#random);
      message["key"] = bytesOfKey(keyOfName(message["name"] as string));
    }
    return message;
  }

  #list(field: protobuf.Field, name: string): unknown[] {
    const longest = longestLists[name];
    if (longest === undefined) throw new Error(`${name}: no bound is known`);
    let count: number;
    if (this.#breaks(name, "too long")) count = longest + 1;
    else if (this.#random.below(16) === 0) count = longest;
    else count = Math.min(longest, pick([0, 1, 2, 3, 8], this.#random));
    return Array.from({ length: count }, () => this.#value(field, name));
  }

  #value(field: protobuf.Field, name: string): unknown {
    const random = this.#random;
    const { resolvedType } = field;
    if (resolvedType instanceof protobuf.Type) return this.#message(resolvedType);
    if (resolvedType instanceof protobuf.Enum) {
      const last = Math.max(...Object.values(resolvedType.values));
      if (this.#breaks(name, "beyond the last choice")) return last + 1;
      if (this.#breaks(name, "no choice")) return 0;
      const least = leastChoices[name] ?? 1;
      return least + random.below(last + 1 - least);
    }
    switch (field.type) {
      case "bool":
        return random.below(2) === 1;
      case "string":
        if (this.#breaks(name, "too long")) return "n".repeat(longestName + 1);
        if (this.#breaks(name, "empty")) return "";
        return this.#name();
      case "bytes":
        return this.#bytes(name);
      case "uint32":
      case "uint64": {
        const [least, greatest] = numbers[name] ?? [0, Number.MAX_SAFE_INTEGER];
        if (this.#breaks(name, "too large")) return greatest + 1;
        if (this.#breaks(name, "too small")) return least - 1;
        if (greatest < 2 ** 53 - 1) return pick([least, greatest, least + random.below(greatest)], random);
        return this.#draws.number(random);
      }
    }
    throw new Error(`${name}: ${field.type} is not known`);
  }

  #name(): string {
    const length = this.#random.below(16) === 0 ? longestName : 1 + this.#random.below(12);
    return pick(["n", "é", "\n", "名"], this.#random).repeat(length);
  }

  #bytes(name: string): Uint8Array {
    const random = this.#random;
    if (name === "StoredRecord.proof") {
      if (this.#breaks(name, "too long")) return bytes(maxProofBytes + 1, random);
      return bytes(pick([0, 32, 64, maxProofBytes], random), random);
    }
    if (this.#breaks(name, "a byte too long")) return bytes(21, random);
    if (this.#breaks(name, "a byte too short")) return bytes(19, random);
    if (name === "Reserved.digest" && random.below(2) === 0) return new Uint8Array(0);
    return bytesOfKey(this.#draws.key(random));
  }

  #contact(): Record<string, unknown> {
    const contact = this.#draws.contact(this.#random);
    const fields = {
      id: bytesOfKey(String(identityOf(contact))),
      host: hostOf(contact),
      port: portOf(contact),
    };
    if (this.#breaks("Contact", "an id too long")) return { ...fields, id: bytes(21, this.#random) };
    if (this.#breaks("Contact", "no id")) return { ...fields, id: new Uint8Array(0) };
    if (this.#breaks("Contact", "a port too high")) return { ...fields, port: 65536 };
    if (this.#breaks("Contact", "no port")) return { ...fields, port: 0 };
    if (this.#breaks("Contact", "no host")) return { ...fields, host: "a b" };
    return fields;
  }

  /** Kinds differ in what must be there. */
  #statement(): Record<string, unknown> {
    const random = this.#random;
    const kind = 1 + random.below(3);
    const isDeleted = kind !== 1 && random.below(4) === 0;
    const large = random.below(64) === 0 ? this.#draws.longestValue : random.below(64);
    const statement: Record<string, unknown> = {
      kind,
      key: this.#bytes("RecordStatement.key"),
      name: kind === 1 ? "" : this.#name(),
      isDeleted,
      value: isDeleted ? new Uint8Array(0) : bytes(large, random),
      sequence: this.#draws.number(random),
      writer: kind === 1 ? new Uint8Array(0) : bytes(20, random),
      writtenAt: this.#draws.number(random),
      lifetimeMs: random.below(numbers["RecordStatement.lifetimeMs"]![1] + 1),
    };
    const breaks = (what: string) => this.#breaks("RecordStatement", what);
    if (breaks("no kind")) statement["kind"] = 0;
    if (breaks("another kind")) statement["kind"] = 4;
    if (breaks("too long a value")) statement["value"] = bytes(longestValue + 1, random);
    if (breaks("a deletion with a value"))
      Object.assign(statement, { isDeleted: true, value: bytes(1, random) });
    if (breaks("a writer too much")) statement["writer"] = bytes(kind === 1 ? 20 : 21, random);
    if (breaks("a writer too little")) statement["writer"] = bytes(kind === 1 ? 1 : 19, random);
    if (breaks("a name too long")) statement["name"] = "n".repeat(longestName + 1);
    if (breaks("a name too much or none")) statement["name"] = kind === 1 ? "n" : "";
    if (breaks("too long a life")) statement["lifetimeMs"] = numbers["RecordStatement.lifetimeMs"]![1] + 1;
    if (breaks("too large a number")) statement["sequence"] = 2 ** 53;
    return statement;
  }
}

const knownFaults = new Map<string, readonly Fault[]>();

/** All that can be wrong in a message of this name and its parts. */
function faultsOf(name: string): readonly Fault[] {
  const known = knownFaults.get(name);
  if (known !== undefined) return known;
  const faults: Fault[] = [];
  const add = (field: string, ...whats: string[]) => {
    for (const what of whats) faults.push({ field, what });
  };
  const visit = (type: protobuf.Type) => {
    if (type.name === "Contact")
      return add("Contact", "an id too long", "no id", "a port too high", "no port", "no host");
    if (type.name === "RecordStatement") {
      add("RecordStatement", "no kind", "another kind", "too long a value", "a deletion with a value");
      add("RecordStatement", "a writer too much", "a writer too little", "a name too long");
      add("RecordStatement", "a name too much or none", "too long a life", "too large a number");
      return add("RecordStatement.key", "a byte too long", "a byte too short");
    }
    for (const field of type.fieldsArray) {
      const of = `${type.name}.${field.name}`;
      if (field.repeated) add(of, "too long");
      if (field.resolvedType instanceof protobuf.Type) {
        if (!field.repeated && !optional.has(of)) add(of, "missing");
        visit(field.resolvedType);
      } else if (field.resolvedType instanceof protobuf.Enum) add(of, "beyond the last choice", "no choice");
      else if (field.type === "string") add(of, "too long", "empty");
      else if (of === "StoredRecord.proof") add(of, "too long");
      else if (field.type === "bytes") add(of, "a byte too long", "a byte too short");
      else if (field.type !== "bool") {
        add(of, "too large");
        if (numbers[of]?.[0] === 1) add(of, "too small");
      }
    }
  };
  visit(typeOf(name));
  knownFaults.set(name, faults);
  return faults;
}

/** Why a message that was accepted should not have been; undefined: it is within all bounds. */
export function beyondBounds({ layer, body }: Tagged): string | undefined {
  const kind = lookupKinds.find((one) => one.layer === layer && one.type === body.type);
  // Damage may have made it one of the kinds of other layers.
  return kind === undefined ? undefined : beyond(typeOf(kind.schemaName), body);
}

function beyond(type: protobuf.Type, value: any): string | undefined {
  if (type.name === "Contact")
    return /^[0-9a-f]{40}@[^@\s]+:[1-9]\d{0,4}$/.test(value) && portOf(value) < 65536
      ? undefined
      : `${value}`;
  for (const field of type.fieldsArray) {
    const name = `${type.name}.${field.name}`;
    const part = name === "RecordStatement.isDeleted" ? value.value === undefined : value[field.name];
    if (part === undefined) {
      if (optional.has(name) || name === "Reserved.digest" || name === "RecordStatement.value") continue;
      return `${name} is missing`;
    }
    if (field.repeated && part.length > longestLists[name]!) return `${name} has ${part.length} entries`;
    for (const one of field.repeated ? part : [part]) {
      const wrong = beyondOf(field, name, one, value);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}

function beyondOf(field: protobuf.Field, name: string, part: any, of: any): string | undefined {
  if (field.resolvedType instanceof protobuf.Type) return beyond(field.resolvedType, part);
  const [least, greatest] = numbers[name] ?? [0, Number.MAX_SAFE_INTEGER];
  const isAnonymous = of.kind === "immutable" && name.startsWith("RecordStatement.");
  const isRight = () => {
    if (field.resolvedType instanceof protobuf.Enum) return typeof part === "string";
    if (field.type === "bool") return typeof part === "boolean";
    if (field.type === "string")
      return isAnonymous ? part === "" : part.length > 0 && part.length <= longestName;
    if (name === "RecordStatement.value") return part instanceof Uint8Array && part.length <= longestValue;
    if (name === "StoredRecord.proof") return part instanceof Uint8Array && part.length <= maxProofBytes;
    if (name === "RecordStatement.writer" && isAnonymous) return part === "";
    if (field.type === "bytes") return isKey(part);
    return Number.isSafeInteger(part) && part >= least && part <= greatest;
  };
  return isRight() ? undefined : `${name} is ${String(part).slice(0, 80)}`;
}

const kindNumbers = { immutable: 1, owned: 2, shared: 3 };

function fieldsOfRecord({ statement, proof }: StoredRecord): Record<string, unknown> {
  const { kind, key, value, writer, ...rest } = statement;
  return {
    statement: {
      ...rest,
      kind: kindNumbers[kind],
      key: bytesOfKey(key),
      isDeleted: value === undefined,
      value: value ?? new Uint8Array(0),
      writer: writer === "" ? new Uint8Array(0) : bytesOfKey(String(writer)),
    },
    proof,
  };
}

function bytes(length: number, random: Random): Uint8Array {
  const result = new Uint8Array(length);
  for (let i = 0; i < Math.min(length, 64); i++) result[i] = random.below(256);
  return result;
}

/** Damage: bits flipped, ends cut off, parts repeated, left out, put in from another frame, lengths changed. */
export function damaged(body: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let all = Array.from(body.subarray(0, 4096));
  const place = () => random.below(all.length + 1);
  for (let times = 1 + random.below(3); times > 0 && all.length > 0; times--) {
    const [from, to] = [place(), place()].sort((a, b) => a - b) as [number, number];
    switch (random.below(8)) {
      case 0:
        for (let i = 1 + random.below(4); i > 0; i--) all[random.below(all.length)]! ^= 1 << random.below(8);
        break;
      case 1:
        all.length = from;
        break;
      case 2:
        all.splice(from, Math.min(to - from, 64));
        break;
      case 3:
        all.splice(to, 0, ...all.slice(from, to).slice(0, 256));
        break;
      case 4: // All its fields once more, and perhaps again.
        for (let i = random.below(3); i >= 0; i--) all = [...all, ...all.slice(1)].slice(0, 65536);
        break;
      case 5:
        all.splice(from, random.below(64), ...other.subarray(1, 1 + random.below(256)));
        break;
      case 6: // A length or a tag, most likely.
        all[random.below(Math.min(all.length, 8))] = pick(
          [0, 1, 0x7f, 0x80, 0xff, random.below(256)],
          random,
        );
        break;
      case 7:
        all = [all[0]!, ...other.subarray(1, 4096), ...all.slice(1)];
    }
  }
  return Uint8Array.from(all);
}
