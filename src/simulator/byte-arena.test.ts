import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteArena } from "./byte-arena.ts";

/** Fills a piece with bytes of its own. */
function fill(arena: ByteArena, piece: number, seed: number): Uint8Array {
  const content = Uint8Array.from({ length: arena.length(piece) }, (_, i) => seed * 31 + i * 7 + 1);
  arena.bytes.set(content, arena.start(piece));
  return content;
}

function read(arena: ByteArena, piece: number): Uint8Array {
  const start = arena.start(piece);
  return arena.bytes.slice(start, start + arena.length(piece));
}

describe("the byte arena", () => {
  test("keeps what is in each piece, whatever is taken and released around it", () => {
    // Lengths around the sizes of pieces, which are powers of two less the four bytes of the length.
    const lengths = fc.oneof(
      fc.nat(100),
      fc.nat(5000),
      fc.constantFrom(0, 1, 11, 12, 13, 27, 28, 29, 60, 61, 255, 256, 65_531, 65_532, 65_533, 100_000),
    );
    const steps = fc.array(
      fc.oneof({ weight: 3, arbitrary: fc.record({ take: lengths }) }, fc.record({ release: fc.nat() })),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (history) => {
        const arena = new ByteArena();
        const model = new Map<number, Uint8Array>();
        for (const [i, step] of history.entries()) {
          if ("take" in step) {
            const piece = arena.take(step.take);
            expect(model.has(piece)).toBe(false);
            expect(arena.length(piece)).toBe(step.take);
            model.set(piece, fill(arena, piece, i));
          } else if (model.size > 0) {
            const piece = [...model.keys()][step.release % model.size]!;
            arena.release(piece);
            model.delete(piece);
          }
          expect(arena.pieces).toBe(model.size);
        }
        for (const [piece, content] of model) expect(Buffer.compare(read(arena, piece), content)).toBe(0);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("uses again what was released: a long run of few messages does not grow", () => {
    const arena = new ByteArena();
    const lengths = [0, 12, 13, 100, 1000, 10_000];
    let bytes = 0;
    for (let i = 0; i < 100_000; i++) {
      const pieces = lengths.map((length) => arena.take(length));
      for (const piece of pieces) arena.release(piece);
      if (i === 10) bytes = arena.memoryBytes;
    }
    expect(arena.memoryBytes).toBe(bytes);
    expect(arena.pieces).toBe(0);
  });

  test("a small message takes 16 bytes, with its length, and no message takes twice what it needs", () => {
    const arena = new ByteArena();
    const first = arena.take(12);
    expect(arena.start(arena.take(12)) - arena.start(first)).toBe(16);
    for (const length of [13, 28, 29, 1000, 1020, 1021, 70_000]) {
      const piece = arena.take(length);
      const size = arena.start(arena.take(0)) - arena.start(piece);
      expect(size).toBeGreaterThanOrEqual(length + 4);
      expect(size).toBeLessThan(2 * (length + 4));
    }
  });

  test("grows when it is full, and what is in it stays", () => {
    const arena = new ByteArena();
    const small = arena.take(7);
    const content = fill(arena, small, 3);
    const before = arena.bytes;
    const large = arena.take(20_000_000);
    expect(arena.bytes).not.toBe(before);
    expect(arena.memoryBytes).toBeGreaterThan(20_000_000);
    expect(arena.length(large)).toBe(20_000_000); // more than 16 and more than 24 bits
    expect(read(arena, small)).toEqual(content);
  });
});
