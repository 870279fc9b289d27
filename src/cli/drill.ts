import { fileURLToPath } from "node:url";
import { Command } from "commander";
import pc from "picocolors";
import { drills, runDrill } from "../lab/index.ts";
import { wholeNumber } from "./numbers.ts";
import { addTunables, readTunables } from "./tunable-options.ts";

interface DrillOptions {
  readonly peers: number;
  readonly seeds: number;
  readonly plaintext?: boolean;
  readonly json?: boolean;
}

export function drillCommand(): Command {
  const command = new Command("drill")
    .description("Do something bad to a live local network and report whether it held")
    .argument("<name>", `one of ${drills.map((drill) => drill.name).join(", ")}, or all`)
    .option("--peers <number>", "peers in the network", wholeNumber("--peers", 4, 2000), 12)
    .option("--seeds <number>", "seeds in the network", wholeNumber("--seeds", 1, 100), 6)
    .option("--plaintext", "no TLS")
    .option("--json", "print one JSON object (a list for all) and nothing else");
  return addTunables(command)
    .addHelpText(
      "after",
      `
Drills:
${drills.map(({ name, description }) => `  ${name.padEnd(20)} ${description}`).join("\n")}

Unless --ping-interval is given it is 1s here, so that a drill takes seconds instead of minutes.

Examples:
  $ grapevine drill crash
  $ grapevine drill hang --ping-interval 13s       the documents' own timing
  $ grapevine drill junk --peers 50 --json
`,
    )
    .action((name: string, options: DrillOptions) => drill(name, options));
}

async function drill(name: string, options: DrillOptions): Promise<void> {
  const tunables = readTunables(options as unknown as Record<string, unknown>);
  const isLoud = options.json !== true;
  const config = {
    peers: options.peers,
    seeds: options.seeds,
    isPlaintext: options.plaintext === true,
    pingIntervalMs: tunables.heartbeat?.pingIntervalMs ?? 1000,
    options: tunables,
    program: fileURLToPath(new URL("./main.js", import.meta.url)),
    say: (text: string) => {
      if (isLoud)
        process.stdout.write(
          `  ${text.replace(/^ok:/, pc.green("ok:")).replace(/^FAILED:/, pc.red("FAILED:"))}\n`,
        );
    },
  };
  const reports = [];
  for (const one of name === "all" ? drills.map((drill) => drill.name) : [name]) {
    if (isLoud) process.stdout.write(`${pc.bold(one)}\n`);
    const report = await runDrill(one, config);
    reports.push(report);
    if (isLoud)
      process.stdout.write(
        `${report.ok ? pc.green("held") : pc.red("did not hold")} ${JSON.stringify(report.figures)}\n`,
      );
  }
  if (!isLoud) process.stdout.write(`${JSON.stringify(name === "all" ? reports : reports[0])}\n`);
  process.exitCode = reports.every((report) => report.ok) ? 0 : 1;
  setImmediate(() => process.exit());
}
