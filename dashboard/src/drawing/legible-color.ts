/** Colors that can be told from what they are drawn on. */

type Rgb = readonly [number, number, number];

/** Lines and marks need so much (WCAG 2, 1.4.11). */
const leastContrast = 3;

/**
 * The color, moved towards black or white until it stands out from the background. Colors are `#rrggbb`; another
 * notation comes back as it is.
 */
export function legibleOn(color: string, background: string): string {
  const ink = rgbOf(color);
  const paper = rgbOf(background);
  if (ink === undefined || paper === undefined) return color;
  const goal = luminance(paper) > 0.4 ? 0 : 255;
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = ink.map((part) => Math.round(part + (goal - part) * share)) as unknown as Rgb;
    if (contrast(mixed, paper) >= leastContrast) return hexOf(mixed);
  }
  return hexOf([goal, goal, goal]);
}

/** The color with so much of what lies below it shining through: `#rrggbb` becomes `#rrggbbaa`. */
export function withAlpha(color: string, alpha: number): string {
  return /^#[0-9a-f]{6}$/i.test(color) ? `${color}${hex(Math.round(alpha * 255))}` : color;
}

export function contrastOf(color: string, background: string): number {
  return contrast(rgbOf(color) ?? [0, 0, 0], rgbOf(background) ?? [255, 255, 255]);
}

function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  const linear = (part: number) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function rgbOf(color: string): Rgb | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (match === null) return undefined;
  return [1, 2, 3].map((i) => Number.parseInt(match[i]!, 16)) as unknown as Rgb;
}

function hexOf(parts: Rgb): string {
  return `#${parts.map(hex).join("")}`;
}

function hex(part: number): string {
  return part.toString(16).padStart(2, "0");
}
