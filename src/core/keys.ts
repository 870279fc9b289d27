/**
 * The id space of lookup: 160-bit numbers, for nodes (hash of the public key) and objects (hash of the name) alike, so
 * that Chord, Pastry and Kademlia share one.
 *
 * A key is 40 lower-case hexadecimal digits. Live, that is the very identity of a node (contact.ts), so nothing is ever
 * converted; texts of one length compare as the numbers that they are; and they are keys of maps. `bench/keys.mjs`
 * measures this against big integers and arrays of words.
 *
 * Three notions of nearness live here: up the ring (Chord), along the ring in either direction (Pastry), and by XOR
 * (Kademlia). All are compared without arithmetic wherever that is possible.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { identityOf } from "./contact.ts";
import type { NodeId } from "./environment.ts";
import type { Random } from "./random.ts";

/** 40 lower-case hexadecimal digits, the most significant first. */
export type Key = string;

export const keyBits = 160;
export const keyBytes = keyBits / 8;
const keyDigits = keyBits / 4;
const ringSize = 1n << BigInt(keyBits);

/** A node and its place in the id space. */
export interface KeyedNode {
  readonly node: NodeId;
  readonly key: Key;
}

/**
 * Says where a node is. Live it is `keyedNode`; a simulation, whose nodes are numbers, keeps one object for each and
 * hands out that.
 */
export type KeyedNodeOf = (node: NodeId) => KeyedNode;

/** A live node's key is its identity. */
export function keyedNode(node: NodeId): KeyedNode {
  return { node, key: String(identityOf(node)) };
}

/** The id of an object: the first 160 bits of SHA-256 of its name (UTF-8) or bytes. */
export function keyOfName(name: string | Uint8Array): Key {
  const bytes = typeof name === "string" ? utf8ToBytes(name) : name;
  return keyFromBytes(sha256(bytes).subarray(0, keyBytes));
}

