export * from "./degree-fit.ts";
export * from "./degree-laws.ts";
export * from "./graph-measures.ts";
export * from "./two-samples.ts";
