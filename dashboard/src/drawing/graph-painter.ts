/**
 * Draws a graph on two canvases, one above the other: links, which change seldom, and nodes with all that moves.
 * Chosen by measurement over libraries, which draw every link anew for each frame (bench/dashboard/drawing).
 */
import type { Camera, Size } from "./graph-camera.ts";
import { Sprites } from "./graph-sprites.ts";
import type { GraphTheme } from "./graph-theme.ts";
import { shortened } from "./shortened.ts";

/** Columns, by place: the order in which nodes are drawn. Only the first `count` count. */
export interface DrawnNodes {
  readonly count: number;
  readonly xs: Float32Array;
  readonly ys: Float32Array;
  readonly forms: Uint8Array;
  /** Whole pixels, before they are zoomed. */
  readonly radii: Uint8Array;
  readonly names: readonly string[];
  /** How far nodes are from each other, in units of the world. */
  readonly spacing: number;
}

export const linkStyles = { plain: 0, severed: 1, strong: 2 } as const;

export interface DrawnLinks {
  readonly count: number;
  /** Places of both ends, one pair after the other. */
  readonly ends: Uint32Array;
  readonly styles: Uint8Array;
}

/** Dots on their way and links that glow: places in pairs, and how far or how bright, from 0 to 1. */
export interface DrawnMotion {
  readonly count: number;
  readonly ends: Uint32Array;
  readonly shares: Float32Array;
}

export interface DrawnFrame {
  readonly nodes: DrawnNodes;
  readonly dots: DrawnMotion;
  readonly glows: DrawnMotion;
  /** Place of the node that is chosen, and of the one below the pointer; -1 for none. */
  readonly selected: number;
  readonly hovered: number;
  readonly dotColor: string;
}

/** Lines in one path: few paths cost calls, long ones are slow to fill without a GPU. */
const linesPerPath = 64;
/** So many links are drawn in their full color. */
const fullLinks = 600;
/** Names are drawn as long as each has so much room. */
const pixelsPerName = 9000;

export class GraphPainter {
  readonly #linkCanvas: HTMLCanvasElement;
  readonly #nodeCanvas: HTMLCanvasElement;
  readonly #links: CanvasRenderingContext2D;
  readonly #nodes: CanvasRenderingContext2D;
  #size: Size = { width: 0, height: 0 };
  #pixelRatio = 1;
  #theme: GraphTheme;
  #sprites: Sprites;

  constructor(linkCanvas: HTMLCanvasElement, nodeCanvas: HTMLCanvasElement, theme: GraphTheme) {
    this.#linkCanvas = linkCanvas;
    this.#nodeCanvas = nodeCanvas;
    this.#links = linkCanvas.getContext("2d")!;
    this.#nodes = nodeCanvas.getContext("2d")!;
    this.#theme = theme;
    this.#sprites = new Sprites(theme, 1);
  }

  get size(): Size {
    return this.#size;
  }

