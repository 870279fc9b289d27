/** Who watches whom, for a detector that watches neighbors only. */
import {
  type Environment,
  type Millis,
  type NeighborView,
  type NodeId,
  type Protocol,
  type Random,
  type StackNotice,
  sample,
  type Typed,
} from "../../core/index.ts";

/**
 * Everybody's neighbors by row: circles through all nodes in random order, one for every two of the degree, so that it
 * is one piece; fewer where two circles have a link in common.
 */
export function randomCircles(nodes: number, degree: number, random: Random): number[][] {
  const rows = Array.from({ length: nodes }, (_, row) => row);
  const neighbors = rows.map(() => new Set<number>());
  for (let circle = 0; circle < degree / 2; circle++) {
    const order = sample(rows, nodes, random);
    for (const [place, row] of order.entries()) {
      const next = order[(place + 1) % nodes]!;
      neighbors[row]!.add(next);
      neighbors[next]!.add(row);
    }
  }
  return neighbors.map((set) => [...set]);
}

export interface StaticLinksConfig {
  readonly neighbors: readonly NodeId[];
  /** Of the life that a node is in; undefined while it is dead. */
  readonly incarnationOf: (node: NodeId) => number | undefined;
  /** After a verdict the link is down for so long at least, and until the node lives. */
  readonly relinkMs: Millis;
}

type LinksTimer = { readonly type: "relink"; readonly neighbor: NodeId };

/** A layer in place of an overlay: links to these neighbors, which come back after each verdict. */
export class StaticLinks implements NeighborView, Protocol<never, LinksTimer, StackNotice, never> {
  readonly neighbors: readonly NodeId[];
  readonly #config: StaticLinksConfig;

  constructor(config: StaticLinksConfig) {
    this.#config = config;
    this.neighbors = config.neighbors;
  }

  has(node: NodeId): boolean {
    return this.neighbors.includes(node);
  }

  start(env: Environment<never, LinksTimer, StackNotice>): void {
    for (const neighbor of this.neighbors) this.#link(neighbor, env);
  }

  onTimer({ neighbor }: LinksTimer, env: Environment<never, LinksTimer, StackNotice>): void {
    this.#link(neighbor, env);
  }

  onNotice(notice: Typed, env: Environment<never, LinksTimer, StackNotice>): void {
    const known = notice as StackNotice;
    if (known.type !== "neighbor-failed") return;
    env.notify({ type: "neighbor-down", neighbor: known.neighbor, reason: "failed" });
    env.schedule(this.#config.relinkMs, { type: "relink", neighbor: known.neighbor });
  }

  onMessage(): void {}
  onCommand(): void {}

  #link(neighbor: NodeId, env: Environment<never, LinksTimer, StackNotice>): void {
    const incarnation = this.#config.incarnationOf(neighbor);
    if (incarnation !== undefined) env.notify({ type: "neighbor-up", neighbor, incarnation });
    else env.schedule(this.#config.relinkMs, { type: "relink", neighbor });
  }
}
