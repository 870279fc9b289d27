export * from "./iterative-lookup.ts";
export * from "./lookup-options.ts";
export * from "./lookup-runner.ts";
export * from "./questions.ts";
export * from "./round-trips.ts";