  /** What was drawn is gone: draw both layers anew. */
  setup(size: Size, pixelRatio: number, theme: GraphTheme): void {
    for (const canvas of [this.#linkCanvas, this.#nodeCanvas]) {
      canvas.width = Math.max(1, Math.round(size.width * pixelRatio));
      canvas.height = Math.max(1, Math.round(size.height * pixelRatio));
    }
    this.#size = size;
    this.#pixelRatio = pixelRatio;
    this.#theme = theme;
    this.#sprites = new Sprites(theme, pixelRatio);
  }

  drawLinks(camera: Camera, nodes: DrawnNodes, links: DrawnLinks): void {
    const context = this.#links;
    this.#clear(context);
    // Many lines are fainter, so that what they cover can be told from what they do not.
    context.globalAlpha = Math.min(1, Math.sqrt(fullLinks / Math.max(1, links.count)));
    this.#style(context, this.#theme.link, 1);
    this.#lines(camera, nodes, links, linkStyles.plain);
    context.globalAlpha = 1;
    this.#style(context, this.#theme.severed, 1.25, [5, 4]);
    this.#lines(camera, nodes, links, linkStyles.severed);
    this.#style(context, this.#theme.linkStrong, 1.5);
    this.#lines(camera, nodes, links, linkStyles.strong);
    context.setLineDash([]);
  }

  drawNodes(camera: Camera, { nodes, dots, glows, selected, hovered, dotColor }: DrawnFrame): void {
    const context = this.#nodes;
    this.#clear(context);
    this.#drawGlows(camera, nodes, glows);
    const zoom = radiusZoom(camera, nodes);
    const ratio = this.#pixelRatio;
    const offsetX = this.#size.width / 2 - camera.x * camera.scale;
    const offsetY = this.#size.height / 2 - camera.y * camera.scale;
    context.setTransform(1, 0, 0, 1, 0, 0);
    for (let i = 0; i < nodes.count; i++) {
      const sprite = this.#sprites.get(nodes.forms[i]!, radiusOf(nodes.radii[i]!, zoom));
      const x = nodes.xs[i]! * camera.scale + offsetX;
      const y = nodes.ys[i]! * camera.scale + offsetY;
      // Whole pixels are copied without being smoothed, which is much quicker.
      const left = Math.round(x * ratio - sprite.width / 2);
      const top = Math.round(y * ratio - sprite.height / 2);
      context.drawImage(sprite, left, top);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#drawDots(camera, nodes, dots, dotColor);
    this.#drawNames(camera, nodes, zoom, hovered, selected);
    if (hovered >= 0) this.#ring(camera, nodes, hovered, zoom, 1.5);
    if (selected >= 0) this.#ring(camera, nodes, selected, zoom, 2.5);
  }

  /** The place of the node that is drawn there, the uppermost first; -1 where none is. */
  placeAt(camera: Camera, nodes: DrawnNodes, screenX: number, screenY: number): number {
    const zoom = radiusZoom(camera, nodes);
    let best = -1;
    let bestDistance = Number.POSITIVE_INFINITY;
    for (let i = 0; i < nodes.count; i++) {
      const reach = radiusOf(nodes.radii[i]!, zoom) + 4;
      const byX = this.#x(camera, nodes, i) - screenX;
      const byY = this.#y(camera, nodes, i) - screenY;
      const distance = byX * byX + byY * byY;
      if (distance > reach * reach || distance > bestDistance) continue;
      best = i;
      bestDistance = distance;
    }
    return best;
  }

  #clear(context: CanvasRenderingContext2D): void {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.setTransform(this.#pixelRatio, 0, 0, this.#pixelRatio, 0, 0);
  }

  #style(context: CanvasRenderingContext2D, color: string, width: number, dash: number[] = []): void {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash(dash);
  }

