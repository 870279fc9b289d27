/** Some of the events of a trace, as a trace again. */
import { closeSync, existsSync, openSync, realpathSync, writeSync } from "node:fs";
import { identityOf, type Millis, portOf, type TraceEvent, UsageError } from "../../core/index.ts";
import { namedEvent, type TraceReader, traceLine, traceParts } from "../../node/index.ts";
import { scenarioLayer, traceLayer } from "../../trace/index.ts";

export interface TraceFilter {
  /** Names, ids (or at least 6 digits that they begin with), ports, or numbers of a simulation. */
  readonly nodes?: readonly string[];
  readonly layers?: readonly string[];
  readonly types?: readonly string[];
  /** Since the beginning of the run: its start in a live trace, 0 in a simulated one. */
  readonly fromMs?: Millis;
  readonly untilMs?: Millis;
  /** Is somewhere in the line, as it is written. */
  readonly text?: string;
}

/** When the run began, on the clock of its events. The same for what a filter left of a trace. */
export function beginningOf({ header }: TraceReader): Millis {
  return header?.world === "live" ? header.startedAt : 0;
}

/** Events that pass, without the `named` events of the trace: `reader.names` has them. */
export async function* filterEvents(
  reader: TraceReader,
  filter: TraceFilter = {},
): AsyncGenerator<TraceEvent> {
  const { fromMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY, text } = filter;
  const nodes = filter.nodes && new Set(filter.nodes);
  const layers = filter.layers && new Set(filter.layers);
  const types = filter.types && new Set(filter.types);
  for await (const event of reader) {
    if (isNamed(event)) continue;
    learnName(reader, event);
    const { at, layer, type } = event;
    if (layers !== undefined && !layers.has(layer)) continue;
    if (types !== undefined && !types.has(type)) continue;
    const since = at - beginningOf(reader);
    if (since < fromMs || since > untilMs) continue;
    if (nodes !== undefined && !isOneOf(nodes, event, reader)) continue;
    if (text !== undefined && !traceLine(event).includes(text)) continue;
    yield event;
  }
}

/** The same as events of a trace file: before the first event of a node, and where its name changes, `named`. */
export async function* filterWithNames(
  reader: TraceReader,
  filter: TraceFilter = {},
): AsyncGenerator<TraceEvent> {
  const introduced = new Map<TraceEvent["node"], string>();
  for await (const event of filterEvents(reader, filter)) {
    const named = reader.names.get(event.node);
    if (named !== undefined && introduced.get(event.node) !== named.name) {
      introduced.set(event.node, named.name);
      yield namedEvent(event.at, event.node, named.name, named.role);
    }
    yield event;
  }
}

/** The first line of what a filter leaves. It is one file, whatever parts it was read from. */
export function headerLine({ header }: TraceReader): string {
  return `${JSON.stringify({ ...header, part: 0 })}\n`;
}

export interface FilterResult {
  readonly read: number;
  readonly written: number;
}

/** Writes what passes into a file, replacing it. Throws `UsageError`; before it has read anything where it can. */
export async function writeFiltered(
  reader: TraceReader,
  filter: TraceFilter,
  path: string,
): Promise<FilterResult> {
  checkOutput(reader.path, path);
  let descriptor: number | undefined;
  let written = 0;
  let lines: string | undefined; // the header is known from the first event on
  const flush = () => {
    try {
      descriptor ??= openSync(path, "w");
      const bytes = Buffer.from(lines ?? headerLine(reader));
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      throw new UsageError(`--output: ${path} cannot be written (${(error as Error).message})`);
    }
    lines = "";
  };
  try {
    for await (const event of filterWithNames(reader, filter)) {
      lines ??= headerLine(reader);
      lines += traceLine(event);
      if (!isNamed(event)) written++;
      if (lines.length >= 64 * 1024) flush();
    }
    flush();
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  return { read: reader.events, written };
}

/** Not onto what is being read; and what stands beside the new file must not be taken for its older part. */
function checkOutput(input: string, output: string): void {
  const parts = traceParts(input).map((part) => realpathSync(part));
  if (existsSync(output) && parts.includes(realpathSync(output)))
    throw new UsageError(`--output: ${output} is the trace that is read; write to another file`);
  if (existsSync(`${output}.1`))
    throw new UsageError(
      `--output: ${output}.1 stands beside it and would be read as its older part; write to another file`,
    );
}

export function isNamed({ layer, type }: TraceEvent): boolean {
  return layer === traceLayer && type === "named";
}

/** Whoever joins in a scenario says its name there: its trace may do without `named`. */
function learnName({ names }: TraceReader, { node, layer, name, role }: TraceEvent): void {
  if (layer !== scenarioLayer || node === "" || typeof name !== "string") return;
  const known = names.get(node);
  if (known?.name === name) return;
  names.set(node, { name, role: typeof role === "string" ? role : (known?.role ?? "peer") });
}

const minIdDigits = 6;

function isOneOf(wanted: ReadonlySet<string>, { node }: TraceEvent, reader: TraceReader): boolean {
  const id = String(identityOf(node));
  const isMeant =
    wanted.has(reader.nameOf(node)) ||
    wanted.has(String(node)) ||
    wanted.has(id) ||
    wanted.has(portText(node));
  if (isMeant || typeof node === "number") return isMeant;
  for (const one of wanted) if (one.length >= minIdDigits && id.startsWith(one)) return true;
  return false;
}

function portText(node: TraceEvent["node"]): string {
  const port = portOf(node);
  return port > 0 ? String(port) : "";
}
