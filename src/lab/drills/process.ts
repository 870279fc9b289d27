import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addNode } from "../../node/index.ts";
import { formatAddress } from "../../transport/index.ts";
import type { LocalNetwork } from "../local-network.ts";
import type { Stage } from "./drill.ts";

/** What the control API says of the one node of a process. */
export interface ProcessStatus {
  readonly contact: string;
  readonly neighbors: number;
  readonly knownPeers: number;
  readonly registeredWith: number;
  readonly retained: number;
  readonly incarnation: number;
  readonly delivered: number;
  readonly listSize: number;
}

/** A node in a process of its own, as a user would start it, so that it can be killed and stopped for real. */
export class NodeProcess {
  readonly name: string;
  readonly #stage: Stage;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #api = "";

  private constructor(stage: Stage, name: string, args: readonly string[]) {
    this.#stage = stage;
    this.name = name;
    this.#args = args;
  }

  /** Prepares folder and list of seeds; `start` runs it. */
  static async prepare(
    stage: Stage,
    network: LocalNetwork,
    role: "peer" | "seed",
    name: string,
    more: readonly string[] = [],
  ): Promise<NodeProcess> {
    const { isPlaintext, pingIntervalMs } = stage.config;
    const seedList = join(stage.folder, `${name}-seeds.txt`);
    writeFileSync(seedList, network.seedAddresses.map(formatAddress).join("\n"));
    const security = isPlaintext
      ? ["--plaintext", "--data", join(stage.folder, `${name}-data`)]
      : [await addNode(stage.clusterFolder, name)];
    const process = new NodeProcess(stage, name, [
      role,
      ...security,
      ...["--network", seedList, "--name", name, "--no-screen", "--api", "0"],
      ...["--output", join(stage.folder, `${name}-outputfile.txt`)],
      ...["--ping-interval", `${pingIntervalMs}ms`],
      ...flags(stage),
      ...(role === "peer" ? ["--messages", "0"] : []),
      ...more,
    ]);
    stage.onEnd(() => process.kill());
    return process;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [this.#stage.config.program, ...this.#args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
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
    child.removeAllListeners("exit");
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async status(): Promise<ProcessStatus> {
    const response = await fetch(`${this.#api}/v1/status`, { signal: AbortSignal.timeout(2000) });
    const { nodes } = (await response.json()) as { nodes: ProcessStatus[] };
    return nodes[0]!;
  }

  async publish(text: string): Promise<void> {
    await fetch(`${this.#api}/v1/nodes/-/publish`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(5000),
    });
  }

  /** SIGKILL, and wait until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  /** SIGSTOP: the process hangs, its sockets stay open. */
  hang(): void {
    this.#child!.kill("SIGSTOP");
  }
  /** SIGCONT. */
  wake(): void {
    this.#child!.kill("SIGCONT");
  }
}

/** The drill's scaled times as command line options. */
function flags(stage: Stage): string[] {
  const { flood, registration, registry } = stage.options;
  return [
    ...["--repair-interval", `${flood!.repairIntervalMs}ms`],
    ...["--refresh-interval", `${registration!.refreshIntervalMs}ms`],
    ...["--sync-interval", `${registry!.syncIntervalMs}ms`],
  ];
}
