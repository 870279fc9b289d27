/**
 * Where the nodes of a simulated network lie in the id space, and which of them are really nearest to a key: the truth
 * that lookups are held against.
 */
import {
  bitAt,
  compareAround,
  compareUp,
  compareXor,
  formatContact,
  hashNumbers,
  type Key,
  type KeyedNode,
  keyBits,
  keyedNode,
  type NodeId,
} from "../../core/index.ts";

/** Negative if `a` is more responsible for `key` than `b`: the `compare` of a router. */
export type Responsibility = (key: Key, a: Key, b: Key) => number;

export interface KeySpaceConfig {
  readonly seed: number;
  readonly rows: number;
  /** Default: hashed from seed and row. */
  readonly keyOf?: ((row: number) => Key) | undefined;
  /** The keys rise with the rows. What lies next to what has nothing to do with keys then but in `keyOf`. */
  readonly isSortedByRow?: boolean | undefined;
  /** Nodes are called by contacts, whose identities are the keys, as on the wire; default: by their rows. */
  readonly hasContacts?: boolean | undefined;
}

export class KeySpace {
  /** By row. One object for each node: tables hold references to it. */
  readonly nodes: readonly KeyedNode[];
  readonly #rowsById: Map<NodeId, number> | undefined;
  #sorted: readonly KeyedNode[] | undefined;
  #ranks: Int32Array | undefined;

  /** A list of nodes is taken as it is: the same objects. */
  constructor(config: KeySpaceConfig | readonly KeyedNode[]) {
    if ("length" in config) {
      this.nodes = config;
      if (config.some(({ node }, row) => node !== row))
        this.#rowsById = new Map(config.map(({ node }, row) => [node, row]));
      return;
    }
    const { seed, rows, keyOf, isSortedByRow = false, hasContacts = false } = config;
    const keys = Array.from({ length: rows }, (_, row) => keyOf?.(row) ?? hashedKey(seed, row));
    if (isSortedByRow) keys.sort();
    this.nodes = keys.map((key, row) => ({ node: hasContacts ? contactOfKey(key, row) : row, key }));
    if (hasContacts) this.#rowsById = new Map(this.nodes.map(({ node }, row) => [node, row]));
    if (isSortedByRow) this.#sorted = this.nodes;
  }

  /** What protocols are given. A contact that nobody has (a liar may name one) is taken at its word. */
  readonly keyedNode = (node: NodeId): KeyedNode => {
    const row = this.rowOf(node);
    return row === undefined ? keyedNode(node) : this.nodes[row]!;
  };

  rowOf(node: NodeId): number | undefined {
    if (this.#rowsById !== undefined) return this.#rowsById.get(node);
    return this.nodes[node as number] === undefined ? undefined : (node as number);
  }

  /** The first so many rows by themselves, as those of a network before others join. */
  first(rows: number): KeySpace {
    return new KeySpace(this.nodes.slice(0, rows));
  }

  /** All nodes, living or not, by key. Sorted when it is first asked for. */
  get sorted(): readonly KeyedNode[] {
    this.#sorted ??= this.nodes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    return this.#sorted;
  }

  /** The place of a row's node in `sorted`. */
  rankOf(row: number): number {
    if (this.#ranks === undefined) {
      const ranks = new Int32Array(this.nodes.length);
      this.sorted.forEach(({ node }, rank) => {
        ranks[this.rowOf(node)!] = rank;
      });
      this.#ranks = ranks;
    }
    return this.#ranks[row]!;
  }

  /**
   * The `count` most responsible of the nodes that `accept` holds for, the first first. The three orders of
   * `core/keys.ts` are followed through the sorted keys and take microseconds in a million nodes; any other compares
   * everybody.
   */
  nearest(
    key: Key,
    count: number,
    order: Responsibility,
    accept: (node: KeyedNode) => boolean = () => true,
  ): KeyedNode[] {
    const nodes = this.#inOrder(key, order);
    const found: KeyedNode[] = [];
    for (const node of nodes) {
      if (found.length >= count) break;
      if (accept(node)) found.push(node);
    }
    return found;
  }

  #inOrder(key: Key, order: Responsibility): Iterable<KeyedNode> {
    if (order === compareUp) return this.#up(key);
    if (order === compareAround) return this.#around(key);
    if (order === compareXor) return this.#byXor(key, 0, this.sorted.length, 0);
    return this.nodes.toSorted((a, b) => order(key, a.key, b.key));
  }

  *#up(key: Key): Generator<KeyedNode> {
    const { sorted } = this;
    const first = this.#firstFrom(key, 0, sorted.length);
    for (let i = 0; i < sorted.length; i++) yield sorted[(first + i) % sorted.length]!;
  }

  *#around(key: Key): Generator<KeyedNode> {
    const { sorted } = this;
    const size = sorted.length;
    let up = this.#firstFrom(key, 0, size);
    let down = up - 1;
    for (let taken = 0; taken < size; taken++) {
      const above = sorted[up % size]!;
      const below = sorted[(down + size) % size]!;
      if (compareAround(key, above.key, below.key) <= 0) {
        up++;
        yield above;
      } else {
        down--;
        yield below;
      }
    }
  }

  /** Those from `low` to below `high` share their first `bit` bits: first the half that shares one more with the key. */
  *#byXor(key: Key, low: number, high: number, bit: number): Generator<KeyedNode> {
    if (low >= high) return;
    if (high - low === 1 || bit === keyBits) {
      yield this.sorted[low]!;
      return;
    }
    const middle = this.#firstWithBit(bit, low, high);
    if (bitAt(key, bit) === 0) {
      yield* this.#byXor(key, low, middle, bit + 1);
      yield* this.#byXor(key, middle, high, bit + 1);
    } else {
      yield* this.#byXor(key, middle, high, bit + 1);
      yield* this.#byXor(key, low, middle, bit + 1);
    }
  }

  /** The first place from `low` whose key is not below `key`; `high` if there is none. */
  #firstFrom(key: Key, low: number, high: number): number {
    return firstThat(low, high, (place) => this.sorted[place]!.key >= key);
  }

  #firstWithBit(bit: number, low: number, high: number): number {
    return firstThat(low, high, (place) => bitAt(this.sorted[place]!.key, bit) === 1);
  }
}

/** The first place from `low` that it holds for; it holds for all behind that, too. */
function firstThat(low: number, high: number, holds: (place: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function hashedKey(seed: number, row: number): Key {
  let key = "";
  for (let word = 1; word <= keyBits / 32; word++)
    key += hashNumbers([seed, row, word]).toString(16).padStart(8, "0");
  return key;
}

/** An address of its own for each: defences look at hosts. */
function contactOfKey(key: Key, row: number): NodeId {
  return formatContact(key, `10.${(row >> 16) & 255}.${(row >> 8) & 255}.${row & 255}`, 9000);
}
