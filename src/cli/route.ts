import { Command } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
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
  isFound,
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
    const stop = new AbortController();
    void stopSignal().then(() => stop.abort());
    process.exitCode = await route(key, options, stop.signal);
  });
}

/** The exit code of what Ctrl+C ended before it could say whether it holds. */
const interrupted = 130;

/** Prints the steps as they are taken, until there is a report or the signal ends it. Returns the exit code. */
export async function route(
  key: string,
  options: LookupCommandOptions,
  signal: AbortSignal,
): Promise<number> {
  const { client, node } = await askedPeer(options);
  const names = await namesOf(client);
  const told = new Map<number, string>();
  let report: LookupAnswer | undefined;
  let startedAt: number | undefined;
  const ending = await client.stream(
    `${nodePath(node, "route")}?${lookupQuery(key, options)}`,
    async ({ type, data }) => {
      if (type === "step") {
        const step = client.read(data, answers.lookupStep);
        startedAt ??= step.sentAt;
        if (options.json) await print(jsonText(step));
        else if (step.outcome !== "asked" && told.get(step.index ?? -1) !== step.outcome) {
          await print(stepText(step, startedAt, names));
          // In Pastry the first hop acknowledges, and may answer then as the node that is responsible.
          if (step.index !== undefined) told.set(step.index, step.outcome);
        }
      } else if (type === "report") {
        report = client.read(data, answers.lookupReport);
        if (options.json) await print(jsonText(report));
        else await print(reportText(report, names));
      }
    },
    signal,
  );
  if (report !== undefined) return isFound(report) ? 0 : 1;
  if (ending === "stopped") return interrupted;
  throw new UsageError("the lookup was ended before it had a result");
}

const colors: Readonly<Record<string, (text: string) => string>> = {
  answered: pc.green,
  late: pc.yellow,
  silent: pc.red,
  refused: pc.red,
};

/** No way is so long, whatever the answer says. */
const maxIndent = 32;

function stepText(step: LookupStepAnswer, startedAt: number, names: Names): string {
  const { node, depth, sentAt, answeredAt, outcome, learned } = step;
  const at = `${String(sentAt - startedAt).padStart(6)} ms`;
  const took = answeredAt === undefined ? "" : ` after ${answeredAt - sentAt} ms`;
  const told = outcome === "answered" && learned > 0 ? `, named ${learned} new` : "";
  const color = colors[outcome] ?? String;
  const place = `key ${escapeText(step.key.slice(0, 8))}…`;
  return `${at}  ${"  ".repeat(Math.min(maxIndent, Math.max(0, depth - 1)))}${showNode(node, names)} ${place} ${color(escapeText(outcome))}${took}${told}`;
}
