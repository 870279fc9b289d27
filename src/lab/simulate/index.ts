export * from "./batch.ts";
export type { Curve } from "./curve.ts";
export * from "./delivery-count.ts";
export * from "./preset.ts";
export * from "./presets.ts";
export * from "./run.ts";
