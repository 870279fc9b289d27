/**
 * What an idle node of the modern profile sends, in the simulator, where a thousand of them fit: frames of the codec of
 * the wire, with what a sealed datagram or a TLS record has around them. Idle is a network in which everybody knows
 * everybody and no news is under way: a thousand nodes that come at once have gossip for minutes.
 */
const recordBytes = 22;
const quietStepMs = 10_000;
const quietLimitMs = 900_000;
/** Of a signature in a cluster with an authority: the key, the signature and the authority's token. */
const proofBytes = 160;

const dist = new URL("../../dist/", import.meta.url);

export async function simulatedIdle({ count, forMs }) {
  const [{ SimulatedNetwork }, { Codec }, { sealBytes, sealedHeaderBytes }, { datagramTypes }] =
    await Promise.all([
      import(new URL("simulated/index.js", dist).href),
      import(new URL("wire/index.js", dist).href),
      import(new URL("wire/datagram.js", dist).href),
      import(new URL("membership/swim-messages.js", dist).href),
    ]);
  const codec = new Codec();
  const sent = new Map();
  let isCounting = false;
  let news = 0;
  const sizeOf = (message) => {
    const { layer, body } = message;
    if (body.type === "gossip") news++;
    if (!isCounting) return 0; // links have no bandwidth here
    const isDatagram = layer === "membership" && datagramTypes.has(body.type);
    const bytes = codec.encode(message).length + (isDatagram ? sealedHeaderBytes + sealBytes : recordBytes);
    const kind = `${isDatagram ? "datagram" : "stream"} ${layer} ${body.type}`;
    sent.set(kind, (sent.get(kind) ?? 0) + bytes);
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
  const isQuiet = () => {
    const before = news;
    network.simulation.run(network.time + quietStepMs);
    return news === before;
  };
  while (!doAllSeeAll() || !isQuiet()) {
    if (network.time > quietLimitMs) throw new Error(`not quiet within ${quietLimitMs / 1000} s`);
    network.simulation.run(network.time + 1000);
  }
  const quietAtMs = network.time;
  isCounting = true;
  const at = network.time;
  network.simulation.run(at + forMs);
  const perNode = (bytes) => (bytes * 1000) / (network.time - at) / count;
  const of = (prefix) =>
    perNode([...sent].reduce((sum, [kind, bytes]) => sum + (kind.startsWith(prefix) ? bytes : 0), 0));
  const byKind = [...sent].map(([kind, bytes]) => [kind, perNode(bytes)]).sort((a, b) => b[1] - a[1]);
  return {
    quietAtMs,
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
