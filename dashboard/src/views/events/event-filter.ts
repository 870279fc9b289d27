/** Which events somebody wants to see: from the address of the view, and back into it. */
import {
  identityOf,
  type Millis,
  type NodeId,
  parseDuration,
  type TraceEvent,
} from "../../../../src/core/index.ts";

export interface EventFilter {
  /** `layer/type`; empty: all of them. */
  readonly types: readonly string[];
  /** Name, port, id, or at least six digits with which an id begins. */
  readonly node: string;
  /** Looked for in the event as it is written. */
  readonly text: string;
  readonly isRegex: boolean;
  /** Since the beginning of the run, as it was typed: `10s`, `1m`. */
  readonly from: string;
  readonly to: string;
}

export const everything: EventFilter = { types: [], node: "", text: "", isRegex: false, from: "", to: "" };

export function filterOf(search: string): EventFilter {
  const question = new URLSearchParams(search);
  const word = (name: string) => question.get(name) ?? "";
  return {
    types: word("types")
      .split(",")
      .filter((type) => type !== ""),
    node: word("node"),
    text: word("text"),
    isRegex: question.get("regex") === "1",
    from: word("from"),
    to: word("to"),
  };
}

/** What stands behind the `?`; empty where everything is shown. */
export function addressOf({ types, node, text, isRegex, from, to }: EventFilter): string {
  const question = new URLSearchParams();
  if (types.length > 0) question.set("types", types.join(","));
  for (const [name, value] of Object.entries({ node, text, from, to }))
    if (value !== "") question.set(name, value);
  if (isRegex) question.set("regex", "1");
  return question.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
}

export function typeOf({ layer, type }: TraceEvent): string {
  return `${layer}/${type}`;
}

export type Passes = (event: TraceEvent, sinceStartMs: Millis) => boolean;

/** What an event has to pass beside its type; a sentence for the user where the filter makes no sense. */
export function passesOf(
  filter: EventFilter,
  nameOf: (id: NodeId) => string | undefined,
): Passes | { readonly why: string } {
  try {
    const from = filter.from === "" ? Number.NEGATIVE_INFINITY : parseDuration("from", filter.from);
    const to = filter.to === "" ? Number.POSITIVE_INFINITY : parseDuration("to", filter.to);
    const hasText = textTest(filter);
    const isNode = filter.node === "" ? undefined : nodeTest(filter.node, nameOf);
    return (event, sinceStartMs) =>
      sinceStartMs >= from &&
      sinceStartMs <= to &&
      (isNode === undefined || mentions(event, isNode)) &&
      (hasText === undefined || hasText(JSON.stringify(event)));
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

function textTest({ text, isRegex }: EventFilter): ((written: string) => boolean) | undefined {
  if (text === "") return undefined;
  if (isRegex) {
    const pattern = new RegExp(text, "i");
    return (written) => pattern.test(written);
  }
  const wanted = text.toLowerCase();
  return (written) => written.toLowerCase().includes(wanted);
}

const fewestDigits = 6;

/** Every id is judged once: there are as many as nodes. */
function nodeTest(text: string, nameOf: (id: NodeId) => string | undefined): (id: NodeId) => boolean {
  const judged = new Map<NodeId, boolean>();
  const isIt = (id: NodeId) =>
    String(id) === text ||
    nameOf(id) === text ||
    (typeof id === "string" &&
      ((/^\d+$/.test(text) && id.endsWith(`:${text}`)) ||
        (text.length >= fewestDigits && String(identityOf(id)).startsWith(text))));
  return (id) => {
    let verdict = judged.get(id);
    if (verdict === undefined) {
      verdict = isIt(id);
      judged.set(id, verdict);
    }
    return verdict;
  };
}

/** Fields that hold nodes, alone or in lists. */
export const nodeFields: ReadonlySet<string> = new Set([
  "neighbor",
  "peer",
  "from",
  "to",
  "origin",
  "suspect",
  "reporter",
  "reporters",
  "seed",
  "witness",
  "witnesses",
]);

/** It happened there, or is about that node. */
function mentions(event: TraceEvent, isNode: (id: NodeId) => boolean): boolean {
  if (isNode(event.node)) return true;
  for (const field of nodeFields) {
    const value = event[field];
    if (value === undefined) continue;
    if (Array.isArray(value) ? value.some((one) => isId(one) && isNode(one)) : isId(value) && isNode(value))
      return true;
  }
  return false;
}

export function isId(value: unknown): value is NodeId {
  return typeof value === "number" || typeof value === "string";
}
