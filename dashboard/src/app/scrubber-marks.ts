/** Where a time bar marks what, in pixels: one mark for all of a kind that fall on the same pixel. */
import type { NotableEvents, NotableKind } from "../timeline/notable-events.ts";

export interface ScrubberMark {
  readonly x: number;
  readonly kind: NotableKind;
  readonly count: number;
  /** Of the first of them. */
  readonly at: number;
}

export interface ScrubberRange {
  readonly first: number;
  readonly head: number;
  readonly width: number;
}

/** The later ones are drawn over those before. */
const kinds: readonly NotableKind[] = ["join", "published", "disturbance", "death"];

export function placeOf(at: number, { first, head, width }: ScrubberRange): number {
  if (head <= first) return width;
  return Math.max(0, Math.min(1, (at - first) / (head - first))) * width;
}

export function momentAt(x: number, { first, head, width }: ScrubberRange): number {
  if (width <= 0) return head;
  return first + Math.max(0, Math.min(1, x / width)) * (head - first);
}

export function marksOf(notable: NotableEvents, range: ScrubberRange): ScrubberMark[] {
  return kinds.flatMap((kind) => {
    const byPixel = new Map<number, { count: number; at: number }>();
    for (const { at } of notable.of(kind)) {
      if (at < range.first || at > range.head) continue;
      const x = Math.round(placeOf(at, range));
      const mark = byPixel.get(x);
      if (mark === undefined) byPixel.set(x, { count: 1, at });
      else mark.count++;
    }
    return [...byPixel].map(([x, { count, at }]) => ({ x, kind, count, at }));
  });
}
