export * from "./classic.ts";
export * from "./routing.ts";
