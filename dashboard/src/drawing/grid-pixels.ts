/** The pixels of a grid of nodes. Hot: a million cells in a few ms (bench/dashboard/drawing/grid.mjs). */
import type { GridShape } from "./grid-order.ts";

/** Each color as the pixel that it is in memory. */
export type GridColors = Uint32Array;

export interface GridCells {
  readonly states: Uint8Array;
  readonly order: Uint32Array | undefined;
  readonly count: number;
  readonly shape: GridShape;
  readonly colors: GridColors;
}

/** From so many pixels on, cells have a gap between them. */
const leastWithGap = 4;

/** `#rrggbb` as little-endian pixels; a state without a color is clear. */
export function packColors(colors: readonly string[]): GridColors {
  const packed = new Uint32Array(256);
  colors.forEach((color, i) => {
    const value = Number.parseInt(color.slice(1), 16);
    packed[i] = (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
  });
  return packed;
}

export function drawCells(
  image: Pick<ImageData, "data" | "width">,
  { states, order, count, shape, colors }: GridCells,
): void {
  const pixels = new Uint32Array(image.data.buffer);
  const side = Math.max(1, Math.floor(shape.cell));
  if (side === 1) {
    if (order === undefined) for (let i = 0; i < count; i++) pixels[i] = colors[states[i]!]!;
    else for (let i = 0; i < count; i++) pixels[i] = colors[states[order[i]!]!]!;
    pixels.fill(0, count);
    return;
  }
  const filled = side >= leastWithGap ? side - 1 : side;
  pixels.fill(0);
  for (let i = 0; i < count; i++) {
    const color = colors[states[order === undefined ? i : order[i]!]!]!;
    const left = (i % shape.columns) * side;
    const top = Math.floor(i / shape.columns) * side;
    for (let y = 0; y < filled; y++) {
      const from = (top + y) * image.width + left;
      pixels.fill(color, from, from + filled);
    }
  }
}
