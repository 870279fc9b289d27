export type { RecordStatement, StoredRecord } from "../core/index.ts";
export * from "./store-messages.ts";
