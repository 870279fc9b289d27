/**
 * Neighbors that somebody has chosen, as an overlay offers them to the layers above: those that answer. A test bed
 * that drops messages between parted nodes tells them nothing, so a neighbor that was silent for long is taken to be
 * away, and is back when something of it arrives. Whatever it sends for any layer is a sign of life; only who is
 * silent is asked for one.
 *
 *     A -> gossip -> B                   B has heard of A
 *     A -> ping -> B -> pong -> A        after 2 s without a word of B
 *     A: neighbor-down(B)                after 3 s; the pings go on
 *     A: neighbor-up(B)                  heard again: the histories are compared
 */
import type { Environment, NeighborView, NodeId, Protocol, StackNotice } from "../../core/index.ts";

export interface LinkProbe {
  readonly type: "ping" | "pong";
}
export interface LinkTick {
  readonly type: "tick";
}

const tickMs = 500;
/** Ticks without a word. */
const quietTicks = 4;
const silentTicks = 6;

type LinkEnvironment = Environment<LinkProbe, LinkTick, StackNotice>;

export class StaticLinks implements Protocol<LinkProbe, LinkTick, StackNotice, never>, NeighborView {
  /** Those that are not away. */
  readonly neighbors: NodeId[];
  /** All of them, with the ticks since each was heard. */
  readonly #silentFor: Map<NodeId, number>;

  constructor(neighbors: readonly NodeId[]) {
    this.neighbors = [...neighbors];
    this.#silentFor = new Map(neighbors.map((neighbor) => [neighbor, 0]));
  }

  has(node: NodeId): boolean {
    return this.neighbors.includes(node);
  }

  start(env: LinkEnvironment): void {
    env.schedule(env.random.below(tickMs), { type: "tick" });
  }

  onHeard(from: NodeId): void {
    if (this.#silentFor.has(from)) this.#silentFor.set(from, 0);
  }

  onMessage(from: NodeId, { type }: LinkProbe, env: LinkEnvironment): void {
    if (type === "ping") env.send(from, { type: "pong" });
  }

  onCommand(): void {}

  onTimer(_timer: LinkTick, env: LinkEnvironment): void {
    for (const [neighbor, ticks] of this.#silentFor) {
      this.#silentFor.set(neighbor, ticks + 1);
      const isAway = ticks >= silentTicks;
      if (isAway && this.has(neighbor)) this.#drop(neighbor, env);
      else if (!isAway && !this.has(neighbor)) this.#take(neighbor, env);
      if (ticks >= quietTicks) env.send(neighbor, { type: "ping" });
    }
    env.schedule(tickMs, { type: "tick" });
  }

  #drop(neighbor: NodeId, env: LinkEnvironment): void {
    this.neighbors.splice(this.neighbors.indexOf(neighbor), 1);
    env.notify({ type: "neighbor-down", neighbor, reason: "failed" });
  }

  #take(neighbor: NodeId, env: LinkEnvironment): void {
    this.neighbors.push(neighbor);
    env.notify({ type: "neighbor-up", neighbor, incarnation: 1 });
  }
}
