// How fast the simulator is: npm run bench:simulator [-- --quick] [--full] [--json] [--write]
//
// Each measurement runs alone in a process of its own, best of some tries by CPU time (the machine is shared). The
// yardstick is a C program of the same model, compiled here if there is a `cc`: same wheel, same dice, same hash.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

const here = fileURLToPath(new URL(".", import.meta.url));
const seed = 1;
const sizes = values.quick ? [1e4, 1e5] : [1e4, 1e5, 1e6, 1e7];
/** What is slow by nature stops earlier, unless one asks for all. */
const largest = { heap: 1e6, instances: values.full ? 1e7 : 1e6, "wire-true": values.full ? 1e7 : 1e6 };

const program = compileYardstick();
const results = [];
for (const nodes of sizes) {
  const tries = nodes >= 1e7 ? 1 : nodes >= 1e6 ? 2 : 3;
  // One after the other and round again, so that a busy moment of the machine strikes all alike.
  const styles = ["columns", "heap", "instances", "wire-true"].filter(
    (style) => nodes <= (largest[style] ?? 1e9),
  );
  const best = new Map();
  for (let i = 0; i < tries; i++) {
    if (program !== undefined) keepBest(best, "C", runYardstick(nodes));
    for (const style of styles) keepBest(best, style, measure({ style, nodes, seed }));
  }
  for (const [style, result] of best) report({ style, nodes, ...result });
}
for (const nodes of values.quick ? [1e5] : [1e6, 1e7])
  report({ style: "rounds", nodes, ...measure({ style: "rounds", nodes, seed }) });
const networks = values.quick
  ? [[1000, 10]]
  : [[1000, 10], [10_000, 10], ...(values.full ? [[10_000, 100]] : [])];
for (const [nodes, publishers] of networks) {
  report({
    style: "classic",
    nodes,
    publishers,
    ...measure({ style: "classic", nodes, seed, publishers }),
  });
}
if (program !== undefined) rmSync(program.folder, { recursive: true });

const table = markdown();
if (values.json) process.stdout.write(`${JSON.stringify({ machine: machine(), results })}\n`);
else process.stdout.write(`\n${table}\n`);
if (values.write) writeInto(new URL("../../docs/performance.md", import.meta.url));

function compileYardstick() {
  const folder = mkdtempSync(join(os.tmpdir(), "grapevine-bench-"));
  const path = join(folder, "push15");
  const { error, status } = spawnSync("cc", ["-O2", "-o", path, join(here, "push15.c")], {
    stdio: "inherit",
  });
  if (error === undefined && status === 0) return { folder, path };
  process.stderr.write("no C compiler (cc): the comparison with C is left out\n");
  rmSync(folder, { recursive: true });
  return undefined;
}

function runYardstick(nodes) {
  return JSON.parse(execFileSync(program.path, [String(nodes), String(seed)], { encoding: "utf8" }));
}

function measure(request) {
  // Objects of 10^7 nodes do not fit into the heap that V8 takes by itself.
  const flags = ["--max-old-space-size=16000"];
  const args = [...flags, join(here, "measure-one.mjs"), JSON.stringify(request)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 24 }));
}

function keepBest(best, style, result) {
  const before = best.get(style);
  if (before === undefined || result.cpuSeconds < before.cpuSeconds) best.set(style, result);
}

function report(result) {
  results.push(result);
  if (values.json) return;
  const rate = (result.events / result.cpuSeconds / 1e6).toFixed(2);
  process.stderr.write(`${result.style} ${result.nodes}: ${rate} M/s, ${Math.round(result.rssMiB)} MiB\n`);
}

function find(style, nodes) {
  return results.find((one) => one.style === style && one.nodes === nodes);
}

function rate({ events, cpuSeconds }) {
  return events / cpuSeconds / 1e6;
}

function markdown() {
  const lines = [
    `Measured on ${machine()}, by CPU time, each alone, best of up to three.`,
    "",
    "| push15, M events/s | nodes | events/s | of C | of the heap | resident | per node | hash |",
    "|---|---|---|---|---|---|---|---|",
  ];
  for (const one of results.filter(({ style }) => !["rounds", "classic"].includes(style))) {
    const c = find("C", one.nodes);
    const heap = find("heap", one.nodes);
    const ofC = c === undefined ? "" : `1/${(rate(c) / rate(one)).toFixed(1)}`;
    const ofHeap = heap === undefined ? "" : `${(rate(one) / rate(heap)).toFixed(1)}x`;
    const perNode = `${one.bytesPerNode ?? Math.round((one.rssMiB * 2 ** 20) / one.nodes)} B`;
    const same = one.hash === find("columns", one.nodes)?.hash ? "the same" : "other payloads";
    lines.push(
      `| ${one.style} | ${power(one.nodes)} | ${rate(one).toFixed(2)} M | ${ofC} | ${ofHeap} | ${Math.round(one.rssMiB)} MiB | ${perNode} | ${same} |`,
    );
  }
  lines.push("", "| rounds | nodes | node-rounds/s (CPU) | rounds | resident |", "|---|---|---|---|---|");
  for (const one of results.filter(({ style }) => style === "rounds"))
    lines.push(
      `| push-pull, ${one.semantics} | ${power(one.nodes)} | ${rate(one).toFixed(0)} M | ${one.rounds} | ${Math.round(one.rssMiB)} MiB |`,
    );
  lines.push(
    "",
    "| classic stack, 6 seeds | publishers x 10 messages | deliveries | ratio | events | formed after | all, wall | resident |",
    "|---|---|---|---|---|---|---|---|",
  );
  for (const one of results.filter(({ style }) => style === "classic"))
    lines.push(
      `| ${one.nodes.toLocaleString("en")} peers | ${one.publishers} x 10 | ${one.deliveries.toLocaleString("en")} | ${one.ratio} | ${(one.events / 1e6).toFixed(1)} M | ${one.formedAfterSeconds.toFixed(1)} s | ${one.wallSeconds.toFixed(1)} s | ${Math.round(one.rssMiB)} MiB |`,
    );
  return lines.join("\n");
}

function power(nodes) {
  return `10^${Math.round(Math.log10(nodes))}`;
}

function machine() {
  const model = os.cpus()[0].model.trim();
  return `${os.cpus().length} shared cores (${model}), Node ${process.versions.node}`;
}

function writeInto(page) {
  const text = readFileSync(page, "utf8");
  const [begin, end] = ["<!-- bench:simulator -->", "<!-- /bench:simulator -->"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < 0) throw new Error(`docs/performance.md lacks ${begin} and ${end}`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`);
}
