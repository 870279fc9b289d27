import { Command } from "commander";
import logUpdate from "log-update";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  handsOf,
  keptNetwork,
  LocalNetwork,
  type LookupFigures,
  measureLookups,
  type NetworkReport,
  openGates,
  spreadingLine,
} from "../lab/index.ts";
import { type ControlApi, LogFile, startControlApi, TraceFile } from "../node/index.ts";
import { profileOf } from "../profiles/index.ts";
import { announceOrWarn } from "./announce.ts";
import { exitWhenPrinted } from "./exit.ts";
import { wholeNumber } from "./numbers.ts";
import { openPage } from "./open-page.ts";
import { stopSignal } from "./stop-signal.ts";
import { htmlOption, pageOfRun } from "./trace-page.ts";
import { addTunables, readTunables } from "./tunable-options.ts";

interface UpOptions {
  readonly seeds: number;
  readonly peers: number;
  readonly plaintext?: boolean;
  readonly signatures: boolean;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly port?: number;
  readonly api: number | false;
  readonly open: boolean;
  readonly outputDir?: string;
  readonly output: boolean;
  readonly dataDir?: string;
  readonly lookups: number;
  readonly pings?: boolean;
  readonly trace?: string;
  readonly html?: string;
}

/** The exit code of what Ctrl+C ended before it could say whether it holds. */
const interrupted = 130;

/** Beyond this many nodes a log file for each is only written if the user asks for it. */
const nodesLoggedByDefault = 50;

/** Beyond this many nodes what happens is only kept for the page when somebody watches: it takes some of the processor. */
const nodesRecordedByDefault = 200;

