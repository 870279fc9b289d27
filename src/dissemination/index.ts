export * from "./broadcast.ts";
export * from "./gossip-source.ts";
export type * from "./messages.ts";
export * from "./rumor.ts";
