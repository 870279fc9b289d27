/** Which rows of a long list are seen, where all are equally high: nothing is measured, and no row costs anything. */
export interface RowWindow {
  readonly count: number;
  readonly rowPx: number;
  /** What is seen of the list, from the beginning of the first row. */
  readonly topPx: number;
  readonly heightPx: number;
}

/** Rows beyond both ends, so that a little scrolling shows no hole. */
const spareRows = 8;

/** The first row to be drawn, and the one after the last. */
export function seenRows({ count, rowPx, topPx, heightPx }: RowWindow): readonly [number, number] {
  // A list that has become shorter is seen at its end.
  const top = Math.max(0, Math.min(topPx, count * rowPx - heightPx));
  const from = Math.max(0, Math.floor(top / rowPx) - spareRows);
  return [from, Math.min(count, Math.ceil((top + heightPx) / rowPx) + spareRows)];
}

/** From where the list is to be seen so that the row is, moved no further than that takes. */
export function topToSee(row: number, { rowPx, topPx, heightPx }: RowWindow): number {
  const rowTop = row * rowPx;
  if (rowTop < topPx) return rowTop;
  return Math.max(topPx, rowTop + rowPx - heightPx);
}
