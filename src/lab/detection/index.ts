export * from "./compare-detectors.ts";
export * from "./conditions.ts";
export * from "./detection-page.ts";
export * from "./detection-report.ts";
export * from "./detector-comparison.ts";
export { labDetectors } from "./lab-detectors.ts";
