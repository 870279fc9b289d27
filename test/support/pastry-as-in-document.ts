/**
 * Pastry's routing as the first document writes it down: where the table has no node for the next digit, a random column
 * of the same row, and then a random leaf. Nothing says that such a hop leads anywhere nearer.
 *
 *     if self.route_table[row][col]: ...
 *     elif self.route_table[row][random_column()]: ...
 *     else: self.neighbors[random_neighbor()].find_target(target_key)
 *
 * Its "target_key in self.neighbors" is read as in the paper, the key lies within the leaf set: otherwise only keys that
 * are themselves nodes would ever be found.
 */
import { type KeyedNode, pick, type Random } from "../../src/core/index.ts";
import type { RoutingRule } from "../../src/lookup/pastry-routing.ts";

export function routeAsInDocument(random: Random): RoutingRule {
  return ({ self, leaves, table }, { key, isUsable }) => {
    const deliver = { node: self, isNear: false, rule: 0 } as const;
    if (leaves.covers(key)) return { node: leaves.closest(key, isUsable), isNear: false, rule: 1 };
    const row = table.rowOf(key);
    const entry = table.entryFor(key, row);
    if (entry !== undefined && isUsable(entry)) return { node: entry, isNear: false, rule: 2 };
    const anybody = (nodes: readonly KeyedNode[]) => {
      const usable = nodes.filter(isUsable);
      return usable.length === 0 ? undefined : pick(usable, random);
    };
    const next = anybody(table.row(row)) ?? anybody(leaves.all());
    return next === undefined ? deliver : { node: next, isNear: false, rule: 3 };
  };
}
