/** Files that the user named: whether they can be written is known before the work, not after it. */
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { UsageError } from "../core/index.ts";

/** Throws `UsageError`. A file that was not there is not there afterwards. */
export function checkWritable(option: string, path: string): void {
  const wasThere = existsSync(path);
  try {
    closeSync(openSync(path, "a"));
    if (!wasThere) rmSync(path);
  } catch (error) {
    throw unwritable(option, path, error);
  }
}

export function unwritable(option: string, path: string, error: unknown): UsageError {
  return new UsageError(`${option}: cannot write ${path} (${(error as NodeJS.ErrnoException).code})`);
}
