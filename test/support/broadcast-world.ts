/** Floods over links that the test makes and cuts: the overlay is a plain graph. */
import {
  type Environment,
  identityOf,
  type NeighborView,
  type NodeId,
  type Protocol,
  Stack,
  type Typed,
} from "../../src/core/index.ts";
import { Broadcast, type BroadcastConfig } from "../../src/dissemination/broadcast.ts";
import type { Payload } from "../../src/dissemination/messages.ts";
import { signaturesOf } from "./notary.ts";
import { World } from "./world.ts";

type LinkCommand = { readonly type: "link" | "cut"; readonly neighbor: NodeId };

/** Stands in for the overlay. */
class Links implements Protocol<Typed, Typed, Typed, LinkCommand>, NeighborView {
  readonly neighbors: NodeId[] = [];

  has(node: NodeId): boolean {
    return this.neighbors.includes(node);
  }
  start(): void {}
  onMessage(): void {}
  onTimer(): void {}
  onCommand({ type, neighbor }: LinkCommand, env: Environment<Typed, Typed, any>): void {
    if (type === "link") {
      this.neighbors.push(neighbor);
      env.notify({ type: "neighbor-up", neighbor, incarnation: 1 });
    } else {
      this.neighbors.splice(this.neighbors.indexOf(neighbor), 1);
      env.notify({ type: "neighbor-down", neighbor, reason: "failed" });
    }
  }
}

export class BroadcastWorld extends World {
  readonly broadcasts = new Map<NodeId, Broadcast>();

  addBroadcast(node: NodeId, config: Partial<BroadcastConfig> = {}): Broadcast {
    const links = new Links();
    const broadcast = new Broadcast({
      view: links,
      standing: { incarnation: 1, since: 0 },
      signatures: signaturesOf(node),
      ...config,
    });
    this.broadcasts.set(node, broadcast);
    this.add(node, new Stack({ links, broadcast }));
    return broadcast;
  }

  link(a: NodeId, b: NodeId): void {
    this.command(a, "links", { type: "link", neighbor: b } as Typed);
    this.command(b, "links", { type: "link", neighbor: a } as Typed);
  }
  cut(a: NodeId, b: NodeId): void {
    this.command(a, "links", { type: "cut", neighbor: b } as Typed);
    this.command(b, "links", { type: "cut", neighbor: a } as Typed);
  }
  /** Only one end notices. */
  cutAt(a: NodeId, b: NodeId): void {
    this.command(a, "links", { type: "cut", neighbor: b } as Typed);
  }
  publish(node: NodeId, ...payloads: Payload[]): void {
    this.command(node, "broadcast", { type: "publish", payloads } as Typed);
  }

  /** What the node got from others, in order. */
  deliveredAt(node: NodeId): Payload[] {
    return this.of("delivered", node).map(({ notice }) => notice["payload"]);
  }

  /** How often each message crossed each link in each direction: "from>to origin/life/sequence". */
  watchLinks(): Map<string, number> {
    const crossings = new Map<string, number>();
    const delivers = this.delivers;
    this.delivers = (from, to, message) => {
      const body = message.body as Typed & { statement?: any };
      if (body.type === "gossip") {
        const { origin, incarnation, sequence } = body.statement;
        const key = `${from}>${to} ${identityOf(origin)}/${incarnation}/${sequence}`;
        crossings.set(key, (crossings.get(key) ?? 0) + 1);
      }
      return delivers(from, to, message);
    };
    return crossings;
  }
}
