import { Command } from "commander";
import { scenarios } from "../lab/index.ts";
import { wholeNumber } from "./numbers.ts";
import { type RunOptions, runAll, scenarioList } from "./run.ts";
import { addTunables } from "./tunable-options.ts";

/** `grapevine run --world live`, for those who want to see it happen to real processes. */
export function drillCommand(): Command {
  const command = new Command("drill")
    .description("Do something bad to a live local network and report whether it held")
    .argument("<name>", `one of ${scenarios.map(({ name }) => name).join(", ")}, or all`)
    .option("--peers <number>", "peers in the network", wholeNumber("--peers", 4, 2000), 12)
    .option("--seeds <number>", "seeds in the network", wholeNumber("--seeds", 1, 100), 6)
    .option("--seed <number>", "draws whatever is left to chance", wholeNumber("--seed", 0, 2 ** 48), 1)
    .option("--plaintext", "no TLS")
    .option("--json", "print one JSON object (a list for all) and nothing else")
    .option("--trace <file>", "write every event as a line of JSON");
  return addTunables(command)
    .addHelpText(
      "after",
      `
Drills:
${scenarioList}

Unless --ping-interval is given it is 1s here, so that a drill takes seconds instead of minutes; the modern profile runs
with its own times. A drill is a scenario on a live network: \`grapevine run NAME\` lets the same happen to a simulated
one.

Examples:
  $ grapevine drill crash
  $ grapevine drill hang --ping-interval 13s       the documents' own timing
  $ grapevine drill all --profile modern
  $ grapevine drill junk --peers 50 --json
`,
    )
    .action((name: string, options: Omit<RunOptions, "world">) =>
      runAll(
        name,
        { ...options, world: "live" },
        { what: "drill", shape: (report) => ({ drill: report.scenario, ...report }) },
      ),
    );
}
