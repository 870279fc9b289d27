/**
 * Which network the page shows when it is opened: the one whose trace it carries, `?trace=run.ndjson` a recorded one,
 * `?lab=network&peers=50` a simulated one, the server that handed it out a live one; opened from anywhere else it asks.
 */
import { labSource } from "../laboratory/lab-run.ts";
import { hasControlApi } from "./control-api-probe.ts";
import { LiveSource } from "./live-source.ts";
import { RecordedSource, traceAt } from "./recorded-source.ts";
import type { Source } from "./source.ts";
import { traceInPage } from "./trace-in-page.ts";

/** `address` is where the page is. */
export async function chooseSource(address: URL): Promise<Source | undefined> {
  const inPage = traceInPage();
  if (inPage !== undefined) return new RecordedSource(inPage);
  const trace = address.searchParams.get("trace");
  if (trace !== null && trace !== "") return new RecordedSource(traceAt(trace, address));
  const simulated = labSource(address.search);
  if (simulated !== undefined) return simulated;
  const url = new URL(".", address).href;
  return (await hasControlApi(url)) ? new LiveSource({ url }) : undefined;
}
