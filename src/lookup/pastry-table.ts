/**
 * Pastry's routing table R and its neighborhood set M (Rowstron and Druschel 2001, section 2.1).
 *
 *     R[row][digit]   a node whose key shares `row` digits with ours and has `digit` next
 *     M               the nearest nodes by round trip, wherever their keys are
 *
 * Of several nodes that fit a place the nearest by round trip is kept: who measures them decides (pastry.ts).
 * Rows are made when they get their first entry: there are about log N of them, not 40.
 */
import { digitAt, type Key, type KeyedNode, keyBits, sharedDigits } from "../core/index.ts";

export class RoutingTable {
  readonly self: KeyedNode;
  /** b: a digit has so many bits. */
  readonly bits: number;
  /** An entry at our own digit is ourselves and is left out. */
  readonly #rows: (KeyedNode | undefined)[][] = [];
  #size = 0;

  constructor(self: KeyedNode, bits: number) {
    this.self = self;
    this.bits = bits;
  }

  /** Entries. */
  get size(): number {
    return this.#size;
  }
  /** Rows up to the last that has, or has had, an entry. */
  get rows(): number {
    return this.#rows.length;
  }

  /** How many digits a key shares with ours: the row where its node would be. */
  rowOf(key: Key): number {
    return sharedDigits(this.self.key, key, this.bits);
  }

  /** R[row][digit of the key in that row]: the next hop of rule 2. */
  entryFor(key: Key, row = this.rowOf(key)): KeyedNode | undefined {
    const entries = this.#rows[row];
    return entries === undefined ? undefined : entries[digitAt(key, row, this.bits)];
  }

  /** The entry with this very key. */
  get(key: Key): KeyedNode | undefined {
    const entry = this.entryFor(key);
    return entry?.key === key ? entry : undefined;
  }

  at(row: number, digit: number): KeyedNode | undefined {
    return this.#rows[row]?.[digit];
  }

  /** The entries of one row. */
  row(row: number): KeyedNode[] {
    return (this.#rows[row] ?? []).filter((entry) => entry !== undefined);
  }

  all(): KeyedNode[] {
    return this.#rows.flatMap((_, row) => this.row(row));
  }

  forEach(visit: (entry: KeyedNode) => void): void {
    for (const entries of this.#rows) for (const entry of entries) if (entry !== undefined) visit(entry);
  }

  /** Puts a node into its place, whoever was there. Ourselves: nothing. */
  set(node: KeyedNode): void {
    const row = this.rowOf(node.key);
    if (row * this.bits >= keyBits) return;
    while (this.#rows.length <= row) this.#rows.push(new Array(1 << this.bits).fill(undefined));
    const digit = digitAt(node.key, row, this.bits);
    const entries = this.#rows[row]!;
    if (entries[digit] === undefined) this.#size++;
    entries[digit] = node;
  }

  /** Was it in it? Another node in the same place stays. */
  remove(key: Key): boolean {
    if (this.get(key) === undefined) return false;
    const row = this.rowOf(key);
    this.#rows[row]![digitAt(key, row, this.bits)] = undefined;
    this.#size--;
    return true;
  }
}

/** M: few nodes, sorted by how near they were when they were measured. */
export class Neighborhood {
  readonly size: number;
  /** The nearest first. Treat as read-only. */
  readonly nodes: KeyedNode[] = [];
  readonly #distancesMs: number[] = [];

  /** `size` is |M|. */
  constructor(size: number) {
    this.size = size;
  }

  /** A node that has just been measured: it comes in, moves to its new place, or is too far. */
  measured(node: KeyedNode, distanceMs: number): void {
    this.remove(node.key);
    const { nodes } = this;
    let place = nodes.length;
    while (place > 0 && this.#distancesMs[place - 1]! > distanceMs) place--;
    if (place >= this.size) return;
    nodes.splice(place, 0, node);
    this.#distancesMs.splice(place, 0, distanceMs);
    if (nodes.length <= this.size) return;
    nodes.pop();
    this.#distancesMs.pop();
  }

  /** Would a node at that distance come in? */
  wants(distanceMs: number): boolean {
    return this.nodes.length < this.size || distanceMs < (this.#distancesMs.at(-1) ?? 0);
  }

  get(key: Key): KeyedNode | undefined {
    return this.nodes.find((node) => node.key === key);
  }

  remove(key: Key): boolean {
    const place = this.nodes.findIndex((node) => node.key === key);
    if (place < 0) return false;
    this.nodes.splice(place, 1);
    this.#distancesMs.splice(place, 1);
    return true;
  }
}
