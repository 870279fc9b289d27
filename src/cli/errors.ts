import { UsageError } from "../core/index.ts";
import { TransportError } from "../transport/index.ts";

/** One line for the user's own mistakes and the machine's refusals, a stack only for ours. Ends the process. */
export function reportError(error: unknown): void {
  const isExpected = error instanceof UsageError || error instanceof TransportError;
  const text = isExpected
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`grapevine: ${text}\n`);
  process.exitCode = isExpected ? 2 : 1;
  // Whatever still listens must not keep a failed command alive.
  setImmediate(() => process.exit());
}
