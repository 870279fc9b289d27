import { createInterface } from "node:readline";
import { Command } from "commander";
import { UsageError } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
import {
  type ApiClient,
  type ApiOptions,
  addApiOptions,
  answers,
  chooseNode,
  findApi,
  jsonText,
  nodePath,
  print,
} from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";

interface PublishOptions extends ApiOptions {
  readonly node?: string;
  readonly priority?: number;
  readonly json?: boolean;
}

/** A node answers when its neighbors have caught up, and that may take a while. */
const publishTimeoutMs = 60_000;

export function publishCommand(): Command {
  return addApiOptions(
    new Command("publish")
      .description("Say something to all peers of the network")
      .argument("<text>", "what to say; - reads standard input, one message a line")
      .option("--node <name>", "name or port of the peer that says it (default: the first that runs)")
      .option(
        "--priority <number>",
        "0 to 255: what peers pass on first where they choose by priority (default: 0)",
        wholeNumber("--priority", 0, 255),
      )
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine publish "hello"
  $ grapevine publish --node peer-3 "hello from three"
  $ grapevine publish --priority 200 "this first"
  $ grapevine publish -- "--a text that begins with a dash"
  $ tail -f events.log | grapevine publish -
`,
    )
    .action((text: string, options: PublishOptions) => publish(text, options));
}

async function publish(text: string, options: PublishOptions): Promise<void> {
  const client = await findApi(options, options.node);
  const node = await chooseNode(client, options.node, "peer");
  const messages = text === "-" ? standardInput() : [text];
  const { count, publisher } = await publishAll(client, node, messages, options.priority);
  if (options.json) return await print(jsonText({ published: publisher, messages: count }));
  await print(`${escapeText(publisher)} published ${count} message${count === 1 ? "" : "s"}.`);
}

/** One after the other: the node answers when the network can take more, so a fast source waits. */
async function publishAll(
  client: ApiClient,
  node: string,
  messages: Iterable<string> | AsyncIterable<string>,
  priority: number | undefined,
): Promise<{ count: number; publisher: string }> {
  let count = 0;
  let publisher = node;
  for await (const text of messages) {
    try {
      ({ published: publisher } = await client.post(
        nodePath(node, "publish"),
        { text, priority },
        answers.published,
        publishTimeoutMs,
      ));
    } catch (error) {
      if (!(error instanceof UsageError) || count === 0) throw error;
      throw new UsageError(`${error.message} (after ${count} messages that were published)`);
    }
    count++;
  }
  return { count, publisher };
}

/** Lines that are not empty. */
async function* standardInput(): AsyncGenerator<string> {
  if (process.stdin.isTTY) process.stderr.write("One message a line; Ctrl+D ends.\n");
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== "") yield line;
  }
}
