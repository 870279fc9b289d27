export * from "./compare.ts";
export * from "./comparison.ts";
export * from "./page.ts";
export * from "./report.ts";
