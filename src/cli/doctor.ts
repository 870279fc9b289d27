import { Command } from "commander";
import pc from "picocolors";
import { escapeText } from "../node/index.ts";
import {
  type ApiOptions,
  addApiOptions,
  answers,
  chooseNode,
  findApi,
  jsonText,
  nodePath,
  print,
  table,
} from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";

interface DoctorOptions extends ApiOptions {
  readonly lookups: number;
  readonly json?: boolean;
}

/** For a thousand lookups of a network in which half is silent. */
const doctorTimeoutMs = 120_000;

export function doctorCommand(): Command {
  return addApiOptions(
    new Command("doctor")
      .description(
        "Compare the lookups of a node with what theory says for its network, and name what is off",
      )
      .argument("[node]", "name or port of the peer (default: the first that runs)")
      .option(
        "--lookups <number>",
        "so many lookups of random keys are done first",
        wholeNumber("--lookups", 0, 1000),
        48,
      )
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine doctor
  $ grapevine doctor peer-3 --lookups 200
  $ grapevine doctor --json | jq '.findings[].code'

Exit code 1: something is off. The network must run with a router: grapevine up --router kademlia.
`,
    )
    .action(async (wanted: string | undefined, options: DoctorOptions) => {
      const client = await findApi(options, wanted);
      const node = await chooseNode(client, wanted, "peer");
      const path = `${nodePath(node, "doctor")}?${new URLSearchParams({ lookups: String(options.lookups) })}`;
      const report = await client.get(path, answers.doctor, doctorTimeoutMs);
      if (!report.isHealthy) process.exitCode = 1;
      if (options.json) return await print(jsonText(report));
      const size =
        report.nodes === undefined
          ? "nobody knows how many nodes there are"
          : `about ${Math.round(report.nodes.estimate)} nodes (±${Math.round(2 * report.nodes.standardError)})`;
      await print(
        `${escapeText(node)}, ${escapeText(report.router)}: ${report.lookups} lookups, ${size}, ${percent(report.silentShare)} of questions unanswered`,
      );
      if (report.measures.length > 0) {
        const rows = report.measures.map(({ name, measured, expected, isOff }) => [
          escapeText(name),
          measured.toFixed(2),
          expected?.toFixed(2) ?? "",
          isOff ? pc.red("off") : expected === undefined ? "" : pc.green("as it should be"),
        ]);
        await print(table(["figure", "measured", "theory", ""], rows));
      }
      for (const { severity, text, advice } of report.findings)
        await print(
          `${(colors[severity] ?? String)(escapeText(severity))}: ${escapeText(text)}\n  ${escapeText(advice)}`,
        );
      if (report.isHealthy) await print(pc.green("Nothing is wrong."));
    });
}

const colors: Readonly<Record<string, (text: string) => string>> = {
  problem: pc.red,
  warning: pc.yellow,
  note: pc.dim,
};

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
