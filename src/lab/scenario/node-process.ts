import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeId, TraceEvent } from "../../core/index.ts";
import { type NodeOptions, shellLayer } from "../../node/index.ts";
import type { PeerView } from "../../scenario/world.ts";
import { type Address, formatAddress } from "../../transport/index.ts";
import { sleep } from "../local-network.ts";

export interface NodeProcessConfig {
  readonly name: string;
  /** The command line program. */
  readonly program: string;
  /** For its list of seeds, its options, its log and its traces. */
  readonly folder: string;
  /** As `addNode` has made it; without it the node speaks plaintext. */
  readonly nodeFolder?: string;
  readonly seeds: readonly Address[];
  readonly options: NodeOptions;
  /** Hears all that happens to the node, from its first event on, a moment later. */
  readonly onEvent: (event: TraceEvent) => void;
}

interface Status {
  readonly contact: string;
  readonly registeredWith: number;
  readonly quorum: number;
  readonly retained: number;
  readonly incarnation: number;
}

const running = new Set<ChildProcess>();

/** Whatever ends us: a stopped process would hear of nothing else. */
function endWithUs(child: ChildProcess): void {
  if (running.size === 0) process.once("exit", killAll);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killAll);
  });
}

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** A peer in a process of its own, as a user would start it, so that it can be killed and stopped for real. */
export class NodeProcess {
  readonly name: string;
  readonly role = "peer";
  readonly #config: NodeProcessConfig;
  #contact: NodeId = "";
  #isRunning = false;
  #isPaused = false;
  #child: ChildProcess | undefined;
  #api = "";
  #lives = 0;
  #trace: TraceFollower | undefined;

  constructor(config: NodeProcessConfig) {
    this.name = config.name;
    this.#config = config;
  }

  /** "" before it listens. */
  get contact(): NodeId {
    return this.#contact;
  }
  get isRunning(): boolean {
    return this.#isRunning;
  }
  get isPaused(): boolean {
    return this.#isPaused;
  }

