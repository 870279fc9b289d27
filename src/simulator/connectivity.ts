import { type Random, UsageError } from "../core/index.ts";

/**
 * Who can reach whom: partitions, which hold both ways, and cuts, which hold one way.
 *
 * Each node is in one group, and a message passes within a group only. On top of that, any number of cuts: what
 * these nodes say does not arrive at those. A new partition replaces the one before; cuts add up until `heal`.
 *
 * A cut of many nodes is kept as two sets, and each message is held against each such cut: a few dozen are cheap.
 * Cuts between single nodes are looked up by pair, however many there are.
 */
export class Connectivity {
  readonly rows: number;
  /** Called after each change: whoever holds messages back looks whether they pass now. */
  onChange: (() => void) | undefined;
  #isCutting = false;
  #isPartitioned = false;
  readonly #groupOf: Int32Array;
  /** Pairs that are cut, as from * rows + to. */
  readonly #pairs = new Set<number>();
  readonly #cuts: { readonly from: ReadonlySet<number>; readonly to: ReadonlySet<number> }[] = [];

  constructor(rows: number) {
    this.rows = rows;
    this.#groupOf = new Int32Array(rows);
  }

  /** False as long as there is neither partition nor cut: then everything passes. */
  get isCutting(): boolean {
    return this.#isCutting;
  }

  groupOf(row: number): number {
    return this.#groupOf[row]!;
  }

  /**
   * Splits the nodes into these groups; whoever is in none is in the first. Throws `UsageError`, before anything has
   * changed, if a row is in two groups or there is no such row.
   */
  partition(groups: readonly (readonly number[])[]): void {
    const seen = new Set<number>();
    for (const group of groups) {
      for (const row of group) {
        this.#checkRow("groups", row);
        if (seen.has(row)) throw new UsageError(`groups: the row ${row} is in two groups`);
        seen.add(row);
      }
    }
    this.#groupOf.fill(0);
    groups.forEach((group, number) => {
      for (const row of group) this.#groupOf[row] = number;
    });
    this.#isPartitioned = groups.length > 1;
    this.#look();
  }

  /**
   * Splits off a share of the nodes, chosen at random: as many as the share says, rounded, but at least one on either
   * side. One draw per node, in the order of rows. Throws `UsageError` unless 0 < share < 1.
   */
  partitionAtRandom(share: number, random: Random): void {
    if (!(share > 0 && share < 1)) throw new UsageError(`share: ${share} is not between 0 and 1`);
    // Knuth 1969, vol. 2, 3.4.2, algorithm S: each node with the probability of wanted among remaining.
    let wanted = Math.max(1, Math.min(this.rows - 1, Math.floor(share * this.rows + 0.5)));
    for (let row = 0; row < this.rows; row++) {
      const isChosen = random.below(this.rows - row) < wanted;
      this.#groupOf[row] = isChosen ? 1 : 0;
      if (isChosen) wanted--;
    }
    this.#isPartitioned = true;
    this.#look();
  }

  /** Cuts all zones from each other. */
  partitionByZone(zoneOf: (row: number) => number): void {
    for (let row = 0; row < this.rows; row++) this.#groupOf[row] = zoneOf(row);
    this.#isPartitioned = true;
    this.#look();
  }

  /**
   * One way: what `from` says does not arrive at `to`; the answers do. Throws `UsageError`, before anything has
   * changed, if there is no such row.
   */
  cut(from: number | readonly number[], to: number | readonly number[]): void {
    const sources = typeof from === "number" ? [from] : from;
    const targets = typeof to === "number" ? [to] : to;
    for (const row of sources) this.#checkRow("from", row);
    for (const row of targets) this.#checkRow("to", row);
    if (sources.length === 0 || targets.length === 0) return;
    if (sources.length === 1 && targets.length === 1) this.#pairs.add(sources[0]! * this.rows + targets[0]!);
    else this.#cuts.push({ from: new Set(sources), to: new Set(targets) });
    this.#look();
  }

  /** Ends all partitions and cuts. */
  heal(): void {
    this.#groupOf.fill(0);
    this.#isPartitioned = false;
    this.#pairs.clear();
    this.#cuts.length = 0;
    this.#look();
  }

  passes(from: number, to: number): boolean {
    if (!this.#isCutting) return true;
    if (this.#groupOf[from] !== this.#groupOf[to]) return false;
    if (this.#pairs.size > 0 && this.#pairs.has(from * this.rows + to)) return false;
    return !this.#cuts.some((cut) => cut.from.has(from) && cut.to.has(to));
  }

  #look(): void {
    this.#isCutting = this.#isPartitioned || this.#pairs.size > 0 || this.#cuts.length > 0;
    this.onChange?.();
  }

  #checkRow(option: string, row: number): void {
    if (Number.isInteger(row) && row >= 0 && row < this.rows) return;
    throw new UsageError(`${option}: ${row} is not a row from 0 to ${this.rows - 1}`);
  }
}
