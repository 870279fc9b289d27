// Hyperswarm: finds the members of a topic through a DHT and connects everyone with everyone, encrypted, over UDP.
// It carries no broadcast of its own: publishing is writing to every connection, and nothing is relayed.
import { createHash } from "node:crypto";
import { until } from "./workload.mjs";

export const modes = {
  mesh: { about: "encrypted full mesh over a local DHT, native add-on, no relaying", saturatedCount: 2000 },
};

const lookupNodeCount = 4;

/** Cuts a stream of equally long messages; a chunk may hold several, or a part of one. */
function messageSplitter(messageBytes, onMessage) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let offset = 0;
    for (; bytes.length - offset >= messageBytes; offset += messageBytes)
      onMessage(bytes.subarray(offset, offset + messageBytes));
    rest = bytes.subarray(offset);
  };
}

export async function create() {
  const [{ default: Hyperswarm }, { default: createTestnet }] = await Promise.all([
    import("hyperswarm"),
    import("hyperdht/testnet.js"),
  ]);
  const topic = createHash("sha256").update("bench").digest();
  let lookup;
  let swarms = [];
  let writes = 0;
  let deliver = () => {};
  const connections = () => swarms.reduce((sum, swarm) => sum + swarm.connections.size, 0) / 2;

  return {
    name: "hyperswarm, full mesh",
    async start({ nodeCount, messageBytes }) {
      lookup = await createTestnet(lookupNodeCount);
      swarms = Array.from({ length: nodeCount }, (_, index) => {
        // A swarm left to make its own DHT node takes itself for firewalled, and two such nodes behind one
        // loopback address never connect. So each is given one that knows it can be reached.
        const dht = lookup.createNode({ ephemeral: false, firewalled: false });
        const swarm = new Hyperswarm({ dht, maxPeers: 2 * nodeCount });
        swarm.on("connection", (connection) => {
          connection.on("error", () => {});
          connection.on(
            "data",
            messageSplitter(messageBytes, (bytes) => deliver(index, bytes)),
          );
        });
        return swarm;
      });
      return { nodes: swarms };
    },
    onDelivery(callback) {
      deliver = callback;
    },
    async connect() {
      // One after another: of nodes that join at the same time most look up the topic before the others have
      // announced themselves, and the next look-up is minutes away.
      for (const swarm of swarms) await swarm.join(topic, { server: true, client: true }).flushed();
      await until(() => connections() === (swarms.length * (swarms.length - 1)) / 2, 30_000);
    },
    async settle() {
      return { fullMeshConnections: (swarms.length * (swarms.length - 1)) / 2 };
    },
    connections,
    publish(nodeIndex, bytes) {
      const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const connection of swarms[nodeIndex].connections) {
        connection.write(message);
        writes++;
      }
    },
    wireMessages: () => writes,
    wireBytes() {
      let bytes = 0;
      for (const swarm of swarms)
        for (const connection of swarm.connections) bytes += connection.rawStream.bytesTransmitted;
      return bytes;
    },
    async stop() {
      await Promise.all(swarms.map((swarm) => swarm.destroy({ force: true })));
      await lookup.destroy();
    },
  };
}
