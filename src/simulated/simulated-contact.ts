import { formatContact, hashNumbers, type NodeId } from "../core/index.ts";

/** The contact of a simulated node in a wire-true run: an identity made of its row, and an address of its own. */
export function contactOf(row: number): NodeId {
  const words = [1, 2, 3, 4, 5].map((word) => hashNumbers([row, word]).toString(16).padStart(8, "0"));
  const host = `10.${(row >> 16) & 255}.${(row >> 8) & 255}.${row & 255}`;
  return formatContact(words.join(""), host, 9000);
}
