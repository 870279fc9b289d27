// One measurement in a process of its own: node bench/simulator/measure-one.mjs '{"style":"columns","nodes":100000,"seed":1}'

import { PushNode } from "./push-node.mjs";
import { RoundProbe } from "./round-probe.mjs";

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { Simulation, HeapAgenda } = await dist("simulator/index.js");
const { Rumor, rumorPresets } = await dist("dissemination/index.js");

/** The links of push15: 10 to 499 ms, each as likely as another. */
const links = { latency: { model: "uniform", fromMs: 10, toMs: 499 } };

const request = JSON.parse(process.argv[2]);
const measure = { columns, heap, instances, "wire-true": wireTrue, rounds, classic }[request.style];
process.stdout.write(`${JSON.stringify(await measure(request))}\n`);

/** A small run first: compiling the code is nobody's share of the events, nor of the memory. */
function warmUp(config) {
  for (let seed = 1; seed <= 3; seed++) {
    const rumor = new Rumor({ rows: 20_000, options: { ...rumorPresets.push15, isQuiet: true } });
    const agenda = config.agenda === undefined ? undefined : new HeapAgenda();
    const simulation = new Simulation({ seed, rows: 20_000, links, ...config, agenda });
    simulation.hostAll(rumor);
    simulation.command(0, { type: "infect" });
    simulation.run();
  }
}

async function columns({ nodes, seed }, config = {}) {
  warmUp(config);
  const rssBefore = process.memoryUsage.rss();
  const rumor = new Rumor({ rows: nodes, options: { ...rumorPresets.push15, isQuiet: true } });
  const before = process.cpuUsage();
  const simulation = new Simulation({ seed, rows: nodes, links, ...config });
  simulation.hostAll(rumor);
  return finish(simulation, nodes, before, rssBefore, () => rumor.informed);
}

function heap(request) {
  return columns(request, { agenda: new HeapAgenda() });
}

/** Every message is written and read by the codec of the wire: the number travels as that of a ping. */
async function wireTrue(request) {
  const { wireCodec } = await dist("lab/index.js");
  const wire = wireCodec();
  const small = {
    maxBytes: 64,
    write: (nonce, target) => wire.write({ layer: "heartbeat", body: { type: "ping", nonce } }, target),
    read: (source, start, end) => wire.read(source, start, end).body.nonce,
  };
  return columns(request, { codec: small });
}

async function instances({ nodes, seed }) {
  if (nodes > 20_000) await instances({ nodes: 20_000, seed }); // compiles the code
  const rssBefore = process.memoryUsage.rss();
  const before = process.cpuUsage();
  const simulation = new Simulation({ seed, rows: nodes, links });
  const all = Array.from({ length: nodes }, () => new PushNode(nodes));
  for (const [row, node] of all.entries()) simulation.host(row, node);
  return finish(
    simulation,
    nodes,
    before,
    rssBefore,
    () => all.filter(({ isInformed }) => isInformed).length,
  );
}

function finish(simulation, nodes, before, rssBefore, informed) {
  simulation.command(0, { type: "infect" });
  const began = performance.now();
  simulation.run();
  const wallSeconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  return {
    events: simulation.counters.events,
    hash: simulation.hash,
    informed: informed(),
    cpuSeconds: (user + system) / 1e6,
    wallSeconds,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    bytesPerNode: Math.round((process.memoryUsage.rss() - rssBefore) / nodes),
  };
}

async function rounds(request) {
  return new RoundProbe(await dist("dissemination/index.js"), await dist("simulator/index.js")).run(request);
}

/** The whole classic stack: seeds, registration, overlay, heartbeat, flood; some peers publish ten messages each. */
async function classic({ nodes, seed, publishers }) {
  const { SimulatedNetwork } = await dist("lab/index.js");
  const messages = 10;
  let published = 0;
  let deliveries = 0;
  const before = process.cpuUsage();
  const began = performance.now();
  const network = new SimulatedNetwork({
    seed,
    seeds: 6,
    maxPeers: nodes,
    links: { kind: "stream", latency: { model: "uniform", fromMs: 5, toMs: 50 } },
    options: { source: { waitsForCommand: true, messages } },
    onNotice: (_at, _row, layer, { type }) => {
      if (layer !== "broadcast") return;
      if (type === "delivered") deliveries++;
      else if (type === "published") published++;
    },
  });
  network.startSeeds();
  for (let i = 0; i < nodes; i++) {
    network.addPeer();
    network.simulation.run(network.time + 1);
  }
  const isFormed = network.runUntil(() => network.isFormed, 300_000, 1000);
  const formedAfterSeconds = (performance.now() - began) / 1000;
  network.begin([...network.peers.keys()].slice(0, publishers));
  const wanted = publishers * messages * (nodes - 1);
  network.runUntil(() => deliveries >= wanted, 300_000, 1000);
  const { user, system } = process.cpuUsage(before);
  return {
    events: network.simulation.counters.events,
    hash: network.simulation.hash,
    isFormed,
    published,
    deliveries,
    ratio: deliveries / wanted,
    formedAfterSeconds,
    virtualMs: network.time,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - began) / 1000,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}
