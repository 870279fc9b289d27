/**
 * Ends the process with the exit code that was set, whatever is still running, once all that was printed is with its
 * reader: a pipe takes no more than 64 KiB at a time.
 */
export function exitWhenPrinted(): void {
  process.stdout.write("", () => process.exit());
}
