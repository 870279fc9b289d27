import type { NetworkPicture } from "../../src/trace/picture.ts";

/** All that a picture shows, without what depends on the order in which nodes were met. */
export function contentOf(picture: NetworkPicture) {
  const nameOf = (row: number) => picture.nodes.get(row)?.name ?? "?";
  const names = (rows: Iterable<number>) => [...rows].map(nameOf).sort();
  return {
    at: picture.at,
    nodes: [...picture.nodes.values()]
      .map(({ row, neighbors, list, registeredWith, suspectedBy, evidence, ...node }) => ({
        ...node,
        neighbors: names(neighbors),
        list: names(list),
        registeredWith: names(registeredWith),
        suspectedBy: names(suspectedBy.keys()),
        evidence: evidence.length,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    links: [...picture.links()].map(([a, b]) => [nameOf(a), nameOf(b)].sort().join(" ")).sort(),
    disturbances: picture.disturbances.map(({ type }) => type),
  };
}
