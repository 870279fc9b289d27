/** Finds nodes by name, id or port. */
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";

/** The best matches first: whose name it is, then whose name, port or id begins so, then whoever has it in the name. */
export function searchNodes({ nodes }: NetworkPicture, text: string, limit: number): PicturedNode[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const found: PicturedNode[][] = [[], [], []];
  for (const node of nodes.values()) {
    const rank = rankOf(node, wanted);
    if (rank !== undefined && found[rank]!.length < limit) found[rank]!.push(node);
  }
  return found.flat().slice(0, limit);
}

/** The node that a link in the page means. */
export function nodeCalled(picture: NetworkPicture, name: string): PicturedNode | undefined {
  for (const node of picture.nodes.values()) if (node.name === name) return node;
  return searchNodes(picture, name, 1).find(({ id }) => String(id) === name);
}

function rankOf({ id, name }: PicturedNode, wanted: string): 0 | 1 | 2 | undefined {
  const called = name.toLowerCase();
  const written = String(id).toLowerCase();
  const port = /:(\d+)$/.exec(written)?.[1];
  if (called === wanted || written === wanted || port === wanted) return 0;
  if (called.startsWith(wanted) || written.startsWith(wanted) || port?.startsWith(wanted)) return 1;
  return called.includes(wanted) ? 2 : undefined;
}
