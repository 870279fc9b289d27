import { Command } from "commander";
import { identityOf } from "../core/index.ts";
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
  showId,
  showTime,
  table,
} from "./api-client.ts";

export function membersCommand(): Command {
  return addApiOptions(
    new Command("members")
      .description("Show everybody that a node knows of: a seed's peer list, or what a peer was told")
      .argument("[node]", "name or port of the node; not needed where there is only one")
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine members seed-1
  $ grapevine members 9001
  $ grapevine members seed-1 --json | jq '.members | length'
`,
    )
    .action((node: string | undefined, options: ApiOptions & { readonly json?: boolean }) =>
      members(node, options),
    );
}

async function members(
  wanted: string | undefined,
  options: ApiOptions & { readonly json?: boolean },
): Promise<void> {
  const client = await findApi(options, wanted);
  const node = await chooseNode(client, wanted);
  const answer = await client.get(nodePath(node, "members"), answers.members);
  if (options.json) return await print(jsonText(answer));
  if (answer.members.length === 0) return await print(`${escapeText(node)} knows of nobody.`);
  // Names are what people here call the nodes of this process; members from elsewhere have none.
  const names = new Map((await client.nodes()).map(({ name, contact }) => [identityOf(contact), name]));
  // Only the modern profile has an opinion of everybody, and something that members say of themselves.
  const hasStates = answer.members.some(({ state }) => state !== undefined);
  const rows = answer.members.map(({ peer, host, port, since, state = "", tags = {} }) => [
    escapeText(names.get(identityOf(peer)) ?? ""),
    showId(peer),
    escapeText(host),
    port,
    showTime(since),
    ...(hasStates ? [escapeText(state), tagsText(tags)] : []),
  ]);
  const columns = ["name", "id", "host", "port", "since", ...(hasStates ? ["state", "tags"] : [])];
  await print(table(columns, rows));
}

function tagsText(tags: Readonly<Record<string, string>>): string {
  return escapeText(
    Object.entries(tags)
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  );
}
