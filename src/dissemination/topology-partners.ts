/**
 * Topology-aware gossip: a node of subnet i, which has n_i nodes, chooses its partner in the subnet with probability
 * 1 - 1/n_i, and anybody outside otherwise (document 003, "Topology-Aware Gossip"). So one call of a round leaves each
 * subnet, whatever its size, and the router between the subnets carries as many calls as there are subnets, where
 * uniform choice loads it with a share of all nodes. Rounds are still O(log n).
 *
 * Unspecified: what a node does that is alone in its subnet. It always calls outside, as the formula says.
 */
import { type Environment, type NodeId, UsageError } from "../core/index.ts";
import type { Partners } from "./rumor.ts";

export interface TopologyPartnersConfig {
  /** The subnet of each node, numbers from 0; a subnet may be empty. */
  readonly subnetOf: ArrayLike<number>;
  /** What the nodes are called, in the same order; default: by their number. */
  readonly ids?: readonly NodeId[];
}

export class TopologyPartners implements Partners {
  readonly #subnetOf: Uint32Array;
  /** All nodes, subnet by subnet; subnet i begins at `#firstOf[i]` and ends where the next begins. */
  readonly #bySubnet: Uint32Array;
  readonly #firstOf: Uint32Array;
  /** Where a node stands in `#bySubnet`. */
  readonly #placeOf: Uint32Array;
  readonly #ids: readonly NodeId[] | undefined;
  readonly #numberOf: ReadonlyMap<NodeId, number> | undefined;

  /** Throws `UsageError` for fewer than two nodes, for a subnet that is no number, and for names that are not one each. */
  constructor({ subnetOf, ids }: TopologyPartnersConfig) {
    const nodes = subnetOf.length;
    if (nodes < 2) throw new UsageError(`subnetOf: ${nodes} nodes are less than 2: nobody to call`);
    let subnets = 0;
    for (let node = 0; node < nodes; node++) {
      const subnet = subnetOf[node]!;
      if (!Number.isInteger(subnet) || subnet < 0 || subnet > 0xffff)
        throw new UsageError(`subnetOf: ${subnet} is not an integer from 0 to 65535`);
      subnets = Math.max(subnets, subnet + 1);
    }
    this.#subnetOf = Uint32Array.from(subnetOf);
    this.#firstOf = new Uint32Array(subnets + 1);
    for (const subnet of this.#subnetOf) this.#firstOf[subnet + 1]!++;
    for (let subnet = 0; subnet < subnets; subnet++) this.#firstOf[subnet + 1]! += this.#firstOf[subnet]!;
    this.#bySubnet = new Uint32Array(nodes);
    this.#placeOf = new Uint32Array(nodes);
    const next = this.#firstOf.slice();
    for (let node = 0; node < nodes; node++) {
      const place = next[this.#subnetOf[node]!]!++;
      this.#bySubnet[place] = node;
      this.#placeOf[node] = place;
    }
    this.#ids = ids;
    if (ids === undefined) return;
    this.#numberOf = new Map(ids.map((id, node) => [id, node]));
    if (ids.length !== nodes || this.#numberOf.size !== nodes)
      throw new UsageError(
        `ids: ${this.#numberOf.size} different names are not one for each of ${nodes} nodes`,
      );
  }

  choose(env: Pick<Environment, "self" | "random">): NodeId {
    const self = this.#numberOf === undefined ? (env.self as number) : this.#numberOf.get(env.self);
    if (self === undefined) throw new UsageError(`self: ${env.self} is none of the nodes of this topology`);
    const subnet = this.#subnetOf[self]!;
    const first = this.#firstOf[subnet]!;
    const size = this.#firstOf[subnet + 1]! - first;
    const outside = this.#bySubnet.length - size;
    let place: number;
    if (outside > 0 && env.random.below(size) === 0) {
      // Anybody but the block of the own subnet.
      place = env.random.below(outside);
      if (place >= first) place += size;
    } else {
      place = first + env.random.below(size - 1);
      if (place >= this.#placeOf[self]!) place++;
    }
    const partner = this.#bySubnet[place]!;
    return this.#ids === undefined ? partner : this.#ids[partner]!;
  }
}
