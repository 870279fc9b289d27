import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader } from "./frame-reader.ts";
import { MalformedFrame } from "./malformed-frame.ts";

const frameOf = (body: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
};
const join = (parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const prefix = (length: number) => frameOf(new Uint8Array(0)).map((_, i) => (length >>> (24 - 8 * i)) & 255);

/** All bodies that come out, copied when they do. */
function pushAll(reader: FrameReader, chunks: Iterable<Uint8Array>): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, (body) => bodies.push(Uint8Array.from(body)));
    chunk.fill(0xee); // As if the socket used its memory again.
  }
  return bodies;
}

describe("FrameReader", () => {
  test("gives the same frames however the stream is cut", () => {
    const body = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 30_000 }).map((length) => new Uint8Array(length).map((_, i) => i * 7)),
    );
    const sizes = fc.array(fc.oneof(fc.nat(6), fc.nat(9000)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(body, { maxLength: 12 }), sizes, (bodies, cuts) => {
        const stream = join(bodies.map(frameOf));
        const chunks: Uint8Array[] = [];
        for (let pos = 0, i = 0; pos < stream.length; i++) {
          const size = i < 2000 ? cuts[i % cuts.length]! : stream.length;
          chunks.push(stream.slice(pos, pos + size));
          pos += size;
        }
        const reader = new FrameReader(30_000);
        const frames = pushAll(reader, chunks).map(frameOf);
        expect(frames.length).toBe(bodies.length);
        expect(Buffer.concat(frames).equals(stream)).toBe(true);
        expect(reader.pendingBytes).toBe(0);
        expect(reader.isInsideFrame).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("a frame within one chunk is a view, not a copy", () => {
    const chunk = join([frameOf(Uint8Array.of(1, 2)), frameOf(Uint8Array.of(3))]);
    const buffers: ArrayBufferLike[] = [];
    new FrameReader(10).push(chunk, (body) => buffers.push(body.buffer));
    expect(buffers).toEqual([chunk.buffer, chunk.buffer]);
    expect(buffers[0]).toBe(chunk.buffer);
  });

  test("knows how much of a frame it holds", () => {
    const reader = new FrameReader(1000);
    const frame = frameOf(new Uint8Array(100));
    const ignore = () => {};
    expect([reader.pendingBytes, reader.isInsideFrame]).toEqual([0, false]);
    reader.push(frame.subarray(0, 1), ignore);
    expect([reader.pendingBytes, reader.isInsideFrame]).toEqual([1, true]);
    reader.push(frame.subarray(1, 4), ignore);
    expect([reader.pendingBytes, reader.isInsideFrame]).toEqual([4, true]);
    reader.push(frame.subarray(4, 103), ignore);
    expect([reader.pendingBytes, reader.isInsideFrame]).toEqual([103, true]);
    reader.push(frame.subarray(103), ignore);
    expect([reader.pendingBytes, reader.isInsideFrame]).toEqual([0, false]);
  });

  test.each([
    ["too-long", 1001],
    ["too-long", 2 ** 32 - 1],
    ["empty", 0],
  ])("refuses %s (%i) with the last byte of the length, after the frames before it", (reason, length) => {
    const reader = new FrameReader(1000);
    const bodies: Uint8Array[] = [];
    const chunk = join([frameOf(new Uint8Array(1000)), prefix(length)]);
    reader.push(chunk.subarray(0, -1), (body) => bodies.push(body));
    expect(bodies.length).toBe(1);
    let caught: unknown;
    try {
      reader.push(chunk.subarray(-1), () => {});
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(MalformedFrame);
    expect((caught as MalformedFrame).reason).toBe(reason);
    expect(() =>
      new FrameReader(1000).push(chunk, (body) => {
        bodies.push(body);
      }),
    ).toThrow(MalformedFrame);
    expect(bodies.length).toBe(2);
  });

  test("the limit may grow after the handshake", () => {
    const reader = new FrameReader(10);
    reader.push(frameOf(new Uint8Array(10)), () => {
      reader.maxFrameBytes = 20;
    });
    reader.push(frameOf(new Uint8Array(20)), () => {});
    expect(() => reader.push(frameOf(new Uint8Array(21)), () => {})).toThrow(MalformedFrame);
  });

  test("an announced length costs nothing until the bytes come", () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new FrameReader(64 * 1024 * 1024));
    for (const reader of readers) {
      reader.push(prefix(64 * 1024 * 1024), () => {});
      reader.push(new Uint8Array(10), () => {});
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  test("a long frame in a million single bytes copies every byte a few times at most", () => {
    const reader = new FrameReader(1024 * 1024);
    const frame = frameOf(new Uint8Array(1024 * 1024).fill(5));
    let copied = 0;
    const original = Uint8Array.prototype.set;
    Uint8Array.prototype.set = function (source: ArrayLike<number>, offset?: number) {
      copied += source.length;
      original.call(this, source, offset);
    };
    const bodies: number[] = [];
    try {
      for (let i = 0; i < frame.length; i++)
        reader.push(frame.subarray(i, i + 1), (body) => bodies.push(body.length));
    } finally {
      Uint8Array.prototype.set = original;
    }
    expect(bodies).toEqual([1024 * 1024]);
    expect(copied).toBeLessThan(3 * 1024 * 1024);
  });
});
