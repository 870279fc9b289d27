// Our lookup nodes: Kademlia and the store over sealed datagrams, all in this process.
import { randomBytes } from "node:crypto";
import { createIdentity, LookupNode } from "../../dist/node/index.js";
import { countDatagramsOfNode } from "./datagrams.mjs";

export const title = "grapevine (k=8, sealed)";

export async function create() {
  const datagrams = countDatagramsOfNode();
  const nodes = [];
  const reports = { asked: 0 };
  return {
    nodes,
    datagrams,
    queries: () => reports.asked,
    async add() {
      const first = nodes[0];
      const node = await LookupNode.start({
        identity: createIdentity(),
        security: { type: "plaintext" },
        listen: { host: "127.0.0.1", port: 0 },
        bootstrap: first === undefined ? [] : [String(first.contact).split("@")[1]],
      });
      await node.joined;
      nodes.push(node);
    },
    async lookup(node) {
      const report = await node.lookup(randomBytes(20).toString("hex")).report;
      reports.asked += report.asked;
      if (report.outcome !== "found") throw new Error(report.outcome);
    },
    async put(node, value) {
      const { key } = await node.put("", value, { kind: "immutable" });
      return key;
    },
    async get(node, key) {
      return (await node.get(key, { kind: "immutable" }))?.value;
    },
    kill: (node) => node.kill(),
  };
}
