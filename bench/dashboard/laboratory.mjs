// The page without a server behind it: a rumor among a million simulated nodes, drawn as a grid.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { servePage } from "../../dist/node/page.js";
import { openBrowser } from "./page.mjs";

const nodes = 1_000_000;
const pacedMs = 10_000;

export async function measureLaboratory({ browser: executablePath, pictures }) {
  const app = new Hono();
  servePage(app);
  const { promise: listening, resolve } = Promise.withResolvers?.() ?? deferred();
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, resolve);
  const { port } = await listening;
  const browser = await openBrowser(executablePath);
  try {
    const { page, frames, feed, heapBytes, problems } = await browser.open(
      `http://127.0.0.1:${port}/?lab=epidemic&nodes=${nodes}#/laboratory/epidemic`,
    );
    await page
      .getByRole("img", { name: /1,000,000 nodes|1 ?M nodes|10\^6 nodes/ })
      .waitFor({ timeout: 30_000 });
    const measure = async (forMs) => {
      const cpuBefore = browser.cpuMs();
      const startedAt = performance.now();
      const result = await frames(forMs);
      return { ...result, browserCpuShare: (browser.cpuMs() - cpuBefore) / (performance.now() - startedAt) };
    };
    const paced = await measure(pacedMs);
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/laboratory.png` });
    await page.getByRole("combobox", { name: "Speed" }).selectOption("Infinity");
    await page.getByRole("button", { name: "Reset" }).click();
    await page.getByRole("button", { name: "Start" }).click();
    const fast = await measure(3000);
    const { eventsPerSecond } = await feed();
    // Here it asks in vain whether there is a network behind it.
    const others = problems.filter((problem) => !problem.includes("404"));
    return {
      nodes,
      paced,
      fast,
      eventsPerSecond,
      heapBytes: await heapBytes(),
      browserBytes: browser.memoryBytes(),
      problems: others,
    };
  } finally {
    await browser.close();
    server.close();
  }
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
