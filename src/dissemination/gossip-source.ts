/**
 * The source of the classic network: from the first neighbor on, one message every 5 s until 10 are sent (the
 * seed report, section 5; the implementation report, section 4). The broadcast below spreads them.
 */
import {
  defineOptions,
  type Environment,
  hostOf,
  type Millis,
  type NodeId,
  type Protocol,
  type StackNotice,
  type Typed,
} from "../core/index.ts";

export type GossipFormat = "stamp" | "hello";

export interface GossipSourceOptions {
  readonly intervalMs: number;
  readonly messages: number;
  readonly format: GossipFormat;
  readonly waitsForCommand: boolean;
}

export const gossipSourceOptions = defineOptions<GossipSourceOptions>({
  intervalMs: {
    default: 5000,
    min: 1,
    max: 3_600_000,
    description: "Pause between two generated messages (5 s: both reports)",
  },
  messages: {
    default: 10,
    min: 0,
    max: 1_000_000,
    description: "How many messages a peer generates (10: both reports)",
  },
  format: {
    default: "stamp",
    choices: ["stamp", "hello"],
    description:
      "stamp: <timestamp>:<IP>:<MessageID>; hello: [YYYY-MM-DD HH->MM.SS]:IP: Message i [Hello from name]",
  },
  waitsForCommand: {
    default: false,
    description: "Begin at the command `begin` instead of with the first neighbor",
  },
});

export interface GossipSourceConfig {
  readonly name: string;
  readonly options?: Partial<GossipSourceOptions>;
}

export type GossipSourceTimer = { readonly type: "generate" };
export type GossipSourceCommand = { readonly type: "begin" };
export type GossipSourceNotice =
  | StackNotice
  | { readonly type: "source-finished"; readonly messages: number };

type SourceEnvironment = Environment<never, GossipSourceTimer, GossipSourceNotice>;

export class GossipSource
  implements Protocol<never, GossipSourceTimer, GossipSourceNotice, GossipSourceCommand>
{
  readonly #options: GossipSourceOptions;
  readonly #name: string;
  #generated = 0;
  #hasBegun = false;
  #hasLeft = false;

  constructor(config: GossipSourceConfig) {
    this.#name = config.name;
    this.#options = gossipSourceOptions(config.options);
  }

  get generated(): number {
    return this.#generated;
  }

  start(_env: SourceEnvironment): void {}
  onMessage(): void {}

  onCommand(_begin: GossipSourceCommand, env: SourceEnvironment): void {
    this.#begin(env);
  }

  onNotice(notice: Typed, env: SourceEnvironment): void {
    if (notice.type === "left") this.#hasLeft = true;
    if (notice.type === "neighbor-up" && !this.#options.waitsForCommand) this.#begin(env);
  }

  onTimer(_generate: GossipSourceTimer, env: SourceEnvironment): void {
    if (this.#hasLeft || this.#generated >= this.#options.messages) return;
    const payload = gossipText(this.#options.format, env.self, this.#name, env.now, this.#generated);
    this.#generated++;
    env.notify({ type: "publish", payloads: [payload] });
    if (this.#generated < this.#options.messages)
      return env.schedule(this.#options.intervalMs, { type: "generate" });
    env.notify({ type: "source-finished", messages: this.#generated });
  }

  #begin(env: SourceEnvironment): void {
    if (this.#hasBegun || this.#options.messages === 0) return;
    this.#hasBegun = true;
    env.schedule(0, { type: "generate" });
  }
}

/**
 * The two texts of the documents. `stamp` has the time in milliseconds since 1970, so that the text can be split at
 * its colons; `hello` has it in UTC, so that it is the same text on every machine.
 */
export function gossipText(
  format: GossipFormat,
  self: NodeId,
  name: string,
  now: Millis,
  sequence: number,
): string {
  // An IPv6 address in brackets, so that the text can be split at its colons.
  const bare = hostOf(self);
  const host = bare.includes(":") ? `[${bare}]` : bare;
  if (format === "stamp") return `${now}:${host}:${sequence}`;
  const [date, time] = new Date(now).toISOString().split("T") as [string, string];
  const [hours, minutes, seconds] = time.slice(0, 8).split(":") as [string, string, string];
  return `[${date} ${hours}->${minutes}.${seconds}]:${host}: Message ${sequence} [Hello from ${name}]`;
}
