// Pictures with no more than 256 colors, as PNG with a palette: a screenshot is a third as large, and looks the same.
import { crc32, deflateSync } from "node:zlib";

const maxColors = 256;
/** Colors that agree in so many bits of each channel become one. */
const bits = 4;

/** `pixels` are red, green, blue and alpha of each, as a canvas has them; alpha is not kept. */
export function palettePng(pixels, width, height) {
  const groups = new Map();
  const groupAt = (i) =>
    ((pixels[i] >> (8 - bits)) << (2 * bits)) |
    ((pixels[i + 1] >> (8 - bits)) << bits) |
    (pixels[i + 2] >> (8 - bits));
  for (let i = 0; i < pixels.length; i += 4) {
    const key = groupAt(i);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { count: 0, exact: new Map() }));
    group.count++;
    const color = (pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2];
    group.exact.set(color, (group.exact.get(color) ?? 0) + 1);
  }
  // Each group gets its most frequent color: large areas keep theirs exactly.
  const kept = [...groups.values()].sort((a, b) => b.count - a.count).slice(0, maxColors);
  const palette = kept.map(({ exact }) => [...exact].reduce((most, one) => (one[1] > most[1] ? one : most))[0]);
  const indices = new Map();
  for (const [key, group] of groups) {
    const at = kept.indexOf(group);
    indices.set(key, at === -1 ? nearest(palette, [...group.exact.keys()][0]) : at);
  }
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rows[y * (width + 1) + 1 + x] = indices.get(groupAt(4 * (y * width + x)));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, indices into a palette
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]))),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function nearest(palette, color) {
  const distance = (other) =>
    [16, 8, 0].reduce((sum, shift) => sum + (((color >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
  return palette.reduce((best, other, i) => (distance(other) < distance(palette[best]) ? i : best), 0);
}

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
