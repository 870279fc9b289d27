/** What was wrong, as a slug for counters and logs. */
export type MalformedReason =
  /** A frame of length zero. */
  | "empty"
  /** A frame, text or list of bytes over its limit. */
  | "too-long"
  /** No kind has this code. */
  | "unknown-kind"
  /** A kind that exists, but not in this place (a hello among messages, a message instead of the hello). */
  | "unexpected-kind"
  /** Not protobuf, or cut off. */
  | "bad-encoding"
  /** A part that must be there is not. */
  | "missing-field"
  /** An id that is not 20 bytes, a host that is none, a port out of range. */
  | "bad-contact"
  /** A number that JavaScript could not hold exactly, or that does not fit its field. */
  | "bad-number"
  /** Not UTF-8, or unprintable where people will read it. */
  | "bad-text"
  /** A value that its enumeration does not have. */
  | "bad-choice"
  /** Keys, tokens, challenges and signatures have fixed sizes, lists of payloads a smallest one. */
  | "bad-length"
  /** A list over its limit, or more protobuf fields than the kind can have. */
  | "too-many-entries"
  /** Sequence ranges that overlap, touch, or run backwards. */
  | "bad-ranges";

/** Somebody sent bytes that are no frame of ours: count it, drop it, close the link. */
export class MalformedFrame extends Error {
  override readonly name = "MalformedFrame";
  readonly reason: MalformedReason;

  constructor(reason: MalformedReason, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? reason : `${reason}: ${detail}`, options);
    this.reason = reason;
  }
}
