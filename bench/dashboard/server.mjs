// The process that is watched: a live network or one that is played back, with the real control API, feed and page.
// It says where it is, and what it has used whenever it is asked.
import { LocalNetwork } from "../../dist/lab/index.js";
import { startControlApi } from "../../dist/node/index.js";
import { Metrics } from "../../dist/node/metrics.js";
import { PlayedNetwork, recordNetwork } from "./played-network.mjs";

const { kind, peers, messagesPerSecond, isPlaintext } = JSON.parse(process.argv[2]);

const network = kind === "live" ? await liveNetwork() : playedNetwork();
// Metrics listen to every delivery whether or not anybody watches: without theirs more can be played back.
const metrics = kind === "live" ? undefined : new Metrics({ nodes: () => network.nodes });
const api = await startControlApi({ port: 0, nodes: () => network.nodes, metrics });
await network.start();
process.on("message", async ({ about }) => {
  if (about === "end") {
    network.stop();
    await api.close();
    process.exit(0);
  }
  // The heap is looked at between measurements: collecting garbage costs.
  if (about === "heap") globalThis.gc();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  process.send({
    cpuMs: (user + system) / 1000,
    residentBytes: rss,
    heapBytes: heapUsed,
    ...network.counters,
  });
});
process.once("disconnect", () => process.exit(1));
process.send({ url: api.url, pid: process.pid, ...network.about });

async function liveNetwork() {
  const counters = { notices: 0, deliveries: 0, messages: 0, leftOut: 0 };
  const local = await LocalNetwork.start({
    seeds: 5,
    peers,
    isPlaintext,
    onNotice: () => counters.notices++,
  });
  let isStopped = false;
  const publish = async () => {
    const startedAt = performance.now();
    for (let i = 0; !isStopped; ) {
      const due = ((performance.now() - startedAt) * messagesPerSecond) / 1000;
      for (; i < due; i++) {
        counters.messages++;
        void local.peers[i % peers].publish("a message of some forty characters, no. 1");
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  };
  return {
    get nodes() {
      return local.nodes;
    },
    get counters() {
      return { ...counters, deliveries: local.measurement.deliveries };
    },
    about: { deliveriesPerMessage: peers - 1 },
    start: async () => void publish(),
    stop: () => {
      isStopped = true;
    },
  };
}

function playedNetwork() {
  const recording = recordNetwork({ peers, messages: peers > 2000 ? 4 : 10 });
  const played = new PlayedNetwork(recording, messagesPerSecond);
  const { spreads } = recording;
  const noticesOf = (type) =>
    spreads.flat().filter(({ notice }) => notice.type === type).length / spreads.length;
  played.about = { deliveriesPerMessage: noticesOf("delivered") };
  return played;
}
