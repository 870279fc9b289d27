import { Command } from "commander";
import { UsageError } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
import {
  addApiOptions,
  answers,
  jsonText,
  nodePath,
  print,
  printValue,
  showId,
  showTime,
} from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";
import {
  addRecordOptions,
  findPeer,
  namingOptions,
  operationFailed,
  type RecordOptions,
  replicaTable,
  storeTimeoutMs,
  summaryOfReplicas,
} from "./record-commands.ts";

interface GetOptions extends RecordOptions {
  readonly key?: string;
  readonly owned?: boolean;
  readonly owner?: string;
  readonly replicas?: number;
  readonly readQuorum?: number;
}

export function getCommand(): Command {
  return addApiOptions(
    addRecordOptions(
      new Command("get")
        .description("Print what the store has under a name")
        .argument("[name]", "the name that it was put under")
        .option("--key <digits>", "the key of an immutable record, instead of a name")
        .option("--owned", "the record of that name that the asked node owns")
        .option("--owner <contact>", "whose record, by id or contact: implies --owned")
        .option(
          "--replicas <number>",
          "how many nodes are asked (default: 8)",
          wholeNumber("--replicas", 1, 32),
        )
        .option(
          "--read-quorum <number>",
          "so many must answer (default: more than half; 1: the first that is met)",
          wholeNumber("--read-quorum", 1, 32),
        ),
    ),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine get color
  $ grapevine get color --verbose                      who has it, and who had to be told
  $ grapevine get --key 2ff0c1…                        what put --immutable has printed
  $ grapevine get logo > logo.png
  $ grapevine get color --json | jq .sequence
`,
    )
    .action((name: string | undefined, options: GetOptions) => get(name, options));
}

async function get(name: string | undefined, options: GetOptions): Promise<void> {
  const { key, owned, owner, replicas, readQuorum } = options;
  if ((name === undefined) === (key === undefined)) throw new UsageError("name: give either a name or --key");
  if (owner !== undefined && !/^[0-9a-f]{40}(?:@|$)/u.test(owner))
    throw new UsageError(
      `--owner: "${owner}" is neither an id, 40 hexadecimal digits, nor a contact, id@host:port`,
    );
  const query = new URLSearchParams(key === undefined ? { name: name! } : { key });
  if (owned === true || owner !== undefined) query.set("kind", "owned");
  if (owner !== undefined) query.set("owner", owner);
  if (replicas !== undefined) query.set("replicas", String(replicas));
  if (readQuorum !== undefined) query.set("readQuorum", String(readQuorum));
  const { client, node } = await findPeer(options);
  const answer = await namingOptions(
    client.get(`${nodePath(node, "records")}?${query}`, answers.operation, storeTimeoutMs),
  );
  const shown = escapeText(name ?? key!);
  if (answer.outcome !== "found") process.exitCode = 1;
  if (options.json) return await print(jsonText(answer));
  if (answer.outcome === "missing" || answer.outcome === "deleted") {
    const why = answer.outcome === "deleted" ? "was deleted" : "is not there";
    process.stderr.write(`grapevine: ${shown} ${why}: ${summaryOfReplicas(answer)}.\n`);
    return;
  }
  if (answer.outcome !== "found") return await operationFailed(client, answer);
  await printValue(answer);
  if (!options.verbose) return;
  const writer = answer.writer ? `, by ${showId(answer.writer)}` : "";
  const when = answer.writtenAt === undefined ? "" : ` at ${showTime(answer.writtenAt)}`;
  process.stderr.write(`sequence ${answer.sequence}${writer}${when}; ${summaryOfReplicas(answer)}.\n`);
  if (answer.replicas.length > 0) process.stderr.write(`${await replicaTable(client, answer)}\n`);
}
