import { Command } from "commander";
import { UsageError } from "../core/index.ts";
import { escapeText, formatDuration, parseDuration } from "../node/index.ts";
import { maxLifetimeMs, minLifetimeMs } from "../storage/index.ts";
import {
  type ApiOptions,
  addApiOptions,
  answers,
  jsonText,
  nodePath,
  print,
  showTime,
} from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";
import {
  addRecordOptions,
  checkGiven,
  findPeer,
  namingOptions,
  operationFailed,
  type RecordOptions,
  replicaTable,
  storeTimeoutMs,
  summaryOfReplicas,
} from "./record-commands.ts";
import { contentOf } from "./value-argument.ts";

interface PutOptions extends RecordOptions, ApiOptions {
  readonly file?: string;
  readonly immutable?: boolean;
  readonly owned?: boolean;
  readonly cas?: number;
  readonly lifetime?: string;
  readonly replicas?: number;
  readonly writeQuorum?: number;
}

export function putCommand(): Command {
  return addApiOptions(
    addRecordOptions(
      new Command("put")
        .description("Put a value into the store: the nodes that are responsible for its key keep it")
        .argument("[name]", "1 to 256 characters; with --immutable there is no name, and this is the value")
        .argument("[value]", "a text of at most 64 KiB; - reads standard input")
        .option("--file <path>", "the bytes of this file, instead of a text")
        .option("--immutable", "the key is the hash of the value: nobody can change it")
        .option("--owned", "only the node that puts it may change it (default: any member may)")
        .option(
          "--cas <sequence>",
          "only if this is the sequence number of what is there; 0: if nothing is, and nothing was deleted",
          wholeNumber("--cas", 0, Number.MAX_SAFE_INTEGER),
        )
        .option(
          "--lifetime <duration>",
          "forget it after so long (default: publish it as long as the node runs)",
        )
        .option(
          "--replicas <number>",
          "how many nodes keep it (default: 8)",
          wholeNumber("--replicas", 1, 32),
        )
        .option(
          "--write-quorum <number>",
          "so many must have it on disk (default: more than half)",
          wholeNumber("--write-quorum", 1, 32),
        ),
    ),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine put color green
  $ grapevine put logo --file logo.png --node peer-3
  $ grapevine put color blue --cas 1                   only if nobody has changed it since
  $ grapevine put --immutable "never to change"        prints the key to get it by
  $ grapevine put --immutable --file logo.png
  $ grapevine put color green --json | jq '.replicas[].state'

The network must run with a router: grapevine up --router kademlia (or chord, pastry).
`,
    )
    .action((first: string | undefined, second: string | undefined, options: PutOptions) =>
      put(whatOf(first, second, options), options),
    );
}

/** What the record is called and what is in it. Throws `UsageError` where that is not clear. */
function whatOf(
  first: string | undefined,
  second: string | undefined,
  { immutable, owned, cas, file }: PutOptions,
): { readonly name: string | undefined; readonly content: object } {
  if (immutable !== true) {
    if (first === undefined) throw new UsageError("name: missing; write grapevine put NAME VALUE");
    checkGiven(first);
    return { name: first, content: contentOf(second, file) };
  }
  if (owned) throw new UsageError("--owned: nobody can change an immutable record; leave out one of them");
  if (cas !== undefined)
    throw new UsageError("--cas: nobody can change an immutable record; leave out one of them");
  if (second !== undefined)
    throw new UsageError("name: an immutable record has none; with --immutable give the value alone");
  return { name: undefined, content: contentOf(first, file) };
}

function lifetimeOf(text: string): number {
  const lifetimeMs = parseDuration("--lifetime", text);
  if (lifetimeMs < minLifetimeMs || lifetimeMs > maxLifetimeMs)
    throw new UsageError(
      `--lifetime: "${text}" is not between ${formatDuration(minLifetimeMs)} and ${formatDuration(maxLifetimeMs)}`,
    );
  return lifetimeMs;
}

async function put({ name, content }: ReturnType<typeof whatOf>, options: PutOptions): Promise<void> {
  const { owned, cas, lifetime, replicas, writeQuorum } = options;
  const command = {
    ...content,
    ...(name === undefined ? { kind: "immutable" } : { name, ...(owned ? { kind: "owned" } : {}) }),
    ...{ cas, replicas, writeQuorum },
    lifetimeMs: lifetime === undefined ? undefined : lifetimeOf(lifetime),
  };
  const { client, node } = await findPeer(options);
  const answer = await namingOptions(
    client.post(nodePath(node, "records"), command, answers.operation, storeTimeoutMs),
  );
  if (options.json) await print(jsonText(answer));
  else if (answer.outcome === "stored") {
    const what =
      name === undefined
        ? `key ${escapeText(answer.key)}`
        : `${escapeText(name)}, sequence ${answer.sequence}`;
    const until = answer.expiresAt === undefined ? "" : `, kept until ${showTime(answer.expiresAt)}`;
    await print(`Stored ${what}: ${summaryOfReplicas(answer)}${until}.`);
    if (options.verbose) await print(await replicaTable(client, answer));
  } else await operationFailed(client, answer);
  if (answer.outcome !== "stored") process.exitCode = 1;
}