  #lines(camera: Camera, nodes: DrawnNodes, links: DrawnLinks, style: number): void {
    const context = this.#links;
    const { width, height } = this.#size;
    let inPath = 0;
    for (let i = 0; i < links.count; i++) {
      if (links.styles[i] !== style) continue;
      const from = links.ends[2 * i]!;
      const to = links.ends[2 * i + 1]!;
      const x1 = this.#x(camera, nodes, from);
      const y1 = this.#y(camera, nodes, from);
      const x2 = this.#x(camera, nodes, to);
      const y2 = this.#y(camera, nodes, to);
      if ((x1 < 0 && x2 < 0) || (y1 < 0 && y2 < 0) || (x1 > width && x2 > width)) continue;
      if (y1 > height && y2 > height) continue;
      if (inPath === 0) context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      if (++inPath < linesPerPath) continue;
      context.stroke();
      inPath = 0;
    }
    if (inPath > 0) context.stroke();
  }

  #drawGlows(camera: Camera, nodes: DrawnNodes, glows: DrawnMotion): void {
    const context = this.#nodes;
    this.#style(context, this.#theme.glow, 3);
    for (let i = 0; i < glows.count; i++) {
      const from = glows.ends[2 * i]!;
      const to = glows.ends[2 * i + 1]!;
      context.globalAlpha = glows.shares[i]!;
      context.beginPath();
      context.moveTo(this.#x(camera, nodes, from), this.#y(camera, nodes, from));
      context.lineTo(this.#x(camera, nodes, to), this.#y(camera, nodes, to));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #drawDots(camera: Camera, nodes: DrawnNodes, dots: DrawnMotion, color: string): void {
    const context = this.#nodes;
    const half = dots.count > 500 ? 1.5 : 2.5;
    context.fillStyle = color;
    context.strokeStyle = this.#theme.outline;
    context.lineWidth = 1;
    for (let i = 0; i < dots.count; i++) {
      const from = dots.ends[2 * i]!;
      const to = dots.ends[2 * i + 1]!;
      const share = dots.shares[i]!;
      const x1 = this.#x(camera, nodes, from);
      const y1 = this.#y(camera, nodes, from);
      const x = x1 + (this.#x(camera, nodes, to) - x1) * share;
      const y = y1 + (this.#y(camera, nodes, to) - y1) * share;
      if (dots.count > 500) {
        context.fillRect(x - half, y - half, 2 * half, 2 * half);
        continue;
      }
      context.beginPath();
      context.arc(x, y, half + 0.5, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }

  #drawNames(camera: Camera, nodes: DrawnNodes, zoom: number, hovered: number, selected: number): void {
    const { width, height } = this.#size;
    const context = this.#nodes;
    context.font = "500 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "top";
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = this.#theme.background;
    context.fillStyle = this.#theme.text;
    const inSight: number[] = [];
    for (let i = 0; i < nodes.count; i++) {
      const x = this.#x(camera, nodes, i);
      const y = this.#y(camera, nodes, i);
      if (x > -20 && x < width + 20 && y > -20 && y < height + 20) inSight.push(i);
    }
    const fits = inSight.length * pixelsPerName < width * height;
    const named = fits ? inSight : [hovered, selected].filter((place) => place >= 0);
    // Two names never lie on each other: the later one is left out, except where the user points.
    const taken = new Set<number>();
    for (const place of named) {
      const isPointedAt = place === hovered || place === selected;
      const x = this.#x(camera, nodes, place);
      // Below the ring, where there is one.
      const gap = isPointedAt ? 9 : 5;
      const top = this.#y(camera, nodes, place) + radiusOf(nodes.radii[place]!, zoom) + gap;
      const name = shortened(nodes.names[place]!);
      if (!isPointedAt && !this.#takeRoom(taken, x, top, name.length * 6.4)) continue;
      context.strokeText(name, x, top);
      context.fillText(name, x, top);
    }
  }

  /** On a raster of small cells. */
  #takeRoom(taken: Set<number>, x: number, top: number, width: number): boolean {
    const cells: number[] = [];
    const row = Math.round(top / 7);
    for (let column = Math.floor((x - width / 2) / 8); column <= (x + width / 2) / 8; column++)
      for (const by of [0, 1]) cells.push((row + by) * 4096 + column);
    if (cells.some((cell) => taken.has(cell))) return false;
    for (const cell of cells) taken.add(cell);
    return true;
  }

  #ring(camera: Camera, nodes: DrawnNodes, place: number, zoom: number, width: number): void {
    const context = this.#nodes;
    context.strokeStyle = this.#theme.selection;
    context.lineWidth = width;
    context.beginPath();
    const radius = radiusOf(nodes.radii[place]!, zoom) + 5.5;
    context.arc(this.#x(camera, nodes, place), this.#y(camera, nodes, place), radius, 0, 2 * Math.PI);
    context.stroke();
  }

  #x(camera: Camera, nodes: DrawnNodes, place: number): number {
    return (nodes.xs[place]! - camera.x) * camera.scale + this.#size.width / 2;
  }
  #y(camera: Camera, nodes: DrawnNodes, place: number): number {
    return (nodes.ys[place]! - camera.y) * camera.scale + this.#size.height / 2;
  }
}

/** Nodes grow less than what is between them, so that zooming in makes room. */
function radiusZoom(camera: Camera, nodes: DrawnNodes): number {
  return Math.min(2, Math.max(0.6, Math.sqrt((camera.scale * nodes.spacing) / 60)));
}

function radiusOf(radius: number, zoom: number): number {
  return Math.max(2, Math.round(radius * zoom));
}
