/** The page without a server of ours: a laboratory from static files, and a run in one file. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, openPage } from "../support/chromium.ts";
import { run } from "../support/program.ts";
import { serveStaticSite } from "../support/static-site.ts";

let browser: Browser;
let site: { readonly url: string; readonly server: Server };
beforeAll(async () => {
  browser = await launchChromium();
  site = await serveStaticSite();
}, 180_000);
afterAll(async () => {
  await browser.close();
  site.server.close();
});

const textOf = (page: Page) => page.locator("body").innerText();
const legendOf = (page: Page) => page.getByRole("list", { name: /Legend/ });

/** Whatever is under this site is the page's; that there is no feed it may ask. */
function expectQuiet({ complaints, origins }: { complaints: string[]; origins: Set<string> }): void {
  expect(complaints.filter((text) => !/404/.test(text))).toEqual([]);
  expect([...origins]).toEqual([new URL(site.url).origin]);
}

describe("the laboratory, from static files", () => {
  test("runs a scenario to its verdict: every message reaches everybody, every check holds", async () => {
    const opened = await openPage(browser, `${site.url}#/laboratory`);
    const { page } = opened;
    await page.getByText("Scenario", { exact: true }).click();
    await page.getByRole("button", { name: "Run crash" }).click();
    await expect.poll(() => legendOf(page).innerText(), { timeout: 30_000 }).toMatch(/\b6\s+seeds/);
    await page.getByLabel("Speed").selectOption("25");
    await page.getByRole("link", { name: "Laboratory" }).click();
    await expect
      .poll(() => textOf(page), { timeout: 40_000 })
      .toMatch(/All \d+ checks hold, no invariant was broken/);
    expect(await textOf(page)).toMatch(/\b100 % delivered/);
    await page.getByRole("link", { name: "Liveness" }).click();
    await expect.poll(() => textOf(page)).toMatch(/6 of 6/);
    expectQuiet(opened);
    await opened.context.close();
  });

  test.each([
    ["classic", "", "missed 3 answers"],
    ["modern", "&stack.profile=modern", "of 3 confirmations"],
  ])(
    "a %s network has hands, says why it gives somebody up, and its address starts it again",
    async (_, profile, why) => {
      const opened = await openPage(
        browser,
        `${site.url}?lab=network&peers=12&seeds=2&messages=0${profile}#/network`,
      );
      const { page } = opened;
      await expect.poll(() => legendOf(page).innerText(), { timeout: 30_000 }).toMatch(/\b12\s+peers/);
      await page.getByRole("button", { name: "Publish" }).click();
      await page.getByLabel("Text").fill("by hand");
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "Spread" }).click();
      await expect.poll(() => textOf(page), { timeout: 15_000 }).toMatch(/by hand[\s\S]*12 of 12\s*peers/);
      await page.goto(`${page.url().replace(/#.*/, "")}#/network?node=peer-3`);
      await page.getByRole("button", { name: "Kill" }).click();
      await expect.poll(() => legendOf(page).innerText()).toMatch(/\b11\s+peers[\s\S]*\b1\s+dead/);
      await page.getByLabel("Speed").selectOption("25");
      await expect.poll(() => page.getByLabel("Node peer-3").innerText(), { timeout: 15_000 }).toContain(why);
      expectQuiet(opened);
      await opened.context.close();
    },
  );

  test("a rumor among 100,000 nodes gets to all of them, as theory says", async () => {
    const opened = await openPage(browser, `${site.url}?lab=epidemic&nodes=100000&mode=push#/laboratory`);
    await expect.poll(() => textOf(opened.page), { timeout: 40_000 }).toMatch(/Know it\s+100 %/);
    expectQuiet(opened);
    await opened.context.close();
  });
});

describe("a run as a page in one file", () => {
  const folder = mkdtempSync(join(tmpdir(), "grapevine-one-file-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["of a scenario", ["run", "crash"], /\b12\s+peers[\s\S]*\b1\s+dead/],
    [
      "of a live network",
      ["up", "--peers", "6", "--seeds", "2", "--messages", "1", "--once", "--no-output"],
      /\b6\s+peers[\s\S]*\b2\s+seeds/,
    ],
  ])("%s opens from the disk, shows the run and asks nobody for anything", async (_, args, counts) => {
    const file = join(folder, `${args[0]}.html`);
    expect((await run([...args, "--html", file])).code).toBe(0);
    const { page, complaints, origins, context } = await openPage(browser, `${pathToFileURL(file)}#/network`);
    await expect.poll(() => legendOf(page).innerText(), { timeout: 20_000 }).toMatch(counts);
    await page.getByRole("link", { name: "Overlay" }).click();
    await expect.poll(() => textOf(page), { timeout: 20_000 }).toMatch(/Mean distance\s+[\d.]+/);
    expect(complaints).toEqual([]);
    expect([...origins].filter((origin) => origin !== "null" && origin !== "file://")).toEqual([]);
    await context.close();
  });
});
