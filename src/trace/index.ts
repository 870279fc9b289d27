export type { Spread } from "./distribution.ts";
export type { FailureFigures, FaultReport, WrongRemoval } from "./failure-ledger.ts";
export * from "./feed.ts";
export * from "./layers.ts";
export * from "./message-book.ts";
export type { MessageFigures } from "./message-ledger.ts";
export * from "./picture.ts";
export * from "./summary.ts";
export * from "./trace-line.ts";
