/**
 * What the words of an event mean. To the agenda an event is three integers; here is what the simulation reads in them:
 *
 *     row       whom it happens to
 *     head      the kind (bits 28 to 30) and, below it, the sender of a message or else the life that it is meant for
 *     payload   a number as it is, or the number of an object or of bytes that are kept aside (payloads.ts)
 */
export const timerNumber = 0;
export const timerObject = 1;
export const messageNumber = 2;
export const messageObject = 3;
export const messageBytes = 4;
export const commandObject = 5;
export const callFunction = 6;
export const undeliverable = 7;

export const kindShift = 28;
export const lowMask = (1 << kindShift) - 1;
/** A slow node is done with the first event of its queue. Above the kinds: besides the life there is nothing else. */
export const served = 1 << 31;
/** The same bit of a message: it travels beside the streams, and no cut holds it back for later. */
export const beside = served;

export function kindOf(head: number): number {
  return (head >>> kindShift) & 7;
}

export function isMessage(kind: number): boolean {
  return kind >= messageNumber && kind <= messageBytes;
}

/** Does the agenda hold it as it is? Other numbers are kept as objects are. */
export function isWord(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

/** Messages kept for a paused or slow node and for a held stream; what a socket's buffer would hold. */
export const maxHeld = 20_000;