export function upCommand(): Command {
  const command = new Command("up")
    .description("Bring up a whole network on this machine, over TLS, and show how gossip reaches everybody")
    .option(
      "--seeds <number>",
      "seeds, which introduce peers to each other",
      wholeNumber("--seeds", 1, 1000),
      6,
    )
    .option("--peers <number>", "peers, which gossip", wholeNumber("--peers", 0, 100_000), 20)
    .option(
      "--once",
      "end by itself when all messages have arrived; exit code 0 only if they reached everybody",
    )
    .option("--json", "print one JSON object at the end and nothing else")
    .option("--plaintext", "no TLS: for teaching and packet captures")
    .option(
      "--no-signatures",
      "no origin signatures: links still know who is there, but a member could lie about others",
    )
    .option(
      "--port <number>",
      "port of the first seed, the others follow (default: free ones)",
      wholeNumber("--port", 1, 65_000),
    )
    .option(
      "--api <port>",
      "port of the control API on 127.0.0.1; 0 takes a free one",
      wholeNumber("--api", 0, 65_535),
      0,
    )
    .option("--no-api", "no control API, and no page to watch")
    .option("--no-open", "only print the address of the page, and open no browser")
    .option(
      "--output-dir <dir>",
      "write <dir>/<node>/outputfile.txt (default: grapevine-output, up to 50 nodes)",
    )
    .option("--no-output", "write no log files")
    .option(
      "--data-dir <dir>",
      "keep keys, tables, records and messages there: the same command starts the same network again",
    )
    .option(
      "--lookups <number>",
      "with --router: so many lookups of random keys by random peers are measured",
      wholeNumber("--lookups", 0, 1_000_000),
      200,
    )
    .option("--pings", "log every PING and PING_REPLY too")
    .option("--trace <file>", "write every event as a line of JSON")
    .option(...htmlOption);
  return addTunables(command)
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine up                                           6 seeds, 20 peers, until Ctrl+C
  $ grapevine up --peers 50 --messages 10 --interval 200ms --once --json
  $ grapevine up --once --html run.html                    the run as a page in one file, to look at and to rewind
  $ grapevine up --broadcast rumor --no-repair --once      what rumor mongering leaves out, and what theory says
  $ grapevine up --router kademlia --peers 100             lookup and a store too: grapevine put, get, route
  $ grapevine up --router chord --data-dir my-net          …which are still there the next time
  $ grapevine up --law preferential --peers 100            another degree distribution
  $ grapevine up --format hello --ping-interval 2s --pings the texts of the other report, quicker pings
`,
    )
    .action((options: UpOptions) => up(options));
}

async function up(options: UpOptions): Promise<void> {
  const isLive = options.json !== true;
  const stopped = stopSignal();
  let isStopping = false;
  const ending = new AbortController();
  void stopped.then(() => {
    isStopping = true;
    ending.abort();
  });
  const logFolder = logFolderOf(options);
  const kept = await keptOf(options);
  const logs = new Map<string, LogFile>();
  const tunables = readTunables(options as unknown as Record<string, unknown>);
  const page = pageOfRun(options);
  const { seeds, peers } = options;
  const about = { command: "up", nodes: seeds + peers, options: { seeds, peers, options: tunables } };
  const trace = page.trace === undefined ? undefined : TraceFile.open(page.trace, { about });
  const screen = new Screen(isLive);
  const openApi = async (network: LocalNetwork): Promise<ControlApi | undefined> => {
    const hands = handsOf(network);
    hands.onEvent((event) => trace?.event(event));
    if (options.api === false) return undefined;
    const api = await startControlApi({
      port: options.api,
      nodes: () => network.nodes,
      nodeOptions: network.options,
      hands,
      recordsFromStart: seeds + peers <= nodesRecordedByDefault,
      logTail: async ({ name }) => await logs.get(name)?.tail(),
    });
    if (isLive)
      screen.say(`${pc.bold(pc.green(`Open ${api.url}/ to watch`))}: see it spread, break it, rewind it`);
    if (isLive && options.open && options.once !== true) openPage(`${api.url}/`);
    return api;
  };
  /** Before the first node is there, so that one can watch it form, and go back to that. */
  let opening: Promise<ControlApi | undefined> | undefined;
  // While the network forms there is nothing to keep: Ctrl+C just ends it.
  const endAtOnce = () => process.exit(interrupted);
  process.once("SIGINT", endAtOnce);
  process.once("SIGTERM", endAtOnce);
  const network = await LocalNetwork.start(
    {
      seeds,
      peers,
      isPlaintext: options.plaintext,
      signs: options.signatures,
      seedPort: options.port,
      ...kept,
      gates: openGates(seeds + peers),
      options: tunables,
      onNotice: (at, layer, notice, node) => {
        trace?.write(at, layer, notice, node);
        if (logFolder === undefined) return;
        let log = logs.get(node.name);
        if (log === undefined || log.isClosed) {
          log = LogFile.open({ folder: `${logFolder}/${node.name}`, pings: options.pings ?? false });
          logs.set(node.name, log);
        }
        log.write(at, layer, notice, node);
        // Who restarts opens it again; who does not holds no file open.
        if (notice.type === "stopped") void log.close();
      },
    },
    (network) => {
      opening ??= openApi(network);
      // What is wrong is said as soon as somebody waits for it.
      opening.catch(() => {});
      screen.draw(network, "forming");
    },
  );
  const api = await opening;
  process.off("SIGINT", endAtOnce);
  process.off("SIGTERM", endAtOnce);
  const withdraw =
    api === undefined
      ? undefined
      : announceOrWarn({ url: api.url, nodes: network.nodes.map((node) => node.name) });
  if (isLive) screen.say(introduction(network, api?.url, logFolder, options));
  network.begin();
  let hasFinished = false;
  const drawing = setInterval(() => screen.draw(network, hasFinished ? "done" : "gossiping"), 200);
  const finished = network.finished().then((result) => {
    hasFinished = true;
    return result;
  });
  const isComplete = await Promise.race([finished, stopped.then(() => false)]);
  const measured =
    isStopping || options.lookups === 0 || network.livePeers[0]?.router === undefined
      ? undefined
      : await screen.duringLookups(options.lookups, (onProgress) =>
          measureLookups(network.livePeers, options.lookups, { onProgress, signal: ending.signal }),
        );
  const report = { ...network.report(), ...(measured === undefined ? {} : { lookups: measured }) };
  if (!isStopping && isLive) {
    screen.draw(network, "done");
    screen.say(summary(report));
  }
  if (options.once !== true && !isStopping) {
    if (isLive)
      screen.say(
        `The network goes on until ${pc.bold("Ctrl+C")}. Try in another terminal: grapevine publish "hello"`,
      );
    await stopped;
  }
  clearInterval(drawing);
  screen.end();
  withdraw?.();
  await api?.close();
  await network.close();
  for (const log of logs.values()) await log.close();
  await trace?.close();
  await page.write();
  const atEnd = options.once ? report : { ...report, ...network.report() };
  if (options.json) process.stdout.write(`${JSON.stringify(atEnd)}\n`);
  const isFound = report.lookups === undefined || report.lookups.success === 1;
  const holds = report.ratio === 1 && report.connected && report.deliveredTwice === 0 && isFound;
  // Nothing was to be delivered: then it is enough that the network stood.
  const isEmpty = report.expected === 0 && report.connected && isFound;
  if (options.once !== true || (isComplete && (holds || isEmpty))) process.exitCode = 0;
  else process.exitCode = isStopping ? interrupted : 1;
  exitWhenPrinted();
}

/** Throws `UsageError` for what cannot be kept. */
async function keptOf({ dataDir, plaintext, port, seeds }: UpOptions) {
  if (dataDir === undefined) return undefined;
  if (plaintext)
    throw new UsageError("--data-dir: only members of a cluster are kept; leave out --plaintext");
  if (port !== undefined) throw new UsageError("--port: --data-dir keeps its own; leave out one of them");
  return await keptNetwork(dataDir, seeds);
}

function logFolderOf(options: UpOptions): string | undefined {
  if (!options.output) return undefined;
  if (options.outputDir !== undefined) return options.outputDir;
  return options.seeds + options.peers <= nodesLoggedByDefault ? "grapevine-output" : undefined;
}

function introduction(
  network: LocalNetwork,
  apiUrl: string | undefined,
  logFolder: string | undefined,
  options: UpOptions,
): string {
  const { startMs } = network;
  const degrees = network.degreeReport();
  const security = options.plaintext ? "plaintext" : "TLS 1.3, both sides authenticated";
  const lines = [
    `${pc.bold("Grapevine")}: ${network.seeds.length} seeds and ${network.peers.length} peers on 127.0.0.1, ${security}`,
    `  profile ${profileOf(network.options)}, formed in ${startMs} ms: ${degrees.links} links, degrees ${degrees.min} to ${degrees.max} (mean ${degrees.mean}), law ${degrees.law}`,
    `  seeds at ${network.seedAddresses.map(({ port }) => port).join(", ")}`,
  ];
  if (apiUrl !== undefined)
    lines.push(`  control API and metrics at ${apiUrl} (grapevine status, members, neighbors, tail …)`);
  if (logFolder !== undefined) lines.push(`  logs in ${logFolder}/<node>/outputfile.txt`);
  return lines.join("\n");
}

type UpReport = NetworkReport & { readonly lookups?: LookupFigures };

function lookupLines({ router, lookups, success, hops, latencyMs, asked, silent }: LookupFigures): string[] {
  const verdict =
    success === 1 ? pc.green("all found") : pc.red(`${((1 - success) * 100).toFixed(1)} % wrong`);
  return [
    `  ${router}: ${lookups} lookups, ${verdict}; hops mean ${hops.mean}, p99 ${hops.p99}; p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`,
    `  ${asked} questions per lookup, ${silent} of them unanswered`,
  ];
}

function summary(report: UpReport): string {
  const { latencyMs, degrees } = report;
  const verdict =
    report.expected === 0
      ? "there was nothing to deliver"
      : report.ratio === 1
        ? pc.green("every message reached every peer")
        : pc.red("not everything arrived");
  const { spreading } = report;
  const lines = [
    `${verdict}: ${report.deliveries} of ${report.expected} deliveries of ${report.messages} messages`,
    `  latency p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms`,
    `  ${report.sends} sends, ${report.sendsPerDelivery} per delivery; links used twice in one direction: ${report.linksUsedTwice}`,
    ...(spreading === undefined ? [] : [`  ${spreadingLine(spreading)}`]),
    ...(report.lookups === undefined ? [] : lookupLines(report.lookups)),
    `  overlay ${report.connected ? "connected" : pc.red("not connected")}; memory per peer ${report.memoryPerPeerKiB} KiB`,
    "  degree  peers",
    ...degreeBars(degrees.histogram),
  ];
  if (degrees.fit !== undefined) {
    const likelihoods = Object.entries(degrees.fit.logLikelihood).map(([law, value]) => `${law} ${value}`);
    lines.push(`  degrees fit best: ${degrees.fit.best} (log-likelihood: ${likelihoods.join(", ")})`);
  }
  return lines.join("\n");
}

function degreeBars(histogram: readonly number[]): string[] {
  const most = Math.max(1, ...histogram);
  const width = 40;
  return histogram.flatMap((count, degree) => {
    if (count === 0) return [];
    return [
      `  ${String(degree).padStart(6)}  ${String(count).padStart(5)} ${pc.cyan("#".repeat(Math.max(1, Math.round((count / most) * width))))}`,
    ];
  });
}

/** The live picture: redrawn in place on a terminal, a line every two seconds elsewhere. */
class Screen {
  readonly #isOn: boolean;
  readonly #isTerminal = process.stdout.isTTY === true;
  #lastLineAt = 0;
  #lastLine = "";

  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  draw(network: LocalNetwork, phase: "forming" | "gossiping" | "done"): void {
    if (this.#isOn && this.#isTerminal) return logUpdate(picture(network, phase));
    // With --json, standard output is for the result; whoever watches the terminal still sees that it goes on.
    if (!this.#isOn && process.stderr.isTTY !== true) return;
    const now = Date.now();
    const line = oneLine(network);
    if (line === this.#lastLine || now - this.#lastLineAt < 2000) return;
    this.#lastLineAt = now;
    this.#lastLine = line;
    (this.#isOn ? process.stdout : process.stderr).write(`${line}\n`);
  }

  /** Shows how far the lookups are, where there is a screen. */
  async duringLookups<T>(
    lookups: number,
    measure: (onProgress: (done: number) => void) => Promise<T>,
  ): Promise<T> {
    let shownAt = Date.now();
    return await measure((done) => {
      if (Date.now() - shownAt < 200) return;
      shownAt = Date.now();
      const text = `  lookups     ${bar(done, lookups)}`;
      if (this.#isOn && this.#isTerminal) logUpdate(text);
    });
  }

  /** Puts text above the picture, for good. */
  say(text: string): void {
    if (!this.#isOn) return;
    if (this.#isTerminal) logUpdate.clear();
    process.stdout.write(`${text}\n`);
  }

  end(): void {
    if (this.#isOn && this.#isTerminal) logUpdate.done();
  }
}

function picture(network: LocalNetwork, phase: "forming" | "gossiping" | "done"): string {
  const { measurement, config } = network;
  const peers = Math.max(config.peers, network.peers.length);
  const lines = [`  registered  ${bar(network.registeredPeers, peers)}`];
  if (phase !== "forming") {
    const planned = Math.max(network.plannedMessages, measurement.published);
    lines.push(`  published   ${bar(measurement.published, planned)}`);
    lines.push(
      `  delivered   ${bar(measurement.deliveries, planned * Math.max(0, network.peers.length - 1))}`,
    );
    const { p50, p99 } = measurement.latencyMs;
    lines.push(`  latency     p50 ${p50} ms, p99 ${p99} ms`);
  }
  return lines.join("\n");
}

function bar(value: number, whole: number): string {
  const width = 30;
  const share = whole === 0 ? 1 : Math.min(1, value / whole);
  const filled = Math.floor(share * width);
  return `${pc.green("█".repeat(filled))}${pc.dim("░".repeat(width - filled))} ${value} of ${whole}`;
}

function oneLine(network: LocalNetwork): string {
  const { measurement } = network;
  const { p50, p99 } = measurement.latencyMs;
  const reached =
    network.expectedDeliveries === 0
      ? ""
      : ` (${((100 * measurement.deliveries) / network.expectedDeliveries).toFixed(1)} % of what was published so far)`;
  return `registered ${network.registeredPeers}/${Math.max(network.config.peers, network.peers.length)}  published ${measurement.published}  delivered ${measurement.deliveries}${reached}  latency p50 ${p50} ms p99 ${p99} ms`;
}
