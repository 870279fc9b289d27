export * from "./local-network.ts";
export * from "./measurement.ts";
export * from "./scenario/index.ts";
export * from "./trace/index.ts";
