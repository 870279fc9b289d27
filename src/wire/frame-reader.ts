import { lengthBytes } from "./frame.ts";
import { MalformedFrame } from "./malformed-frame.ts";

/** The first buffer for a frame that comes in pieces; it doubles, so every byte is copied a few times at most. */
const minBufferBytes = 4096;

/**
 * Cuts a stream of bytes into frame bodies.
 *
 *     const reader = new FrameReader(maxHelloBytes);
 *     socket.on("data", (chunk) => reader.push(chunk, (body) => node.onFrame(body)));
 *
 * A frame that lies in one chunk is handed out as a view of it, any other is collected first, in a buffer that
 * grows with what has really come: announcing a long frame costs us nothing.
 */
export class FrameReader {
  /** Larger lengths are refused. May change between chunks: small before the handshake, full size after it. */
  maxFrameBytes: number;
  // The frame under way: its length (valid once all of its bytes are there), and what has come of its body.
  #length = 0;
  #lengthBytesSeen = 0;
  #body: Uint8Array | undefined;
  #bodyBytesSeen = 0;

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of a frame that is not complete yet, its length prefix included. */
  get pendingBytes(): number {
    return this.#lengthBytesSeen + this.#bodyBytesSeen;
  }

  /** True between the first and the last byte of a frame: the other side owes us the rest. */
  get isInsideFrame(): boolean {
    return this.#lengthBytesSeen > 0;
  }

  /**
   * Calls `onFrame` for every frame that this chunk completes, in order. Throws `MalformedFrame` ("too-long" or
   * "empty") as soon as the length of a frame has come, after the frames before it; the stream is useless then.
   * What `onFrame` throws ends the call too, and the rest of the chunk is lost.
   */
  push(chunk: Uint8Array, onFrame: (body: Uint8Array) => void): void {
    let pos = 0;
    while (pos < chunk.length) {
      if (this.#lengthBytesSeen < lengthBytes) {
        this.#length = this.#length * 256 + chunk[pos++]!;
        if (++this.#lengthBytesSeen === lengthBytes) this.#checkLength();
        continue;
      }
      const missing = this.#length - this.#bodyBytesSeen;
      const end = Math.min(pos + missing, chunk.length);
      if (this.#bodyBytesSeen === 0 && end - pos === missing) {
        this.#endFrame();
        onFrame(chunk.subarray(pos, end));
      } else {
        this.#collect(chunk, pos, end);
        if (end - pos === missing) {
          const body = this.#body!.subarray(0, this.#length);
          this.#endFrame();
          onFrame(body);
        }
      }
      pos = end;
    }
  }

  #checkLength(): void {
    const length = this.#length;
    if (length >= 1 && length <= this.maxFrameBytes) return;
    throw new MalformedFrame(length === 0 ? "empty" : "too-long", `frame of ${length} bytes`);
  }

  #collect(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#bodyBytesSeen + end - start;
    let body = this.#body;
    if (body === undefined || body.length < needed) {
      const size = Math.min(this.#length, Math.max(needed, 2 * (body?.length ?? 0), minBufferBytes));
      const larger = new Uint8Array(size);
      if (body !== undefined) larger.set(body.subarray(0, this.#bodyBytesSeen));
      this.#body = body = larger;
    }
    body.set(chunk.subarray(start, end), this.#bodyBytesSeen);
    this.#bodyBytesSeen = needed;
  }

  #endFrame(): void {
    this.#length = 0;
    this.#lengthBytesSeen = 0;
    this.#body = undefined;
    this.#bodyBytesSeen = 0;
  }
}
