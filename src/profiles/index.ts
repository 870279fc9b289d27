export * from "./classic.ts";
export * from "./merge-options.ts";
export * from "./routing.ts";
