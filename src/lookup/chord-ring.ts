/**
 * What a Chord node knows of the ring, and the steps that change it: the operations of Zave 2017 (section 3), each of
 * which takes what *one* other node has just answered. Who is asked, when, and what becomes of those who do not answer
 * is in chord.ts.
 *
 *     join        the successor list of the node that precedes us, adopted whole
 *     adopt       a successor's list behind that successor: stabilise, with the successor or with its predecessor
 *     drop        a successor that is dead
 *     rectify     a new predecessor
 *
 * Always true: the list goes up the ring from us, has nobody twice, nobody beyond us and not us, and at most `length`
 * entries. Empty: we are on no ring.
 */
import { isBetween, type Key, type KeyedNode } from "../core/index.ts";

const nobody: readonly KeyedNode[] = [];

export interface RingPointers {
  readonly predecessor: KeyedNode | undefined;
  readonly successors: readonly KeyedNode[];
}

export class ChordRing implements RingPointers {
  readonly self: KeyedNode;
  readonly length: number;
  #predecessor: KeyedNode | undefined;
  #successors: readonly KeyedNode[];

  constructor(self: KeyedNode, length: number, pointers?: RingPointers) {
    this.self = self;
    this.length = length;
    this.#predecessor = pointers?.predecessor;
    this.#successors = pointers?.successors ?? nobody;
  }

  /** May be dead: it is kept until somebody nearer, or alive, presents itself. */
  get predecessor(): KeyedNode | undefined {
    return this.#predecessor;
  }
  /** The nearest first. */
  get successors(): readonly KeyedNode[] {
    return this.#successors;
  }
  /** The list's head. */
  get successor(): KeyedNode | undefined {
    return this.#successors[0];
  }
  get isMember(): boolean {
    return this.#successors.length > 0;
  }

  /**
   * Join: `before` precedes us, as far as it knows, and this is its list. False, and nothing has changed, if that has
   * become wrong meanwhile.
   */
  join(before: KeyedNode, list: readonly KeyedNode[]): boolean {
    // It may still have us from an earlier life.
    const others = list.filter(({ key }) => key !== this.self.key);
    const next = others[0] ?? before;
    if (before.key !== next.key && !isBetween(before.key, this.self.key, next.key)) return false;
    this.#successors = this.#listFrom([next, ...others.slice(1)]);
    this.#predecessor = undefined;
    return true;
  }

  /** Two that were on no ring make one. */
  found(other: KeyedNode, isItPredecessor: boolean): void {
    this.#successors = [other];
    this.#predecessor = isItPredecessor ? other : undefined;
  }

  /** Stabilise: `next` answered, and follows us before all others that we know to be alive; this is its list. */
  adopt(next: KeyedNode, list: readonly KeyedNode[]): void {
    this.#successors = this.#listFrom([next, ...list]);
  }

  /** Does it lie between us and our successor? */
  isNearer(node: KeyedNode): boolean {
    const { successor } = this;
    return successor !== undefined && isBetween(this.self.key, node.key, successor.key);
  }

  drop(key: Key): void {
    this.#successors = this.#successors.filter((node) => node.key !== key);
  }

  /** Would it be a predecessor nearer to us than the one that we have? */
  isBetterPredecessor({ key }: KeyedNode): boolean {
    return (
      this.#predecessor === undefined ||
      key === this.#predecessor.key ||
      isBetween(this.#predecessor.key, key, this.self.key)
    );
  }

  rectify(predecessor: KeyedNode): void {
    this.#predecessor = predecessor;
  }

  /** We are on no ring any more. */
  leave(): void {
    this.#successors = nobody;
    this.#predecessor = undefined;
  }

  /** As long as each goes on from the one before, and does not come round to us; others have nothing to say behind. */
  #listFrom(nodes: readonly KeyedNode[]): KeyedNode[] {
    const list: KeyedNode[] = [];
    let last = this.self.key;
    for (const node of nodes) {
      if (list.length >= this.length || !isBetween(last, node.key, this.self.key)) break;
      list.push(node);
      last = node.key;
    }
    return list;
  }
}
