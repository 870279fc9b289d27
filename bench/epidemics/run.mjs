// How long the epidemic models take: npm run bench:epidemics [-- --quick] [--json] [--write]
//
// The tables of Demers et al. 1987 through the program that reproduces them, a rumor to everybody among millions of
// nodes, and sets that are made equal. Each measurement runs alone, in a process of its own.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reconciliationTable } from "./reconciliation.mjs";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

const here = fileURLToPath(new URL(".", import.meta.url));
const seed = 1;
const tableRuns = values.quick ? 500 : 10_000;
const millions = values.quick
  ? [
      { style: "rounds", nodes: 1e5 },
      { style: "events", nodes: 1e5 },
    ]
  : [
      { style: "rounds", nodes: 1e6 },
      { style: "rounds", nodes: 1e7 },
      { style: "events", nodes: 1e6 },
    ];
const items = values.quick ? 1e5 : 1e6;
const differences = values.quick ? [10, 1000] : [10, 1000, 100_000];

const table1 = measure({ style: "table1", runs: tableRuns, threads: 2, seed });
say(`table 1, ${tableRuns} runs per k: ${table1.wallSeconds.toFixed(1)} s`);
const rumors = millions.map((request) => {
  const result = { ...request, ...measure({ ...request, seed }) };
  say(`push-pull, ${request.style}, ${request.nodes}: ${result.wallSeconds.toFixed(1)} s`);
  return result;
});
const reconciliations = differences.map((count) => {
  const { result, ...costs } = measure({ style: "reconciliation", items, differences: count });
  say(`reconciliation, ${count} differences: ${costs.wallSeconds.toFixed(1)} s`);
  return { ...result, ...costs };
});

const page = markdown();
if (values.json)
  process.stdout.write(`${JSON.stringify({ machine: machine(), table1, rumors, reconciliations })}\n`);
else process.stdout.write(`\n${page}\n`);
if (values.write) writeInto(new URL("../../docs/performance.md", import.meta.url));

function measure(request) {
  const args = ["--max-old-space-size=8000", join(here, "measure-one.mjs"), JSON.stringify(request)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 24 }));
}

function say(text) {
  if (!values.json) process.stderr.write(`${text}\n`);
}

function markdown() {
  const seconds = (value) => `${value.toFixed(1)} s`;
  const verdict = table1.ok ? "all within their intervals" : "NOT all within their intervals";
  return [
    `Measured on ${machine()}.`,
    "",
    `Table 1 of Demers et al. 1987 (n = 1,000, k = 1 to 5), ${table1.runs.toLocaleString("en")} runs per k on 2 threads: **${seconds(table1.wallSeconds)}**, of which ${seconds(table1.cpuSeconds)} of CPU; ${verdict}.`,
    "",
    "| push-pull to everybody | nodes | took | wall | CPU | resident |",
    "|---|---|---|---|---|---|",
    ...rumors.map((one) => {
      const took =
        one.style === "rounds"
          ? `${one.rounds} synchronous rounds`
          : `${one.virtualMs / 1000} s virtual, ${(one.events / 1e6).toFixed(1)} M events`;
      return `| ${one.style} | ${power(one.nodes)} | ${took} | ${seconds(one.wallSeconds)} | ${seconds(one.cpuSeconds)} | ${Math.round(one.rssMiB)} MiB |`;
    }),
    "",
    `Two sets of items that are made equal, in ${items.toLocaleString("en")} items each:`,
    "",
    ...reconciliationTable(reconciliations),
  ].join("\n");
}

function power(nodes) {
  return `10^${Math.round(Math.log10(nodes))}`;
}

function machine() {
  const model = os.cpus()[0].model.trim();
  return `${os.cpus().length} shared cores (${model}), Node ${process.versions.node}`;
}

function writeInto(path) {
  const text = readFileSync(path, "utf8");
  const [begin, end] = ["<!-- bench:epidemics -->", "<!-- /bench:epidemics -->"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < 0) throw new Error(`docs/performance.md lacks ${begin} and ${end}`);
  writeFileSync(path, `${text.slice(0, from + begin.length)}\n${page}\n${text.slice(to)}`);
}
