import { createInterface } from "node:readline";
import { Command } from "commander";
import type { z } from "zod";
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
  readonly topic?: string;
  readonly coverage?: number | true;
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
      .option(
        "--topic <text>",
        "who has subscribed to other topics only does not hear it (1 to 64 characters)",
      )
      .option(
        "--coverage [members]",
        "a second later ask so many random members whether they have it (default: 32)",
        membersOf,
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
  $ grapevine publish "who has it?" --coverage
  $ grapevine publish --coverage 100 "and how many of 100?"
  $ grapevine publish --topic weather "rain"
  $ grapevine publish -- "--a text that begins with a dash"
  $ tail -f events.log | grapevine publish -
`,
    )
    .action((text: string, options: PublishOptions) => publish(text, options));
}

const wholeMembers = wholeNumber("--coverage", 1, 1000);

/** In `publish --coverage "hello"` the text is taken for the number. */
function membersOf(text: string): number {
  if (!/[a-z ]/i.test(text)) return wholeMembers(text);
  throw new UsageError(
    `--coverage: "${text}" is not a number of members; for 32 of them write the text first: grapevine publish "hello" --coverage`,
  );
}

async function publish(text: string, options: PublishOptions): Promise<void> {
  const { topic, priority, coverage, json } = options;
  if (text === "-" && coverage !== undefined)
    throw new UsageError("--coverage: of one message at a time; leave it out, or give the text");
  const client = await findApi(options, options.node);
  const node = await chooseNode(client, options.node, "peer");
  const messages = text === "-" ? standardInput() : [text];
  const { count, last } = await publishAll(client, node, messages, { topic, priority, coverage });
  if (json) {
    const { published, ...outcome } = last ?? { published: node };
    return await print(jsonText({ published, messages: count, ...outcome }));
  }
  const said = `${escapeText(last?.published ?? node)} published ${count} message${count === 1 ? "" : "s"}`;
  await print([`${said}${last === undefined ? "" : outcomeText(last)}.`, ...coverageLines(last)].join("\n"));
}

type Published = z.infer<typeof answers.published>;

function outcomeText({ sent, queued, dropped }: Published): string {
  const others = [
    ...(queued === 0 ? [] : [`${queued} waiting`]),
    ...(dropped === 0 ? [] : [`${dropped} not reached`]),
  ];
  const neighbors = `: sent to ${sent} neighbor${sent === 1 ? "" : "s"}`;
  return others.length === 0 ? neighbors : `${neighbors}, ${others.join(", ")}`;
}

function coverageLines(last: Published | undefined): string[] {
  if (last?.coverage === undefined) return [];
  const { asked, answered, have, share, low, high } = last.coverage;
  const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
  if (answered === 0) return [`  coverage unknown: none of ${asked} members answered`];
  return [
    `  coverage about ${percent(share)} (95 % interval ${percent(low)} to ${percent(high)}): ${have} of ${answered} have it, ${asked} were asked`,
  ];
}

/** One after the other: the node answers when the network can take more, so a fast source waits. */
async function publishAll(
  client: ApiClient,
  node: string,
  messages: Iterable<string> | AsyncIterable<string>,
  options: Pick<PublishOptions, "topic" | "priority" | "coverage">,
): Promise<{ count: number; last: Published | undefined }> {
  let count = 0;
  let last: Published | undefined;
  for await (const text of messages) {
    try {
      last = await client.post(
        nodePath(node, "publish"),
        { text, ...options },
        answers.published,
        publishTimeoutMs,
      );
    } catch (error) {
      if (!(error instanceof UsageError) || count === 0) throw error;
      throw new UsageError(`${error.message} (after ${count} messages that were published)`);
    }
    count++;
  }
  return { count, last };
}

/** Lines that are not empty. */
async function* standardInput(): AsyncGenerator<string> {
  if (process.stdin.isTTY) process.stderr.write("One message a line; Ctrl+D ends.\n");
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== "") yield line;
  }
}
