/** The command line program as people run it: what `npm run build` made, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

export const root = join(import.meta.dirname, "../..");
export const program = join(root, "dist/cli/main.js");

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the program is run by, such as `["ip", "netns", "exec", "host-a"]`. */
  readonly within?: readonly string[];
  /** Another program of Node's than ours. */
  readonly script?: string;
}

export interface Outcome {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<Program>();

/** A process that was started by a test, and what it has said so far. */
export class Program {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcess;
  readonly #name: string;
  #hasEnded = false;

  constructor(args: readonly string[], { cwd, env, within = [], script = program }: RunOptions) {
    if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` first`);
    const [command, ...rest] = [...within, process.execPath, script, ...args];
    this.#name = [script, ...args].join(" ");
    // A group of its own, so that whatever it starts can be found and ended with it.
    this.#child = spawn(command!, rest, { cwd, env: cleanEnvironment(env), detached: true });
    running.add(this);
    this.#child.stdout!.on("data", (chunk) => {
      this.stdout += stripVTControlCharacters(String(chunk));
    });
    this.#child.stderr!.on("data", (chunk) => {
      this.stderr += stripVTControlCharacters(String(chunk));
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code) => {
        this.#hasEnded = true;
        running.delete(this);
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }
  get text(): string {
    return this.stdout + this.stderr;
  }

  /** Waits until it has said that, on whichever stream; fails with what it did say. */
  async said(pattern: RegExp, patienceMs = 20_000): Promise<RegExpExecArray> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      if (this.#hasEnded || performance.now() > deadline) {
        throw new Error(`${this.#name} did not say ${pattern}, but:\n${this.text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** To the program alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Does anything live that it started, or it itself? */
  get hasProcesses(): boolean {
    try {
      process.kill(-this.pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  /** SIGKILL to all of its group, and wait until it is gone. */
  async kill(): Promise<void> {
    if (this.hasProcesses) process.kill(-this.pid, "SIGKILL");
    await this.ended;
  }

  /** Fails when it has not ended by then. */
  async end(patienceMs = 30_000): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const complain = () =>
        reject(new Error(`${this.#name} has not ended in ${patienceMs} ms:\n${this.text}`));
      timer = setTimeout(complain, patienceMs);
    });
    try {
      return await Promise.race([this.ended, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }
}

export function start(args: readonly string[], options: RunOptions = {}): Program {
  return new Program(args, options);
}

/** Runs it to its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return start(args, options).end();
}

/** For `afterEach` or `afterAll`: nothing that a test file has started outlives it. */
export async function endPrograms(): Promise<void> {
  await Promise.all([...running].map((one) => one.kill()));
}

/** Even if the tests themselves are ended. */
process.once("exit", () => {
  for (const one of running) if (one.hasProcesses) process.kill(-one.pid, "SIGKILL");
});

/** Without what would lead a command to somebody else's network, or colour what it says. */
function cleanEnvironment(more: RunOptions["env"] = {}): NodeJS.ProcessEnv {
  const { GRAPEVINE_API, GRAPEVINE_API_TOKEN, NODE_OPTIONS, FORCE_COLOR, ...rest } = process.env;
  return { ...rest, NO_COLOR: "1", ...more };
}

/** The only line of a program's output, which is JSON. */
export function jsonOf({ stdout, stderr }: Outcome): any {
  const lines = stdout.split("\n");
  if (lines.length !== 2 || lines[1] !== "") throw new Error(`not one line of JSON: ${stdout}${stderr}`);
  return JSON.parse(lines[0]!);
}

/** A free port of loopback, for a moment at least. */
export async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
