/** The pixels of a grid of nodes. Hot: a million cells in a few ms (bench/dashboard/drawing/grid.mjs). */
import type { GridShape } from "./grid-order.ts";

/** Each color as the pixel that it is in memory. */
export type GridColors = Uint32Array;

/** What a cell says besides its color, where it is large enough: hollow, with a hole, crossed out, with two bars. */
export type CellForm = "full" | "hollow" | "hole" | "crossed" | "bars";

export interface GridCells {
  readonly states: Uint8Array;
  readonly order: Uint32Array | undefined;
  readonly count: number;
  readonly shape: GridShape;
  readonly colors: GridColors;
  /** By state; `full` where nothing is said. */
  readonly forms?: readonly CellForm[] | undefined;
}

/** From so many pixels on, cells have a gap between them. */
const leastWithGap = 4;
const leastWithForm = 7;

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
  { states, order, count, shape, colors, forms }: GridCells,
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
    const state = states[order === undefined ? i : order[i]!]!;
    const color = colors[state]!;
    const left = (i % shape.columns) * side;
    const top = Math.floor(i / shape.columns) * side;
    for (let y = 0; y < filled; y++) {
      const from = (top + y) * image.width + left;
      pixels.fill(color, from, from + filled);
    }
    const form = forms?.[state];
    if (form === undefined || form === "full" || side < leastWithForm) continue;
    for (let y = 0; y < filled; y++) {
      for (let x = 0; x < filled; x++)
        if (isClear[form](x, y, filled)) pixels[(top + y) * image.width + left + x] = 0;
    }
  }
}

/** Which pixels of a cell show what is behind it. */
const isClear: Readonly<Record<CellForm, (x: number, y: number, side: number) => boolean>> = {
  full: () => false,
  hollow: (x, y, side) => isWithin(x, y, side, Math.max(1, Math.round(side / 8))),
  hole: (x, y, side) => isWithin(x, y, side, Math.round(side / 3)),
  crossed: (x, y, side) => Math.min(Math.abs(x - y), Math.abs(x + y - side + 1)) <= side / 12,
  bars: (x, _, side) =>
    Math.min(Math.abs(x - side / 3 + 0.5), Math.abs(x - (2 * side) / 3 + 0.5)) <= side / 10,
};

function isWithin(x: number, y: number, side: number, margin: number): boolean {
  return Math.min(x, y) >= margin && Math.max(x, y) < side - margin;
}
