// Takes the pictures of docs/dashboard.md: `npm run screenshots [-- folder]`, after `npm run build`. A real network is
// watched in Chromium, one peer of it is killed and one made to hang by the page's own hands, and the laboratory is the
// page as any server of files hands it out. Pictures are taken when the page shows what they are about, not after a time.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { preview } from "vite";
import { palettePng } from "./palette-png.mjs";

const root = resolve(import.meta.dirname, "..");
const folder = resolve(process.argv[2] ?? join(root, "docs/pictures/dashboard"));
const program = join(root, "dist/cli/main.js");
const patienceMs = 60_000;
/** Pages of documents are read over slow links, too. */
const maxPictureBytes = 150_000;
const peers = 20;
const [killed, hung] = ["peer-7", "peer-12"];
const text = "the grapes are ripe";
const aboutFailures = [
  ...["suspected", "neighbor-failed"].map((type) => `heartbeat/${type}`),
  ...["dead-node", "peer-removed", "peer-listed", "refuted"].map((type) => `introduction/${type}`),
  ...["crashed", "paused", "resumed", "links-changed"].map((type) => `scenario/${type}`),
];

for (const built of [program, join(root, "dashboard/dist/index.html")])
  if (!existsSync(built)) refuse(`${built} is missing: run npm run build`);
mkdirSync(folder, { recursive: true });
const work = mkdtempSync(join(tmpdir(), "grapevine-pictures-"));
const startedAt = performance.now();
let network;
let server;
const browser = await launch();
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    network?.kill();
    process.exit(1);
  });
try {
  network = await startNetwork();
  await takeNetwork();
  server = await preview({
    root: join(root, "dashboard"),
    logLevel: "error",
    preview: { host: "127.0.0.1", port: 0, strictPort: true },
  });
  await takeLaboratory(server.resolvedUrls.local[0]);
} finally {
  await browser.close();
  await server?.close();
  await network?.end();
  rmSync(work, { recursive: true });
}
console.log(`${((performance.now() - startedAt) / 1000).toFixed(0)} s`);

// ---- A live network -----------------------------------------------------------------------------------------------

async function takeNetwork() {
  const page = await open(network.url);
  const legend = page.getByRole("list", { name: /Legend/ });
  const go = (view) => page.goto(`${network.url}#/${view}`);
  await shows(legend, new RegExp(`${peers}\\s+peers[^]*6\\s+seeds`));

  await go(`network?node=${killed}`);
  await page.getByRole("button", { name: "Kill" }).click();
  await shows(legend, /1\s+dead/);
  await go(`network?node=${hung}`);
  await page.getByRole("button", { name: "Hang" }).click();
  await shows(legend, /1\s+paused/);
  await listedAre(peers - 2);
  await take(page, "node");
  await page.getByRole("button", { name: "Resume" }).click();
  await listedAre(peers - 1);
  await until("the others have published all that they should", async () =>
    (await nodesNow()).every(
      ({ name, role, published }) => role === "seed" || name === killed || published === network.messages,
    ),
  );

  // Over slow links, and paused before it is published, so that one can stop it half way.
  await page.getByRole("button", { name: "Links" }).click();
  await page.getByRole("slider", { name: "Latency" }).focus();
  for (let ms = 0; ms < 250; ms += 5) await page.keyboard.press("ArrowRight");
  await page.getByRole("button", { name: "Change all links" }).click();
  await page.keyboard.press("Escape");
  await go("network");
  await page.getByRole("button", { name: /^Pause/ }).click();
  const before = await deliveries();
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByLabel("Text").fill(text);
  await page.keyboard.press("Enter");
  await until("everybody has the message", async () => (await deliveries()) === before + peers - 2);
  await page.keyboard.press("Escape");
  const speed = page.getByRole("combobox", { name: "Speed" });
  await speed.selectOption("0.1");
  await page.getByRole("button", { name: /^Play/ }).click();
  await until("some have it and others do not", async () => {
    const susceptible = Number(/(\d+)\s+susceptible/.exec(await legend.innerText())?.[1]);
    return susceptible > 0 && susceptible < peers - 3;
  });
  await page.getByRole("button", { name: /^Pause/ }).click();
  await take(page, "network");
  await take(page, "network-light", "light");

  await speed.selectOption("1");
  await page.getByRole("button", { name: "Live" }).click();
  const main = page.getByRole("main");
  await go("spread");
  await shows(main, new RegExp(`Reached\\s+${peers - 1} of ${peers - 1}`));
  await take(page, "spread");
  await take(page, "spread-light", "light");
  await go("overlay");
  await shows(main, /Clustering\s+\d/);
  await take(page, "overlay");
  await go("liveness");
  await shows(main, /✓ agree/);
  await take(page, "liveness");
  await go("traffic");
  await shows(main, /Delays of the latest messages/);
  await take(page, "traffic");
  // The counts of pings never stand still.
  await page.getByRole("button", { name: /^Pause/ }).first().click();
  await go(`events?types=${aboutFailures.join()}`);
  await shows(main, /scenario\/resumed/);
  await take(page, "events");
  await page.close();
}

