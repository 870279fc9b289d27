export * from "./drills/index.ts";
export * from "./local-network.ts";
export * from "./measurement.ts";
export type * from "./scenario/scenario.ts";
export type * from "./scenario/world.ts";
export * from "./trace/index.ts";
