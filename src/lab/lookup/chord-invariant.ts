/**
 * The invariant of a Chord ring (Zave 2017, sections 4 and 5: necessary and sufficient), over all its members at once:
 *
 *     one live successor       every member has a member in its successor list
 *     sufficient principals    at least L + 1 members are principal: nobody skips them, who has both a node before and a
 *                              node behind them next to each other in [itself, its list…]
 *
 * It is to hold after every step, as long as no more fail at once than may (`canLose`). It holds no sooner than L + 1
 * members have been principal together: before that the ring is too small for any promise, and the checker says nothing.
 * Nor does it hold for networks that were cut in two; `reset` forgets that it ever did.
 *
 * When all is calm, more is to be true: all lists and predecessors are exact (`faultsWhenCalm`).
 *
 *     invariant.update(chord)       when its pointers changed (its notice `ring-changed`): microseconds
 *     invariant.remove(key)         when a node is gone: all lists are looked through
 *     invariant.fault               undefined as long as it holds
 */
import { isBetween, type Key, type KeyedNode } from "../../core/index.ts";

/** What is looked at: `Chord` is one. */
export interface RingMember {
  readonly self: KeyedNode;
  readonly predecessor: KeyedNode | undefined;
  /** Empty: not a member. */
  readonly successors: readonly KeyedNode[];
}

interface Member {
  readonly node: KeyedNode;
  predecessor: Key | undefined;
  list: readonly Key[];
  /** Entries of the list that are members. */
  live: number;
  /** By so many pairs of neighbors in lists it is skipped. */
  skips: number;
}

export class ChordInvariant {
  readonly length: number;
  readonly #members = new Map<Key, Member>();
  /** The keys of all members, going up. */
  #sorted: Key[] = [];
  #principals = 0;
  /** Members without a member in their list. */
  #homeless = 0;
  #isArmed = false;

  /** `length`: L, how long successor lists are. */
  constructor(length: number) {
    this.length = length;
  }

  get members(): number {
    return this.#members.size;
  }
  get principals(): number {
    return this.#principals;
  }
  /** Has it held, so that it must hold from now on? */
  get isArmed(): boolean {
    return this.#isArmed;
  }

  /** What is wrong; undefined: nothing. */
  get fault(): string | undefined {
    if (!this.#isArmed) return undefined;
    if (this.#homeless > 0) {
      const [homeless] = [...this.#members.values()].filter(({ live }) => live === 0);
      return `node ${homeless!.node.node} has no living successor`;
    }
    const wanted = this.length + 1;
    if (this.#principals < wanted)
      return `${this.#principals} of ${this.members} members are principal, fewer than ${wanted}`;
    return undefined;
  }

  /** After a partition, or when more failed than may. */
  reset(): void {
    this.#isArmed = false;
    this.#arm();
  }

  /** This node's pointers may have changed: it may have joined, or left. */
  update({ self, predecessor, successors }: RingMember): void {
    if (successors.length === 0) return this.remove(self.key);
    let member = this.#members.get(self.key);
    if (member === undefined) member = this.#add(self);
    else this.#countSkips(member, -1);
    this.#note(member, () => {
      member.predecessor = predecessor?.key;
      member.list = successors.map(({ key }) => key);
      member.live = member.list.reduce((live, key) => live + (this.#members.has(key) ? 1 : 0), 0);
    });
    this.#countSkips(member, 1);
    this.#arm();
  }

  remove(key: Key): void {
    const member = this.#members.get(key);
    if (member === undefined) return;
    this.#countSkips(member, -1);
    if (member.skips === 0) this.#principals--;
    if (member.live === 0) this.#homeless--;
    this.#members.delete(key);
    this.#sorted.splice(this.#placeFrom(key), 1);
    this.#countLive(key, -1);
  }

  /** Would it hold still if this member were gone now? Fault campaigns kill only such. */
  canLose(key: Key): boolean {
    const member = this.#members.get(key);
    if (member === undefined) return true;
    if (this.#principals - (member.skips === 0 ? 1 : 0) < this.length + 1) return false;
    for (const other of this.#members.values())
      if (other !== member && other.live === 1 && other.list.includes(key)) return false;
    return true;
  }

  /** Pointers that are not what they should be, at most `max` of them. */
  faultsWhenCalm(max = 10): string[] {
    const faults: string[] = [];
    const size = this.#sorted.length;
    const name = (key: Key | undefined) =>
      key === undefined ? "nobody" : `${this.#members.get(key)?.node.node ?? key}`;
    this.#sorted.forEach((key, place) => {
      const { node, predecessor, list } = this.#members.get(key)!;
      const before = this.#sorted[(place + size - 1) % size];
      if (size > 1 && predecessor !== before)
        faults.push(`the predecessor of ${node.node} is ${name(before)}, not ${name(predecessor)}`);
      const exact = Math.min(this.length, size - 1);
      for (let i = 0; i < Math.max(exact, list.length); i++) {
        const expected = i < exact ? this.#sorted[(place + 1 + i) % size] : undefined;
        if (list[i] === expected) continue;
        faults.push(`successor ${i + 1} of ${node.node} is ${name(expected)}, not ${name(list[i])}`);
        break;
      }
    });
    return faults.slice(0, max);
  }

  // ---- Counting ----------------------------------------------------------------------------------------------------

  #arm(): void {
    if (!this.#isArmed && this.#homeless === 0) this.#isArmed = this.#principals > this.length;
  }

  #add(node: KeyedNode): Member {
    const { key } = node;
    const member: Member = { node, predecessor: undefined, list: [], live: 0, skips: 0 };
    for (const other of this.#members.values())
      forPairs(other, (from, to) => {
        if (isBetween(from, key, to)) member.skips++;
      });
    this.#sorted.splice(this.#placeFrom(key), 0, key);
    this.#members.set(key, member);
    if (member.skips === 0) this.#principals++;
    this.#homeless++;
    this.#countLive(key, 1);
    return member;
  }

  /** A node came or went that others may have in their lists. */
  #countLive(key: Key, by: 1 | -1): void {
    for (const other of this.#members.values())
      if (other.list.includes(key))
        this.#note(other, () => {
          other.live += by;
        });
  }

  #note(member: Member, change: () => void): void {
    if (member.live === 0) this.#homeless--;
    change();
    if (member.live === 0) this.#homeless++;
  }

  #countSkips(member: Member, by: 1 | -1): void {
    forPairs(member, (from, to) => {
      const size = this.#sorted.length;
      let place = this.#placeFrom(from);
      if (this.#sorted[place] === from) place++;
      for (let i = 0; i < size; i++) {
        const key = this.#sorted[(place + i) % size]!;
        if (!isBetween(from, key, to)) return;
        const skipped = this.#members.get(key)!;
        if (skipped.skips === 0) this.#principals--;
        skipped.skips += by;
        if (skipped.skips === 0) this.#principals++;
      }
    });
  }

  /** The first place whose key is not below this one. */
  #placeFrom(key: Key): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function forPairs({ node, list }: Member, call: (from: Key, to: Key) => void): void {
  let from = node.key;
  for (const to of list) {
    call(from, to);
    from = to;
  }
}