export function isKey(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/**
 * `bytes` are 20, the most significant first. The text is made at once: one that is put together from pieces keeps the
 * pieces, and weighs six times as much (`bench/keys.mjs`).
 */
export function keyFromBytes(bytes: Uint8Array): Key {
  for (let i = 0; i < keyBytes; i++) {
    digitCodes[2 * i] = codeOf(bytes[i]! >>> 4);
    digitCodes[2 * i + 1] = codeOf(bytes[i]! & 15);
  }
  return String.fromCharCode.apply(undefined, digitCodes);
}

/** Filled anew for each key. */
const digitCodes = new Array<number>(keyDigits).fill(0);

function codeOf(digit: number): number {
  return digit < 10 ? digit + 48 : digit + 87;
}

export function bytesOfKey(key: Key): Uint8Array {
  return Uint8Array.from({ length: keyBytes }, (_, i) => digitOf(key, 2 * i) * 16 + digitOf(key, 2 * i + 1));
}

/** Uniform over the whole space. */
export function randomKey(random: Random): Key {
  for (let first = 0; first < keyDigits; first += 8) {
    const word = random.uint32();
    for (let i = 0; i < 8; i++) digitCodes[first + i] = codeOf((word >>> (28 - 4 * i)) & 15);
  }
  return String.fromCharCode.apply(undefined, digitCodes);
}

export function keyToNumber(key: Key): bigint {
  return BigInt(`0x${key}`);
}

/** Modulo 2^160: negative numbers and those beyond the space come out on the ring too. */
export function keyFromNumber(number: bigint): Key {
  return BigInt.asUintN(keyBits, number).toString(16).padStart(keyDigits, "0");
}

/** The share of the space that lies below the key: in [0, 1), 52 bits of it. */
export function fractionOf(key: Key): number {
  return Number.parseInt(key.slice(0, 13), 16) / 2 ** 52;
}

/** The hexadecimal digit at a place, 0 to 39, as a number. */
function digitOf(key: Key, place: number): number {
  const code = key.charCodeAt(place);
  return code < 58 ? code - 48 : code - 87;
}

/** The first place where two keys differ; 40 if they are equal. */
function firstDifference(a: Key, b: Key): number {
  let place = 0;
  while (place < keyDigits && a.charCodeAt(place) === b.charCodeAt(place)) place++;
  return place;
}

// ---- Ring ---------------------------------------------------------------------------------------------------------

/**
 * Does `key` lie strictly between the two, going up from `after`? With `after` = `before` that is everything but it
 * (Zave 2017; Chord.v: `between`).
 */
export function isBetween(after: Key, key: Key, before: Key): boolean {
  return after < before ? after < key && key < before : after < key || key < before;
}

/** Is `key` in (after, last], going up? These keys `last` owns when `after` precedes it: all, if that is itself. */
export function isWithin(after: Key, key: Key, last: Key): boolean {
  return key === last || isBetween(after, key, last);
}

/** `key` + 2^exponent, modulo 2^160. */
export function plusPowerOfTwo(key: Key, exponent: number): Key {
  return keyFromNumber(keyToNumber(key) + (1n << BigInt(exponent)));
}

/** How far it is from one key up to another: to - from, modulo 2^160. */
export function distanceUp(from: Key, to: Key): Key {
  return keyFromNumber(keyToNumber(to) - keyToNumber(from));
}

/** Negative if `a` comes before `b` when one goes up from `key`, which itself comes first. Chord's order of owners. */
export function compareUp(key: Key, a: Key, b: Key): number {
  if (a === b) return 0;
  const isAWrapped = a < key;
  if (isAWrapped !== b < key) return isAWrapped ? 1 : -1;
  return a < b ? -1 : 1;
}

/** How far apart two keys are on the ring, in the direction in which that is less. */
export function distanceAround(a: Key, b: Key): bigint {
  const up = BigInt.asUintN(keyBits, keyToNumber(b) - keyToNumber(a));
  return up * 2n > ringSize ? ringSize - up : up;
}

/** Negative if `a` is numerically nearer to `key` than `b`, on the ring. Ties: the smaller one. Pastry's order. */
export function compareAround(key: Key, a: Key, b: Key): number {
  if (a === b) return 0;
  // 48 bits decide, unless they are as good as equal.
  const difference = headAround(key, a) - headAround(key, b);
  if (difference > 2 || difference < -2) return difference;
  const exact = distanceAround(key, a) - distanceAround(key, b);
  return exact === 0n ? (a < b ? -1 : 1) : exact < 0n ? -1 : 1;
}

const headSize = 2 ** 48;

/** The distance in units of 2^112: off by less than one unit. */
function headAround(a: Key, b: Key): number {
  const up = Math.abs(Number.parseInt(b.slice(0, 12), 16) - Number.parseInt(a.slice(0, 12), 16));
  return up * 2 > headSize ? headSize - up : up;
}

// ---- XOR ----------------------------------------------------------------------------------------------------------

export function xorOf(a: Key, b: Key): Key {
  for (let place = 0; place < keyDigits; place++)
    digitCodes[place] = codeOf(digitOf(a, place) ^ digitOf(b, place));
  return String.fromCharCode.apply(undefined, digitCodes);
}

/** Negative if `a` is nearer to `key` than `b` by XOR. There are no ties between different keys. */
export function compareXor(key: Key, a: Key, b: Key): number {
  const place = firstDifference(a, b);
  if (place === keyDigits) return 0;
  const digit = digitOf(key, place);
  return (digitOf(a, place) ^ digit) - (digitOf(b, place) ^ digit);
}

/** How many leading bits two keys share: 160 if they are equal. Kademlia's buckets. */
export function sharedBits(a: Key, b: Key): number {
  const place = firstDifference(a, b);
  if (place === keyDigits) return keyBits;
  return place * 4 + Math.clz32(digitOf(a, place) ^ digitOf(b, place)) - 28;
}

/** The bit at a place, 0 (the most significant) to 159. */
export function bitAt(key: Key, place: number): 0 | 1 {
  return ((digitOf(key, place >>> 2) >>> (3 - (place & 3))) & 1) as 0 | 1;
}

// ---- Digits base 2^b ----------------------------------------------------------------------------------------------

/**
 * The digit in row `row` (0 is the most significant) of the key written with digits of `bits` bits, 1 to 8. Where that
 * does not divide 160, zeros fill up the last digit.
 */
export function digitAt(key: Key, row: number, bits: number): number {
  if (bits === 4) return digitOf(key, row);
  let digit = 0;
  const first = row * bits;
  for (let place = first; place < first + bits; place++)
    digit = digit * 2 + (place < keyBits ? bitAt(key, place) : 0);
  return digit;
}

/** How many leading digits of `bits` bits two keys share: all, the last one filled up, if they are equal. Pastry's rows. */
export function sharedDigits(a: Key, b: Key, bits: number): number {
  const shared = sharedBits(a, b);
  return shared === keyBits ? Math.ceil(keyBits / bits) : Math.floor(shared / bits);
}
