// Grapevine: one seed and the peers of a classic network, mutual TLS 1.3, default overlay and options. It finds its
// own neighbors, so the graph is its own too; messages are flooded, signed by their origin, verified once per node.
import { existsSync } from "node:fs";
import { until } from "./workload.mjs";

export const modes = {
  signed: { about: "defaults: TLS, origin signatures, power-law overlay", saturatedCount: 2000 },
  unsigned: { about: "TLS, no origin signatures", saturatedCount: 6000 },
  plaintext: { about: "plain TCP, origin signatures", saturatedCount: 2000 },
};

const entry = new URL("../../dist/node/index.js", import.meta.url);

export async function prepare() {
  if (!existsSync(entry)) return "not built: run `npm run build` first";
}

export async function create(mode) {
  const { GrapevineNode, createIdentity, ephemeralCluster } = await import(entry.href);
  const isPlaintext = mode === "plaintext";
  // Loads what issues certificates: code is no node's memory.
  await (await ephemeralCluster("warm-up")).issue("nobody");
  const host = "127.0.0.1";
  let seed;
  let identities = [];
  const peers = [];
  let deliver = () => {};
  let security = { type: "plaintext" };
  const all = () => [seed, ...peers];
  const sum = (pick) => all().reduce((total, node) => total + pick(node), 0);

  return {
    name: { signed: "Grapevine", unsigned: "Grapevine, unsigned", plaintext: "Grapevine, plaintext" }[mode],
    async start({ nodeCount }) {
      const cluster = isPlaintext ? undefined : await ephemeralCluster("bench");
      if (cluster) security = { type: "tls", caPem: cluster.caPem, memberKey: cluster.memberKey };
      const issue = async (name) => (cluster ? await cluster.issue(name) : createIdentity());
      const listen = { host, port: 0 };
      seed = await GrapevineNode.start({
        role: "seed",
        name: "seed",
        identity: await issue("seed"),
        security,
        listen,
        seeds: [],
      });
      identities = [];
      for (let i = 0; i < nodeCount; i++) identities.push(await issue(`peer-${i}`));
      return { nodes: identities };
    },
    onDelivery(callback) {
      deliver = callback;
    },
    // A peer that listens also joins: so making the peers is part of what a connection costs here.
    async connect() {
      const port = Number(String(seed.contact).split(":").pop());
      for (const [index, identity] of identities.entries()) {
        peers.push(
          await GrapevineNode.start({
            role: "peer",
            name: `peer-${index}`,
            identity,
            security,
            listen: { host, port: 0 },
            seeds: [{ host, port }],
            signs: mode !== "unsigned",
            options: { source: { messages: 0 } },
            onNotice: (_at, _layer, notice) => {
              if (notice.type === "delivered") deliver(index, notice.payload);
            },
          }),
        );
      }
      const isIn = (node) => node.peer.overlay.neighbors.length >= Math.min(3, peers.length - 1);
      await until(() => peers.every(isIn), 30_000);
    },
    async settle() {
      // Until the links to the seed and to those who had no room are closed again.
      await new Promise((resolve) => setTimeout(resolve, 5000));
      const degrees = peers.map((node) => node.peer.overlay.neighbors.length);
      return {
        meanDegree: degrees.reduce((a, b) => a + b, 0) / degrees.length,
        maxDegree: Math.max(...degrees),
      };
    },
    // Every connection that was opened for this, with the seed and its call-backs.
    connections() {
      return sum((node) => node.links.counters.accepted);
    },
    publish(index, bytes) {
      return peers[index].publish(bytes.slice());
    },
    wireMessages() {
      return peers.reduce((total, node) => total + node.peer.broadcast.counters.sends, 0);
    },
    async stop() {
      for (const node of all()) await node.close();
    },
  };
}
