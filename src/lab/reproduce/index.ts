export * from "./experiment.ts";
export * from "./experiments.ts";
export * from "./flags.ts";
export * from "./html-report.ts";
export * from "./measured-series.ts";
export * from "./report.ts";
export * from "./run.ts";
