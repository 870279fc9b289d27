/** What the table of nodes says, in which order. */
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";
import { compare } from "../../drawing/layout.ts";
import type { Standing } from "./appearance.ts";

export interface NodeRow {
  readonly node: PicturedNode;
  readonly name: string;
  readonly role: string;
  readonly state: string;
  /** Towards the message that is shown. */
  readonly message: string;
  readonly degree: number;
  readonly delivered: number;
  /** By how many. */
  readonly suspected: number;
  readonly since: number;
}

export interface Column {
  readonly by: Exclude<keyof NodeRow, "node">;
  readonly name: string;
  readonly isNumber?: boolean;
}

export const columns: readonly Column[] = [
  { by: "name", name: "Name" },
  { by: "role", name: "Role" },
  { by: "state", name: "State" },
  { by: "message", name: "Message" },
  { by: "degree", name: "Links", isNumber: true },
  { by: "delivered", name: "Delivered", isNumber: true },
  { by: "suspected", name: "Suspected by", isNumber: true },
  { by: "since", name: "Since", isNumber: true },
];

export interface Sorting {
  readonly by: Column["by"];
  readonly descending: boolean;
}

export function sortedRows(
  { nodes }: NetworkPicture,
  standingOf: (node: PicturedNode) => Standing,
  { by, descending }: Sorting,
): NodeRow[] {
  const rows: NodeRow[] = [];
  for (const node of nodes.values()) {
    const { name, role, state, delivered, since } = node;
    const [degree, suspected] = [node.neighbors.size, node.suspectedBy.size];
    rows.push({
      node,
      name,
      role,
      state,
      message: standingOf(node) ?? "",
      degree,
      delivered,
      suspected,
      since,
    });
  }
  const sign = descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [one, other] = [a[by], b[by]];
    const order = typeof one === "number" ? one - (other as number) : compare(String(one), String(other));
    // Whoever is equal stays in the order of names, whichever way.
    return sign * order || compare(a.name, b.name);
  });
}
