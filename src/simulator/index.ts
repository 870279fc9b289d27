export * from "./counter-random.ts";
export type * from "./link-settings.ts";
