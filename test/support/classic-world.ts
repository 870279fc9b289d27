/** A classic network in the test world: seeds -1, -2, … and peers 1, 2, … */
import { type NodeId, type Signatures, trustEverybody } from "../../src/core/index.ts";
import {
  type ClassicPeer,
  type ClassicSeed,
  classicPeer,
  classicSeed,
  type ProfileOptions,
} from "../../src/profiles/index.ts";
import { World } from "./world.ts";

/** With its parts at hand. */
type PeerWithParts = ClassicPeer & ClassicPeer["classic"];

export interface ClassicWorldConfig {
  readonly seed?: number;
  readonly seeds?: number;
  readonly options?: ProfileOptions;
  /** For worlds with liars. */
  readonly signaturesOf?: (node: NodeId) => Signatures<unknown>;
}

export class ClassicWorld extends World {
  readonly peers = new Map<NodeId, PeerWithParts>();
  readonly seeds = new Map<NodeId, ClassicSeed>();
  readonly seedIds: readonly NodeId[];
  readonly options: ProfileOptions;
  readonly #signaturesOf: (node: NodeId) => Signatures<unknown>;

  constructor(config: ClassicWorldConfig = {}) {
    super(config.seed ?? 1);
    this.#signaturesOf = config.signaturesOf ?? (() => trustEverybody);
    this.options = config.options ?? {};
    this.seedIds = Array.from({ length: config.seeds ?? 6 }, (_, i) => -1 - i);
  }

  addSeed(id: NodeId, restored: ClassicSeedRestored = undefined): ClassicSeed {
    const otherSeeds = this.seedIds.filter((other) => other !== id);
    const seed = classicSeed({
      otherSeeds,
      signatures: this.#signaturesOf(id),
      options: this.options,
      restored,
    });
    this.seeds.set(id, seed);
    this.add(id, seed.stack);
    return seed;
  }

  addPeer(id: NodeId, incarnation = 1): PeerWithParts {
    const made = classicPeer({
      self: id,
      name: `peer-${id}`,
      seeds: this.seedIds,
      incarnation,
      since: this.now,
      signatures: this.#signaturesOf(id),
      options: this.options,
    });
    const peer = Object.assign(made, made.classic);
    this.peers.set(id, peer);
    this.add(id, peer.stack);
    return peer;
  }

  override crash(node: NodeId): void {
    super.crash(node);
    this.peers.delete(node);
    this.seeds.delete(node);
  }

  /** Number of connected parts of the overlay among living peers; 1 is what we want. */
  parts(): number {
    const left = new Set(this.peers.keys());
    let parts = 0;
    while (left.size > 0) {
      parts++;
      const queue = [left.values().next().value!];
      left.delete(queue[0]!);
      while (queue.length > 0) {
        for (const neighbor of this.peers.get(queue.pop()!)!.overlay.neighbors) {
          if (left.delete(neighbor)) queue.push(neighbor);
        }
      }
    }
    return parts;
  }

  degrees(): number[] {
    return [...this.peers.values()].map((peer) => peer.overlay.neighbors.length);
  }
}

type ClassicSeedRestored = Parameters<typeof classicSeed>[0]["restored"];
