export * from "./evidence-log.ts";
export * from "./heartbeat.ts";
export * from "./known-peers.ts";
export type * from "./messages.ts";
export * from "./overlay.ts";
export * from "./registration.ts";
export * from "./seed-registry.ts";
export * from "./seniority.ts";
