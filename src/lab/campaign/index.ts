export * from "./campaign.ts";
export { closed, type Draft, drawScenario, type FaultKind, faultKinds } from "./draw.ts";
export * from "./run-one.ts";
export * from "./shrink.ts";
