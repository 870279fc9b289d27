import { Command } from "commander";
import pc from "picocolors";
import { type NodeId, type TraceEvent, type Typed, UsageError } from "../core/index.ts";
import { escapeText, LogLines, localTime, shortContact } from "../node/index.ts";
import { type ApiOptions, addApiOptions, findApi, jsonText, print } from "./api-client.ts";
import { stopSignal } from "./stop-signal.ts";

interface TailOptions extends ApiOptions {
  readonly node?: string;
  readonly types?: readonly string[];
  readonly json?: boolean;
  readonly pings?: boolean;
}

export function tailCommand(): Command {
  return addApiOptions(
    new Command("tail")
      .description("Follow what happens in the nodes of a process, as it happens")
      .option("--node <name>", "name or port of one node (default: all of the process)")
      .option(
        "--types <list>",
        "only these types of events, separated by commas (docs/trace.md lists them)",
        readTypes,
      )
      .option("--pings", "every PING and PING_REPLY too")
      .option("--json", "print each event as a line of JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine tail
  $ grapevine tail --node peer-1 --pings
  $ grapevine tail --types neighbor-up,neighbor-down,dead-node
  $ grapevine tail --types delivered --json | jq '.at - .statedAt'    latencies in ms
`,
    )
    .action((options: TailOptions) => {
      const stopping = new AbortController();
      void stopSignal().then(() => stopping.abort());
      return tail(options, stopping.signal);
    });
}

/** Until the signal, or the end of the process that is followed. */
export async function tail(options: TailOptions, signal: AbortSignal): Promise<void> {
  const client = await findApi(options, options.node);
  const show = options.json ? jsonLine(options) : humanLine(options);
  // Names come as an event of their own, before a node's first.
  const types = options.types === undefined ? undefined : [...options.types, "named"];
  const outcome = await client.follow(
    { node: options.node, types },
    async (event) => {
      const line = show(event);
      if (line !== undefined) await print(line);
    },
    signal,
  );
  if (outcome === "ended") process.stderr.write(`grapevine: the process at ${client.url} has ended\n`);
}

function readTypes(text: string): string[] {
  const types = text
    .split(",")
    .map((type) => type.trim())
    .filter((type) => type !== "");
  if (types.length === 0)
    throw new UsageError(`--types: "${text}" names no type; write for example delivered,dead-node`);
  return types;
}

/** Asked for by name, a type is shown in any case. */
function isShown({ type }: Typed, { types, pings }: TailOptions): boolean {
  if (types !== undefined) return types.includes(type);
  return pings === true || !type.startsWith("ping-");
}

function jsonLine(options: TailOptions): (event: TraceEvent) => string | undefined {
  return (event) => (isShown(event, options) ? jsonText(event) : undefined);
}

interface Source {
  readonly name: string;
  readonly role: string;
  readonly lines: LogLines;
}

const maxSources = 10_000;

/** The lines of the log, with the node's name behind the time. */
function humanLine(options: TailOptions): (event: TraceEvent) => string | undefined {
  const pings = options.pings === true || options.types !== undefined;
  const sources = new Map<NodeId, Source>();
  const remember = (node: NodeId, name: string, role: string): Source => {
    // Nodes that come and go must not fill the memory of somebody who only watches.
    if (sources.size >= maxSources) sources.delete(sources.keys().next().value!);
    const source = { name, role, lines: new LogLines({ pings }) };
    sources.set(node, source);
    return source;
  };
  return (event) => {
    const { at, node, layer, type } = event;
    if (layer === "trace" && type === "named") remember(node, String(event["name"]), String(event["role"]));
    if (!isShown(event, options)) return undefined;
    const source = sources.get(node) ?? remember(node, shortContact(node), "peer");
    const line = logged(source, event) ?? (options.types === undefined ? undefined : plain(event));
    if (line === undefined) return undefined;
    const text = `${localTime(at)} ${pc.bold(escapeText(source.name))} ${line.text}`;
    return line.level === "warn" ? pc.yellow(text) : text;
  };
}

/** What the log would say, without its time; undefined where it says nothing, or does not know such an event. */
function logged(
  { name, role, lines }: Source,
  event: TraceEvent,
): { text: string; level: string } | undefined {
  const { at, node, layer } = event;
  try {
    const line = lines.next(at, layer, noticeOf(event), { name, role, contact: node });
    return line && { ...line, text: line.text.slice(localTime(at).length + 1) };
  } catch {
    return undefined; // of another version, with other fields
  }
}

/** The opposite of `traceEvent`, as far as there is one: of bytes, the number is left. */
function noticeOf({ at, node, layer, statedAt, payloadBytes, ...notice }: TraceEvent): Typed {
  return {
    ...notice,
    ...(statedAt === undefined ? {} : { at: statedAt }),
    ...(payloadBytes === undefined ? {} : { payload: { length: payloadBytes } }),
  } as Typed;
}

/** An event that the log leaves out, when somebody asks for it: its fields as they are. */
function plain({ at, node, layer, type, ...fields }: TraceEvent): { text: string; level: string } {
  const shown = Object.entries(fields).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
  return { text: escapeText([`${layer}/${type}`, ...shown].join(" ")), level: "info" };
}
