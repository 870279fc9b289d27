/**
 * The browser of the tests that look at the page: Debian's Chromium, or what `CHROMIUM` names. Where there is none it
 * is installed if that is allowed here; else the tests say in one line how to get it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const howToInstall = "sudo apt-get install -y chromium";

export function chromiumPath(): string | undefined {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return named;
  for (const name of names) {
    const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
    if (found !== "") return found;
  }
  return undefined;
}

/** vitest's `globalSetup`: before any test, and once. */
export default function setup(): void {
  if (chromiumPath() !== undefined || process.getuid?.() !== 0) return;
  process.stdout.write("There is no Chromium for the tests of the page: installing it from Debian …\n");
  try {
    execFileSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
  } catch {
    // What is known already may be enough.
  }
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined)
    throw new Error(`these tests need a browser; install it: ${howToInstall}`);
  // Without a GPU, as on the machines that run these tests; in a container nobody but root is there.
  const args = ["--disable-gpu", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
  return await chromium.launch({ executablePath, args });
}

export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about: errors, refused content, requests to elsewhere. */
  readonly complaints: string[];
  /** Addresses that were asked, by origin. */
  readonly origins: Set<string>;
}

/** A page of its own, 1280×720, that remembers what went wrong in it. */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:") origins.add(origin);
  });
  await page.goto(url);
  return { page, context, complaints, origins };
}
