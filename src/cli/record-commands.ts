/** What `put`, `get` and `delete` share: whom they ask, and how they show what became of each replica. */
import type { Command } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
import {
  type ApiClient,
  type ApiOptions,
  chooseNode,
  findApi,
  type OperationAnswer,
  table,
} from "./api-client.ts";
import { namesOf, showNode } from "./lookup.ts";

export interface RecordOptions extends ApiOptions {
  readonly node?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** A little more than an operation may take. */
export const storeTimeoutMs = 60_000;

export function addRecordOptions(command: Command): Command {
  return command
    .option("--node <name>", "name or port of the peer that is asked (default: the first that runs)")
    .option("--verbose", "show what became of each replica")
    .option("--json", "print the result as JSON");
}

/** The fields of the API by the options that give them here: whoever typed an option knows no other name of it. */
const optionNames: Readonly<Record<string, string>> = {
  replicas: "--replicas",
  writeQuorum: "--write-quorum",
  readQuorum: "--read-quorum",
};

/** The answer, or an error that names options where the API names fields. */
export async function namingOptions<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace(/^\w+(?=: )/u, (field) => optionNames[field] ?? field));
  }
}

/** Throws `UsageError`. What else is wrong with a name, the node says. */
export function checkGiven(name: string | undefined): void {
  if (name === "") throw new UsageError("name: is empty");
}

export async function findPeer(options: RecordOptions): Promise<{ client: ApiClient; node: string }> {
  const client = await findApi(options, options.node);
  return { client, node: await chooseNode(client, options.node, "peer") };
}

const colors: Readonly<Record<string, (text: string) => string>> = {
  stored: pc.green,
  found: pc.green,
  refused: pc.red,
  silent: pc.red,
  invalid: pc.red,
};

/** `7 stored, 1 silent of 8 replicas, 5 needed`. */
export function summaryOfReplicas({ replicas, needed, isCapped }: OperationAnswer): string {
  const counts = new Map<string, number>();
  for (const { state } of replicas) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${escapeText(state)}`);
  if (parts.length === 0) return "nobody was asked";
  const capped = isCapped ? " (no more nodes were found)" : "";
  return `${parts.join(", ")} of ${replicas.length} replicas, ${needed} needed${capped}`;
}

export async function replicaTable(client: ApiClient, { replicas }: OperationAnswer): Promise<string> {
  const names = await namesOf(client);
  const rows = replicas.map(({ replica, state, reason, sequence, roundTripMs }) => [
    showNode(replica.node, names),
    escapeText(replica.key),
    `${(colors[state] ?? String)(escapeText(state))}${reason === undefined ? "" : ` (${escapeText(reason)})`}`,
    sequence === 0 ? "" : sequence,
    roundTripMs === undefined ? "" : `${roundTripMs} ms`,
  ]);
  return table(["replica", "its key", "state", "sequence", "round trip"], rows);
}

const failures: Readonly<Record<string, string>> = {
  conflict: "Another record, or its deletion, is there",
  contended: "Others write under this name all the time; nothing was written",
  partial: "Too few replicas have it: it may stay, or be lost",
  refused: "Nobody took it",
  unreachable: "Nobody answered",
  busy: "Too much is under way at this node; try again",
};

/** On standard error, with every replica: whoever must find out why wants them all. */
export async function operationFailed(client: ApiClient, answer: OperationAnswer): Promise<void> {
  const { outcome, sequence } = answer;
  const current = outcome === "conflict" ? `, with sequence ${sequence}; nothing was written` : "";
  process.stderr.write(
    `grapevine: ${failures[outcome] ?? escapeText(outcome)}${current}: ${summaryOfReplicas(answer)}.\n`,
  );
  if (answer.replicas.length > 0) process.stderr.write(`${await replicaTable(client, answer)}\n`);
}
