// js-libp2p with gossipsub over TCP, Noise and Yamux.
import "./promise-with-resolvers.mjs";
import { dialPlan, uniquePrefixBytes, until } from "./workload.mjs";

export const modes = {
  default: {
    about: "gossipsub as it comes: StrictSign, every duplicate is verified before it is recognised",
    saturatedCount: 400,
  },
  tuned: {
    about: "with fastMsgIdFn, so that duplicates are recognised before their signature is verified",
    saturatedCount: 600,
  },
  unsigned: { about: "StrictNoSign with fastMsgIdFn", saturatedCount: 800 },
};

const topic = "bench";
const dialsPerNode = 6;
const lowestMeshDegree = 4; // gossipsub's Dlo: below it the heartbeat looks for more mesh neighbors

const latin1 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice();
const prefix = (data) => data.subarray(0, uniquePrefixBytes);

const modeOptions = {
  default: {},
  tuned: { fastMsgIdFn: (message) => latin1(message.from) + latin1(message.seqno) },
  unsigned: {
    globalSignaturePolicy: "StrictNoSign",
    msgIdFn: (message) => prefix(message.data),
    fastMsgIdFn: (message) => latin1(prefix(message.data)),
  },
};

/**
 * Gossipsub reports to anything shaped like a metrics registry; one of its many gauges is of interest. What the
 * reporting costs is lost in the difference between two runs of the same mode.
 */
function countingRegister(gaugeName, onIncrement) {
  const ignore = {
    inc() {},
    set() {},
    observe() {},
    reset() {},
    addCollect() {},
    startTimer: () => () => {},
  };
  const counting = {
    ...ignore,
    inc: (labelsOrAmount, amount = 1) =>
      onIncrement(typeof labelsOrAmount === "number" ? labelsOrAmount : amount),
  };
  const metric = ({ name }) => (name === gaugeName ? counting : ignore);
  return { gauge: metric, histogram: metric, avgMinMax: metric };
}

export async function create(mode) {
  const [{ createLibp2p }, { tcp }, { noise }, { yamux }, { identify }, { gossipsub }] = await Promise.all([
    import("libp2p"),
    import("@libp2p/tcp"),
    import("@chainsafe/libp2p-noise"),
    import("@chainsafe/libp2p-yamux"),
    import("@libp2p/identify"),
    import("@libp2p/gossipsub"),
  ]);
  let nodes = [];
  let plan = [];
  let sentMessages = 0;
  const pubsub = (index) => nodes[index].services.pubsub;
  const metricsRegister = countingRegister("gossipsub_rpc_sent_message_total", (amount) => {
    sentMessages += amount;
  });

  const createNode = () =>
    createLibp2p({
      addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // The default takes 5 new connections per second from one address, and here all share one.
      connectionManager: { inboundConnectionThreshold: 1e6, maxIncomingPendingConnections: 1e4 },
      services: {
        identify: identify(),
        pubsub: gossipsub({
          ...modeOptions[mode],
          // The default score punishes more than ten peers behind one address, for the same reason.
          scoreParams: { IPColocationFactorWeight: 0 },
          allowPublishToZeroTopicPeers: true,
          metricsRegister,
          metricsTopicStrToLabel: new Map(),
        }),
      },
    });

  const isMeshed = () =>
    nodes.every((node, index) => {
      const peerCount = node.getPeers().length;
      return (
        pubsub(index).getMeshPeers(topic).length >= Math.min(lowestMeshDegree, peerCount) &&
        pubsub(index).getSubscribers(topic).length >= peerCount
      );
    });

  return {
    name: `libp2p gossipsub, ${mode}`,
    async start({ nodeCount, random }) {
      plan = dialPlan(nodeCount, dialsPerNode, random);
      nodes = await Promise.all(Array.from({ length: nodeCount }, createNode));
      return { nodes };
    },
    onDelivery(callback) {
      nodes.forEach((_, index) => {
        pubsub(index).addEventListener("gossipsub:message", ({ detail: { msg: message } }) => {
          if (message.topic === topic) callback(index, message.data);
        });
      });
    },
    async connect() {
      nodes.forEach((_, index) => {
        pubsub(index).subscribe(topic);
      });
      const dial = (dialer, target) => nodes[dialer].dial(nodes[target].getMultiaddrs());
      await Promise.all(plan.flatMap((targets, dialer) => targets.map((target) => dial(dialer, target))));
    },
    async settle() {
      const meshed = await until(isMeshed, 30_000);
      const degrees = nodes.map((_, index) => pubsub(index).getMeshPeers(topic).length);
      return { meshed, meshDegreeMean: degrees.reduce((sum, degree) => sum + degree, 0) / nodes.length };
    },
    connections: () => nodes.reduce((sum, node) => sum + node.getPeers().length, 0) / 2,
    publish: (nodeIndex, bytes) => pubsub(nodeIndex).publish(topic, bytes),
    wireMessages: () => sentMessages,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
