/** Durations as people write them. */
import type { Millis } from "./environment.ts";
import { UsageError } from "./errors.ts";

const unitsMs: Record<string, Millis> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** `200ms`, `1.5s`, `2m`, `1h`, or a plain number of milliseconds. Throws `UsageError` naming the option. */
export function parseDuration(option: string, text: string): Millis {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|min|h)?$/.exec(text.trim());
  if (match === null) throw new UsageError(`${option}: "${text}" is no duration; write 200ms, 5s, 2m or 1h`);
  return Math.round(Number(match[1]) * unitsMs[match[2] ?? "ms"]!);
}

/** Milliseconds as a person writes them: 13000 gives `13s`. */
export function formatDuration(ms: Millis): string {
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
