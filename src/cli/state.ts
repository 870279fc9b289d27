import { Command } from "commander";
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
  printValue,
  type StateAnswer,
  showId,
  showTime,
  table,
} from "./api-client.ts";
import { contentOf } from "./value-argument.ts";

interface StateOptions extends ApiOptions {
  readonly node?: string;
  readonly json?: boolean;
  readonly file?: string;
  readonly prefix?: string;
}

/** The node answers when the change is on its disk. */
const writeTimeoutMs = 60_000;
/** What a list shows of a value; `get` and `--json` give all of it. */
const shownCharacters = 60;

export function stateCommand(): Command {
  return new Command("state")
    .description("Read and change the small state that all peers share")
    .addCommand(setCommand())
    .addCommand(getCommand())
    .addCommand(deleteCommand())
    .addCommand(listCommand())
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine state set color green
  $ grapevine state get color
  $ grapevine state list
  $ grapevine state delete color

Every peer has all of it, and any peer may change any key; the latest write wins everywhere. It outlives its writers, and
with data folders all of them. See docs/protocols/anti-entropy.md.
`,
    );
}

function subcommand(name: string, description: string): Command {
  return addApiOptions(
    new Command(name)
      .description(description)
      .option("--node <name>", "name or port of the peer that is asked (default: the first that runs)")
      .option("--json", "print the result as JSON"),
  );
}

function setCommand(): Command {
  return subcommand("set", "Give a key a value")
    .argument("<key>", "1 to 256 characters")
    .argument("[value]", "a text of at most 64 KiB; - reads standard input")
    .option("--file <path>", "the bytes of this file, instead of a text")
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine state set color green
  $ grapevine state set --node peer-3 color blue
  $ grapevine state set logo --file logo.png
  $ date | grapevine state set now -
  $ grapevine state set -- key "--a value that begins with a dash"
`,
    )
    .action(async (key: string, value: string | undefined, options: StateOptions) => {
      const content = contentOf(value, options.file);
      const { client, node } = await findPeer(options);
      const answer = await client.post(
        nodePath(node, "state"),
        { key, ...content },
        answers.stateSet,
        writeTimeoutMs,
      );
      if (options.json) return await print(jsonText(answer));
      await print(`${escapeText(answer.set)} has set ${escapeText(key)}.`);
    });
}

function getCommand(): Command {
  return subcommand("get", "Print the value of a key")
    .argument("<key>", "the key")
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine state get color
  $ grapevine state get color --json | jq .writer
  $ grapevine state get logo > logo.png
`,
    )
    .action(async (key: string, options: StateOptions) => {
      const { client, node } = await findPeer(options);
      const path = `${nodePath(node, "state")}?${new URLSearchParams({ key })}`;
      const entry = await client.get(path, answers.stateEntry);
      if (options.json) return await print(jsonText(entry));
      await printValue(entry);
    });
}

function deleteCommand(): Command {
  return subcommand("delete", "Delete a key, so that it stays deleted")
    .argument("<key>", "the key")
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine state delete color
  $ grapevine state delete color --json
`,
    )
    .action(async (key: string, options: StateOptions) => {
      const { client, node } = await findPeer(options);
      const path = nodePath(node, "state/delete");
      const answer = await client.post(path, { key }, answers.stateDeleted, writeTimeoutMs);
      if (options.json) return await print(jsonText(answer));
      const by = escapeText(answer.deleted);
      await print(answer.wasThere ? `${by} has deleted ${escapeText(key)}.` : `${by} had no such key.`);
    });
}

function listCommand(): Command {
  return subcommand("list", "Show all keys with their values, writers and times")
    .option("--prefix <text>", "only keys that begin so")
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine state list
  $ grapevine state list --prefix config/
  $ grapevine state list --json | jq -r '.entries[].key'
`,
    )
    .action(async (options: StateOptions) => {
      const { client, node } = await findPeer(options);
      const path = `${nodePath(node, "state")}?${new URLSearchParams({ prefix: options.prefix ?? "" })}`;
      const answer = await client.get(path, answers.stateEntries);
      if (options.json) return await print(jsonText(answer));
      if (answer.entries.length === 0) return await print("Nothing is shared.");
      const byKey = answer.entries.sort((a, b) => (a.key < b.key ? -1 : 1));
      const rows = byKey.map((one) => [
        escapeText(one.key),
        shown(one),
        showId(one.writer),
        showTime(one.at),
      ]);
      await print(table(["key", "value", "writer", "set at"], rows));
    });
}

function shown({ text, base64 }: StateAnswer): string {
  if (text === undefined) return `${Buffer.from(base64 ?? "", "base64").length} bytes`;
  return escapeText(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text);
}

async function findPeer(options: StateOptions): Promise<{ client: ApiClient; node: string }> {
  const client = await findApi(options, options.node);
  return { client, node: await chooseNode(client, options.node, "peer") };
}
