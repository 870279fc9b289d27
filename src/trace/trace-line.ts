/** What a line of a trace can be (docs/trace.md), for everybody who reads one: a file is no more to be trusted than a peer. */
import type { Millis, TraceEvent } from "../core/index.ts";

export const traceVersion = 1;

/** The first line of every file of a trace. */
export interface TraceHeader {
  readonly trace: "grapevine";
  readonly version: number;
  /** Counts the files of one run, should they be rotated. */
  readonly part: number;
  readonly startedAt: Millis;
  readonly world: "live" | "simulated";
  readonly about?: Readonly<Record<string, unknown>>;
}

/** 64 payloads of a publication, 512 KiB together, each character escaped to six: longer lines are skipped unread. */
export const maxTraceLineBytes = 4 * 1024 * 1024;

/** Undefined for what is no JSON. */
export function parseTraceLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

export function isTraceHeader(value: unknown): value is TraceHeader {
  if (!isRecord(value)) return false;
  const { trace, version, part, startedAt, world, about } = value;
  return (
    trace === "grapevine" &&
    version === traceVersion &&
    Number.isSafeInteger(part) &&
    (part as number) >= 0 &&
    typeof startedAt === "number" &&
    (world === "live" || world === "simulated") &&
    (about === undefined || isRecord(about))
  );
}

export function isTraceEvent(value: unknown): value is TraceEvent {
  if (!isRecord(value)) return false;
  const { at, node, layer, type } = value;
  return (
    typeof at === "number" &&
    Number.isFinite(at) &&
    (typeof node === "string" || typeof node === "number") &&
    typeof layer === "string" &&
    typeof type === "string"
  );
}

/** Why that first line begins no trace that we can read, as the end of a sentence. */
export function whyNoTrace(value: unknown): string {
  const { trace, version } = isRecord(value) ? value : {};
  if (trace !== "grapevine") return 'is no trace; its first line is not {"trace":"grapevine",…}';
  if (version !== traceVersion)
    return `is a trace of version ${JSON.stringify(version)}; this program reads ${traceVersion}`;
  return "is a trace whose first line lacks a part, a start or a world (docs/trace.md)";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
