import protobuf from "protobufjs";
import { maxPayloadBytes, maxRangesPerOrigin } from "../dissemination/messages.ts";
import { MalformedFrame } from "./malformed-frame.ts";

/** Room for the longest packed list of the schema, the ranges of a digest. */
const maxPackedNumbers = 2 * maxRangesPerOrigin;

/**
 * protobufjs' reader, distrustful: what the generated decoders read through it is bounded before it is kept.
 *
 * - Numbers come as safe integers (never as `Long` objects); what does not fit is refused.
 * - No text and no byte string is longer than the longest that any message may have.
 * - `fieldsLeft` counts every field down. Two bytes on the wire can make protobufjs create an object of fifty, so
 *   the limits of `kinds.ts`, which look at the finished message, would come too late for memory.
 *
 * Byte strings are views of the frame: whoever keeps one must copy it.
 */
export class StrictReader extends protobuf.Reader {
  #fieldsLeft: number;

  constructor(body: Uint8Array, start: number, maxFields: number) {
    super(body);
    this.pos = start;
    this.#fieldsLeft = maxFields;
  }

  override tag(): number {
    if (--this.#fieldsLeft < 0)
      throw new MalformedFrame("too-many-entries", "more fields than this kind can have");
    return super.tag();
  }

  override uint32(): number {
    const value = this.#varint();
    if (value > 0xffff_ffff) throw new MalformedFrame("bad-number", "more than 32 bits");
    return value;
  }

  // The generated decoders take a number wherever protobufjs runs without the `long` package, but its types only
  // know `Long`; hence the `never`.
  override uint64(): never {
    return this.#varint() as never;
  }

  override uint64s(array: unknown[] = []): never {
    const end = this.size() + this.pos;
    if (end > this.len) throw new MalformedFrame("bad-encoding", "cut off");
    while (this.pos < end) {
      if (array.length >= maxPackedNumbers) throw new MalformedFrame("too-many-entries", "packed numbers");
      array.push(this.#varint());
    }
    if (this.pos !== end) throw new MalformedFrame("bad-encoding", "a number crosses the end of its list");
    return array as never;
  }

  override bytes(): Uint8Array {
    const length = this.#length();
    const start = this.pos;
    this.pos += length;
    return this.buf.subarray(start, this.pos);
  }

  override stringVerify(): string {
    const length = this.#length();
    const start = this.pos;
    this.pos += length;
    try {
      return protobuf.util.utf8.readStrict(this.buf, start, this.pos);
    } catch (cause) {
      throw new MalformedFrame("bad-text", "not UTF-8", { cause });
    }
  }

  #length(): number {
    const length = this.size();
    if (length > maxPayloadBytes) throw new MalformedFrame("too-long", `${length} bytes in one field`);
    if (this.pos + length > this.len) throw new MalformedFrame("bad-encoding", "cut off");
    return length;
  }

  #varint(): number {
    const { buf, len } = this;
    let pos = this.pos;
    let value = 0;
    // Not shifts, which are 32 bits wide: doubles add up exactly as long as the result is safe.
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      if (pos >= len) throw new MalformedFrame("bad-encoding", "cut off");
      const byte = buf[pos++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new MalformedFrame("bad-number", "beyond 2^53 - 1");
        this.pos = pos;
        return value;
      }
    }
    throw new MalformedFrame("bad-encoding", "a number of more than ten bytes");
  }
}
