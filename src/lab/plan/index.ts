export * from "./certify.ts";
export * from "./report.ts";
export * from "./search.ts";
export * from "./wish.ts";
