/**
 * What spatial gossip costs the links: each of n nodes makes one call per cycle, to a node at distance d with probability
 * proportional to d^-a (Demers et al. 1987, section 3; Kempe, Kleinberg and Demers 2001).
 */
import { pow } from "../core/deterministic-math.ts";
import { checkNumber, checkWhole } from "./valid-range.ts";

export interface Line {
  /** n, whole, 2 to 10^7. */
  readonly nodes: number;
  /** a, 0 to 20. */
  readonly exponent: number;
}

/**
 * Expected calls per cycle over the link between node `link` and the next one, on a line of n nodes one apart with two
 * ends; default: the link in the middle. Exactly: the sum over all pairs x <= link < y of P(x calls y) + P(y calls x),
 * where P(x calls y) = |x-y|^-a / Z_x, and Z_x is that sum over all others. With H(k) = sum over d <= k of d^-a it is
 * the sum over x <= link of (H(n-1-x) - H(link-x)) / (H(x) + H(n-1-x)), and the same from the other side.
 */
export function lineLinkCalls({
  nodes,
  exponent,
  link = Math.floor(nodes / 2) - 1,
}: Line & { readonly link?: number }): number {
  checkLine({ nodes, exponent });
  checkWhole("link", link, { least: 0, most: nodes - 2 });
  const sums = powerSums(nodes, exponent);
  const leaving = (last: number) => {
    let calls = 0;
    for (let x = 0; x <= last; x++)
      calls += (sums[nodes - 1 - x]! - sums[last - x]!) / (sums[x]! + sums[nodes - 1 - x]!);
    return calls;
  };
  // Seen from the other end, the nodes beyond the link are those up to its mirror image.
  return leaving(link) + leaving(nodes - 2 - link);
}

/**
 * How the traffic of a link in the middle grows, up to constants: n for a < 1, n/ln n for a = 1, n^(2-a) for 1 < a < 2,
 * ln n for a = 2, and not at all beyond (Demers et al. 1987, section 3).
 */
export function lineTrafficLaw(exponent: number): string {
  checkNumber("exponent", exponent, { least: 0, most: 20 });
  if (exponent < 1) return "n";
  if (exponent === 1) return "n / ln n";
  if (exponent < 2) return `n^${2 - exponent}`;
  return exponent === 2 ? "ln n" : "constant";
}

/**
 * Expected calls per cycle over a link of a torus of side x side nodes, on average over all 2 side^2 links: half of the
 * mean distance of a call, for each node makes one and its way has that many links. Distances count along the grid.
 */
export function torusLinkCalls({
  side,
  exponent,
}: {
  readonly side: number;
  readonly exponent: number;
}): number {
  checkWhole("side", side, { least: 3, most: 4096 });
  checkNumber("exponent", exponent, { least: 0, most: 20 });
  let weights = 0;
  let distances = 0;
  for (let x = 0; x < side; x++) {
    for (let y = 0; y < side; y++) {
      const distance = Math.min(x, side - x) + Math.min(y, side - y);
      if (distance === 0) continue;
      const weight = pow(distance, -exponent);
      weights += weight;
      distances += weight * distance;
    }
  }
  return distances / weights / 2;
}

/** H(0) to H(n-1), where H(k) is the sum over d from 1 to k of d^-a. */
function powerSums(nodes: number, exponent: number): Float64Array {
  const sums = new Float64Array(nodes);
  for (let d = 1; d < nodes; d++) sums[d] = sums[d - 1]! + pow(d, -exponent);
  return sums;
}

function checkLine({ nodes, exponent }: Line): void {
  checkWhole("nodes", nodes, { least: 2, most: 1e7 });
  checkNumber("exponent", exponent, { least: 0, most: 20 });
}
