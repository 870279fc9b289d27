// Which library draws the graph of the dashboard best without a GPU: `node bench/dashboard/drawing/run.mjs --help`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

const names = ["own", "force-graph", "sigma", "cytoscape"];
const usage = `Usage: node bench/dashboard/drawing/run.mjs [options]

Draws the same graph with each library in headless Chromium without a GPU, 1000 x 680 pixels, every node in another
color and 100 dots elsewhere in every frame, and prints frames per second: standing still, and zoomed in every frame.

  --nodes N        (default 1000)
  --links N        (default 10000)
  --seconds S      for each figure (default 5)
  --only a,b       only these: ${names.join(", ")}
  --browser FILE   (default /usr/bin/chromium)
  --pictures DIR   keep a screenshot of each
  --help`;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000" },
    links: { type: "string", default: "10000" },
    seconds: { type: "string", default: "5" },
    only: { type: "string", default: names.join(",") },
    browser: { type: "string", default: "/usr/bin/chromium" },
    pictures: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const folder = import.meta.dirname;
if (!existsSync(join(folder, "node_modules"))) {
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

/** What the dashboard allows itself: a library that puts styles into the page breaks it. */
const policy = "default-src 'self'; style-src 'self'; img-src 'self' data: blob:";
const outDir = mkdtempSync(join(os.tmpdir(), "grapevine-drawing-"));
let server;
let browser;
try {
  const settings = { root: folder, configFile: false, logLevel: "warn" };
  await build({
    ...settings,
    build: { outDir, emptyOutDir: true, modulePreload: false, chunkSizeWarningLimit: 4000 },
  });
  server = await preview({
    ...settings,
    build: { outDir },
    preview: { port: 0, headers: { "content-security-policy": policy } },
  });
  browser = await chromium.launch({
    executablePath: values.browser,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const rows = [];
  for (const name of values.only.split(",")) {
    const row = { name };
    for (const moves of [false, true]) {
      const page = await browser.newPage({ viewport: { width: 1000, height: 680 } });
      await page.goto(server.resolvedUrls.local[0]);
      const figures = await page.evaluate((options) => window.measure(options), {
        name,
        moves,
        nodeCount: Number(values.nodes),
        linkCount: Number(values.links),
        forMs: Number(values.seconds) * 1000,
      });
      if (moves) row.zooming = figures;
      else row.still = figures;
      if (!moves && values.pictures !== undefined)
        await page.screenshot({ path: join(values.pictures, `${name}.png`) });
      await page.close();
    }
    rows.push(row);
  }
  print(rows, browser.version());
} finally {
  await browser?.close();
  await server?.close();
  rmSync(outDir, { recursive: true, force: true });
}

function print(rows, version) {
  const cells = [
    ["", "first frame", "still", "", "zooming", "", "policy"],
    ...rows.map(({ name, still, zooming }) => [
      name,
      `${still.firstMs.toFixed(0)} ms`,
      `${still.framesPerSecond.toFixed(1)} fps`,
      `${still.frameMs.toFixed(1)} ms/frame`,
      `${zooming.framesPerSecond.toFixed(1)} fps`,
      `${zooming.frameMs.toFixed(1)} ms/frame`,
      still.violations.length === 0 ? "kept" : `${still.violations.length} x ${still.violations[0]}`,
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  console.log(
    `${values.nodes} nodes, ${values.links} links, 100 dots; Chromium ${version}, ${os.cpus().length} cores, no GPU`,
  );
  for (const row of cells)
    console.log(
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join("   ")
        .trimEnd(),
    );
}
