/** Events as people read them, with names for ids; and as a trace for tools. */
import type { NodeId, TraceEvent } from "../../../../src/core/index.ts";
import { messageKey } from "../../../../src/trace/message-book.ts";
import { isId, nodeFields } from "./event-filter.ts";

export type NameOf = (id: NodeId) => string | undefined;

const mostOfText = 60;
const mostOfList = 4;
const ofMessages: ReadonlySet<string> = new Set(["origin", "incarnation", "sequence"]);
const ofEveryEvent: ReadonlySet<string> = new Set(["at", "node", "layer", "type", "statedAt"]);

/** Its fields on one line: `neighbor peer-2 · misses 3`. A message is called by its origin and number: `peer-1#0`. */
export function eventLine(event: TraceEvent, nameOf: NameOf): string {
  const { origin, sequence } = event;
  const isAboutMessage = messageKey(event) !== undefined && isId(origin);
  const message = isAboutMessage ? [`${nameOf(origin) ?? origin}#${sequence}`] : [];
  const fields = Object.entries(event)
    .filter(([field]) => !ofEveryEvent.has(field) && !(isAboutMessage && ofMessages.has(field)))
    .map(([field, value]) => `${field} ${shortValue(field, value, nameOf)}`);
  return [...message, ...fields].join(" · ");
}

function shortValue(field: string, value: unknown, nameOf: NameOf): string {
  if (Array.isArray(value)) {
    const some = value.slice(0, mostOfList).map((one) => shortValue(field, one, nameOf));
    return value.length > mostOfList
      ? `${some.join(", ")} and ${value.length - mostOfList} more`
      : some.join(", ") || "nobody";
  }
  if (nodeFields.has(field) && isId(value)) return nameOf(value) ?? String(value);
  const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
  return text.length > mostOfText ? `${text.slice(0, mostOfText - 1)}…` : text;
}

export interface ExportHeader {
  readonly startedAt: number;
  readonly world: string;
}

/** The lines of a trace with these events: its header, and who is who before the first event of each. */
export function* traceLines(
  { startedAt, world }: ExportHeader,
  events: Iterable<TraceEvent>,
  named: (id: NodeId) => { readonly name: string; readonly role: string } | undefined,
): Generator<string> {
  const about = { command: "dashboard", filtered: true };
  yield `${JSON.stringify({ trace: "grapevine", version: 1, part: 0, startedAt, world, about })}\n`;
  const known = new Set<NodeId>();
  for (const event of events) {
    const { at, node } = event;
    if (node !== "" && !known.has(node)) {
      known.add(node);
      const who = named(node);
      if (who !== undefined && event.type !== "named")
        yield `${JSON.stringify({ at, node, layer: "trace", type: "named", ...who })}\n`;
    }
    yield `${JSON.stringify(event)}\n`;
  }
}
