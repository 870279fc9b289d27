/** Every view, dark and light, under axe-core: nobody is to be kept out by what a checker can find. */
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, openPage } from "../support/chromium.ts";
import { endPrograms, start } from "../support/program.ts";
import { serveStaticSite } from "../support/static-site.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Browser;
let site: { readonly url: string; readonly server: Server };
let live: string;
beforeAll(async () => {
  const network = start([
    "up",
    "--profile",
    "modern",
    "--peers",
    "8",
    "--seeds",
    "2",
    "--messages",
    "2",
    "--interval",
    "200ms",
    "--no-open",
    "--no-output",
  ]);
  const address = network.said(/Open (http:\S+\/) to watch/);
  browser = await launchChromium();
  site = await serveStaticSite();
  live = (await address)[1]!;
}, 180_000);
afterAll(async () => {
  await browser.close();
  await endPrograms();
  site.server.close();
});

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Serious and critical ones, each with the first element that it is about. */
async function violationsOn(page: Page): Promise<string[]> {
  // The page's policy forbids scripts that it did not bring: the checker comes in over the debugger.
  await page.evaluate(axe);
  const found = (await page.evaluate("axe.run()")) as { violations: Violation[] };
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.length} times, as ${nodes[0]?.html.slice(0, 200)}`);
}

/** What says that the view is there, with something in it. */
const views: readonly (readonly [string, RegExp])[] = [
  ["network?as=graph&node=peer-1", /Neighbors/i],
  ["network?as=grid", /\b8\s+peers/],
  ["network?as=table", /peer-8/],
  ["spread", /Tree of first receipts/],
  ["overlay", /Mean distance/],
  ["liveness", /Lists of the seeds/],
  ["traffic", /Who talks most/],
  ["events", /delivered/],
];

describe.each(["dark", "light"] as const)("in %s", (colorScheme) => {
  const open = async (url: string) => {
    const opened = await openPage(browser, "about:blank");
    await opened.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await opened.page.goto(url);
    return opened;
  };

  test("no view of a live network has a serious violation", async () => {
    const { page, context, complaints } = await open(live);
    for (const [view, content] of views) {
      await page.goto(`${live}#/${view}`);
      await expect.poll(() => page.locator("body").innerText(), { timeout: 15_000 }).toMatch(content);
      if (view.includes("node=")) await page.getByText("Why? Ask another node").click();
      expect(await violationsOn(page), view).toEqual([]);
    }
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("nor has what needs no network: the chooser, the laboratory, a comparison", async () => {
    for (const [address, content] of [
      ["", /trace file/i],
      ["#/laboratory", /Start the network/],
      ["?lab=scenario&name=crash#/laboratory", /What happened/],
      ["?lab=epidemic&nodes=1000#/laboratory", /Know it/],
      ["?lab=network&peers=6&seeds=1#/compare?at=2000", /Compare/],
    ] as const) {
      const { page, context } = await open(`${site.url}${address}`);
      await expect.poll(() => page.locator("body").innerText(), { timeout: 15_000 }).toMatch(content);
      expect(await violationsOn(page), address).toEqual([]);
      await context.close();
    }
  });
});
