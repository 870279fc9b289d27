/** Where one looks from: world coordinates are of the layout, screen coordinates CSS pixels from the upper left. */
export interface Camera {
  /** The point of the world in the middle of the screen. */
  readonly x: number;
  readonly y: number;
  /** Pixels for each unit of the world. */
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const marginPx = 36;
const leastScale = 1e-4;
const greatestScale = 1e4;

export function toScreen({ x, y, scale }: Camera, { width, height }: Size, point: Point): Point {
  return { x: (point.x - x) * scale + width / 2, y: (point.y - y) * scale + height / 2 };
}

export function toWorld({ x, y, scale }: Camera, { width, height }: Size, point: Point): Point {
  return { x: (point.x - width / 2) / scale + x, y: (point.y - height / 2) / scale + y };
}

/** Zooms by that factor; what is below the point stays below it. */
export function zoomAt(camera: Camera, size: Size, point: Point, factor: number): Camera {
  const scale = Math.min(greatestScale, Math.max(leastScale, camera.scale * factor));
  const before = toWorld(camera, size, point);
  const after = toWorld({ ...camera, scale }, size, point);
  return { x: camera.x + before.x - after.x, y: camera.y + before.y - after.y, scale };
}

export function panBy(camera: Camera, byX: number, byY: number): Camera {
  return { ...camera, x: camera.x - byX / camera.scale, y: camera.y - byY / camera.scale };
}

/** Shows all points, with a margin for names. */
export function fitTo(xs: Float32Array, ys: Float32Array, count: number, size: Size): Camera {
  if (count === 0) return { x: 0, y: 0, scale: 1 };
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    left = Math.min(left, xs[i]!);
    right = Math.max(right, xs[i]!);
    top = Math.min(top, ys[i]!);
    bottom = Math.max(bottom, ys[i]!);
  }
  const across = Math.max(1, size.width - 2 * marginPx) / Math.max(right - left, 1e-6);
  const down = Math.max(1, size.height - 2 * marginPx) / Math.max(bottom - top, 1e-6);
  // A single node is no reason to look at it through a microscope.
  const scale = Math.min(across, down, count === 1 ? 1 : greatestScale);
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale };
}
