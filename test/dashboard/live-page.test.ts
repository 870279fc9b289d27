/** The page of a running network, in a browser: what it shows is what the control API says, and what it does is done. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, openPage, type WatchedPage } from "../support/chromium.ts";
import { endPrograms, type Program, start } from "../support/program.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
}, 180_000);
afterAll(async () => {
  await browser.close();
  await endPrograms();
});

interface LiveNetwork {
  readonly program: Program;
  readonly url: string;
}

async function up(args: readonly string[] = []): Promise<LiveNetwork> {
  const program = start([
    "up",
    "--messages",
    "2",
    "--interval",
    "300ms",
    "--no-output",
    "--no-open",
    ...args,
  ]);
  const [, url] = await program.said(/Open (http:\S+\/) to watch/);
  await program.said(/The network goes on/, 60_000);
  return { program, url: url! };
}

async function ask(url: string, path: string): Promise<any> {
  return await (await fetch(new URL(path, url))).json();
}

/** The number that stands above or below that label. */
async function figure(page: Page, label: string): Promise<string> {
  const text = await page.getByRole("main").innerText();
  const lines = text.split("\n").map((line) => line.trim());
  const at = lines.indexOf(label);
  expect(at, `"${label}" in:\n${text}`).toBeGreaterThanOrEqual(0);
  return lines.slice(at + 1).find((line) => line !== "")!;
}

/** Waits until the page says what the network says: both go on while they are asked. */
async function agree<T>(onPage: () => Promise<T>, inNetwork: () => T | Promise<T>): Promise<void> {
  const compare = async () => {
    const [shown, true_] = [await onPage(), await inNetwork()];
    return JSON.stringify(shown) === JSON.stringify(true_) ? "agree" : { shown, true: true_ };
  };
  await expect.poll(compare, { timeout: 15_000, interval: 200 }).toBe("agree");
}

const sum = (nodes: readonly any[], field: string) =>
  nodes.reduce((total, node) => total + (node[field] ?? 0), 0);

describe("the page of a live network", () => {
  let network: LiveNetwork;
  let watched: WatchedPage;
  let page: Page;
  beforeAll(async () => {
    network = await up();
    watched = await openPage(browser, network.url);
    page = watched.page;
  }, 120_000);
  afterAll(async () => {
    await watched.context.close();
    await network.program.kill();
  });

  const go = (view: string) => page.goto(`${network.url}#/${view}`);

  test("Network: the nodes and links of the control API, and each node with its degree", async () => {
    const graph = () => ask(network.url, "v1/graph");
    const legend = page.getByRole("list", { name: /Legend/ });
    const linksShown = async () => Number(/(\d+)\s+links/.exec(await legend.innerText())?.[1]);
    await agree(linksShown, async () => (await graph()).links.length);
    expect(await legend.innerText()).toMatch(/\b20\s+peers[\s\S]*\b6\s+seeds/);
    await go("network?as=table");
    const { nodes } = await graph();
    const contactOf = (name: string) => nodes.find((node: any) => node.name === name).contact;
    for (const name of ["peer-1", "peer-2", "peer-11", "peer-20"]) {
      const row = page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
      const degree = async () => Number((await row.innerText()).split("\t")[4]);
      await agree(degree, async () => {
        const { links } = await graph();
        return links.filter((link: string[]) => link.includes(contactOf(name))).length;
      });
    }
  });

  test("Spread: each message with all peers that have it", async () => {
    await go("spread");
    const { nodes } = await ask(network.url, "v1/status");
    await agree(
      () => page.getByText(/^\d+ messages$/).innerText(),
      () => `${sum(nodes, "published")} messages`,
    );
    await agree(
      async () => (await figure(page, "Reached")).replaceAll(/\s/g, ""),
      () => "20of20peers",
    );
  });

  test("Overlay: peers, links and parts", async () => {
    await go("overlay");
    const links = async () => (await ask(network.url, "v1/graph")).links.length;
    await agree(
      () => figure(page, "Links"),
      async () => String(await links()),
    );
    await agree(
      () => figure(page, "Peers"),
      () => "20",
    );
    await agree(
      () => figure(page, "Parts"),
      () => "1",
    );
    const meanDegree = async () => Number.parseFloat(await figure(page, "Degree")).toFixed(1);
    await agree(meanDegree, async () => ((2 * (await links())) / 20).toFixed(1));
  });

  test("Traffic: what was published and delivered so far", async () => {
    await go("traffic");
    const { nodes } = await ask(network.url, "v1/status");
    const main = page.getByRole("main");
    for (const [label, field] of [
      ["Published", "published"],
      ["Delivered", "delivered"],
    ] as const) {
      const soFar = `${sum(nodes, field).toLocaleString("en")} so far`;
      await expect
        .poll(() => main.innerText(), { timeout: 15_000 })
        .toMatch(new RegExp(`${label}[\\s\\S]{0,40}${soFar}`));
    }
  });

  test("Liveness: the lists of the seeds", async () => {
    await go("liveness");
    const { nodes } = await ask(network.url, "v1/status");
    const sizes = nodes
      .filter(({ role }: any) => role === "seed")
      .map(({ listSize }: any) => String(listSize));
    const row = page.getByRole("row").filter({ hasText: "Listed" });
    await agree(
      async () => (await row.innerText()).match(/\b\d+\b/g),
      () => sizes,
    );
  });

  test("Events: as many of a type as the nodes have counted", async () => {
    await go("events?types=broadcast/published");
    const { nodes } = await ask(network.url, "v1/status");
    const published = sum(nodes, "published");
    await expect
      .poll(() => page.getByRole("main").innerText(), { timeout: 15_000 })
      .toMatch(new RegExp(`\\b${published} of [\\d,]+ events`));
  });

  test("Publish: what is typed in reaches everybody, and its spread is there to look at", async () => {
    await go("spread");
    const before = sum((await ask(network.url, "v1/status")).nodes, "delivered");
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByLabel("Text").fill("said in the page");
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => sum((await ask(network.url, "v1/status")).nodes, "delivered"))
      .toBe(before + 19);
    await page.getByText("said in the page").first().click();
    await agree(
      async () => (await figure(page, "Reached")).replaceAll(/\s/g, ""),
      () => "20of20peers",
    );
  });

  test("Kill: the process's node is gone, and the page and the others know", async () => {
    await go("network?node=peer-7");
    await page.getByRole("button", { name: "Kill" }).click();
    const stateOf = async () =>
      (await ask(network.url, "v1/nodes")).nodes.find(({ name }: any) => name === "peer-7").isRunning;
    await expect.poll(stateOf).toBe(false);
    await expect.poll(() => page.getByRole("list", { name: /Legend/ }).innerText()).toMatch(/\b1\s+dead/);
    await go("liveness");
    await agree(
      () => figure(page, "Failures"),
      () => "1",
    );
  });

  test("Rewind: before the death it lives, and following shows it dead again", async () => {
    await go("network");
    const legend = page.getByRole("list", { name: /Legend/ });
    await expect.poll(() => legend.innerText()).toMatch(/\b1\s+dead/);
    await page.getByRole("button", { name: /^Pause/ }).click();
    await page.getByRole("slider", { name: /time|moment/i }).focus();
    await page.keyboard.press("Home");
    await expect.poll(() => legend.innerText()).not.toMatch(/dead/);
    await page.getByRole("button", { name: "Live" }).click();
    await expect.poll(() => legend.innerText()).toMatch(/\b1\s+dead/);
  });

  test("asks nobody else for anything, and breaks no rule of its own", () => {
    expect([...watched.origins]).toEqual([new URL(network.url).origin]);
    expect(watched.complaints).toEqual([]);
  });
});

