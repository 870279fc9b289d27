import { connect, type Socket } from "node:net";
import { type LocalNetwork, sleep } from "../local-network.ts";
import { Attacker } from "./attacker.ts";
import { type Drill, gossipReachesAll, RemovalWatch } from "./drill.ts";

const idleConnections = 1000;

export const junk: Drill = {
  name: "junk",
  description:
    "HTTP, a 1 MB line, bytes that are no text, half a frame and silence, 1,000 idle connections: all freed",
  async run(stage) {
    // Short patience, so that the drill need not wait for the usual one.
    const network = await stage.network({
      links: { helloTimeoutMs: 1000, frameTimeoutMs: 1000, idleMs: 1000 },
      transport: { handshakeTimeoutMs: 1000 },
    });
    const watch = new RemovalWatch(network);
    const sizes = network.seeds.map(({ seed }) => seed!.registry.size).join();
    const ports = [network.seeds[0]!, network.peers[0]!].map((node) =>
      Number(String(node.contact).split(":").pop()),
    );
    await sleep(1500);
    const before = openSockets(network);
    const rssBefore = process.memoryUsage.rss();

    const sockets: Socket[] = [];
    for (const port of ports) {
      sockets.push(await say(port, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
      sockets.push(await say(port, `${"x".repeat(1_000_000)}\n`));
      sockets.push(
        await say(
          port,
          Uint8Array.from({ length: 2000 }, (_, i) => 0x80 | (i * 37)),
        ),
      );
      sockets.push(await say(port, Uint8Array.of(0, 0, 1))); // three of the four bytes of a length
      sockets.push(await say(port, Uint8Array.of(22, 3, 1, 2, 0, 1, 0))); // the beginning of a TLS hello
    }
    stage.config.say(`opening ${idleConnections} idle connections to each of a seed and a peer`);
    for (const port of ports) sockets.push(...(await idle(port, idleConnections)));
    // A member may send half a frame too: his certificate is in order.
    const insider = await Attacker.insider(stage, network, "mallory");
    const half = await halfAFrame(insider, ports[0]!);

    const during = await gossipReachesAll(stage, network);
    stage.check("gossip reaches everybody meanwhile", during.ratio === 1, `${during.ms} ms`);
    const freedMs = await stage.until(
      () => openSockets(network) <= before && sockets.every((socket) => socket.destroyed) && half.isClosed(),
      20_000,
    );
    const drops: Record<string, number> = {};
    for (const node of network.nodes) {
      for (const [reason, count] of Object.entries(node.links.drops))
        drops[reason] = (drops[reason] ?? 0) + count;
    }
    stage.figures["connectionsOpened"] = sockets.length;
    stage.figures["freedAfterMs"] = freedMs;
    stage.figures["drops"] = drops;
    stage.figures["memoryGrownMiB"] = Math.round((process.memoryUsage.rss() - rssBefore) / 1048576);
    stage.check(
      "every junk connection was closed and freed",
      freedMs !== undefined,
      `${freedMs} ms, ${openSockets(network)} open, ${before} before`,
    );
    stage.check("so was the member's half frame", half.isClosed());
    stage.check("nobody was removed", watch.removals.length === 0);
    stage.check("nobody was added", network.seeds.map(({ seed }) => seed!.registry.size).join() === sizes);
    for (const socket of sockets) socket.destroy();
  },
};

/** Connections that the two attacked nodes hold, neighbors and strangers. */
function openSockets(network: LocalNetwork): number {
  return [network.seeds[0]!, network.peers[0]!].reduce((sum, node) => sum + node.links.connectionCount, 0);
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.once("connect", () => resolve(socket));
    socket.once("close", () => resolve(socket));
  });
}

async function say(port: number, bytes: string | Uint8Array): Promise<Socket> {
  const socket = await open(port);
  socket.write(bytes);
  return socket;
}

async function idle(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i += 50) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(50, count - i) }, () => open(port)))));
  }
  return sockets;
}

/** Says hello as a member, then begins a frame and falls silent. */
async function halfAFrame(insider: Attacker, port: number): Promise<{ isClosed: () => boolean }> {
  const connection = await insider.links.config.transport.dial({ host: "127.0.0.1", port }, 3000);
  let isClosed = false;
  connection.onClose = () => {
    isClosed = true;
  };
  connection.onData = () => {};
  connection.write(Uint8Array.of(0, 0, 0, 200, 1, 2, 3));
  return { isClosed: () => isClosed };
}
