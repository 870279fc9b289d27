export * from "./records.ts";
export * from "./store.ts";
export type * from "./store-commands.ts";
export * from "./store-messages.ts";
export * from "./store-options.ts";
