// A page that watches for a long time: what it keeps is bounded, and so is what the server keeps for it.
import { openBrowser } from "./page.mjs";

const everyMs = 10_000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function soak({ server, options: { soakMinutes, browser: executablePath }, say }) {
  const browser = await openBrowser(executablePath);
  try {
    const opened = await browser.open(`${server.url}/#/network`);
    const samples = [];
    const startedAt = performance.now();
    const minutes = () => (performance.now() - startedAt) / 60_000;
    let told = 0;
    while (minutes() < soakMinutes) {
      await sleep(everyMs);
      const heapBytes = await opened.heapBytes();
      const serverHeapBytes = await server.heapBytes();
      const { residentBytes } = await server.usage();
      const { events } = await opened.feed();
      samples.push({
        minute: minutes(),
        heapBytes,
        browserBytes: browser.memoryBytes(),
        serverHeapBytes,
        serverBytes: residentBytes,
        events,
      });
      if (samples.length % 6 === 0)
        say(
          `  minute ${Math.round(minutes())}: heap of the page ${(heapBytes / 2 ** 20).toFixed(0)} MiB, server ${(residentBytes / 2 ** 20).toFixed(0)} MiB`,
        );
      told = events;
    }
    return { soakMinutes, samples, events: told, growth: growthOf(samples), problems: opened.problems };
  } finally {
    await browser.close();
  }
}

/** Bytes an hour over the second half, when all that is bounded is full: the slope of a line through the samples. */
function growthOf(samples) {
  const later = samples.slice(samples.length >> 1);
  const mean = (of) => later.reduce((sum, sample) => sum + of(sample), 0) / later.length;
  const minute = mean((sample) => sample.minute);
  const spread = later.reduce((sum, sample) => sum + (sample.minute - minute) ** 2, 0);
  const perHour = (of) => {
    const middle = mean(of);
    return (
      (60 * later.reduce((sum, sample) => sum + (sample.minute - minute) * (of(sample) - middle), 0)) / spread
    );
  };
  const names = ["heapBytes", "browserBytes", "serverHeapBytes", "serverBytes"];
  return Object.fromEntries(names.map((name) => [name, perHour((sample) => sample[name])]));
}
