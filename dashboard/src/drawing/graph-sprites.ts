/** Small pictures of nodes, each drawn once: a frame only copies them. */
import { lives, partsOf, shapes, spreads } from "./graph-forms.ts";
import type { GraphTheme } from "./graph-theme.ts";
import { palette } from "./palette.ts";

/** Room around the node for halo, ring and cross, in radii and pixels. */
const roomPx = 6;
const spreadColors = [undefined, palette.susceptible, palette.infected, palette.removed];

export class Sprites {
  readonly #theme: GraphTheme;
  readonly #pixelRatio: number;
  readonly #cache = new Map<number, HTMLCanvasElement>();

  constructor(theme: GraphTheme, pixelRatio: number) {
    this.#theme = theme;
    this.#pixelRatio = pixelRatio;
  }

  /** `radiusPx` is a whole number below 256. Its middle is the middle of the node. */
  get(form: number, radiusPx: number): HTMLCanvasElement {
    const key = form | (radiusPx << 6);
    let sprite = this.#cache.get(key);
    if (sprite === undefined) {
      sprite = this.#draw(form, radiusPx);
      this.#cache.set(key, sprite);
    }
    return sprite;
  }

  #draw(form: number, radius: number): HTMLCanvasElement {
    const half = radius * 1.4 + roomPx;
    const side = Math.ceil(half * 2 * this.#pixelRatio);
    const canvas = document.createElement("canvas");
    canvas.width = side;
    canvas.height = side;
    const context = canvas.getContext("2d")!;
    context.translate(side / 2, side / 2);
    context.scale(this.#pixelRatio, this.#pixelRatio);
    drawNode(context, form, radius, this.#theme);
    return canvas;
  }
}

/** Around the origin. */
export function drawNode(
  context: CanvasRenderingContext2D,
  form: number,
  radius: number,
  theme: GraphTheme,
): void {
  const { shape, spread, life, isSuspected } = partsOf(form);
  const isGone = life === lives.dead || life === lives.ended;
  const own = shape === shapes.square ? theme.seed : theme.peer;
  const color = spreadColors[spread] ?? own;
  const thin = Math.max(1, Math.min(2, radius / 5));
  if (spread === spreads.infected && !isGone) {
    context.globalAlpha = 0.35;
    fill(context, shape, radius + Math.max(2.5, radius * 0.4), color);
    context.globalAlpha = 1;
  }
  if (isGone || spread === spreads.susceptible) {
    fill(context, shape, radius, theme.background);
    context.setLineDash(life === lives.ended ? [2, 2] : []);
    stroke(context, shape, radius - thin / 2, life === lives.dead ? palette.dead : color, thin);
    context.setLineDash([]);
  } else {
    fill(context, shape, radius, color);
    if (spread === spreads.removed)
      fill(context, shapes.circle, Math.max(1, radius * 0.42), theme.background);
    stroke(context, shape, radius, theme.outline, 1);
  }
  if (life === lives.dead) cross(context, radius, palette.dead);
  if (life === lives.paused) bars(context, radius, theme);
  if (isSuspected) {
    context.setLineDash([3, 2.5]);
    stroke(context, shapes.circle, radius * (shape === shapes.square ? 1.3 : 1) + 3, palette.suspected, 2);
    context.setLineDash([]);
  }
}

function outline(context: CanvasRenderingContext2D, shape: number, radius: number): void {
  context.beginPath();
  // As large as the circle to the eye.
  const half = radius * 0.9;
  if (shape === shapes.square) context.rect(-half, -half, 2 * half, 2 * half);
  else context.arc(0, 0, radius, 0, 2 * Math.PI);
}

function fill(context: CanvasRenderingContext2D, shape: number, radius: number, color: string): void {
  outline(context, shape, radius);
  context.fillStyle = color;
  context.fill();
}

function stroke(
  context: CanvasRenderingContext2D,
  shape: number,
  radius: number,
  color: string,
  width: number,
): void {
  outline(context, shape, Math.max(0.5, radius));
  context.strokeStyle = color;
  context.lineWidth = width;
  context.stroke();
}

function cross(context: CanvasRenderingContext2D, radius: number, color: string): void {
  const reach = Math.max(3, radius * 0.95);
  context.strokeStyle = color;
  context.lineWidth = Math.max(1.5, radius / 4);
  context.beginPath();
  context.moveTo(-reach, -reach);
  context.lineTo(reach, reach);
  context.moveTo(reach, -reach);
  context.lineTo(-reach, reach);
  context.stroke();
}

function bars(context: CanvasRenderingContext2D, radius: number, theme: GraphTheme): void {
  const height = Math.max(7, radius * 1.5);
  const width = Math.max(2, radius * 0.32);
  for (const x of [-width * 1.5, width * 0.5]) {
    context.fillStyle = palette.paused;
    context.fillRect(x, -height / 2, width, height);
    context.strokeStyle = theme.text;
    context.lineWidth = 0.75;
    context.strokeRect(x, -height / 2, width, height);
  }
}
