/** What a run comes to at a moment, so that two can be put side by side. */
import type { Millis, NodeId } from "../../../src/core/index.ts";
import type { BookedMessage } from "../../../src/trace/message-book.ts";
import type { NetworkPicture, PicturedNode } from "../../../src/trace/picture.ts";
import { verdictIn } from "../../../src/trace/verdict.ts";

export interface RunFigures {
  readonly peers: number;
  readonly links: number;
  readonly published: number;
  /** Of all receipts that were possible, from 0 to 1; undefined without a message. */
  readonly delivered: number | undefined;
  /** Relative message redundancy: copies / deliveries - 1. */
  readonly rmr: number | undefined;
  readonly latencyP50Ms: number | undefined;
  readonly latencyP99Ms: number | undefined;
  /** Peers that crashed or hang, and those of them that no living seed lists. */
  readonly failed: number;
  readonly noticed: number;
  /** Living peers that a seed removed as dead in their present life. */
  readonly falselyRemoved: number;
}

export function figuresAt(
  picture: NetworkPicture,
  messages: Iterable<BookedMessage>,
  at: Millis,
): RunFigures {
  const nodes = [...picture.nodes.values()];
  const seeds = nodes.filter(({ role, state }) => role === "seed" && state === "alive");
  const peers = nodes.filter(({ role }) => role === "peer");
  const living = peers.filter(({ state }) => state === "alive");
  const failed = peers.filter(({ state }) => state === "dead" || state === "paused");
  const seedIds = new Set(nodes.filter(({ role }) => role === "seed").map(({ id }) => id));
  let links = 0;
  for (const _ of picture.links()) links++;
  let published = 0;
  let wanted = 0;
  let copies = 0;
  const delays: number[] = [];
  for (const message of messages) {
    if (message.publishedAt > at) continue;
    published++;
    wanted += audienceOf(peers, message).size - 1;
    for (const ms of message.receivedAfterMs) if (message.publishedAt + ms <= at) delays.push(ms);
    for (const ms of message.copyAfterMs) if (message.publishedAt + ms <= at) copies++;
  }
  delays.sort((a, b) => a - b);
  const quantile = (q: number) =>
    delays.length === 0 ? undefined : delays[Math.max(0, Math.ceil(q * delays.length) - 1)];
  return {
    peers: living.length,
    links,
    published,
    delivered: wanted === 0 ? undefined : Math.min(1, delays.length / wanted),
    rmr: delays.length === 0 || copies === 0 ? undefined : copies / delays.length - 1,
    latencyP50Ms: quantile(0.5),
    latencyP99Ms: quantile(0.99),
    failed: failed.length,
    noticed: failed.filter(({ row }) => !seeds.some(({ list }) => list.has(row))).length,
    falselyRemoved: living.filter((node) => wasRemoved(node, seedIds)).length,
  };
}

/** The origin, and the peers that lived when it was published. */
export function audienceOf(
  peers: Iterable<PicturedNode>,
  { origin, publishedAt }: BookedMessage,
): Set<number> {
  const audience = new Set([origin]);
  for (const { row, role, since, until } of peers)
    if (role === "peer" && since <= publishedAt && (until === undefined || until > publishedAt))
      audience.add(row);
  return audience;
}

function wasRemoved({ evidence, since }: PicturedNode, seeds: ReadonlySet<NodeId>): boolean {
  return evidence.some(
    (event) => event.at >= since && verdictIn(event, seeds.has(event.node))?.type === "peer-removed",
  );
}
