/**
 * Resolves at the first Ctrl+C (or SIGTERM); a second one ends the process at once, for whom the orderly end takes
 * too long.
 */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      count++;
      if (count > 1) process.exit(130);
      resolve(signal);
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  });
}
