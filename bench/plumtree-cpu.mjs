// Processor time of a delivered message of 256 bytes, in one process, without sockets: Plumtree, and the flood beside it,
// in turns, with the ratio of each pair. Nodes are the broadcast layer in a stack, over a random graph of degree 6.
//
//   objects   messages are handed over as they are
//   bytes     every message is written by the codec of the wire when it is sent, and read when it arrives
//   signed    bytes, and every origin signs and every receiver checks, as live (Ed25519)
//
//     npm run bench:plumtree [-- --pairs 5] [--nodes 100] [--messages 200] [--json]
import { parseArgs } from "node:util";
import {
  formatContact,
  hashNumbers,
  randomGraph,
  Stack,
  seededRandom,
  trustEverybody,
} from "../dist/core/index.js";
import { Broadcast } from "../dist/dissemination/index.js";
import { wireCodec } from "../dist/lab/wire-codec.js";
import { createIdentity } from "../dist/node/identity.js";
import { LiveSignatures } from "../dist/node/signatures.js";
import { Simulation } from "../dist/simulator/index.js";

const number = (value) => ({ type: "string", default: String(value) });
const { values } = parseArgs({
  options: {
    ...{ pairs: number(5), nodes: number(100), messages: number(200) },
    json: { type: "boolean", default: false },
  },
});
const [pairs, nodes, messages] = ["pairs", "nodes", "messages"].map((name) => Number(values[name]));
const sources = 16;
const goalMicroseconds = 40;

const graph = connectedGraph();
const identities = Array.from({ length: nodes }, () => createIdentity());
const contacts = identities.map(({ id }, row) => formatContact(id, "10.0.0.1", 9000 + row));
const payload = new Uint8Array(256).map((_, i) => hashNumbers([i]) & 255);

function connectedGraph() {
  const random = seededRandom(1);
  // A ring, so that it is one piece, and chords.
  const { offsets, neighbors } = randomGraph({ nodes, links: 2 * nodes }, random);
  return Array.from({ length: nodes }, (_, row) => {
    const chords = [...neighbors.subarray(offsets[row], offsets[row + 1])];
    return [...new Set([...chords, (row + 1) % nodes, (row + nodes - 1) % nodes])];
  });
}

/** Microseconds per delivery, when the trees are there. */
function measure(method, carried) {
  const simulation = new Simulation({
    seed: 1,
    rows: nodes,
    links: { kind: "stream", latency: { model: "constant", ms: 5 } },
    idOf: (row) => contacts[row],
    ...(carried === "objects" ? {} : { codec: wireCodec() }),
  });
  const all = graph.map((rows, row) => {
    const neighbors = rows.map((other) => contacts[other]);
    const broadcast = new Broadcast({
      view: { neighbors, has: (node) => neighbors.includes(node) },
      standing: { incarnation: 1, since: 0 },
      signatures: carried === "signed" ? new LiveSignatures(identities[row], () => true) : trustEverybody,
      options: { method, repairs: false, repairIntervalMs: 3_600_000 },
    });
    simulation.host(row, new Stack({ broadcast }));
    return broadcast;
  });
  const speak = (count) => {
    for (let i = 0; i < count; i++) {
      simulation.command(i % sources, {
        layer: "broadcast",
        body: { type: "publish", payloads: [payload] },
      });
      simulation.run(simulation.time + 10);
    }
    simulation.run(simulation.time + 1000);
  };
  const sum = (name) => all.reduce((total, { counters }) => total + counters[name], 0);
  speak(4 * sources);
  const before = { delivered: sum("delivered"), sends: sum("sends") };
  const cpu = process.cpuUsage();
  speak(messages);
  const { user, system } = process.cpuUsage(cpu);
  const delivered = sum("delivered") - before.delivered;
  if (delivered !== messages * (nodes - 1)) throw new Error(`${delivered} deliveries are not everybody's`);
  return { microseconds: (user + system) / delivered, copies: (sum("sends") - before.sends) / delivered };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const results = ["objects", "bytes", "signed"].map((carried) => {
  measure("plumtree", carried); // for the compiler
  const runs = Array.from({ length: pairs }, (_, i) => {
    // The machine's mood changes: who begins does, too.
    const order = i % 2 === 0 ? ["plumtree", "flood"] : ["flood", "plumtree"];
    return Object.fromEntries(order.map((method) => [method, measure(method, carried)]));
  });
  const of = (method) => median(runs.map((run) => run[method].microseconds));
  const ratios = runs.map(({ plumtree, flood }) => plumtree.microseconds / flood.microseconds);
  const copies = (method) => runs[0][method].copies;
  return {
    ...{ carried, plumtree: of("plumtree"), flood: of("flood"), ratio: median(ratios) },
    ...{ plumtreeCopies: copies("plumtree"), floodCopies: copies("flood") },
    ...{ lowestRatio: Math.min(...ratios), highestRatio: Math.max(...ratios) },
  };
});

if (values.json) process.stdout.write(`${JSON.stringify({ nodes, messages, pairs, results })}\n`);
else
  for (const one of results) {
    const ratios = `${one.ratio.toFixed(2)} (${one.lowestRatio.toFixed(2)} to ${one.highestRatio.toFixed(2)})`;
    console.log(
      `${one.carried.padEnd(8)} Plumtree ${one.plumtree.toFixed(1)} µs and ${one.plumtreeCopies.toFixed(2)} copies per delivery, flood ${one.flood.toFixed(1)} µs and ${one.floodCopies.toFixed(2)}; ratio ${ratios}`,
    );
  }
const { plumtree } = results.find(({ carried }) => carried === "bytes");
if (!values.json)
  console.log(
    `goal: at most ${goalMicroseconds} µs as bytes: ${plumtree <= goalMicroseconds ? "kept" : "missed"}`,
  );
