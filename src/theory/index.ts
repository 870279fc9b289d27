export * from "./degree-fit.ts";
export * from "./degree-laws.ts";
export * from "./graph-measures.ts";
