import { readFileSync } from "node:fs";
import { UsageError } from "../core/index.ts";

/** A value as the control API wants it: from the command line, standard input, or a file. Throws `UsageError`. */
export function contentOf(value: string | undefined, file: string | undefined): object {
  if ((value === undefined) === (file === undefined))
    throw new UsageError("value: give either a text or --file");
  if (file === undefined) return { text: value === "-" ? withoutLineEnd(readFileSync(0, "utf8")) : value };
  try {
    return { base64: readFileSync(file).toString("base64") };
  } catch (error) {
    throw new UsageError(`--file: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}
