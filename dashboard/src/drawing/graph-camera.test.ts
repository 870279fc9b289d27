import { expect, test } from "vitest";
import { type Camera, fitTo, panBy, toScreen, toWorld, zoomAt } from "./graph-camera.ts";

const size = { width: 800, height: 400 };
const camera: Camera = { x: 10, y: -5, scale: 2 };

test("what is below the pointer stays there when one zooms", () => {
  const pointer = { x: 123, y: 321 };
  const before = toWorld(camera, size, pointer);
  const after = toWorld(zoomAt(camera, size, pointer, 3), size, pointer);
  expect(after.x).toBeCloseTo(before.x, 9);
  expect(after.y).toBeCloseTo(before.y, 9);
  expect(zoomAt(camera, size, pointer, 3).scale).toBe(6);
});

test("the world and the screen are each other's inverse", () => {
  const point = toScreen(camera, size, toWorld(camera, size, { x: 7, y: 390 }));
  expect(point.x).toBeCloseTo(7, 9);
  expect(point.y).toBeCloseTo(390, 9);
});

test("a drag moves the world with the pointer", () => {
  const held = toWorld(camera, size, { x: 100, y: 100 });
  expect(toWorld(panBy(camera, 30, -20), size, { x: 130, y: 80 })).toEqual(held);
});

test("everybody is in sight after fitting, with room for names", () => {
  const xs = Float32Array.of(-500, 90, 700);
  const ys = Float32Array.of(3, -900, 40);
  const fitted = fitTo(xs, ys, 3, size);
  for (let i = 0; i < 3; i++) {
    const { x, y } = toScreen(fitted, size, { x: xs[i]!, y: ys[i]! });
    expect(x).toBeGreaterThan(20);
    expect(x).toBeLessThan(780);
    expect(y).toBeGreaterThan(20);
    expect(y).toBeLessThan(380);
  }
});

test("nobody, one, and many at one place can be looked at", () => {
  for (const count of [0, 1, 3]) {
    const { scale } = fitTo(new Float32Array(count), new Float32Array(count), count, size);
    expect(Number.isFinite(scale)).toBe(true);
  }
});
