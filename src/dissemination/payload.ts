import { UsageError } from "../core/index.ts";
import { maxPayloadBytes, maxPriority, type Payload } from "./messages.ts";

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
