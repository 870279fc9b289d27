import { Command } from "commander";
import { identityOf, type NodeId } from "../core/index.ts";
import { escapeText, shortContact } from "../node/index.ts";
import {
  type ApiOptions,
  addApiOptions,
  answers,
  chooseNode,
  findApi,
  jsonText,
  nodePath,
  print,
  showMoment,
} from "./api-client.ts";

interface WhyOptions extends ApiOptions {
  readonly at?: string;
  readonly json?: boolean;
}

export function whyCommand(): Command {
  return addApiOptions(
    new Command("why")
      .description("Say what a node thinks of a member, and why: who suspected whom, when, and through whom")
      .argument("<member>", "name, host:port, or the first digits of the id of the member in question")
      .option("--at <name>", "name or port of the node that is asked (default: the first peer that runs)")
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Names are those of the nodes in the process that is asked; of others give host:port or the id.

Under the classic profile a peer tells what it knows of its neighbors; what led to a removal from the lists a seed
tells: --at seed-1. Under the modern profile any node has an opinion of everybody.

Examples:
  $ grapevine why peer-3
  $ grapevine why peer-3 --at seed-1
  $ grapevine why 127.0.0.1:40123 --at peer-7 --json
`,
    )
    .action((member: string, options: WhyOptions) => why(member, options));
}

async function why(member: string, options: WhyOptions): Promise<void> {
  const client = await findApi(options, options.at);
  const asked = await chooseNode(client, options.at, options.at === undefined ? "peer" : undefined);
  const answer = await client.get(
    `${nodePath(asked, "why")}?${new URLSearchParams({ member })}`,
    answers.why,
  );
  if (options.json) return await print(jsonText(answer));
  const names = new Map((await client.nodes()).map(({ name, contact }) => [identityOf(contact), name]));
  const show = (node: NodeId) => escapeText(names.get(identityOf(node)) ?? shortContact(node));
  const lines = answer.evidence.map(({ at, kind, by, through, detail }) => {
    const helpers = through.length === 0 ? "" : `, through ${through.map(show).join(", ")}`;
    const figures = detail === "" ? "" : ` (${escapeText(detail)})`;
    return `  ${showMoment(at)}  ${escapeText(kind).padEnd(13)} by ${show(by)}${helpers}${figures}`;
  });
  const verdict = `${escapeText(answer.node)} thinks: ${show(answer.peer)} is ${escapeText(answer.state)}`;
  const nothing = "  Nobody has ever doubted it, as far as this node knows.";
  await print([verdict, ...(lines.length === 0 ? [nothing] : lines)].join("\n"));
}
