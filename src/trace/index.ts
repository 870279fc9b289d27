export type { Spread } from "./distribution.ts";
export type { FailureFigures, FaultReport, WrongRemoval } from "./failure-ledger.ts";
export * from "./layers.ts";
export type { MessageFigures } from "./message-ledger.ts";
export * from "./summary.ts";
