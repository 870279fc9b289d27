// What gates that nobody has shut cost a live network: first a gate by itself, over connections that do nothing, in
// nanoseconds for each write and read; then the processor time of a whole delivery with gates and without, in processes
// of their own, in turns, and the ratio of each pair. The second figure is as noisy as the machine.
//
//     npm run build && node bench/gates.mjs [--pairs 5] [--peers 50] [--messages 20] [--interval 200]
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const number = (value) => ({ type: "string", default: String(value) });
const { values } = parseArgs({
  options: {
    pairs: number(5),
    peers: number(50),
    messages: number(20),
    interval: number(200),
    measure: { type: "string" },
  },
});
const [pairs, peers, messages, intervalMs] = ["pairs", "peers", "messages", "interval"].map((name) =>
  Number(values[name]),
);

if (values.measure === undefined) {
  await gateByItself();
  await compare();
} else await measure(values.measure === "with");

async function gateByItself() {
  const { Gates } = await import("../dist/lab/scenario/gated-transport.js");
  const connections = 200;
  const times = 2_000_000;
  let bytes = 0;
  const count = (chunk) => {
    bytes += chunk.length;
  };
  const idle = () => ({
    remote: { host: "127.0.0.1", port: 1 },
    ...{ isClosed: false, bufferedBytes: 0, onData: count, onClose() {} },
    ...{ write: count, pause() {}, resume() {}, close() {}, destroy() {} },
  });
  const gates = new Gates({ nodes: 2, seed: 1 });
  const address = { host: "127.0.0.1", port: 2 };
  gates.listensAt(address, gates.rowOf("other"));
  const inner = [];
  const dial = async () => {
    inner.push(idle());
    return inner.at(-1);
  };
  const transport = gates.wrap("one")({ dial });
  const gated = [];
  for (let i = 0; i < connections; i++) {
    gated.push(await transport.dial(address, 1000));
    gated[i].onData = count;
  }
  const bare = Array.from({ length: connections }, idle);
  const chunk = new Uint8Array(500);
  const nanoseconds = (act) => {
    const startedAt = performance.now();
    for (let i = 0; i < times; i++) act(i % connections);
    return (performance.now() - startedAt) * (1e6 / times);
  };
  const round = (writers, readers) => [
    nanoseconds((i) => writers[i].write(chunk)),
    nanoseconds((i) => readers[i].onData(chunk)),
  ];
  round(bare, bare);
  round(gated, inner);
  const [[bareWrite, bareRead], [write, read]] = [round(bare, bare), round(gated, inner)];
  console.log(
    `a gate by itself: ${(write - bareWrite).toFixed(0)} ns for each write, ${(read - bareRead).toFixed(0)} ns for each read (${bytes / chunk.length} chunks)`,
  );
}

async function measure(hasGates) {
  const { LocalNetwork, openGates } = await import("../dist/lab/index.js");
  const seeds = 6;
  const network = await LocalNetwork.start({
    seeds,
    peers,
    ...(hasGates ? { gates: openGates(seeds + peers) } : {}),
    options: { source: { messages, intervalMs } },
  });
  const before = process.cpuUsage();
  network.begin();
  await network.finished();
  const { user, system } = process.cpuUsage(before);
  const { deliveries, ratio, memoryPerPeerKiB } = network.report();
  const microseconds = (user + system) / deliveries;
  process.stdout.write(JSON.stringify({ microseconds, deliveries, ratio, memoryPerPeerKiB }));
  await network.close();
  process.exit(0);
}

async function compare() {
  const run = async (mode) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...[fileURLToPath(import.meta.url), "--measure", mode],
      ...["--peers", peers, "--messages", messages, "--interval", intervalMs].map(String),
    ]);
    return JSON.parse(stdout);
  };
  const ratios = [];
  for (let i = 1; i <= pairs; i++) {
    // The machine's mood changes: who begins does, too.
    const order = i % 2 === 0 ? ["with", "without"] : ["without", "with"];
    const results = {};
    for (const mode of order) results[mode] = await run(mode);
    const ratio = results.with.microseconds / results.without.microseconds;
    ratios.push(ratio);
    const microseconds = (mode) => results[mode].microseconds.toFixed(1);
    console.log(
      `pair ${i}: without ${microseconds("without")} µs, with ${microseconds("with")} µs of processor time per delivery, ratio ${ratio.toFixed(3)}; memory per peer ${results.without.memoryPerPeerKiB} and ${results.with.memoryPerPeerKiB} KiB`,
    );
  }
  ratios.sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)];
  console.log(`median ratio ${median.toFixed(3)} (${ratios[0].toFixed(3)} to ${ratios.at(-1).toFixed(3)})`);
}
