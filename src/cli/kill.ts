import { Command } from "commander";
import { escapeText } from "../node/index.ts";
import { type ApiOptions, addApiOptions, answers, findApi, jsonText, nodePath, print } from "./api-client.ts";

interface KillOptions extends ApiOptions {
  readonly json?: boolean;
}

export function killCommand(): Command {
  return addApiOptions(
    new Command("kill")
      .description("Stop a node as a crash would: without a goodbye, so that the others have to notice")
      .argument("<node>", "name or port of the node")
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine kill peer-3
  $ grapevine kill 9001
  $ grapevine tail --types suspected,dead-node,peer-removed    in another terminal: who notices, and when
`,
    )
    .action(async (node: string, options: KillOptions) => {
      const client = await findApi(options, node);
      const answer = await client.post(nodePath(node, "kill"), {}, answers.killed);
      await print(options.json ? jsonText(answer) : `Killed ${escapeText(answer.killed)}.`);
    });
}
