import type { Millis, NodeId, Typed } from "./environment.ts";

/**
 * One event of the trace, identical in form in all worlds: a notice of a layer, with the node and the time. The
 * fields beside these four are the notice's own (docs/trace.md lists them).
 */
export interface TraceEvent extends Typed {
  readonly at: Millis;
  readonly node: NodeId;
  readonly layer: string;
  readonly [field: string]: unknown;
}

/**
 * A notice as a trace event. Bytes become their length: a trace is read by people and by JSON tools. A time that the
 * notice itself states (when a message was published, when a death was reported) is called `statedAt`, since `at` is
 * when the event happened.
 */
export function traceEvent(at: Millis, node: NodeId, layer: string, notice: Typed): TraceEvent {
  const event: Record<string, unknown> = { at, node, layer };
  for (const [field, value] of Object.entries(notice)) {
    if (field === "at") event["statedAt"] = value;
    else if (value instanceof Uint8Array) event[`${field}Bytes`] = value.length;
    else event[field] = value;
  }
  return event as unknown as TraceEvent;
}
