export * from "./compare.ts";
export type { Spread } from "./distribution.ts";
export type { FailureFigures, FaultReport, WrongRemoval } from "./failure-ledger.ts";
export * from "./filter.ts";
export type { MessageFigures } from "./message-ledger.ts";
export * from "./replay.ts";
export * from "./summary.ts";
