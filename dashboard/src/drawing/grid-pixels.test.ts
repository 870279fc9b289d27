import { expect, test } from "vitest";
import { type CellForm, drawCells, packColors } from "./grid-pixels.ts";

const colors = packColors(["#010203", "#ff8000"]);
const canvas = (width: number, height: number) => ({
  width,
  data: new Uint8ClampedArray(width * height * 4),
});
const pixel = (image: ReturnType<typeof canvas>, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 4, (y * image.width + x) * 4 + 4),
];

test("each cell has the color of its node's state, in the order that is asked for", () => {
  const image = canvas(2, 2);
  const states = Uint8Array.of(0, 0, 1);
  const order = Uint32Array.of(2, 0, 1);
  drawCells(image, { states, order, count: 3, shape: { columns: 2, rows: 2, cell: 1 }, colors });
  expect(pixel(image, 0, 0)).toEqual([255, 128, 0, 255]);
  expect(pixel(image, 1, 0)).toEqual([1, 2, 3, 255]);
  expect(pixel(image, 0, 1)).toEqual([1, 2, 3, 255]);
  expect(pixel(image, 1, 1)).toEqual([0, 0, 0, 0]);
});

test("large cells have a gap between them, and what is no node is clear", () => {
  const image = canvas(10, 5);
  const shape = { columns: 2, rows: 1, cell: 5 };
  drawCells(image, { states: Uint8Array.of(1), order: undefined, count: 1, shape, colors });
  expect(pixel(image, 3, 3)).toEqual([255, 128, 0, 255]);
  expect(pixel(image, 4, 3)).toEqual([0, 0, 0, 0]);
  expect(pixel(image, 6, 2)).toEqual([0, 0, 0, 0]);
});

test("a large cell says its state by form as well, a small one by color alone", () => {
  const drawn = (form: CellForm, side: number) => {
    const image = canvas(side, side);
    const shape = { columns: 1, rows: 1, cell: side };
    const states = Uint8Array.of(1);
    drawCells(image, { states, order: undefined, count: 1, shape, colors, forms: ["full", form] });
    const filled = side - 1;
    return Array.from({ length: filled * filled }, (_, i) =>
      pixel(image, i % filled, Math.floor(i / filled))[3] === 0 ? "." : "#",
    ).join("");
  };
  const forms: CellForm[] = ["full", "hollow", "hole", "crossed", "bars"];
  expect(new Set(forms.map((form) => drawn(form, 12))).size).toBe(forms.length);
  expect(drawn("hollow", 8)).toBe("########.....##.....##.....##.....##.....########");
  expect(new Set(forms.map((form) => drawn(form, 5)))).toEqual(new Set(["#".repeat(16)]));
});
