/**
 * Where nodes are drawn. By forces (ForceAtlas2), from places that follow from the nodes' names, so that the same
 * network gives the same picture; or on a ring, in order. Who has a place keeps it when others come and go.
 */
import Graph from "graphology";
import forceAtlas2 from "graphology-layout-forceatlas2";

export interface LayoutJob {
  /** Names, ids: what the first places follow from. */
  readonly keys: readonly string[];
  /** x and y of each; not a number where it has no place yet. */
  readonly places: Float32Array;
  /** Pairs of indices. */
  readonly links: Uint32Array;
  readonly weights: Float32Array;
  /** `new`: only who has no place. `all`: everybody, from where it is. */
  readonly moves: "new" | "all";
}

/** A layout comes in so many pieces, so that one can watch it. */
const pieces = 8;
/** Beyond, forces between far nodes are summed up. */
const exactNodes = 400;
const jitter = 12;

/** Yields the places in each stage; the last is the result. */
export function* arrange(job: LayoutJob): Generator<Float32Array> {
  const { keys, links, weights, moves } = job;
  const places = startingPlaces(job);
  if (keys.length === 0) return yield places;
  // The order of who is told first must not show in the picture.
  const order = keys.map((_, i) => i).sort((a, b) => compare(keys[a]!, keys[b]!));
  const graph = new Graph({ type: "undirected", multi: false });
  for (const i of order) {
    const fixed = moves === "new" && !Number.isNaN(job.places[2 * i]!);
    graph.addNode(i, { x: places[2 * i], y: places[2 * i + 1], fixed });
  }
  const rank = new Uint32Array(keys.length);
  order.forEach((i, place) => {
    rank[i] = place;
  });
  const rankOf = (link: number) => {
    const [a, b] = [rank[links[2 * link]!]!, rank[links[2 * link + 1]!]!];
    return Math.min(a, b) * keys.length + Math.max(a, b);
  };
  const sorted = Array.from(weights, (_, i) => i).sort((a, b) => rankOf(a) - rankOf(b));
  for (const i of sorted) {
    const [a, b] = [links[2 * i]!, links[2 * i + 1]!];
    if (a !== b) graph.mergeEdge(a, b, { weight: weights[i] });
  }
  const settings = {
    ...forceAtlas2.inferSettings(graph),
    barnesHutOptimize: keys.length > exactNodes,
    gravity: 0.08,
  };
  const iterations = moves === "new" ? 10 : iterationsFor(keys.length);
  for (let piece = 0; piece < pieces; piece++) {
    forceAtlas2.assign(graph, { iterations, settings });
    graph.forEachNode((key, { x, y }) => {
      places[2 * Number(key)] = x;
      places[2 * Number(key) + 1] = y;
    });
    yield places.slice();
  }
}

/** On a circle, in that order, the first at the top. */
export function ringPlaces(count: number): Float32Array {
  const places = new Float32Array(2 * count);
  const radius = spacing * Math.max(2, count / (2 * Math.PI));
  for (let i = 0; i < count; i++) {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    places[2 * i] = radius * Math.cos(angle);
    places[2 * i + 1] = radius * Math.sin(angle);
  }
  return places;
}

/** Who has to move, seen from the links at the last time that all moved. */
export function whoMoves(
  settled: ReadonlySet<string>,
  links: ReadonlySet<string>,
  hasNewNodes: boolean,
): LayoutJob["moves"] | "nobody" {
  let kept = 0;
  for (const link of links) if (settled.has(link)) kept++;
  const changed = settled.size + links.size - 2 * kept;
  // A network that is another one by now has another shape.
  if (changed > 0.5 * Math.max(settled.size, 4)) return "all";
  return hasNewNodes ? "new" : "nobody";
}

/** So many links say well enough where a node belongs. */
const tellingLinks = 3;

/** A node that joins is seen before its links are: its place is found again when it has twice as many, up to a few. */
export function outgrewPlace(linksWhenPlaced: number, links: number): boolean {
  return linksWhenPlaced < tellingLinks && links > 0 && links >= 2 * linksWhenPlaced;
}

/** How many links each has, by their weights. */
export function linksOfEach({
  keys,
  links,
  weights,
}: Pick<LayoutJob, "keys" | "links" | "weights">): Float64Array {
  const degrees = new Float64Array(keys.length);
  links.forEach((end, i) => {
    degrees[end]! += weights[i >> 1]!;
  });
  return degrees;
}

/** Mean distance between nodes: the side of the square that each would have. */
export function spacingOf(xs: Float32Array, ys: Float32Array, count: number): number {
  if (count < 2) return spacing;
  let sumX = 0;
  let sumY = 0;
  for (let i = 0; i < count; i++) {
    sumX += xs[i]!;
    sumY += ys[i]!;
  }
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (xs[i]! - sumX / count) ** 2 + (ys[i]! - sumY / count) ** 2;
  // Of a disc, the mean square of the distance to the middle is half that of the radius.
  return Math.sqrt((2 * Math.PI * squares) / count / count);
}

const spacing = 30;

function startingPlaces({ keys, places, links }: LayoutJob): Float32Array {
  const start = places.slice();
  const known: number[][] = keys.map(() => []);
  for (let i = 0; i < links.length; i += 2) {
    const [a, b] = [links[i]!, links[i + 1]!];
    if (!Number.isNaN(places[2 * a]!)) known[b]!.push(a);
    if (!Number.isNaN(places[2 * b]!)) known[a]!.push(b);
  }
  const radius = spacing * Math.sqrt(keys.length / Math.PI);
  keys.forEach((key, i) => {
    if (!Number.isNaN(places[2 * i]!)) return;
    const angle = 2 * Math.PI * shareOf(`${key} angle`);
    const far = Math.sqrt(shareOf(`${key} distance`));
    const neighbors = known[i]!;
    const reach = neighbors.length > 0 ? jitter : radius;
    const mean = (axis: 0 | 1) =>
      neighbors.reduce((sum, other) => sum + places[2 * other + axis]!, 0) / Math.max(1, neighbors.length);
    start[2 * i] = mean(0) + reach * far * Math.cos(angle);
    start[2 * i + 1] = mean(1) + reach * far * Math.sin(angle);
  });
  return start;
}

/** From 0 to 1, by the text alone (FNV-1a, and a last mix). */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32;
}

function iterationsFor(nodes: number): number {
  return nodes < 100 ? 60 : nodes < 500 ? 40 : 20;
}

/** "peer-2" before "peer-10". */
export function compare(a: string, b: string): number {
  return collator.compare(a, b);
}

const collator = new Intl.Collator("en", { numeric: true });
