/** The library: join a network, see who is there, spread messages and hear them (see network.ts). */
export { UsageError } from "../core/index.ts";
export * from "./cluster.ts";
export * from "./control-api.ts";
export * from "./folders.ts";
export * from "./identity.ts";
export * from "./links.ts";
export * from "./log-file.ts";
export * from "./log-lines.ts";
export * from "./metrics.ts";
export * from "./network.ts";
export * from "./node.ts";
export * from "./run-files.ts";
export * from "./seed-file.ts";
export * from "./settings.ts";
export * from "./shared-state.ts";
export * from "./signatures.ts";
export * from "./store.ts";
export * from "./trace-file.ts";
