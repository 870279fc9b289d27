/** What `grapevine seed` and `grapevine peer` share: one node of a network, in a terminal of its own. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { addressOf, UsageError } from "../core/index.ts";
import { handsOfOne } from "../lab/index.ts";
import {
  createIdentity,
  GrapevineNode,
  type Identity,
  LogFile,
  loadIdentity,
  loadNodeFolder,
  makeFolder,
  parseAddress,
  readSeedFile,
  type Security,
  saveIdentity,
  startControlApi,
  TraceFile,
} from "../node/index.ts";
import { type Address, formatAddress } from "../transport/index.ts";
import { announceOrWarn } from "./announce.ts";
import { wholeNumber } from "./numbers.ts";
import { stopSignal } from "./stop-signal.ts";
import { addTunables, readTunables } from "./tunable-options.ts";

interface ServeOptions {
  readonly network?: string;
  readonly listen?: string;
  readonly advertise?: string;
  readonly name?: string;
  readonly plaintext?: boolean;
  readonly cluster: string;
  readonly data?: string;
  readonly api: number | false;
  readonly apiHost: string;
  readonly apiWritable?: boolean;
  readonly apiToken?: string;
  readonly output?: string;
  readonly screen: boolean;
  readonly pings?: boolean;
  readonly trace?: string;
  readonly stdin?: boolean;
  readonly tag?: Readonly<Record<string, string>>;
}

export function addServeOptions(command: Command, role: "seed" | "peer"): Command {
  command
    .argument(
      "[folder]",
      "the node's folder, as `grapevine cluster add` made it; not needed with --plaintext",
    )
    .option(
      "--network <file>",
      "the list of seeds, one IP:port per line (default: config.txt in the folder, or here)",
    )
    .option(
      "--listen <address>",
      role === "seed"
        ? "address of this seed, one of config.txt"
        : "address to listen on (default: 127.0.0.1, a free port)",
    )
    .option(
      "--advertise <host>",
      "the host that others are told, where it is not the one that this node listens on",
    )
    .option("--name <name>", "name in logs and displays (default: the folder's)")
    .option("--cluster <name>", "nodes of other cluster names are refused", "grapevine")
    .option("--plaintext", "no TLS: for teaching and packet captures")
    .option(
      "--data <dir>",
      "where the node remembers itself (default: data in its folder; none with --plaintext)",
    )
    .option("--api <port>", "port of the control API; 0 takes a free one", wholeNumber("--api", 0, 65_535), 0)
    .option("--no-api", "no control API")
    .option(
      "--api-host <host>",
      "where the control API listens; anything but loopback needs --api-token",
      "127.0.0.1",
    )
    .option(
      "--api-writable",
      "let others than this machine change things over the control API; without it they only look",
    )
    .addOption(
      new Option("--api-token <token>", "bearer token of the control API").env("GRAPEVINE_API_TOKEN"),
    )
    .option("--output <file>", "log file (default: outputfile.txt in the folder)")
    .option("--no-screen", "log to the file only")
    .option("--pings", "log every PING and PING_REPLY too")
    .option("--trace <file>", "write every event as a line of JSON");
  if (role === "peer")
    command
      .option("--stdin", "publish every line of standard input (default on a terminal)")
      .option(
        "--tag <name=value>",
        "with --profile modern: what this peer says of itself to all members; may be given again",
        parseTag,
      );
  return addTunables(command);
}

function parseTag(text: string, earlier: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError(`--tag: "${text}" is not name=value`);
  return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) };
}

export async function serve(
  role: "seed" | "peer",
  folder: string | undefined,
  options: ServeOptions,
): Promise<void> {
  const stopped = stopSignal();
  const { identity, security, configPath } = credentials(folder, options);
  const seeds = readSeedFile(options.network ?? configPath ?? "config.txt");
  const listen = listenAddress(role, seeds, options);
  const name = options.name ?? folder?.replace(/\/+$/, "").split("/").pop() ?? `${role}-${process.pid}`;
  const log = LogFile.open({
    file:
      options.output ??
      join(folder ?? ".", folder === undefined ? `${name}-outputfile.txt` : "outputfile.txt"),
    screen: options.screen,
    pings: options.pings ?? false,
  });
  const trace = options.trace === undefined ? undefined : await TraceFile.open(options.trace);
  const node = await GrapevineNode.start({
    role,
    name,
    identity,
    security,
    cluster: options.cluster,
    tags: options.tag,
    listen,
    advertise: options.advertise,
    seeds,
    dataFolder: options.data ?? (folder === undefined ? undefined : join(folder, "data")),
    options: readTunables(options as unknown as Record<string, unknown>),
    onNotice: (at, layer, notice, from) => {
      log.write(at, layer, notice, from);
      trace?.write(at, layer, notice, from);
    },
  });
  const end = new Promise<void>((resolve) => {
    node.onNotice((_at, _layer, notice) => {
      if (notice.type === "stopped") resolve();
    });
  });
  const killsProcess = () => {
    trace?.flush(); // what was done to the node is no memory of the node's
    process.kill(process.pid, "SIGKILL");
  };
  const hands = handsOfOne(node, killsProcess);
  hands.onEvent((event) => trace?.event(event));
  const api =
    options.api === false
      ? undefined
      : await startControlApi({
          host: options.apiHost,
          port: options.api,
          token: options.apiToken,
          nodes: () => [node],
          isWritable: options.apiWritable ?? false,
          hands,
          logTail: () => log.tail(),
          kill: killsProcess,
        });
  const withdraw =
    api === undefined ? undefined : announceOrWarn({ url: api.url, token: options.apiToken, nodes: [name] });
  const apiText = api === undefined ? "" : `, control API at ${api.url}`;
  process.stderr.write(`${name} at ${addressOf(node.contact)}${apiText}; Ctrl+C ends it\n`);
  if (role === "peer" && (options.stdin || process.stdin.isTTY)) publishLines(node);
  await Promise.race([stopped, end]);
  withdraw?.();
  await api?.close();
  await node.leave();
  await log.close();
  await trace?.close();
  process.exit(0);
}

interface Credentials {
  readonly identity: Identity;
  readonly security: Security;
  readonly configPath: string | undefined;
}

function credentials(folder: string | undefined, options: ServeOptions): Credentials {
  if (options.plaintext) {
    return {
      identity: plaintextIdentity(options.data),
      security: { type: "plaintext" },
      configPath: undefined,
    };
  }
  if (folder === undefined) {
    throw new UsageError(
      "folder: missing; make one with `grapevine cluster create DIR` and `grapevine cluster add DIR NAME`, or use --plaintext",
    );
  }
  const { identity, caPem, memberKey, configPath } = loadNodeFolder(folder);
  return { identity, security: { type: "tls", caPem, memberKey }, configPath };
}

/** Kept beside the data, so that a plaintext node that remembers is the same node again. */
function plaintextIdentity(dataFolder: string | undefined): Identity {
  if (dataFolder === undefined) return createIdentity();
  const folder = `${dataFolder}-identity`;
  if (existsSync(folder)) return loadIdentity(folder);
  makeFolder(folder, 0o700);
  const identity = createIdentity();
  saveIdentity(folder, identity);
  return identity;
}

