/**
 * One copy of each text for all nodes of the process. A thousand nodes that know each other would otherwise keep a million
 * names of a thousand nodes, each in its own memory.
 */
import { type KeyedNode, keyedNode, type NodeId } from "../core/index.ts";

/** More are rare; then all are forgotten, and whoever keeps one keeps his copy. */
const maxTexts = 65_536;

const texts = new Map<string, string>();

/** The same text, and the same object for everybody who asks for it. */
export function shared(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= maxTexts) texts.clear();
  // A piece of a longer text would keep that one.
  const own = Buffer.from(text, "utf8").toString("utf8");
  texts.set(own, own);
  return own;
}

const keyedNodes = new Map<NodeId, KeyedNode>();

/** `keyedNode`, with one object for each contact. */
export function sharedKeyedNode(node: NodeId): KeyedNode {
  const known = keyedNodes.get(node);
  if (known !== undefined) return known;
  if (keyedNodes.size >= maxTexts) keyedNodes.clear();
  const { key } = keyedNode(node);
  const own = typeof node === "string" ? shared(node) : node;
  const keyed = { node: own, key: shared(key) };
  keyedNodes.set(own, keyed);
  return keyed;
}
