export * from "../../scenario/index.ts";
export * from "./find-scenario.ts";
export * from "./live-world.ts";
export * from "./rerun.ts";
export * from "./scenario-file.ts";
export * from "./simulated-world.ts";
