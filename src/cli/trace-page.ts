/** `--html`: the trace of this run, kept until its page is made of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkTemplate, writeTracePage } from "../lab/index.ts";

export const htmlOption = [
  "--html <file>",
  "leave a page in one file, to look at the run again: no server needed, nothing to install",
] as const;

export interface PageOfRun {
  /** Where the run has to write its trace; undefined where nobody wants one. */
  readonly trace: string | undefined;
  /** When the trace is closed. */
  write(): Promise<void>;
}

/** Throws `UsageError` where no page can be made. */
export function pageOfRun({ trace, html }: { readonly trace?: string; readonly html?: string }): PageOfRun {
  if (html === undefined) return { trace, write: async () => {} };
  checkTemplate();
  if (trace !== undefined) return { trace, write: () => writeTracePage(trace, html) };
  const folder = mkdtempSync(join(tmpdir(), "grapevine-page-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const own = join(folder, "trace.ndjson");
  return { trace: own, write: () => writeTracePage(own, html) };
}
