/** Links of a simulated network on the command line. */
import { type Command, Option } from "commander";
import { UsageError } from "../core/index.ts";
import { parseDuration } from "../node/index.ts";
import { type Latency, type LinkSettings, linkSettings } from "../simulator/index.ts";

export interface LinkOptions {
  readonly transport?: LinkSettings["kind"];
  readonly latency?: Latency;
  readonly loss?: number;
  readonly duplication?: number;
  readonly reordering?: number;
}

const howToWrite =
  "write constant:20ms, uniform:10ms:100ms, exponential:50ms (mean), log-normal:50ms:0.5 (median, sigma), pareto:10ms:1.5:10s (least, shape, most) or plane:100ms (the side of a square)";

export function addLinkOptions(command: Command): Command {
  return command
    .optionsGroup("Links:")
    .addOption(
      new Option(
        "--transport <kind>",
        "datagram: each message for itself; stream: in order, and loss means delay (default: stream for classic)",
      ).choices(["datagram", "stream"]),
    )
    .option("--latency <model>", `${howToWrite} (default: uniform:10ms:100ms)`, parseLatency)
    .option("--loss <share>", "share of messages lost: 1% or 0.01 (default: 0)", share("--loss"))
    .option(
      "--duplication <share>",
      "share of datagrams that arrive twice (default: 0)",
      share("--duplication"),
    )
    .option(
      "--reordering <share>",
      "share of datagrams that others overtake (default: 0)",
      share("--reordering"),
    )
    .optionsGroup("Options:");
}

/** What the user said of links; undefined if nothing. Throws `UsageError`. */
export function readLinks(options: LinkOptions): Partial<LinkSettings> | undefined {
  const { transport, latency, loss, duplication, reordering } = options;
  const given = Object.entries({ kind: transport, latency, loss, duplication, reordering }).filter(
    ([, value]) => value !== undefined,
  );
  return given.length === 0 ? undefined : (Object.fromEntries(given) as Partial<LinkSettings>);
}

/** `uniform:10ms:500ms`. Throws `UsageError` that says how to write it. */
export function parseLatency(text: string): Latency {
  const [model, ...parts] = text.split(":");
  const ms = (part: string) => parseDuration("--latency", part);
  const latency = latencyOf(model!, parts, ms, (part) => Number(part));
  if (latency === undefined) throw new UsageError(`--latency: "${text}" is no latency; ${howToWrite}`);
  try {
    linkSettings({ latency });
  } catch (error) {
    throw new UsageError(`--latency: ${(error as Error).message}`);
  }
  return latency;
}

function latencyOf(
  model: string,
  parts: readonly string[],
  ms: (part: string) => number,
  number: (part: string) => number,
): Latency | undefined {
  const [a, b, c] = parts as [string, string, string];
  switch (`${model} ${parts.length}`) {
    case "constant 1":
      return { model: "constant", ms: ms(a) };
    case "uniform 2":
      return { model: "uniform", fromMs: ms(a), toMs: ms(b) };
    case "exponential 1":
      return { model: "exponential", meanMs: ms(a) };
    case "log-normal 2":
      return { model: "log-normal", medianMs: ms(a), sigma: number(b) };
    case "pareto 3":
      return { model: "pareto", minMs: ms(a), shape: number(b), maxMs: ms(c) };
    case "plane 1":
      return { model: "plane", sideMs: ms(a) };
  }
  return undefined;
}

/** Reads `1%` or `0.01` for commander. The error names the option. */
export function share(option: string): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
    const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
    if (value >= 0 && value <= 1) return value;
    throw new UsageError(`${option}: "${text}" is no share; write 1% or 0.01, at most 100%`);
  };
}
