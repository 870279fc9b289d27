/**
 * Which node has which cell of the grid. An order is a permutation: the cell of number i shows the row `order[i]`.
 * By 10^6 nodes, so indices and typed columns throughout.
 */

/** Rows by names or ids. */
export function orderByText(
  texts: readonly string[],
  compare: (a: string, b: string) => number,
): Uint32Array {
  const order = Uint32Array.from({ length: texts.length }, (_, i) => i);
  return order.sort((a, b) => compare(texts[a]!, texts[b]!) || a - b);
}

/** Rows by the time of infection; those who never were come last, in order. */
export function orderByInfection(
  rows: number,
  receivers: readonly number[],
  origin: number | undefined,
): Uint32Array {
  const order = new Uint32Array(rows);
  const isPlaced = new Uint8Array(rows);
  let next = 0;
  const put = (row: number) => {
    if (row < 0 || row >= rows || isPlaced[row] === 1) return;
    isPlaced[row] = 1;
    order[next++] = row;
  };
  if (origin !== undefined) put(origin);
  for (const row of receivers) put(row);
  for (let row = 0; row < rows; row++) put(row);
  return order;
}

export interface GridShape {
  readonly columns: number;
  readonly rows: number;
  /** Side of a cell in pixels of the canvas; a fraction where there are more nodes than pixels. */
  readonly cell: number;
}

/** The largest square cells with which all fit in. */
export function gridShape(count: number, width: number, height: number): GridShape {
  if (count === 0 || width < 1 || height < 1) return { columns: 1, rows: 1, cell: 1 };
  let cell = Math.floor(Math.sqrt((width * height) / count));
  while (cell > 1 && Math.floor(width / cell) * Math.floor(height / cell) < count) cell--;
  // Cells of a pixel or two would leave half of the room empty: they are drawn so, and shown a little larger.
  if (cell >= 3 && Math.floor(width / cell) * Math.floor(height / cell) >= count) {
    const columns = Math.floor(width / cell);
    return { columns, rows: Math.ceil(count / columns), cell };
  }
  const columns = Math.ceil(Math.sqrt((count * width) / height));
  const rows = Math.ceil(count / columns);
  return { columns, rows, cell: Math.min(width / columns, height / rows) };
}
