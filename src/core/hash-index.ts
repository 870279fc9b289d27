/**
 * Finds things in a list of the caller's by their hash: a table of (hash, place) in one flat array, open addressing
 * with linear probing. A `Map` of the same things takes two to three times as much, which counts where one process holds
 * such tables for ten thousand nodes.
 *
 * The hash is any 32 bits, signed or not. Things with equal hashes are told apart by the caller.
 */
export class HashIndex {
  /** hash, place + 1 and so on; a place of 0 is an empty cell. Never more than three quarters full. */
  #cells = new Int32Array(2 * firstCells);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The place under that hash for which `isIt` holds; -1 if there is none. */
  find(hash: number, isIt: (place: number) => boolean): number {
    const cells = this.#cells;
    const signed = hash | 0;
    const mask = cells.length - 2;
    for (let cell = (signed << 1) & mask; ; cell = (cell + 2) & mask) {
      const place = cells[cell + 1]! - 1;
      if (place < 0) return -1;
      if (cells[cell] === signed && isIt(place)) return place;
    }
  }

  /** A place that is not in the index. */
  add(hash: number, place: number): void {
    if (2 * ++this.#size > 0.75 * this.#cells.length) this.#grow();
    this.#insert(hash | 0, place);
  }

  /** What was at `from` is at `to` now. */
  move(hash: number, from: number, to: number): void {
    const cell = this.#cellOf(hash, from);
    if (cell >= 0) this.#cells[cell + 1] = to + 1;
  }

  delete(hash: number, place: number): void {
    const cells = this.#cells;
    const mask = cells.length - 2;
    let gap = this.#cellOf(hash, place);
    if (gap < 0) return;
    this.#size--;
    // Those behind the gap move up, unless that would put them before the cell where their search begins.
    for (let next = (gap + 2) & mask; cells[next + 1] !== 0; next = (next + 2) & mask) {
      const wanted = (cells[next]! << 1) & mask;
      if (((next - wanted) & mask) < ((next - gap) & mask)) continue;
      cells[gap] = cells[next]!;
      cells[gap + 1] = cells[next + 1]!;
      gap = next;
    }
    cells[gap + 1] = 0;
  }

  #cellOf(hash: number, place: number): number {
    const cells = this.#cells;
    const mask = cells.length - 2;
    for (let cell = (hash << 1) & mask; cells[cell + 1] !== 0; cell = (cell + 2) & mask)
      if (cells[cell + 1] === place + 1) return cell;
    return -1;
  }

  #insert(hash: number, place: number): void {
    const cells = this.#cells;
    const mask = cells.length - 2;
    let cell = (hash << 1) & mask;
    while (cells[cell + 1] !== 0) cell = (cell + 2) & mask;
    cells[cell] = hash;
    cells[cell + 1] = place + 1;
  }

  #grow(): void {
    const old = this.#cells;
    this.#cells = new Int32Array(2 * old.length);
    for (let cell = 0; cell < old.length; cell += 2)
      if (old[cell + 1] !== 0) this.#insert(old[cell]!, old[cell + 1]! - 1);
  }
}

const firstCells = 8;
