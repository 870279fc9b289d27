/** What of the trace the page does not have, in words: nobody should take a sample for the whole. */
import type { FeedSampling } from "../../../src/trace/feed.ts";
import type { Source } from "../sources/source.ts";

export interface SamplingText {
  readonly short: string;
  readonly long: string;
}

/** A live feed says so again and again: what it left out a moment ago is no longer news. */
const recentMs = 5000;

/** Undefined where everything was told, up to that moment. `forgotten` events were told, and are no longer kept. */
export function samplingText(
  samplings: readonly FeedSampling[],
  { at, kind, forgotten }: { at: number; kind: Source["kind"]; forgotten: number },
): SamplingText | undefined {
  const counted = samplings.filter((one) => kind === "recorded" || (one.at <= at && one.at > at - recentMs));
  const followed = sum(counted, ({ messagesFollowed }) => messagesFollowed);
  const leftOut = sum(counted, ({ messagesLeftOut }) => messagesLeftOut);
  const events: Record<string, number> = {};
  for (const { eventsLeftOut } of counted)
    for (const [type, count] of Object.entries(eventsLeftOut)) events[type] = (events[type] ?? 0) + count;
  const others = sum(Object.values(events), (count) => count);
  const sentences: string[] = [];
  if (leftOut > 0)
    sentences.push(
      `${number(followed)} of ${number(followed + leftOut)} messages are followed, each of them whole; totals count all.`,
    );
  if (others > 0) {
    const types = Object.entries(events).sort(([, a], [, b]) => b - a);
    const shown = types.slice(0, 3).map(([type, count]) => `${number(count)} ${type}`);
    const rest = types.length > 3 ? `, and ${types.length - 3} other types` : "";
    sentences.push(`Left out: ${shown.join(", ")}${rest}.`);
  }
  if (forgotten > 0) sentences.push(`The oldest ${number(forgotten)} events are no longer kept.`);
  if (sentences.length === 0) return undefined;
  const period = kind === "recorded" ? "" : ` in ${recentMs / 1000} s`;
  const short =
    leftOut > 0
      ? `${number(followed)} of ${number(followed + leftOut)} messages${period}`
      : others > 0
        ? `${number(others)} events left out${period}`
        : "oldest events forgotten";
  return { short, long: sentences.join(" ") };
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}

function number(value: number): string {
  return value.toLocaleString("en");
}
