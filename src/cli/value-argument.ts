import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { UsageError } from "../core/index.ts";

/** A value as the control API wants it: from the command line, standard input, or a file. Throws `UsageError`. */
export function contentOf(value: string | undefined, file: string | undefined): object {
  if ((value === undefined) === (file === undefined))
    throw new UsageError("value: give either a text or --file");
  if (file === undefined) return value === "-" ? readInput() : { text: value };
  try {
    return { base64: readFileSync(file).toString("base64") };
  } catch (error) {
    throw new UsageError(`--file: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A text without the line end that `echo` adds; what is no text, byte for byte. */
function readInput(): object {
  const bytes = readFileSync(0);
  return isUtf8(bytes) ? { text: withoutLineEnd(bytes.toString()) } : { base64: bytes.toString("base64") };
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}
