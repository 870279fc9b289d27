export {
  type FailureFigures,
  type FaultReport,
  type MessageFigures,
  type ScenarioNotice,
  type Spread,
  scenarioLayer,
  type TraceReport,
  TraceSummary,
  type WrongRemoval,
} from "../../trace/index.ts";
export * from "./compare.ts";
export * from "./filter.ts";
export * from "./replay.ts";
export * from "./trace-page.ts";
