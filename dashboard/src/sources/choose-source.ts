/**
 * Which network the page shows when it is opened: `?trace=run.ndjson` a recorded one, the server that handed it out a
 * live one; opened from anywhere else it asks.
 */
import { RecordedSource, traceAt } from "./recorded-source.ts";
import type { Source } from "./source.ts";

export async function chooseSource(search: string): Promise<Source | undefined> {
  const trace = new URLSearchParams(search).get("trace");
  if (trace !== null && trace !== "") return new RecordedSource(traceAt(trace));
  return undefined;
}
