/**
 * What an idle node of the modern profile sends, in the simulator, where a thousand of them fit: frames of the codec of
 * the wire, with the 32 bytes of a sealed datagram or the 22 of a TLS record around them.
 */
const sealedBytes = 32;
const recordBytes = 22;
/** Of a signature in a cluster with an authority: the key, the signature and the authority's token. */
const proofBytes = 160;

const dist = new URL("../../dist/", import.meta.url);

export async function simulatedIdle({ count, settleMs, forMs }) {
  const [{ SimulatedNetwork }, { Codec }, { datagramTypes }] = await Promise.all([
    import(new URL("simulated/index.js", dist).href),
    import(new URL("wire/index.js", dist).href),
    import(new URL("membership/swim-messages.js", dist).href),
  ]);
  const codec = new Codec();
  const sent = new Map();
  let isCounting = false;
  const sizeOf = (message) => {
    const { layer, body } = message;
    const isDatagram = layer === "membership" && datagramTypes.has(body.type);
    const bytes = codec.encode(message).length + (isDatagram ? sealedBytes : recordBytes);
    if (isCounting) {
      const kind = `${isDatagram ? "datagram" : "stream"} ${layer} ${body.type}`;
      sent.set(kind, (sent.get(kind) ?? 0) + bytes);
    }
    return bytes;
  };
  const network = new SimulatedNetwork({
    seed: 1,
    seeds: 1,
    maxPeers: count - 1,
    links: { kind: "stream", latency: { model: "uniform", fromMs: 0, toMs: 2 } },
    options: { stack: { profile: "modern" }, source: { messages: 0 }, swim: { fullViewMembers: 2 * count } },
    hasContacts: true,
    proofBytes,
    sizeOf,
  });
  network.startSeeds();
  for (let peer = 1; peer < count; peer++) network.addPeer();
  const sees = (node) => node.swim.members.filter(({ state }) => state === "alive").length;
  const doAllSeeAll = () =>
    [...network.peers.values()].every(({ modern }) => sees(modern) >= count - 1) &&
    [...network.seeds.values()].every((seed) => sees(seed) >= count - 1);
  if (!network.runUntil(doAllSeeAll, 300_000, 1000))
    throw new Error(`simulated, ${count} nodes: not everybody knows everybody within 300 s`);
  network.simulation.run(network.time + settleMs);
  isCounting = true;
  const at = network.time;
  network.simulation.run(at + forMs);
  const perNode = (bytes) => (bytes * 1000) / (network.time - at) / count;
  const of = (prefix) =>
    perNode([...sent].reduce((sum, [kind, bytes]) => sum + (kind.startsWith(prefix) ? bytes : 0), 0));
  const byKind = [...sent].map(([kind, bytes]) => [kind, perNode(bytes)]).sort((a, b) => b[1] - a[1]);
  return {
    bytesPerSecond: of(""),
    datagramBytesPerSecond: of("datagram"),
    streamBytesPerSecond: of("stream"),
    largest: byKind
      .slice(0, 3)
      .map(([kind, bytes]) => `${kind.split(" ").pop()} ${bytes.toFixed(0)}`)
      .join(", "),
    byKind: Object.fromEntries(byKind),
  };
}