  get #dataFolder(): string {
    const { folder, nodeFolder } = this.#config;
    return nodeFolder === undefined ? join(folder, `${this.name}-data`) : join(nodeFolder, "data");
  }

  /** Also after its death: then with what it has on disk. */
  async start(): Promise<void> {
    const { program, folder, nodeFolder, seeds, options, onEvent } = this.#config;
    const own = (what: string) => join(folder, `${this.name}-${what}`);
    fs.writeFileSync(own("seeds.txt"), seeds.map(formatAddress).join("\n"));
    fs.writeFileSync(own("options.json"), JSON.stringify(options));
    const trace = own(`trace-${++this.#lives}.ndjson`);
    const security = nodeFolder === undefined ? ["--plaintext", "--data", this.#dataFolder] : [nodeFolder];
    const child = spawn(
      process.execPath,
      [
        ...[program, "peer", ...security, "--network", own("seeds.txt"), "--name", this.name],
        ...["--no-screen", "--api", "0", "--output", own("outputfile.txt")],
        ...["--config", own("options.json"), "--trace", trace],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#child = child;
    endWithUs(child);
    this.#trace = new TraceFollower(trace, (event) => {
      if (event.type === "listening" && event.layer === shellLayer) {
        this.#contact = event.node;
        this.#isRunning = true;
      }
      onEvent(event);
    });
    let said = "";
    this.#api = await new Promise<string>((resolve, reject) => {
      const onText = (chunk: Buffer) => {
        said += chunk.toString();
        const match = /control API at (http:\/\/\S+?)[;\s]/.exec(said);
        if (match !== null) resolve(match[1]!);
      };
      child.stderr!.on("data", onText);
      child.stdout!.on("data", onText);
      child.once("exit", (code) => reject(new Error(`${this.name} ended with code ${code}: ${said}`)));
      child.once("error", reject);
    });
    // It writes its trace at the end of the turn in which it told us where it listens.
    while (!this.#trace.hasEvents) {
      await sleep(5);
      this.follow();
    }
  }

  /** Reads what its trace has gained. */
  follow(): void {
    this.#trace?.read();
  }

  /** Throws where the process does not answer. */
  async view(): Promise<PeerView> {
    const [{ nodes }, { neighbors }] = await Promise.all([
      this.#ask<{ nodes: Status[] }>("/v1/status"),
      this.#ask<{ neighbors: { peer: NodeId }[] }>("/v1/nodes/-/neighbors"),
    ]);
    const { contact, registeredWith, quorum, retained, incarnation } = nodes[0]!;
    return {
      name: this.name,
      id: contact,
      neighbors: neighbors.map(({ peer }) => peer),
      incarnation,
      isRegistered: registeredWith >= quorum,
      retained,
    };
  }

  async publish(text: string): Promise<void> {
    await this.#ask("/v1/nodes/-/publish", { text });
  }

  /** Says goodbye, and waits until it is gone. */
  async leave(): Promise<void> {
    const gone = this.#gone();
    this.#isRunning = false;
    await this.#ask("/v1/nodes/-/leave", {});
    await gone;
    this.#end();
  }

  /** SIGKILL, and wait until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = this.#gone();
    this.#isRunning = false;
    this.#isPaused = false;
    child.kill("SIGKILL");
    await gone;
    this.#end();
  }

  /** SIGSTOP: the process hangs, its sockets stay open. */
  pause(): void {
    this.#isPaused = true;
    this.#child!.kill("SIGSTOP");
  }
  /** SIGCONT. */
  resume(): void {
    this.#child!.kill("SIGCONT");
    this.#isPaused = false;
  }

  /** What it had on disk, but for its keys. */
  forget(): void {
    fs.rmSync(this.#dataFolder, { recursive: true, force: true });
  }

  #gone(): Promise<unknown> {
    return new Promise((resolve) => this.#child!.once("exit", resolve));
  }

  #end(): void {
    this.follow();
    this.#trace?.close();
    this.#trace = undefined;
  }

  async #ask<Answer>(path: string, body?: object): Promise<Answer> {
    const response = await fetch(this.#api + path, {
      ...(body === undefined
        ? {}
        : {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          }),
      signal: AbortSignal.timeout(5000),
    });
    const answer = (await response.json()) as Answer & { readonly error?: string };
    if (!response.ok) throw new Error(`${this.name}: ${answer.error}`);
    return answer;
  }
}

/** Reads a trace while it is being written. Nothing is missed: the file is there before the node is. */
class TraceFollower {
  readonly #path: string;
  readonly #onEvent: (event: TraceEvent) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunk = Buffer.alloc(64 * 1024);
  hasEvents = false;
  #descriptor: number | undefined;
  #rest = Buffer.alloc(0);

  constructor(path: string, onEvent: (event: TraceEvent) => void) {
    this.#path = path;
    this.#onEvent = onEvent;
    this.#timer = setInterval(() => this.read(), 20);
  }

  read(): void {
    if (this.#descriptor === undefined) {
      if (!fs.existsSync(this.#path)) return;
      this.#descriptor = fs.openSync(this.#path, "r");
    }
    for (;;) {
      const bytes = fs.readSync(this.#descriptor, this.#chunk);
      if (bytes === 0) return;
      this.#take(this.#chunk.subarray(0, bytes));
    }
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
  }

  #take(bytes: Buffer): void {
    const text = Buffer.concat([this.#rest, bytes]);
    let start = 0;
    for (let end = text.indexOf(10); end >= 0; start = end + 1, end = text.indexOf(10, start)) {
      const event = JSON.parse(text.toString("utf8", start, end)) as TraceEvent;
      if (event.layer === undefined) continue; // the header
      this.hasEvents = true;
      this.#onEvent(event);
    }
    this.#rest = Buffer.from(text.subarray(start));
  }
}
