/** The lines of a stream of bytes, without their ends: empty ones are left out, those that are too long are counted. */
import { maxTraceLineBytes } from "../../../src/trace/trace-line.ts";

export class TraceLines {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #maxLength: number;
  bytesRead = 0;
  tooLong = 0;

  constructor(stream: ReadableStream<Uint8Array>, maxLength = maxTraceLineBytes) {
    this.#stream = stream;
    this.#maxLength = maxLength;
  }

  /** The lines of each chunk together. Ends the stream when nobody asks on. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string[]> {
    const reader = this.#stream.getReader();
    const decoder = new TextDecoder();
    let held = "";
    let isTooLong = false;
    try {
      for (;;) {
        const { value, done } = await reader.read();
        this.bytesRead += value?.length ?? 0;
        const texts = (held + (done ? decoder.decode() : decoder.decode(value, { stream: true }))).split(
          "\n",
        );
        held = done ? "" : texts.pop()!;
        if (isTooLong && texts.length > 0) {
          texts.shift();
          isTooLong = false;
        }
        if (held.length > this.#maxLength || isTooLong) {
          if (!isTooLong) this.tooLong++;
          held = "";
          isTooLong = true;
        }
        const lines = texts.filter((text) => text !== "" && text !== "\r" && text.length <= this.#maxLength);
        this.tooLong += texts.reduce((sum, { length }) => sum + (length > this.#maxLength ? 1 : 0), 0);
        if (lines.length > 0) yield lines;
        if (done) return;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}
