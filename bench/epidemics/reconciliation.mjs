// What it costs to find the differences of two large sets: by ranges, by Merkle trees, by sending everything.
//
//     node bench/epidemics/reconciliation.mjs [--items 1000000] [--differences 10,1000,100000] [--json]
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { reconcileByFullExchange, reconcileByMerkleTrees, reconcileByRanges } =
  await dist("dissemination/index.js");
const { twoSets } = await dist("lab/reproduce/anti-entropy.js");

/** As a node sends them: with the default bounds; and with messages of any size, as the bound on rounds has it. */
const unbounded = { maxRanges: 100_000_000, maxIds: 100_000_000 };
const methods = {
  ranges: (sets) => reconcileByRanges(sets, unbounded),
  "ranges, bounded messages": (sets) => reconcileByRanges(sets),
  "Merkle trees": (sets) => reconcileByMerkleTrees(sets),
  "full exchange": (sets) => reconcileByFullExchange(sets),
};

/**
 * Two sets of so many items that both have, and so many that one has. For each method messages, bytes, items that were
 * sent and those of them in vain, and the time of one thread for both sides. Throws if a method does not find all.
 */
export function reconciliation({ items, differences, seed = 1 }) {
  const began = cpuSeconds();
  const sets = twoSets({ items, differences, seed });
  const buildSeconds = cpuSeconds() - began;
  const results = Object.entries(methods).map(([method, reconcile]) => {
    const start = cpuSeconds();
    const { messages, bytes, itemsSent, itemsInVain, gained } = reconcile(sets);
    const seconds = cpuSeconds() - start;
    const found = gained.reduce((sum, { length }) => sum + length / 32, 0);
    if (found !== differences) throw new Error(`${method}: found ${found} differences of ${differences}`);
    return { method, messages, bytes, itemsSent, itemsInVain, cpuSeconds: seconds };
  });
  const full = results.at(-1).bytes;
  return {
    items,
    differences,
    buildSeconds,
    results: results.map((result) => ({ ...result, shareOfFull: result.bytes / full })),
  };
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** A row for each method and number of differences. */
export function reconciliationTable(all) {
  const lines = [
    "| items | differences | method | messages | bytes | of full exchange | items sent | in vain | CPU |",
    "|---|---|---|---|---|---|---|---|---|",
  ];
  const number = (value) => value.toLocaleString("en");
  for (const { items, differences, results } of all)
    for (const one of results) {
      const ratio =
        one.shareOfFull < 0.5 ? `1/${(1 / one.shareOfFull).toFixed(1)}` : one.shareOfFull.toFixed(2);
      lines.push(
        `| ${number(items)} | ${number(differences)} | ${one.method} | ${one.messages} | ${number(one.bytes)} | ${ratio} | ${number(one.itemsSent)} | ${number(one.itemsInVain)} | ${one.cpuSeconds.toFixed(2)} s |`,
      );
    }
  return lines;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      items: { type: "string", default: "1000000" },
      differences: { type: "string", default: "10,1000,100000" },
      json: { type: "boolean", default: false },
    },
  });
  const all = values.differences
    .split(",")
    .map((differences) => reconciliation({ items: Number(values.items), differences: Number(differences) }));
  if (values.json) process.stdout.write(`${JSON.stringify(all)}\n`);
  else process.stdout.write(`${reconciliationTable(all).join("\n")}\n`);
}