test("a page of another origin sees nothing, does nothing, and cannot frame the page", async () => {
  const network = await up(["--peers", "4", "--seeds", "1"]);
  const elsewhere: Server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<title>elsewhere</title>");
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  const { page, context } = await openPage(
    browser,
    `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`,
  );
  const outcomes = await page.evaluate(async (url) => {
    const tries: Record<string, RequestInit> = {
      "v1/status": {},
      "v1/feed": {},
      "v1/nodes/peer-1/kill": { method: "POST", mode: "no-cors", body: "{}" },
      "v1/actions": {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ do: "crash", node: "peer-1" }),
      },
    };
    const told: string[] = [];
    for (const [path, init] of Object.entries(tries)) {
      try {
        const response = await fetch(url + path, init);
        told.push(`${path}: ${response.type === "opaque" ? "opaque" : response.status}`);
      } catch {
        told.push(`${path}: refused`);
      }
    }
    return told;
  }, network.url);
  expect(outcomes).toEqual([
    "v1/status: refused",
    "v1/feed: refused",
    "v1/nodes/peer-1/kill: opaque",
    "v1/actions: refused",
  ]);
  const { nodes } = await ask(network.url, "v1/nodes");
  expect(nodes.filter(({ isRunning }: any) => isRunning)).toHaveLength(5);
  await page.setContent(`<iframe src="${network.url}"></iframe>`);
  const framed = page.frames()[1];
  await expect.poll(async () => (await framed?.title().catch(() => "")) ?? "").not.toBe("Grapevine");
  await context.close();
  elsewhere.close();
  await network.program.kill();
});

test("a server that goes away is shown as lost, and found again when it is back, with a modern network", async () => {
  const first = await up(["--peers", "5", "--seeds", "2"]);
  const port = new URL(first.url).port;
  const { page, context } = await openPage(browser, first.url);
  const legend = page.getByRole("list", { name: /Legend/ });
  await expect.poll(() => legend.innerText()).toMatch(/\b5\s+peers/);
  await first.program.kill();
  await expect.poll(() => page.locator("body").innerText(), { timeout: 15_000 }).toMatch(/connection lost/i);
  const second = await up(["--peers", "8", "--seeds", "2", "--api", port, "--profile", "modern"]);
  await expect.poll(() => legend.innerText(), { timeout: 20_000 }).toMatch(/\b8\s+peers/);
  await expect.poll(() => page.locator("body").innerText()).not.toMatch(/connection lost/i);
  await page.goto(`${second.url}#/network?node=peer-3`);
  await page.getByRole("button", { name: "Kill" }).click();
  await expect
    .poll(() => page.getByLabel("Node peer-3").innerText(), { timeout: 15_000 })
    .toMatch(/has given it up\.[\s\S]*suspects it: \d of \d confirmations/);
  await page.goto(`${second.url}#/liveness`);
  await agree(
    () => figure(page, "Failures"),
    () => "1",
  );
  expect(await page.getByRole("main").innerText()).toContain("what SWIM promises");
  await context.close();
  await second.program.kill();
});
