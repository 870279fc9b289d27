export * from "./experiment.ts";
export * from "./experiments.ts";
