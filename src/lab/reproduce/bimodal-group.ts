/**
 * A group that multicasts by the real broadcast layer, method `bimodal`, on simulated links: everybody knows everybody,
 * as the paper assumes. Histories are not compared, so that what is measured are the two phases and nothing else.
 */
import {
  type Candidate,
  type Environment,
  type Graph,
  graphOfLinks,
  type Identity,
  type Millis,
  type NodeId,
  type PeerSampler,
  type Protocol,
  RecordingEnvironment,
  sample,
  trustEverybody,
} from "../../core/index.ts";
import {
  Broadcast,
  type BroadcastCommand,
  type BroadcastMessage,
  type BroadcastNotice,
  type BroadcastOptions,
  type BroadcastTimer,
} from "../../dissemination/index.ts";
import { MulticastTree } from "../../dissemination/multicast-tree.ts";
import { type LinkSettings, Simulation } from "../../simulator/index.ts";

type BroadcastEnvironment = Environment<BroadcastMessage, BroadcastTimer, BroadcastNotice>;

export interface GroupSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly links: Partial<LinkSettings>;
  /** False: the tree alone, nobody is ever called. */
  readonly gossips: boolean;
  readonly options?: Partial<BroadcastOptions>;
  readonly onDelivered: (
    row: number,
    message: Extract<BroadcastNotice, { type: "delivered" }>,
    at: Millis,
  ) => void;
}

export class BimodalGroup {
  readonly simulation: Simulation;
  readonly members: readonly GroupMember[];

  constructor({ seed, nodes, links, gossips, options, onDelivered }: GroupSettings) {
    this.simulation = new Simulation({
      seed,
      rows: nodes,
      links,
      onNotice: (row, notice: BroadcastNotice, at) => {
        if (notice.type === "delivered") onDelivered(row, notice, at);
      },
    });
    const everybody = rowsOf(nodes);
    this.members = Array.from({ length: nodes }, (_, row) => {
      const broadcast = new Broadcast({
        // Partners are members, or else neighbors; and there are no neighbors, so that nobody is called.
        view: { neighbors: [], has: () => false },
        members: new AllOthers(row, everybody),
        standing: { incarnation: 1, since: 0 },
        signatures: trustEverybody,
        options: {
          ...options,
          method: "bimodal",
          partners: gossips ? "members" : "neighbors",
          repairs: false,
        },
      });
      return new GroupMember(broadcast);
    });
    for (const [row, member] of this.members.entries()) this.simulation.host(row, member);
  }

  publish(row: number, at: Millis): void {
    const command: BroadcastCommand = { type: "publish", payloads: ["a message"] };
    this.simulation.command(row, command, at - this.simulation.time);
  }
}

/** The tree along which a group multicasts. */
export function multicastTreeOf({
  nodes,
  degree,
}: {
  readonly nodes: number;
  readonly degree: number;
}): Graph {
  const everybody = rowsOf(nodes);
  const links: [number, number][] = [];
  for (let row = 0; row < nodes; row++) {
    const tree = new MulticastTree(new AllOthers(row, everybody), degree);
    tree.refresh(new RecordingEnvironment(row));
    for (const other of tree.neighbors as number[]) if (row < other) links.push([row, other]);
  }
  return graphOfLinks(nodes, links);
}

/** The broadcast of a node, and a count of what it retransmits. */
export class GroupMember
  implements Protocol<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand>
{
  /** Copies that others had solicited. Copies of the tree are sent by a timer, never in answer to anything. */
  retransmissions = 0;
  readonly #broadcast: Broadcast;

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
  }

  start(env: BroadcastEnvironment): void {
    this.#broadcast.start(env);
  }
  onCommand(command: BroadcastCommand, env: BroadcastEnvironment): void {
    this.#broadcast.onCommand(command, env);
  }
  onMessage(from: NodeId, message: BroadcastMessage, env: BroadcastEnvironment): void {
    const { sends } = this.#broadcast.counters;
    this.#broadcast.onMessage(from, message, env);
    this.retransmissions += this.#broadcast.counters.sends - sends;
  }
  onTimer(timer: BroadcastTimer, env: BroadcastEnvironment): void {
    this.#broadcast.onTimer(timer, env);
  }
}

type Row = Candidate & { readonly peer: number };

const rowsOf = (nodes: number) => Array.from({ length: nodes }, (_, peer): Row => ({ peer, since: 0 }));

/** Everybody in the group but this one. */
class AllOthers implements PeerSampler {
  readonly #others: readonly Row[];

  constructor(self: number, everybody: readonly Row[]) {
    this.#others = everybody.filter(({ peer }) => peer !== self);
  }

  get size(): number {
    return this.#others.length;
  }
  sample(...[count, random, accept]: Parameters<PeerSampler["sample"]>): Row[] {
    return sample(accept === undefined ? this.#others : this.#others.filter(accept), count, random);
  }
  get(identity: Identity): Row | undefined {
    return this.#others.find(({ peer }) => peer === identity);
  }
}
