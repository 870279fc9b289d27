/**
 * Our nodes with the modern profile: a seed and peers, each `grapevine seed` or `grapevine peer` in a process of its
 * own, over TLS and sealed datagrams, everything as it is by default but that nobody publishes anything.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { traceNews } from "./parsing.mjs";

export const title = "Grapevine";
const dist = new URL("../../dist/", import.meta.url);
const program = fileURLToPath(new URL("cli/main.js", dist));
const port = 9000;

export function whyNot() {
  return existsSync(program) ? undefined : "it is not built: run `npm run build` first";
}

export async function create(folder, members) {
  const { addNode, createCluster } = await import(new URL("node/index.js", dist).href);
  const clusterFolder = join(folder, "cluster");
  await createCluster(clusterFolder, { seeds: [{ host: members[0].host, port }], name: "bench" });
  for (const { index } of members) await addNode(clusterFolder, `member-${index}`);
  const config = join(folder, "options.json");
  writeFileSync(config, JSON.stringify({ stack: { profile: "modern" }, source: { messages: 0 } }));
  const lives = new Map();
  const trace = ({ index }) => join(folder, `member-${index}-${lives.get(index)}.ndjson`);
  return {
    nameOf: ({ host }) => `${host}:${port}`,
    command: (member) => {
      const { index, host } = member;
      lives.set(index, (lives.get(index) ?? 0) + 1);
      return [
        process.execPath,
        ...[program, index === 0 ? "seed" : "peer", join(clusterFolder, "nodes", `member-${index}`)],
        ...["--listen", `${host}:${port}`, "--config", config],
        ...["--no-screen", "--no-api", "--trace", trace(member)],
      ];
    },
    hasStarted: /Ctrl\+C ends it/,
    newsFrom: (member) => ({ type: "file", path: trace(member), read: traceNews }),
  };
}