/** Waits until every seed lists so many peers. */
function listedAre(count) {
  return until(`every seed lists ${count} peers`, async () =>
    (await nodesNow()).every(({ role, listSize }) => role !== "seed" || listSize === count),
  );
}

async function deliveries() {
  return (await nodesNow()).reduce((sum, { delivered = 0 }) => sum + delivered, 0);
}

async function nodesNow() {
  return (await (await fetch(new URL("v1/status", network.url))).json()).nodes;
}

async function startNetwork() {
  const messages = 10;
  const args = ["up", "--peers", peers, "--seeds", 6, "--messages", messages, "--interval", "2s"];
  const child = spawn(
    process.execPath,
    [program, ...args.map(String), "--ping-interval", "1s", "--ping-timeout", "700ms", "--no-output", "--no-open"],
    { cwd: work, env: { ...process.env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((settle) => child.once("exit", settle));
  const end = async () => {
    child.kill("SIGINT");
    await ended;
  };
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  const address = () => /Open (http:\S+\/) to watch/.exec(said)?.[1];
  // Who dies before it has neighbors is reported by nobody: the network has to have formed.
  await until("grapevine up prints its address, and that the network has formed", () => {
    if (child.exitCode !== null) throw new Error(`grapevine up has ended:\n${said}`);
    return address() !== undefined && said.includes("formed in");
  });
  return { url: address(), messages, end, kill: () => child.kill("SIGKILL") };
}

// ---- The laboratory -----------------------------------------------------------------------------------------------

async function takeLaboratory(url) {
  const page = await open(`${url}?lab=network&peers=40&messages=6#/laboratory/network`);
  await shows(page.getByRole("complementary", { name: "Result" }), /All \d+ checks hold/);
  await take(page, "laboratory");

  await page.goto(`${url}?lab=network&peers=60&messages=8&links=datagram#/compare?at=7000&change=loss:0.4`);
  const main = page.getByRole("main");
  await shows(main, /B: lose messages: 0.4/);
  await page.getByRole("combobox", { name: "Speed" }).selectOption("5");
  await until("the fork has come far, and as far as the run", async () => {
    const said = await main.innerText();
    return !said.includes("catching up") && /At (1[6-9]|[2-9]\d)(\.\d+)? s/.test(said);
  });
  await page.getByRole("button", { name: /^Pause/ }).click();
  await take(page, "compare");

  await page.goto(`${url}?lab=epidemic&nodes=1000000&mode=push-pull&stop=coin&stopAfter=3#/laboratory/epidemic`);
  await page.getByRole("combobox", { name: "Speed of the epidemic" }).selectOption("Infinity");
  await shows(main, /[✓✗]/);
  await take(page, "epidemic");
  await page.close();
}

// ---- Pictures -----------------------------------------------------------------------------------------------------

async function launch() {
  const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  for (const name of names) {
    if (name === undefined || name === "") continue;
    const found = spawnSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).stdout.trim();
    if (found === "") continue;
    // Letters with colored edges make pictures half as large again.
    const args = ["--disable-gpu", "--disable-lcd-text", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
    return await chromium.launch({ executablePath: found, args });
  }
  return refuse("There is no Chromium; install it: sudo apt-get install -y chromium");
}

async function open(url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme: "dark" });
  page.setDefaultTimeout(patienceMs);
  page.on("pageerror", (error) => console.error(`the page complains: ${error.message}`));
  await page.goto(url);
  return page;
}

async function take(page, name, colorScheme = "dark") {
  await page.emulateMedia({ colorScheme });
  // Nothing is pointed at, what was said in the corner is gone, and all but the clock stands still.
  await page.mouse.move(0, 0);
  await until("the corner is empty", async () => !(await page.getByRole("button", { name: "Close", exact: true }).count()));
  let before;
  await until(`${name} stands still`, async () => {
    const now = await page.screenshot({ clip: { x: 0, y: 0, width: 1280, height: 660 } });
    const isStill = before !== undefined && now.equals(before);
    before = now;
    return isStill;
  });
  const path = join(folder, `${name}.png`);
  writeFileSync(path, palettePng(...(await pixelsOf(await page.screenshot()))));
  const { size } = statSync(path);
  console.log(`${path} ${(size / 1000).toFixed(0)} kB`);
  if (size > maxPictureBytes)
    throw new Error(`${path} has ${size} bytes; no more than ${maxPictureBytes} are wanted`);
}

/** The browser decodes what it has made itself. */
async function pixelsOf(png) {
  const page = await browser.newPage();
  const [text, width, height] = await page.evaluate(async (url) => {
    const picture = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, picture.width, picture.height);
    return [Array.from({ length: height }, (_, y) =>
      String.fromCharCode(...data.subarray(4 * y * width, 4 * (y + 1) * width)),
    ).join(""), width, height];
  }, `data:image/png;base64,${png.toString("base64")}`);
  await page.close();
  return [Buffer.from(text, "latin1"), width, height];
}

function shows(locator, pattern) {
  return until(`the page shows ${pattern}`, async () => pattern.test(await locator.innerText()));
}

async function until(what, isSo) {
  const deadline = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`after ${patienceMs / 1000} s not yet: ${what}`);
    await new Promise((settle) => setTimeout(settle, 100));
  }
}

function refuse(why) {
  console.error(why);
  process.exit(1);
}
