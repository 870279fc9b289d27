/** How many there are of each: the summary of what is drawn. */
import type { NetworkPicture } from "../../../../src/trace/picture.ts";
import { isSuspected, isThere, standingOf } from "./appearance.ts";

export interface NetworkCounts {
  peers: number;
  seeds: number;
  links: number;
  susceptible: number;
  infected: number;
  removed: number;
  suspected: number;
  paused: number;
  dead: number;
}

export function countNetwork(picture: NetworkPicture, states: Uint8Array | undefined): NetworkCounts {
  const counts: NetworkCounts = {
    peers: 0,
    seeds: 0,
    links: 0,
    susceptible: 0,
    infected: 0,
    removed: 0,
    suspected: 0,
    paused: 0,
    dead: 0,
  };
  for (const node of picture.nodes.values()) {
    if (node.state === "dead") counts.dead++;
    if (!isThere(node)) continue;
    if (node.role === "seed") counts.seeds++;
    else counts.peers++;
    if (node.state === "paused") counts.paused++;
    if (isSuspected(node)) counts.suspected++;
    const standing = standingOf(node, states);
    if (standing !== undefined) counts[standing]++;
  }
  counts.links = linksOf(picture);
  return counts;
}

/** Links are many, and change seldom. */
const counted = new WeakMap<NetworkPicture, { readonly version: number; readonly links: number }>();

function linksOf(picture: NetworkPicture): number {
  const known = counted.get(picture);
  if (known?.version === picture.topologyVersion) return known.links;
  let links = 0;
  for (const _ of picture.links()) links++;
  counted.set(picture, { version: picture.topologyVersion, links });
  return links;
}

/** For those who do not see the drawing. */
export function countsText(counts: NetworkCounts, hasMessage: boolean): string {
  const { peers, seeds, links, susceptible, infected, removed, suspected, dead } = counts;
  const parts = [`${peers} peers, ${seeds} seeds, ${links} links.`];
  if (hasMessage)
    parts.push(`Of the message: ${susceptible} susceptible, ${infected} infected, ${removed} removed.`);
  if (suspected + dead > 0) parts.push(`${suspected} suspected, ${dead} dead.`);
  return parts.join(" ");
}
