import { Command } from "commander";
import pc from "picocolors";
import { addressOf, identityOf, type NodeId } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
import {
  type ApiClient,
  type ApiOptions,
  addApiOptions,
  answers,
  chooseNode,
  findApi,
  jsonText,
  type LookupAnswer,
  nodePath,
  print,
  showId,
  table,
} from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";

export interface LookupCommandOptions extends ApiOptions {
  readonly node?: string;
  readonly count?: number;
  readonly deadline?: number;
  readonly paths?: number;
  readonly json?: boolean;
}

/** A little more than a lookup may take. */
export const lookupTimeoutMs = 60_000;

export function lookupCommand(): Command {
  return addLookupOptions(
    new Command("lookup").description("Find the nodes that are responsible for a key").addHelpText(
      "after",
      `
Examples:
  $ grapevine lookup song.mp3                          a name: its hash is the key
  $ grapevine lookup 2ff0…b1 --node peer-3             40 hexadecimal digits: the key itself
  $ grapevine lookup song.mp3 --count 3 --json | jq '.closest[].node'

The network must run with a router: grapevine up --router kademlia (or chord, pastry).
`,
    ),
  ).action(async (key: string, options: LookupCommandOptions) => {
    const { client, node } = await askedPeer(options);
    const path = `${nodePath(node, "lookup")}?${lookupQuery(key, options)}`;
    const report = await client.get(path, answers.lookupReport, lookupTimeoutMs);
    if (options.json) await print(jsonText(report));
    else await print(reportText(report, await namesOf(client)));
    if (!isFound(report)) process.exitCode = 1;
  });
}

export function isFound({ outcome }: LookupAnswer): boolean {
  return outcome === "found" || outcome === "record";
}

export function addLookupOptions(command: Command): Command {
  return addApiOptions(
    command
      .argument("<key>", "40 hexadecimal digits, or a name")
      .option("--node <name>", "name or port of the peer that asks (default: the first that runs)")
      .option(
        "--count <number>",
        "so many of the most responsible nodes (default: by router)",
        wholeNumber("--count", 1, 1000),
      )
      .option(
        "--deadline <ms>",
        "end after so many milliseconds with what is known (default: --lookup-deadline of the node)",
        wholeNumber("--deadline", 1, 600_000),
      )
      .option(
        "--paths <number>",
        "disjoint searches, which share no node (Kademlia; default: 1)",
        wholeNumber("--paths", 1, 32),
      )
      .option("--json", "print the result as JSON"),
  );
}

export function lookupQuery(key: string, options: LookupCommandOptions): URLSearchParams {
  const query = new URLSearchParams({ key });
  if (options.count !== undefined) query.set("count", String(options.count));
  if (options.deadline !== undefined) query.set("deadlineMs", String(options.deadline));
  if (options.paths !== undefined) query.set("disjointPaths", String(options.paths));
  return query;
}

export async function askedPeer(options: LookupCommandOptions): Promise<{ client: ApiClient; node: string }> {
  const client = await findApi(options, options.node);
  return { client, node: await chooseNode(client, options.node, "peer") };
}

/** What people here call the nodes of this process; those from elsewhere have no name. */
export type Names = ReadonlyMap<unknown, string>;

export async function namesOf(client: ApiClient): Promise<Names> {
  return new Map((await client.nodes()).map(({ name, contact }) => [identityOf(contact), name]));
}

/** `peer-3 (5f2a81c0)`, or the address where there is no name. */
export function showNode(node: NodeId, names: Names): string {
  return `${escapeText(names.get(identityOf(node)) ?? addressOf(node))} (${showId(node)})`;
}

const outcomes: Readonly<Record<string, string>> = {
  found: pc.green("found"),
  record: pc.green("a record was found on the way"),
  exhausted: pc.red("nobody was left to ask"),
  deadline: pc.red("the deadline came first"),
  budget: pc.red("the budget of questions is used up"),
  alone: pc.red("there is nobody to ask"),
};

export function reportText(report: LookupAnswer, names: Names): string {
  const { key, outcome, hops, asked, answered, silent, refused, tookMs } = report;
  const unawaited = asked - answered - silent - refused;
  const rows = report.closest.map(({ node, key: place }, i) => [
    i + 1,
    showNode(node, names),
    escapeText(place),
  ]);
  return [
    `key ${escapeText(key)}: ${outcomes[outcome] ?? escapeText(outcome)} after ${hops} hop${hops === 1 ? "" : "s"} and ${tookMs} ms`,
    `${asked} asked, ${answered} answered, ${silent} silent, ${refused} refused${unawaited > 0 ? `, ${unawaited} not waited for` : ""}`,
    table(["", "responsible", "its key"], rows),
  ].join("\n");
}
