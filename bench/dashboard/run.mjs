// What it costs to watch a network, for the page and for the server: `npm run bench:dashboard -- --help`.
import { fork } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureLaboratory } from "./laboratory.mjs";
import { openBrowser } from "./page.mjs";
import { printLaboratory, printSizes, printSoak } from "./report.mjs";
import { soak } from "./soak.mjs";

const views = ["network", "traffic", "events"];
/** Code gets quicker while it runs. */
const warmUpMs = 8000;
/** So many nodes are real ones, more are played back. */
const mostLive = 200;
const usage = `Usage: npm run bench:dashboard -- [options]

Watches networks with the real page in headless Chromium without a GPU, 1280 x 720, and prints frames per second,
memory and CPU of page and server for each view. Up to ${mostLive} nodes are a live network in one process; of larger ones
what the nodes say is recorded in the simulator and played back into the real feed, since so many deliveries a second
would take more machines than there are. The CPU of the same server while nobody watches is printed beside it.

  --nodes A,B           peers of each network (default 100,1000,10000)
  --rate R              messages a second (default 100)
  --seconds S           for each view (default 20)
  --tls                 links of the live network are encrypted
  --played              play back small networks too: what the feed costs does not drown in what the protocols do
  --quick               5 s for each view
  --no-laboratory       without the epidemic among 10^6 nodes in the page
  --soak MINUTES        instead: one network (the first of --nodes, default 1000), watched so long; is memory flat?
  --browser FILE        (default /usr/bin/chromium)
  --pictures FOLDER     keep a screenshot of each view
  --profiles FOLDER     keep a CPU profile of each view, and of the server
  --json                everything that was measured, as one JSON object on standard output
  --help`;

