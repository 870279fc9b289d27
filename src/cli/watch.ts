import { Command } from "commander";
import pc from "picocolors";
import { escapeText, startTraceServer } from "../node/index.ts";
import { exitWhenPrinted } from "./exit.ts";
import { wholeNumber } from "./numbers.ts";
import { openPage } from "./open-page.ts";
import { stopSignal } from "./stop-signal.ts";

interface WatchOptions {
  readonly port: number;
  readonly open: boolean;
  readonly json?: boolean;
}

export function watchCommand(): Command {
  return new Command("watch")
    .description("Show a recorded run in the browser: play it, rewind it, look into every node")
    .argument("<file>", "a trace, live or simulated; the parts that were rotated out of it are shown too")
    .option(
      "--port <number>",
      "port of the page on 127.0.0.1; 0 takes a free one",
      wholeNumber("--port", 0, 65_535),
      0,
    )
    .option("--no-open", "only print the address, and open no browser")
    .option("--json", "print the address as a JSON object, and open no browser")
    .addHelpText(
      "after",
      `
Nothing leaves this machine: the page and the trace are served on loopback until Ctrl+C.

Examples:
  $ grapevine run crash --trace crash.ndjson && grapevine watch crash.ndjson
  $ grapevine watch run.ndjson --port 8080 --no-open
`,
    )
    .action(watch);
}

async function watch(path: string, options: WatchOptions): Promise<void> {
  const stopped = stopSignal();
  const server = await startTraceServer({ path, port: options.port });
  if (options.json) process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
  else
    process.stdout.write(
      `Open ${pc.bold(server.url)} to watch ${escapeText(path)}. ${pc.bold("Ctrl+C")} ends it.\n`,
    );
  if (options.open && !options.json) openPage(server.url);
  await stopped;
  await server.close();
  exitWhenPrinted();
}
