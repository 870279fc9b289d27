// hyperdht as its own test network starts it: neither ephemeral nor firewalled, otherwise default options.
import { randomBytes } from "node:crypto";
import DHT from "hyperdht";
import { countDatagramsOfUdx } from "./datagrams.mjs";

export const title = "hyperdht 6 (k=20)";

export async function create() {
  const datagrams = countDatagramsOfUdx();
  const nodes = [];
  return {
    nodes,
    datagrams,
    queries: () => nodes.reduce((sum, node) => sum + node.stats.requests.total, 0),
    async add() {
      const first = nodes[0];
      const node = new DHT({
        ephemeral: false,
        firewalled: false,
        host: "127.0.0.1",
        bootstrap: first === undefined ? [] : [{ host: "127.0.0.1", port: first.address().port }],
      });
      await node.fullyBootstrapped();
      nodes.push(node);
    },
    lookup: (node) => node.findNode(randomBytes(32)).finished(),
    put: async (node, value) => (await node.immutablePut(value)).hash,
    get: async (node, key) => (await node.immutableGet(key))?.value,
    kill: (node) => node.destroy({ force: true }),
  };
}
