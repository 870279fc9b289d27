/** What a run comes to so far, from what the page knows of it. */
import type { BookedMessage } from "../../../src/trace/message-book.ts";
import type { NetworkPicture } from "../../../src/trace/picture.ts";

export interface DeliveredShare {
  readonly published: number;
  readonly percent: string;
}

/** Of all receipts that the living peers could have; undefined where nothing was published. */
export function deliveredShare(
  picture: NetworkPicture,
  messages: Iterable<BookedMessage>,
): DeliveredShare | undefined {
  const living = new Set<number>();
  for (const { row, role, state } of picture.nodes.values())
    if (role === "peer" && (state === "alive" || state === "paused")) living.add(row);
  let published = 0;
  let wanted = 0;
  let got = 0;
  for (const { origin, receivers } of messages) {
    published++;
    wanted += living.size - (living.has(origin) ? 1 : 0);
    for (const row of receivers) if (living.has(row)) got++;
  }
  if (published === 0) return undefined;
  // Rounded down: all but one is not all.
  const share = wanted === 0 ? 1 : got / wanted;
  return { published, percent: `${Math.floor(1000 * share + 1e-9) / 10} %` };
}

/** Whether everything held that was expected of the run. */
export function verdictText({
  ok,
  checks,
  violations,
}: {
  readonly ok: boolean;
  readonly checks: readonly { readonly ok: boolean }[];
  readonly violations: readonly unknown[];
}): string {
  if (ok) return `✓ All ${checks.length} checks hold, no invariant was broken`;
  const failed = checks.filter((check) => !check.ok).length;
  return `✗ ${failed} of ${checks.length} checks failed, ${violations.length} invariants were broken`;
}
