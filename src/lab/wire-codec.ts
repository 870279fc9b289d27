import type { Tagged } from "../core/index.ts";
import type { MessageCodec } from "../simulator/index.ts";
import { Codec, lengthBytes } from "../wire/index.ts";

/** Shorter frames are read from an array of their own length that is kept: a view of the arena costs more than a copy. */
const shortFrame = 256;

/** The codec of the wire, for a simulation. */
export function wireCodec(): MessageCodec<Tagged> {
  const codec = new Codec();
  const bodies: Uint8Array[] = Array.from({ length: shortFrame }, (_, length) => new Uint8Array(length));
  return {
    maxBytes: codec.maxFrameBytes + lengthBytes,
    write(message, target) {
      const frame = codec.encode(message);
      if (frame.length < shortFrame) for (let i = 0; i < frame.length; i++) target[i] = frame[i]!;
      else target.set(frame);
      return frame.length;
    },
    // The codec keeps nothing of the bytes: the arena may use them again, and so may we.
    read(source, start, end) {
      const first = start + lengthBytes;
      if (end - first >= shortFrame) return codec.decode(source.subarray(first, end));
      const body = bodies[Math.max(0, end - first)]!;
      for (let i = 0; i < body.length; i++) body[i] = source[first + i]!;
      return codec.decode(body);
    },
  };
}