const say = (text) => process.stderr.write(`${text}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function refuse(reason) {
  say(`${reason}\n\n${usage}`);
  process.exit(2);
}

function readOptions() {
  const text = { type: "string" };
  const flag = { type: "boolean", default: false };
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        nodes: text,
        rate: { ...text, default: "100" },
        seconds: text,
        soak: text,
        browser: { ...text, default: "/usr/bin/chromium" },
        pictures: text,
        profiles: text,
        tls: flag,
        played: flag,
        quick: flag,
        "no-laboratory": flag,
        json: flag,
        help: flag,
      },
    }));
  } catch (error) {
    refuse(error.message);
  }
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const whole = (name, value, least, most) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    return refuse(`--${name} is ${value}; a whole number from ${least} to ${most} is needed`);
  };
  const soakMinutes = values.soak === undefined ? undefined : whole("soak", values.soak, 1, 24 * 60);
  const nodes = values.nodes ?? (soakMinutes === undefined ? "100,1000,10000" : "1000");
  if (!existsSync(values.browser))
    refuse(`--browser is ${values.browser}, which is not there: apt-get install chromium`);
  for (const built of ["../../dist/lab/index.js", "../../dashboard/dist/index.html"])
    if (!existsSync(new URL(built, import.meta.url)))
      refuse(`${built.slice(6)} is missing: run npm run build`);
  for (const folder of [values.pictures, values.profiles])
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
  return {
    sizes: nodes.split(",").map((size) => whole("nodes", size, 10, 20_000)),
    messagesPerSecond: whole("rate", values.rate, 1, 10_000),
    forMs: 1000 * whole("seconds", values.seconds ?? (values.quick ? "5" : "20"), 1, 3600),
    soakMinutes,
    isPlaintext: !values.tls,
    hasLaboratory: !values["no-laboratory"],
    ...values,
  };
}

// ---- The server ----

const running = new Set();

async function startServer({ peers, isLive }) {
  const folder = options.profiles;
  const child = fork(
    fileURLToPath(new URL("server.mjs", import.meta.url)),
    [
      JSON.stringify({
        kind: isLive ? "live" : "played",
        peers,
        messagesPerSecond: options.messagesPerSecond,
        isPlaintext: options.isPlaintext,
      }),
    ],
    {
      execArgv: [
        "--expose-gc",
        ...(folder === undefined
          ? []
          : ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=server-${peers}.cpuprofile`]),
      ],
      stdio: ["ignore", 2, 2, "ipc"],
    },
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  const hear = () =>
    new Promise((resolve, reject) => {
      const ended = (exitCode) => reject(new Error(`the server has ended with exit code ${exitCode}`));
      child.once("exit", ended);
      child.once("message", (message) => {
        child.off("exit", ended);
        resolve(message);
      });
    });
  const ask = (about) => {
    child.send({ about });
    return hear();
  };
  return {
    ...(await hear()),
    usage: () => ask("usage"),
    heapBytes: async () => (await ask("heap")).heapBytes,
    close: async () => {
      child.send({ about: "end" });
      await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}

/** What the server does meanwhile, for each second of it. */
async function during(server, act) {
  const before = await server.usage();
  const startedAt = performance.now();
  const result = await act();
  const after = await server.usage();
  const seconds = (performance.now() - startedAt) / 1000;
  const perSecond = (name) => (after[name] - before[name]) / seconds;
  return {
    result,
    seconds,
    server: {
      cpuShare: perSecond("cpuMs") / 1000,
      deliveriesPerSecond: perSecond("deliveries"),
      noticesPerSecond: perSecond("notices"),
      messagesPerSecond: perSecond("messages"),
      messagesLeftOut: after.leftOut - before.leftOut,
      residentBytes: after.residentBytes,
    },
  };
}

// ---- One network ----

async function measureSize(peers) {
  const isLive = peers <= mostLive && !options.played;
  say(`${peers} peers: ${isLive ? "starting them" : "recording them in the simulator"}`);
  const server = await startServer({ peers, isLive });
  let browser;
  try {
    await sleep(warmUpMs);
    const unwatched = (await during(server, () => sleep(options.forMs))).server;
    say(`  nobody watches: ${(100 * unwatched.cpuShare).toFixed(1)} % of a core`);
    browser = await openBrowser(options.browser);
    const opened = await browser.open(`${server.url}/#/network`);
    await sleep(warmUpMs);
    const measured = [];
    for (const view of views) measured.push(await measureView({ peers, view, server, browser, opened }));
    const { problems } = opened;
    return {
      peers,
      isLive,
      deliveriesPerMessage: server.deliveriesPerMessage,
      unwatched,
      views: measured,
      problems,
    };
  } finally {
    await browser?.close();
    await server.close();
  }
}

async function measureView({ peers, view, server, browser, opened }) {
  const { page } = opened;
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${view}`);
  await sleep(3000);
  const heapBefore = await opened.heapBytes();
  const serverHeapBefore = await server.heapBytes();
  await sleep(500);
  if (options.profiles !== undefined) await opened.startProfile();
  const feedBefore = await opened.feed();
  const cpuBefore = browser.cpuMs();
  const { result, seconds, server: served } = await during(server, () => opened.frames(options.forMs));
  const browserCpuShare = (browser.cpuMs() - cpuBefore) / 1000 / seconds;
  const feed = await opened.feed();
  if (options.profiles !== undefined)
    writeFileSync(
      join(options.profiles, `${view}-${peers}.cpuprofile`),
      JSON.stringify(await opened.stopProfile()),
    );
  if (options.pictures !== undefined)
    await page.screenshot({ path: join(options.pictures, `${view}-${peers}.png`) });
  const counted = (name) => feed[name] - feedBefore[name];
  const decided = counted("followed") + counted("leftOut");
  const figures = {
    view,
    ...result,
    browserCpuShare,
    browserBytes: browser.memoryBytes(),
    heapBytes: [heapBefore, await opened.heapBytes()],
    serverHeapBytes: [serverHeapBefore, await server.heapBytes()],
    feedBytesPerSecond: counted("bytes") / seconds,
    feedEventsPerSecond: counted("events") / seconds,
    followedShare: decided === 0 ? 1 : counted("followed") / decided,
    reconnects: counted("hellos"),
    server: served,
  };
  say(
    `  ${view}: ${result.framesPerSecond.toFixed(1)} frames/s, browser ${(100 * browserCpuShare).toFixed(0)} %, server ${(100 * served.cpuShare).toFixed(1)} % of a core`,
  );
  return figures;
}

// ---- All ----

const options = readOptions();
for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => {
    for (const child of running) child.kill("SIGTERM");
    process.exit(exitCode);
  });
}
const load = os.loadavg()[0];
const machine = {
  cpu: os.cpus()[0]?.model.trim(),
  cores: os.cpus().length,
  node: process.version,
  load,
};
say(`${machine.cores} x ${machine.cpu}, Node ${machine.node}, load ${load.toFixed(1)}`);
if (load > machine.cores / 4)
  say("The machine is busy with other things: frames will be fewer than they could be.");

let report;
if (options.soakMinutes === undefined) {
  const sizes = [];
  for (const peers of options.sizes) sizes.push(await measureSize(peers));
  report = { machine, options, sizes };
  if (options.hasLaboratory) {
    say("10^6 simulated nodes in the page");
    report.laboratory = await measureLaboratory(options);
  }
} else {
  const [peers] = options.sizes;
  const isLive = peers <= mostLive && !options.played;
  say(`${peers} peers, watched for ${options.soakMinutes} minutes`);
  const server = await startServer({ peers, isLive });
  try {
    report = { machine, options, soak: { peers, isLive, ...(await soak({ server, options, say })) } };
  } finally {
    await server.close();
  }
}
if (options.json) console.log(JSON.stringify(report));
else {
  console.log(
    `\n${machine.cores} x ${machine.cpu}, Node ${machine.node}, Chromium without a GPU, 1280 x 720; load before the run ${load.toFixed(1)} (${load > machine.cores / 4 ? "busy" : "calm"}).`,
  );
  if (report.sizes !== undefined) printSizes(report);
  if (report.laboratory !== undefined) printLaboratory(report.laboratory);
  if (report.soak !== undefined) printSoak(report.soak);
}
