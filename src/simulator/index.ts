export * from "./agenda.ts";
export * from "./counter-random.ts";
export * from "./heap-agenda.ts";
export type * from "./link-settings.ts";
export * from "./timing-wheel.ts";
