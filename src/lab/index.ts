export * from "./drills/index.ts";
export * from "./local-network.ts";
export * from "./measurement.ts";
