// The page in a browser without a GPU: frames, memory, and what its feed brings.
import { chromium } from "playwright-core";
import { cpuMsOf, memoryBytesOf } from "./processes.mjs";

export async function openBrowser(executablePath) {
  const server = await chromium.launchServer({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const browser = await chromium.connect(server.wsEndpoint());
  const { pid } = server.process();
  return {
    version: browser.version(),
    cpuMs: () => cpuMsOf(pid),
    memoryBytes: () => memoryBytesOf(pid),
    open: (url) => openPage(browser, url),
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

async function openPage(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (line) => {
    if (line.type() === "error") problems.push(line.text());
  });
  await page.addInitScript(countFeed);
  await page.goto(url);
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  await session.send("Profiler.enable");
  return {
    page,
    problems,
    /** What is alive in the heap of the page; its workers have others. */
    heapBytes: async () => {
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize;
    },
    frames: (forMs) => page.evaluate(countFrames, forMs),
    feed: () => page.evaluate(() => ({ ...globalThis.benchmark })),
    startProfile: () => session.send("Profiler.start"),
    stopProfile: async () => (await session.send("Profiler.stop")).profile,
    close: () => page.close(),
  };
}

/** Runs in the page, for so long: what a frame takes is what people see. */
function countFrames(forMs) {
  return new Promise((resolve) => {
    const frameMs = [];
    let before;
    let first;
    const onFrame = (now) => {
      first ??= now;
      if (before !== undefined) frameMs.push(now - before);
      before = now;
      if (now - first < forMs) return requestAnimationFrame(onFrame);
      frameMs.sort((a, b) => a - b);
      resolve({
        framesPerSecond: (1000 * frameMs.length) / (now - first),
        p99Ms: frameMs[Math.floor(frameMs.length * 0.99)],
        longestMs: frameMs.at(-1),
      });
    };
    requestAnimationFrame(onFrame);
  });
}

/** Runs before the page: reads along what its feed and its workers say. */
function countFeed() {
  const counts = { bytes: 0, events: 0, followed: 0, leftOut: 0, hellos: 0, eventsPerSecond: 0 };
  globalThis.benchmark = counts;
  const decoder = new TextDecoder();
  let rest = "";
  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = async function (...args) {
    const result = await read.apply(this, args);
    if (!(result.value instanceof Uint8Array)) return result;
    counts.bytes += result.value.length;
    const text = rest + decoder.decode(result.value, { stream: true });
    const end = text.lastIndexOf("\n\n");
    rest = text.slice(end + 2);
    for (let at = 0; at < end; at = text.indexOf("\n\n", at) + 2) {
      if (text.startsWith("data:", at)) counts.events++;
      else if (text.startsWith("event: hello", at)) counts.hellos++;
      else if (text.startsWith("event: sampling", at)) {
        const { messagesFollowed, messagesLeftOut } = JSON.parse(
          text.slice(text.indexOf("{", at), text.indexOf("\n\n", at)),
        );
        counts.followed += messagesFollowed;
        counts.leftOut += messagesLeftOut;
      }
    }
    return result;
  };
  globalThis.Worker = class extends Worker {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        counts.eventsPerSecond = Math.max(counts.eventsPerSecond, data?.eventsPerSecond ?? 0);
      });
    }
  };
}
