/**
 * Why a failure detector thinks what it thinks: the latest evidence about each node that was ever doubted. Kept apart
 * from the detectors, so that a verdict can be explained after the node itself is forgotten.
 *
 * Always: at most `maxMembers` nodes with at most `maxPerMember` entries each. Where either is full the oldest goes: of a
 * node the oldest entry, of the nodes the one of which nothing was heard for longest.
 */
import { type Evidence, type Identity, identityOf, type NodeId } from "../core/index.ts";

export const maxEvidencePerMember = 32;
export const maxEvidenceMembers = 1024;

export interface EvidenceLogBounds {
  readonly maxMembers?: number;
  readonly maxPerMember?: number;
}

export class EvidenceLog {
  readonly #maxMembers: number;
  readonly #maxPerMember: number;
  /** By identity, so that the chain goes on where a node comes back under another address. The latest comes last. */
  readonly #chains = new Map<Identity, Evidence[]>();

  constructor({
    maxMembers = maxEvidenceMembers,
    maxPerMember = maxEvidencePerMember,
  }: EvidenceLogBounds = {}) {
    this.#maxMembers = maxMembers;
    this.#maxPerMember = maxPerMember;
  }

  /** Nodes of which there is evidence. */
  get size(): number {
    return this.#chains.size;
  }

  /** There was a doubt about this node once: so a sign of life is evidence too. */
  has(node: NodeId): boolean {
    return this.#chains.has(identityOf(node));
  }

  add(node: NodeId, evidence: Evidence): void {
    const identity = identityOf(node);
    const chain = this.#chains.get(identity) ?? [];
    chain.push(evidence);
    if (chain.length > this.#maxPerMember) chain.shift();
    this.#chains.delete(identity);
    this.#chains.set(identity, chain);
    if (this.#chains.size > this.#maxMembers) this.#chains.delete(this.#chains.keys().next().value!);
  }

  /** Oldest first; a copy. */
  of(node: NodeId): readonly Evidence[] {
    return this.#chains.get(identityOf(node))?.slice() ?? [];
  }
}
