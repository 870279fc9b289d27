import { type Millis, parseDuration, UsageError } from "../core/index.ts";
import type { Duration } from "./scenario.ts";

const inPings = /^(\d+(?:\.\d+)?) pings?$/;

/**
 * Milliseconds of a duration: `500`, `"500ms"`, `"5s"`, or `"5 pings"` of so long each. Throws `UsageError`
 * naming the field, the text and how to write it.
 */
export function durationMs(duration: Duration, pingIntervalMs: Millis, field = "duration"): Millis {
  if (typeof duration === "number") {
    if (Number.isFinite(duration) && duration >= 0) return Math.round(duration);
    throw new UsageError(`${field}: ${duration} is no duration; write 500, 5s or "5 pings"`);
  }
  const pings = inPings.exec(duration.trim());
  if (pings !== null) return Math.round(Number(pings[1]) * pingIntervalMs);
  try {
    return parseDuration(field, duration);
  } catch {
    throw new UsageError(`${field}: "${duration}" is no duration; write 500ms, 5s, 2m, 1h or "5 pings"`);
  }
}
