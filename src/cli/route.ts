import { Command } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  answers,
  jsonText,
  type LookupAnswer,
  type LookupStepAnswer,
  nodePath,
  print,
} from "./api-client.ts";
import {
  addLookupOptions,
  askedPeer,
  type LookupCommandOptions,
  lookupQuery,
  type Names,
  namesOf,
  reportText,
  showNode,
} from "./lookup.ts";
import { stopSignal } from "./stop-signal.ts";

export function routeCommand(): Command {
  return addLookupOptions(
    new Command("route").description("Show the way to a key, hop by hop as it is taken").addHelpText(
      "after",
      `
Examples:
  $ grapevine route song.mp3
  $ grapevine route song.mp3 --node peer-3 --json      one line of JSON for each step, then the report

What is indented was named by the node above it; times count from the beginning.
`,
    ),
  ).action(async (key: string, options: LookupCommandOptions) => {
    const { client, node } = await askedPeer(options);
    const names = await namesOf(client);
    const stop = new AbortController();
    void stopSignal().then(() => stop.abort());
    const path = `${nodePath(node, "route")}?${lookupQuery(key, options)}`;
    let report: LookupAnswer | undefined;
    let startedAt: number | undefined;
    await client.stream(
      path,
      async ({ type, data }) => {
        if (type === "step") {
          const step = answers.lookupStep.parse(JSON.parse(data));
          startedAt ??= step.sentAt;
          if (options.json) await print(jsonText(step));
          else if (step.outcome !== "asked") await print(stepText(step, startedAt, names));
        } else if (type === "report") {
          report = answers.lookupReport.parse(JSON.parse(data));
          if (options.json) await print(jsonText(report));
          else await print(reportText(report, names));
        }
      },
      stop.signal,
    );
    if (report === undefined) throw new UsageError("the lookup was ended before it had a result");
    if (report.outcome !== "found" && report.outcome !== "record") process.exitCode = 1;
  });
}

const colors: Readonly<Record<string, (text: string) => string>> = {
  answered: pc.green,
  late: pc.yellow,
  silent: pc.red,
  refused: pc.red,
};

function stepText(step: LookupStepAnswer, startedAt: number, names: Names): string {
  const { node, depth, sentAt, answeredAt, outcome, learned } = step;
  const at = `${String(sentAt - startedAt).padStart(6)} ms`;
  const took = answeredAt === undefined ? "" : ` after ${answeredAt - sentAt} ms`;
  const told = outcome === "answered" && learned > 0 ? `, named ${learned} new` : "";
  const color = colors[outcome] ?? ((text: string) => text);
  const place = `key ${step.key.slice(0, 8)}…`;
  return `${at}  ${"  ".repeat(Math.max(0, depth - 1))}${showNode(node, names)} ${place} ${color(outcome)}${took}${told}`;
}
