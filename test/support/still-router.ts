/** A router that stands still, for tests of one store alone: it knows whom it is told of, and finds nobody by itself. */
import {
  compareXor,
  type Key,
  type KeyedNode,
  keyOfName,
  type NodeId,
  type Router,
} from "../../src/core/index.ts";

export const keyedNode = (node: NodeId): KeyedNode => ({ node, key: keyOfName(String(node)) });

export function routerOf(self: NodeId, others: readonly NodeId[], compare = compareXor): Router {
  const nodes = [self, ...others].map(keyedNode);
  return {
    self: keyedNode(self),
    hasJoined: true,
    size: others.length,
    compare,
    replicas: (key: Key, count: number) =>
      nodes.toSorted((a, b) => compare(key, a.key, b.key)).slice(0, count),
    contacts: () => nodes.slice(1),
  };
}
