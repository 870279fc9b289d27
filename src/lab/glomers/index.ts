export * from "./static-links.ts";
export * from "./topologies.ts";
export * from "./turn-batches.ts";
export * from "./value-ledger.ts";
export * from "./workload.ts";
