/**
 * What messages would take on our wire that have no format there, since they run in the simulator only. The same rules
 * as in docs/wire.md: numbers are varints, an identity is 20 bytes, whatever repeats or nests has a length before it.
 */

export const identityBytes = 20;
/** Of a field: its number and type. */
export const tagBytes = 1;
/** An incarnation is a time in milliseconds: a varint of 6 bytes until the year 2109. */
export const incarnationBytes = 6;

/** Bytes of a number as a varint. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Of a part that is nested in a message: field, length and body. */
export function nestedBytes(body: number): number {
  return tagBytes + varintBytes(body) + body;
}

const sealBytes = 32;
const maxSealedBody = 1168;

/** A message by datagram: a byte for its kind, and 32 around each 1200 that are sent. */
export function datagramBytes(body: number): number {
  return 1 + body + sealBytes * Math.ceil((1 + body) / maxSealedBody);
}
