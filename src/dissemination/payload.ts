import { UsageError } from "../core/index.ts";
import { maxPayloadBytes, maxPriority, maxTopicLength, type Payload } from "./messages.ts";

/** UTF-8 cannot say it. */
export const halfASurrogatePair = /\p{Surrogate}/u;

/** Returns the bytes of the payload. Throws `UsageError` if it cannot be sent. */
export function checkPayload(payload: Payload): number {
  if (typeof payload === "string" && halfASurrogatePair.test(payload)) {
    throw new UsageError(
      "payload: the text has half a surrogate pair, which UTF-8 cannot say; send it as bytes",
    );
  }
  const bytes = payloadBytes(payload);
  if (bytes > maxPayloadBytes)
    throw new UsageError(`payload: ${bytes} bytes is more than ${maxPayloadBytes}`);
  return bytes;
}

/** Throws `UsageError` for what is no priority. */
export function checkPriority(priority: number | undefined): void {
  if (priority === undefined) return;
  if (!Number.isInteger(priority) || priority < 0 || priority > maxPriority)
    throw new UsageError(`priority: ${priority} is not an integer between 0 and ${maxPriority}`);
}

/** Letters, digits, signs and spaces of any script: people read topics. The wire says the same. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+$/u;

/** Throws `UsageError` for what is no topic. */
export function checkTopic(topic: string | undefined): void {
  if (topic === undefined) return;
  if (topic.length < 1 || topic.length > maxTopicLength)
    throw new UsageError(`topic: ${topic.length} characters are not between 1 and ${maxTopicLength}`);
  if (!printable.test(topic))
    throw new UsageError("topic: only letters, digits, signs and spaces can be sent");
}

/** Bytes of a payload on the wire: of a text, its UTF-8 (a surrogate half counts two, so that a pair counts four). */
export function payloadBytes(payload: Payload): number {
  if (typeof payload !== "string") return payload.length;
  let bytes = 0;
  for (let i = 0; i < payload.length; i++) {
    const unit = payload.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}