function listenAddress(role: "seed" | "peer", seeds: readonly Address[], options: ServeOptions): Address {
  if (options.listen === undefined) {
    if (role === "peer") return { host: "127.0.0.1", port: 0 };
    throw new UsageError(
      `--listen: missing; a seed listens on one address of config.txt: ${seeds.map(formatAddress).join(", ")}`,
    );
  }
  // A peer may leave the port to the system: `--listen 10.0.0.7:0`.
  const free = /^(.*):0$/.exec(options.listen);
  const listen =
    free === null
      ? parseAddress(options.listen, "--listen")
      : { ...parseAddress(`${free[1]}:1`, "--listen"), port: 0 };
  const host = options.advertise ?? listen.host;
  if (role === "seed" && !seeds.some((seed) => seed.host === host && seed.port === listen.port)) {
    throw new UsageError(
      `--listen: ${formatAddress({ host, port: listen.port })} is not in config.txt, so nobody would look for a seed there; it lists ${seeds.map(formatAddress).join(", ")}`,
    );
  }
  return listen;
}

function publishLines(node: GrapevineNode): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line.trim() === "") return;
    // One at a time: a file that is faster than the network waits.
    lines.pause();
    node.publish(line).then(
      () => lines.resume(),
      (error: Error) => {
        process.stderr.write(`not published: ${error.message}\n`);
        lines.resume();
      },
    );
  });
}
