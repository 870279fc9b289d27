export * from "./broadcast.ts";
export * from "./gossip-source.ts";
export * from "./median-counter.ts";
export * from "./median-counter-table.ts";
export type * from "./messages.ts";
export * from "./pbbf.ts";
export * from "./probabilistic-flood.ts";
export * from "./rumor.ts";
export * from "./rumor-table.ts";
