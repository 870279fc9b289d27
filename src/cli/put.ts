import { Command } from "commander";
import { escapeText, parseDuration } from "../node/index.ts";
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
  findPeer,
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
        .argument("<name>", "1 to 256 characters; with --immutable there is no name, and this is the value")
        .argument("[value]", "a text of at most 64 KiB; - reads standard input")
        .option("--file <path>", "the bytes of this file, instead of a text")
        .option("--immutable", "the key is the hash of the value: nobody can change it")
        .option("--owned", "only the node that puts it may change it (default: any member may)")
        .option(
          "--cas <sequence>",
          "only if this is the sequence number of what is there; 0: if nothing is",
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
  $ grapevine put color green --json | jq '.replicas[].state'

The network must run with a router: grapevine up --router kademlia (or chord, pastry).
`,
    )
    .action((name: string, value: string | undefined, options: PutOptions) => put(name, value, options));
}

async function put(name: string, value: string | undefined, options: PutOptions): Promise<void> {
  const { immutable, owned, cas, lifetime, replicas, writeQuorum } = options;
  const isContent = immutable === true && options.file === undefined && value === undefined;
  const content = isContent ? contentOf(name, undefined) : contentOf(value, options.file);
  const { client, node } = await findPeer(options);
  const command = {
    ...content,
    ...(immutable ? { kind: "immutable" } : { name, ...(owned ? { kind: "owned" } : {}) }),
    ...{ cas, replicas, writeQuorum },
    lifetimeMs: lifetime === undefined ? undefined : parseDuration("--lifetime", lifetime),
  };
  const answer = await client.post(nodePath(node, "records"), command, answers.operation, storeTimeoutMs);
  if (options.json) await print(jsonText(answer));
  else if (answer.outcome === "stored") {
    const what = immutable ? `key ${answer.key}` : `${escapeText(name)}, sequence ${answer.sequence}`;
    const until = answer.expiresAt === undefined ? "" : `, kept until ${showTime(answer.expiresAt)}`;
    await print(`Stored ${what}: ${summaryOfReplicas(answer)}${until}.`);
    if (options.verbose) await print(await replicaTable(client, answer));
  } else await operationFailed(client, answer);
  if (answer.outcome !== "stored") process.exitCode = 1;
}
