import { identityOf, type NodeId, sample } from "../core/index.ts";
import { eldestKept, type MemberEntry } from "./swim-members.ts";
import type { SwimEnvironment, SwimParts } from "./swim-parts.ts";
import type { SwimSuspicions } from "./swim-suspicion.ts";

/** Neighbors that were lost of late; guess: a few times what a node has. */
const maxLost = 32;

/** Whoever is gone is remembered, and tried again, for a week; a guess that only memory limits. */
const rememberGoneMs = 7 * 24 * 3_600_000;

/**
 * Who is kept in the table. Up to `fullViewMembers` that is everybody; in a larger network a sample, of which only the
 * neighbors are watched. A view that became partial stays so. A node without neighbors of its own, a seed, keeps all; what
 * others find out about their neighbors they tell one of the seeds, too.
 */
export class SwimView {
  readonly #parts: SwimParts;
  readonly #suspicions: SwimSuspicions;
  #isPartial = false;
  /** Neighbors whose links broke: whoever may have failed is judged to the end, though the overlay has replaced it. */
  readonly #lost = new Set<NodeId>();
  /** Of a partial view: whose turn it is to be probed. */
  #turn = 0;

  constructor(parts: SwimParts, suspicions: SwimSuspicions) {
    this.#parts = parts;
    this.#suspicions = suspicions;
  }

  get isPartial(): boolean {
    return this.#isPartial;
  }

  /** Too many are here for full views. */
  get isLarge(): boolean {
    const { members, options } = this.#parts;
    return this.#isPartial || members.here.length + 1 > options.fullViewMembers;
  }

  /** Is it ours to judge it? Of a partial view only the neighbors are, and those who were until their links broke. */
  isWatched(node: NodeId): boolean {
    return !this.#isPartial || this.#neighbors.includes(node) || this.#lost.has(node);
  }

  noteLost(neighbor: NodeId): void {
    this.#lost.delete(neighbor);
    this.#lost.add(neighbor);
    if (this.#lost.size > maxLost) this.#lost.delete(this.#lost.values().next().value!);
  }

  nextNeighbor(): NodeId | undefined {
    const neighbors = this.#neighbors;
    return neighbors.length === 0 ? undefined : neighbors[this.#turn++ % neighbors.length];
  }

  becomePartial(env: SwimEnvironment): void {
    const { config, members } = this.#parts;
    if (this.#isPartial || config.neighbors === undefined) return;
    this.#isPartial = true;
    env.notify({ type: "view-partial", members: members.here.length });
    this.#forgetSome(members.size - this.#sampleLimit, env);
    this.#suspicions.dropUnwatched();
  }

  /**
   * Who joins does as those whom it asks. Later only who finds the network nearly too large itself: one member who lies
   * cannot make others watch less.
   */
  othersArePartial(isJoining: boolean, env: SwimEnvironment): void {
    const { members, options } = this.#parts;
    if (isJoining || 2 * (members.here.length + 1) > options.fullViewMembers) this.becomePartial(env);
  }

  /** Introducers are kept beside the sample, also where they are as many as it. */
  get #sampleLimit(): number {
    const { options } = this.#parts;
    return Math.min(options.maxMembers, options.fullViewMembers + this.#parts.introducers().length);
  }

  /** Nobody who is alive is pushed out of a full view: the longest gone is, or the newcomer has to wait. */
  makeRoom(env: SwimEnvironment): boolean {
    const { members, options } = this.#parts;
    const limit = this.#isPartial ? this.#sampleLimit : options.maxMembers;
    if (members.size < limit) return true;
    const [longestGone] = members.gone;
    if (longestGone !== undefined) members.forget(longestGone);
    else if (this.#isPartial) this.#forgetSome(1, env);
    return members.size < limit;
  }

  forgetLongGone(env: SwimEnvironment): void {
    const { members } = this.#parts;
    for (const member of members.gone) {
      if (env.now - member.changedAt < rememberGoneMs) return;
      members.forget(member);
    }
  }

  /**
   * Whom to ask for help: those who seem well, but not `except`. Whom to tell: also who is doubted. In a large network
   * news is for those who watch the same: neighbors, or other seeds.
   */
  companions(count: number, except: MemberEntry | undefined, env: SwimEnvironment): readonly NodeId[] {
    if (this.#isPartial) {
      const others = this.#neighbors.filter((neighbor) => identityOf(neighbor) !== except?.identity);
      return sample(others, count, env.random);
    }
    if (this.isLarge && except === undefined) {
      const others = this.#parts.introducers().map(({ peer }) => peer);
      return sample(others, count, env.random);
    }
    const accept = (member: MemberEntry) =>
      member !== except && (except === undefined || member.state === "alive");
    return this.#parts.members.sampleHere(count, env.random, accept).map(({ peer }) => peer);
  }

  /** Anybody but those whom we watch, those who are to hear of it, and the eldest. */
  #forgetSome(count: number, env: SwimEnvironment): void {
    const { members, options } = this.#parts;
    // They must not be all of a small sample.
    const eldest = members.eldest(Math.min(eldestKept, Math.floor(options.fullViewMembers / 4)));
    const introducers = this.#parts.introducers().map(({ peer }) => peer);
    const kept = new Set([...this.#neighbors, ...introducers, ...eldest.map(({ peer }) => peer)]);
    for (const member of members.sampleHere(count, env.random, ({ peer }) => !kept.has(peer))) {
      this.#suspicions.forget(member);
      members.forget(member);
    }
  }

  get #neighbors(): readonly NodeId[] {
    return this.#parts.config.neighbors?.neighbors ?? [];
  }
}
