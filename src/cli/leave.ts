import { Command } from "commander";
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
} from "./api-client.ts";

interface LeaveOptions extends ApiOptions {
  readonly json?: boolean;
}

/** The node waits until its goodbye is sent. */
const leaveTimeoutMs = 30_000;

export function leaveCommand(): Command {
  return addApiOptions(
    new Command("leave")
      .description("Let a node say goodbye to seeds and neighbors, and stop")
      .argument("[node]", "name or port of the node; not needed where there is only one")
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine leave peer-3
  $ grapevine leave --api http://127.0.0.1:4000
`,
    )
    .action(async (wanted: string | undefined, options: LeaveOptions) => {
      const client = await findApi(options, wanted);
      const node = await chooseNode(client, wanted);
      const answer = await client.post(nodePath(node, "leave"), {}, answers.left, leaveTimeoutMs);
      await print(options.json ? jsonText(answer) : `${escapeText(answer.left)} has left.`);
    });
}
