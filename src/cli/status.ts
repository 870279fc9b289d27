import { Command } from "commander";
import type { z } from "zod";
import { escapeText } from "../node/index.ts";
import {
  type ApiOptions,
  addApiOptions,
  answers,
  askAll,
  findAllApis,
  jsonText,
  print,
  table,
} from "./api-client.ts";

export function statusCommand(): Command {
  return addApiOptions(
    new Command("status")
      .description("Show the processes that run here, and what each of their nodes has done")
      .option("--json", "print one JSON object per process"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine status
  $ grapevine status --api http://127.0.0.1:4000
  $ grapevine status --json | jq '.nodes[] | {name, delivered}'
`,
    )
    .action((options: ApiOptions & { readonly json?: boolean }) => status(options));
}

async function status(options: ApiOptions & { readonly json?: boolean }): Promise<void> {
  const all = await askAll(findAllApis(options), async (client) => ({
    url: client.url,
    answer: await client.get("/v1/status", answers.status),
  }));
  const texts = all.map(({ url, answer }) => (options.json ? jsonText(answer) : describe(url, answer)));
  await print(texts.join(options.json ? "\n" : "\n\n"));
}

function describe(url: string, { process: it, nodes }: z.infer<typeof answers.status>): string {
  const head =
    `Process ${it.pid}, up ${showSpan(it.uptimeMs)}, ${Math.round(it.memoryBytes / 2 ** 20)} MiB, ` +
    `Node ${escapeText(it.nodeVersion)}, control API at ${url}: ${count(it.seeds, "seed")}, ${count(it.peers, "peer")}`;
  const columns = [
    "name",
    "role",
    "address",
    "up",
    "neighbors",
    "knows",
    "seeds",
    "published",
    "delivered",
    "duplicates",
  ];
  const rows = nodes.map((node) => {
    const isPeer = node.role === "peer";
    const { registeredWith, quorum, profile } = node;
    return [
      escapeText(node.name),
      escapeText(node.role),
      escapeText(node.host.includes(":") ? `[${node.host}]:${node.port}` : `${node.host}:${node.port}`),
      !node.isRunning ? "stopped" : node["isPaused"] === true ? "paused" : showSpan(Number(node["uptimeMs"])),
      isPeer ? numberIn(node["neighbors"]) : "",
      numberIn(node["knownPeers"]),
      typeof registeredWith === "number" && typeof quorum === "number"
        ? profile === "modern" // where one is enough, and seeds are members like all others
          ? registeredWith
          : `${registeredWith} of ${quorum}`
        : "",
      numberIn(node["published"]),
      numberIn(node["delivered"]),
      numberIn(node["duplicates"]),
    ];
  });
  return `${head}\n${table(columns, rows)}`;
}

function numberIn(value: unknown): number | "" {
  return typeof value === "number" ? value : "";
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** `4 s`, `3 min`, `2 h 5 min`, `6 d 1 h`. */
function showSpan(ms: number): string {
  if (!Number.isFinite(ms)) return "";
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
