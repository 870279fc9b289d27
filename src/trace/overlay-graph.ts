/** The overlay of a picture as a graph: what measures and models of it begin with. */
import type { NetworkPicture, PicturedNode } from "./picture.ts";

export interface OverlayGraph {
  /** The register's row of each node of the graph. */
  readonly rows: readonly number[];
  /** Neighbors by place in `rows`; every link is known to both ends. */
  readonly adjacency: readonly (readonly number[])[];
}

/** Peers that live; a process that hangs still holds its links. Seeds only introduce. */
export function isLivingPeer({ role, state }: PicturedNode): boolean {
  return role !== "seed" && (state === "alive" || state === "paused");
}

/** All living peers and the links between them, those too that only one end has noticed so far. */
export function overlayGraph(picture: NetworkPicture): OverlayGraph {
  const rows: number[] = [];
  const places = new Map<number, number>();
  for (const node of picture.nodes.values()) {
    if (!isLivingPeer(node)) continue;
    places.set(node.row, rows.length);
    rows.push(node.row);
  }
  const adjacency: number[][] = rows.map(() => []);
  for (const [a, b] of picture.links()) {
    const first = places.get(a);
    const second = places.get(b);
    if (first === undefined || second === undefined) continue;
    adjacency[first]!.push(second);
    adjacency[second]!.push(first);
  }
  return { rows, adjacency };
}

/** Links of the shortest way from one node to each; -1 where there is none. */
export function hopsFrom(adjacency: OverlayGraph["adjacency"], from: number): Int32Array {
  const hops = new Int32Array(adjacency.length).fill(-1);
  const queue = [from];
  hops[from] = 0;
  for (const node of queue) {
    for (const other of adjacency[node]!) {
      if (hops[other] !== -1) continue;
      hops[other] = hops[node]! + 1;
      queue.push(other);
    }
  }
  return hops;
}
