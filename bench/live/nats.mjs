// NATS: what most people would take for a broadcast. One server in the middle, no peer-to-peer, plaintext.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export const modes = {
  server: {
    about: "one nats-server (its CPU is the second figure), plaintext, no relaying",
    saturatedCount: 10_000,
  },
};

const subject = "bench";
const isInstalled = () => spawnSync("nats-server", ["--version"], { stdio: "ignore" }).status === 0;

/** The server is not an npm package. Root of a Debian machine gets it installed, anyone else is told how. */
export async function prepare() {
  if (isInstalled()) return undefined;
  if (process.getuid?.() === 0 && spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0) {
    process.stderr.write("nats-server is missing: running `apt-get install -y nats-server`\n");
    spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "nats-server"], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "inherit"],
      timeout: 180_000,
    });
    if (isInstalled()) return undefined;
  }
  return "skipped: apt-get install nats-server";
}

/** Starts a server on a free loopback port; resolves to the process and the address it printed. */
function startServer() {
  const server = spawn("nats-server", ["--addr", "127.0.0.1", "--port", "-1"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  process.once("exit", () => server.kill());
  return new Promise((resolve, reject) => {
    let printed = "";
    const patience = setTimeout(() => reject(new Error(`nats-server is not ready:\n${printed}`)), 10_000);
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`nats-server has stopped:\n${printed}`)));
    server.stderr.setEncoding("utf8");
    server.stderr.on("data", (text) => {
      if (printed.length < 10_000) printed += text;
      const address = /client connections on (127\.0\.0\.1:\d+)/.exec(printed)?.[1];
      if (address === undefined || !printed.includes("Server is ready")) return;
      clearTimeout(patience);
      resolve({ server, address });
    });
  });
}

/** User + system time of another process; the kernel counts it in hundredths of a second. */
function processCpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined; // no /proc on this system
  }
}

export async function create() {
  const { connect } = await import("@nats-io/transport-node");
  let started;
  let clients = [];
  let clientCount = 0;
  let deliver = () => {};

  return {
    name: "nats, one server",
    async start({ nodeCount }) {
      clientCount = nodeCount;
      started = await startServer();
      return { nodes: Array.from({ length: nodeCount }) };
    },
    onDelivery(callback) {
      deliver = callback;
    },
    async connect() {
      const options = { servers: started.address, noEcho: true, reconnect: false };
      clients = await Promise.all(Array.from({ length: clientCount }, () => connect(options)));
      clients.forEach((client, index) => {
        client.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) deliver(index, message.data);
          },
        });
      });
      await Promise.all(clients.map((client) => client.flush()));
    },
    connections: () => clients.length,
    publish(nodeIndex, bytes) {
      clients[nodeIndex].publish(subject, bytes);
    },
    wireMessages() {
      return clients.reduce((sum, client) => {
        const { inMsgs: received, outMsgs: sent } = client.stats();
        return sum + received + sent;
      }, 0);
    },
    helperCpuMs: () => processCpuMs(started?.server.pid),
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      started?.server.kill();
      await sleep(100);
    },
  };
}
