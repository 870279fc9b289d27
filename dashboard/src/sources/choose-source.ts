/**
 * Which network the page shows when it is opened: the one whose trace it carries, `?trace=run.ndjson` a recorded one, the server that handed it out a
 * live one; opened from anywhere else it asks.
 */
import { RecordedSource, traceAt } from "./recorded-source.ts";
import type { Source } from "./source.ts";
import { traceInPage } from "./trace-in-page.ts";

export async function chooseSource(search: string): Promise<Source | undefined> {
  const inPage = traceInPage();
  if (inPage !== undefined) return new RecordedSource(inPage);
  const trace = new URLSearchParams(search).get("trace");
  if (trace !== null && trace !== "") return new RecordedSource(traceAt(trace));
  return undefined;
}
