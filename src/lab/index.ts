export * from "./local-network.ts";
export * from "./measurement.ts";
