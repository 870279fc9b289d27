export * from "./campaign/index.ts";
export * from "./degree-report.ts";
export * from "./local-network.ts";
export * from "./measurement.ts";
export * from "./scenario/index.ts";
export * from "./simulate/index.ts";
export * from "./simulated-network.ts";
export * from "./trace/index.ts";
