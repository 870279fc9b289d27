// bittorrent-dht as it comes: BEP 5 and BEP 44, default options.
import { randomBytes } from "node:crypto";
import DHT from "bittorrent-dht";
import { countDatagramsOfNode } from "./datagrams.mjs";

export const title = "bittorrent-dht 11 (k=20)";

const called = (start) =>
  new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))));

export async function create() {
  const datagrams = countDatagramsOfNode();
  const nodes = [];
  let queries = 0;
  return {
    nodes,
    datagrams,
    queries: () => queries,
    async add() {
      const first = nodes[0];
      const node = new DHT({
        bootstrap: first === undefined ? false : [`127.0.0.1:${first.address().port}`],
        host: "127.0.0.1",
      });
      node.on("error", () => {});
      node.on("warning", () => {});
      const { socket } = node._rpc;
      const query = socket.query;
      socket.query = function (...args) {
        queries++;
        return query.apply(this, args);
      };
      const ready = new Promise((resolve) => node.once("ready", resolve));
      await called((done) => node.listen(0, "127.0.0.1", done));
      await ready;
      nodes.push(node);
    },
    lookup: (node) => called((done) => node.lookup(randomBytes(20), done)),
    put: (node, value) => called((done) => node.put({ v: value }, done)),
    get: async (node, key) => (await called((done) => node.get(key, done)))?.v,
    kill: (node) => called((done) => node.destroy(done)),
  };
}
