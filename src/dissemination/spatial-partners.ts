/**
 * Spatial gossip: a partner at distance d is chosen with probability proportional to d^-a (Demers et al. 1987, section
 * 3; Kempe, Kleinberg and Demers 2001, "Spatial gossip and resource location protocols", STOC). With a = 0 all are
 * alike and links in the middle carry O(n) calls; the larger a, the more calls stay near, and the longer a rumor takes:
 * polynomially in the diameter where a is more than 2 on a line, polylogarithmically below.
 *
 * Each choice takes constant time: the table is over distances, which are the same for all nodes.
 *
 * Nodes are their numbers, and their numbers are where they are.
 */
import { pow } from "../core/deterministic-math.ts";
import { type Environment, type NodeId, UsageError } from "../core/index.ts";
import type { Partners } from "./rumor.ts";
import { WeightedChoice } from "./weighted-choice.ts";

/** Nodes 0 to n - 1 in a row, one apart, with two ends. */
export class LinePartners implements Partners {
  readonly #nodes: number;
  readonly #distances: WeightedChoice;

  /** `nodes` is at least 2; `exponent` a is from 0 to 20, fractions allowed. Throws `UsageError` otherwise. */
  constructor({ nodes, exponent }: { readonly nodes: number; readonly exponent: number }) {
    checkWhole("nodes", nodes, 2);
    checkExponent(exponent);
    this.#nodes = nodes;
    this.#distances = new WeightedChoice(
      Float64Array.from({ length: nodes - 1 }, (_, i) => pow(i + 1, -exponent)),
    );
  }

  /**
   * Draws a distance and a side until there is somebody: what remains is as likely as it should be among those who are
   * there. One of the two sides holds at least half of the weight, even at an end: two trials on average, at most.
   */
  choose(env: Pick<Environment, "self" | "random">): NodeId {
    for (;;) {
      const distance = this.#distances.choose(env.random) + 1;
      const isRight = env.random.below(2) === 1;
      const partner = (env.self as number) + (isRight ? distance : -distance);
      if (partner >= 0 && partner < this.#nodes) return partner;
    }
  }
}

/**
 * A square grid whose opposite sides are joined, so that no node is special: node x + side y is at (x, y), and distances
 * are counted along the grid.
 */
export class TorusPartners implements Partners {
  readonly #side: number;
  readonly #offsets: WeightedChoice;

  /** `side` is at least 2; `exponent` a is from 0 to 20, fractions allowed. Throws `UsageError` otherwise. */
  constructor({ side, exponent }: { readonly side: number; readonly exponent: number }) {
    checkWhole("side", side, 2);
    checkExponent(exponent);
    this.#side = side;
    this.#offsets = new WeightedChoice(
      Float64Array.from({ length: side * side }, (_, offset) => {
        const distance = torusDistance(0, offset, side);
        return distance === 0 ? 0 : pow(distance, -exponent);
      }),
    );
  }

  choose(env: Pick<Environment, "self" | "random">): NodeId {
    const side = this.#side;
    const self = env.self as number;
    const offset = this.#offsets.choose(env.random);
    const x = ((self % side) + (offset % side)) % side;
    const y = (Math.floor(self / side) + Math.floor(offset / side)) % side;
    return x + side * y;
  }
}

/** Steps along the grid from one node of a torus to another. */
export function torusDistance(from: number, to: number, side: number): number {
  const across = (a: number, b: number) => Math.min(Math.abs(a - b), side - Math.abs(a - b));
  return across(from % side, to % side) + across(Math.floor(from / side), Math.floor(to / side));
}

/** A table has one column for each: beyond this it would be larger than the network is worth. */
const mostNodes = 2 ** 26;

function checkWhole(name: string, value: number, least: number): void {
  const most = name === "side" ? Math.sqrt(mostNodes) : mostNodes;
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new UsageError(`${name}: ${value} is not an integer from ${least} to ${most}`);
}

function checkExponent(exponent: number): void {
  if (!(exponent >= 0 && exponent <= 20))
    throw new UsageError(`exponent: ${exponent} is not between 0 and 20`);
}
