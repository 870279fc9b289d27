/**
 * Where a message for a key goes next: Pastry's three rules (Rowstron and Druschel 2001, section 2.3, table 1), with the
 * progress that each of them must make.
 *
 *     1  the key is within the leaf set      the numerically closest of the leaves and us; deliver if that is us
 *     2  R[row][digit] has a node            that one: it shares a digit more
 *     3  else, of L, R and M                 one that shares as many digits and is numerically closer
 *        nobody                              deliver
 *
 * Why it cannot loop, whatever the tables say: a route has two phases. In the first each hop shares more digits with the
 * key, or as many and is numerically closer. Rule 1 begins the second, and that is written on the message: from then on
 * each hop is numerically closer. Both orders are finite, so a node is met at most once in each phase. (Rule 1 may lead to
 * a node that shares fewer digits: 0x7ff… is next to 0x800…. Without the mark that node could send it back by rule 2.)
 *
 * Deviation: where the leaf set of the numerically closest node we know of is damaged, the second phase takes anybody
 * known who is closer, not only leaves; and where rule 3 finds nobody, we try that before we deliver.
 */
import {
  compareAround,
  distanceAround,
  type Key,
  type KeyedNode,
  type Random,
  sharedDigits,
} from "../core/index.ts";
import type { LeafSet } from "./pastry-leaf-set.ts";
import type { Neighborhood, RoutingTable } from "./pastry-table.ts";

/** What a node knows. */
export interface RoutingState {
  readonly self: KeyedNode;
  readonly leaves: LeafSet;
  readonly table: RoutingTable;
  readonly neighborhood: Neighborhood;
}

export interface RoutingQuestion {
  readonly key: Key;
  /** Has rule 1 applied before on this route? */
  readonly isNear: boolean;
  /** False for suspects, for nodes that were tried already, and for whoever must not be told. */
  isUsable(node: KeyedNode): boolean;
  /** Given: any hop that makes progress may be chosen, the better the likelier. For a route that was lost before. */
  readonly random?: Random | undefined;
}

export interface NextHop {
  /** Ourselves: deliver here. */
  readonly node: KeyedNode;
  /** For the next one. */
  readonly isNear: boolean;
  /** 1, 2, 3; 0: nobody but us, though our leaf set does not cover the key. */
  readonly rule: 0 | 1 | 2 | 3;
}

/** A way of choosing the next hop; the protocol's own is `nextHop`. */
export type RoutingRule = (state: RoutingState, question: RoutingQuestion) => NextHop;

export const nextHop: RoutingRule = (state, question) => {
  const { self, leaves, table } = state;
  const { key, isUsable, random } = question;
  // Rule 1.
  if (question.isNear || leaves.covers(key)) {
    // The leaf set is certain about the arc that it covers, unless it seems to be the whole ring and is only damaged.
    const isCertain = !leaves.isWhole && leaves.covers(key);
    const node = isCertain ? leaves.closest(key, isUsable) : closestOf(state, question);
    return { node, isNear: true, rule: 1 };
  }
  const row = table.rowOf(key);
  if (random === undefined) {
    // Rule 2.
    const entry = table.entryFor(key, row);
    if (entry !== undefined && isUsable(entry)) return { node: entry, isNear: false, rule: 2 };
  }
  // Rule 3, or any of the three for a route that may not go where it got lost.
  const better = candidates(state, question, row);
  if (better.length > 0) {
    better.sort((a, b) => compareProgress(key, a, b, table.bits));
    const node = better[random === undefined ? 0 : biased(better.length, random)]!;
    const isRule2 = sharedDigits(node.key, key, table.bits) > row;
    return { node, isNear: false, rule: isRule2 && random !== undefined ? 2 : 3 };
  }
  const node = closestOf(state, question);
  return { node, isNear: true, rule: node === self ? 0 : 1 };
};

/** Negative if `a` has come farther towards the key than `b`: more digits shared, or numerically closer. */
export function compareProgress(key: Key, a: KeyedNode, b: KeyedNode, bits: number): number {
  const digits = sharedDigits(b.key, key, bits) - sharedDigits(a.key, key, bits);
  return digits === 0 ? compareAround(key, a.key, b.key) : digits;
}

/** All known nodes that have come farther than we have. */
function candidates(state: RoutingState, { key, isUsable }: RoutingQuestion, row: number): KeyedNode[] {
  const { self, table } = state;
  const found = new Map<Key, KeyedNode>();
  eachKnown(state, (node) => {
    const shared = sharedDigits(node.key, key, table.bits);
    if (shared < row || (shared === row && compareAround(key, node.key, self.key) >= 0)) return;
    if (isUsable(node)) found.set(node.key, node);
  });
  return [...found.values()];
}

/** The numerically closest that we know, ourselves included. */
function closestOf(state: RoutingState, { key, isUsable }: RoutingQuestion): KeyedNode {
  let best = state.self;
  eachKnown(state, (node) => {
    if (compareAround(key, node.key, best.key) < 0 && isUsable(node)) best = node;
  });
  return best;
}

function eachKnown({ leaves, table, neighborhood }: RoutingState, visit: (node: KeyedNode) => void): void {
  leaves.above.forEach(visit);
  leaves.below.forEach(visit);
  table.forEach(visit);
  neighborhood.nodes.forEach(visit);
}

/** An index below `count`: the first in half of all cases, the second in a quarter, … */
function biased(count: number, random: Random): number {
  const index = Math.clz32(random.uint32());
  return index < count ? index : random.below(count);
}

/**
 * What each hop of a route must make smaller, as texts that compare like it: the phase, then the digits that are left
 * (first phase only), then the numerical distance. For tests and for whoever wants to see it.
 */
export function remaining(key: Key, node: KeyedNode, isNear: boolean, bits: number): string {
  const distance = distanceAround(key, node.key).toString(16).padStart(40, "0");
  const digits = isNear ? 0 : 999 - sharedDigits(node.key, key, bits);
  return `${isNear ? 0 : 1}/${String(digits).padStart(3, "0")}/${distance}/${node.key}`;
}
