export type { RecordStatement, StoredRecord } from "../core/index.ts";
