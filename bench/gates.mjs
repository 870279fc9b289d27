// What gates that nobody has shut cost a live network: the processor time of a delivery with them and without, in
// processes of their own, in turns, and the ratio of each pair.
//
//     npm run build && node bench/gates.mjs [--pairs 5] [--peers 50] [--messages 20] [--interval 200]
import { execFile } from "node:child_process";
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

if (values.measure === undefined) await compare();
else await measure(values.measure === "with");

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
  const { deliveries, ratio } = network.report();
  process.stdout.write(JSON.stringify({ microseconds: (user + system) / deliveries, deliveries, ratio }));
  await network.close();
  process.exit(0);
}

async function compare() {
  const run = async (mode) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...[import.meta.filename ?? new URL(import.meta.url).pathname, "--measure", mode],
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
      `pair ${i}: without ${microseconds("without")} µs, with ${microseconds("with")} µs of processor time per delivery, ratio ${ratio.toFixed(3)}`,
    );
  }
  ratios.sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)];
  console.log(`median ratio ${median.toFixed(3)} (${ratios[0].toFixed(3)} to ${ratios.at(-1).toFixed(3)})`);
}
