/**
 * Are the links of HyParView there, and does the other end count them too? A keep-alive on each link on which nothing was
 * said for a while, and at once where the connection broke.
 */
import { type Environment, type Millis, type NeighborDown, type NodeId, nonce } from "../core/index.ts";
import type { ActiveView, Link } from "./active-view.ts";
import type { HyParViewMessage } from "./hyparview-messages.ts";
import type { HyParViewOptions } from "./hyparview-options.ts";

export type LinkTestTimer = { readonly type: "link-timeout"; readonly neighbor: NodeId; readonly at: Millis };

type LinkTestEnvironment = Environment<HyParViewMessage, LinkTestTimer>;

/** A link that has failed its test, and is to be dropped. */
export interface FailedLink {
  readonly peer: NodeId;
  readonly reason: NeighborDown["reason"];
}

export class LinkTests {
  readonly #active: ActiveView;
  readonly #options: HyParViewOptions;
  /** Which link is tested though it is busy. */
  #turn = 0;

  constructor(active: ActiveView, options: HyParViewOptions) {
    this.#active = active;
    this.#options = options;
  }

  onHeard(from: NodeId): void {
    const link = this.#active.get(from);
    if (link === undefined) return;
    link.wasHeard = true;
    link.breaks = 0;
    link.brokenAt = undefined;
  }

  /**
   * Tests links on which nothing was said since the last tick, and new ones; and the others in turn, since a link that
   * only one end counts looks busy as well.
   */
  onTick(env: LinkTestEnvironment): FailedLink[] {
    const inTurn = this.#active.neighbors[this.#turn++ % Math.max(1, this.#active.size)];
    const failed: FailedLink[] = [];
    for (const link of this.#active.links) {
      if (link.wasHeard) link.misses = 0;
      else if (link.nonce !== 0 && ++link.misses >= this.#options.keepAliveMisses) {
        failed.push({ peer: link.peer, reason: "failed" });
        continue;
      }
      if (!link.wasHeard || !link.isConfirmed || link.peer === inTurn) this.test(link, env);
      link.wasHeard = false;
    }
    return failed;
  }

  test(link: Link, env: LinkTestEnvironment): void {
    link.nonce = nonce(env.random);
    link.askedAt = env.now;
    env.send(link.peer, { type: "keep-alive", nonce: link.nonce });
  }

  /** It may be a new connection already. If none can be made, the transport says so again, or says "unreachable". */
  onBroken(neighbor: NodeId, env: LinkTestEnvironment): FailedLink | undefined {
    const link = this.#active.get(neighbor);
    if (link === undefined) return undefined;
    if (link.breaks >= this.#options.keepAliveMisses) return { peer: neighbor, reason: "unreachable" };
    link.breaks++;
    link.brokenAt = env.now;
    this.test(link, env);
    env.schedule(this.#options.answerTimeoutMs, { type: "link-timeout", neighbor, at: env.now });
    return undefined;
  }

  onTimeout({ neighbor, at }: LinkTestTimer): FailedLink | undefined {
    if (this.#active.get(neighbor)?.brokenAt !== at) return undefined; // heard since
    return { peer: neighbor, reason: "unreachable" };
  }

  onKeepAlive(from: NodeId, asked: number, env: LinkTestEnvironment): void {
    const link = this.#active.get(from);
    if (link !== undefined) link.lastAsked = asked;
    env.send(from, { type: "keep-alive-reply", nonce: asked, isLinked: link !== undefined });
  }

  /** `unasked` if this answers no test. */
  onAnswer(
    from: NodeId,
    answered: number,
    isLinked: boolean,
    env: LinkTestEnvironment,
  ): FailedLink | "unasked" | undefined {
    const link = this.#active.get(from);
    if (link === undefined || link.nonce === 0 || link.nonce !== answered) return "unasked";
    link.nonce = 0;
    link.wasHeard = true;
    link.misses = 0;
    const rttMs = env.now - link.askedAt;
    link.rttMs = link.rttMs === undefined ? rttMs : link.rttMs + (rttMs - link.rttMs) / 8; // as TCP smooths
    if (isLinked) {
      link.oneSided = 0;
      link.isConfirmed = true;
      return undefined;
    }
    // Twice, since the first may have crossed the reply on its way.
    if (++link.oneSided >= 2) return { peer: from, reason: "one-sided" };
    this.test(link, env);
    return undefined;
  }
}
