/** The figures of one message: who it reached when, over how many links, and what was sent in vain. */
import type { BookedMessage } from "./message-book.ts";
import { isLivingPeer } from "./overlay-graph.ts";
import type { NetworkPicture } from "./picture.ts";

export interface SpreadFigures {
  /** Its origin and all peers that lived when it was published: whom it should reach. */
  readonly nodes: number;
  /** Of these, who has it; the origin does. */
  readonly reached: number;
  /** Of these, who ended without it. */
  readonly gone: number;
  /** Who came later and got it from what others keep. */
  readonly late: number;
  /** From the publication to the last receipt that is not late. */
  readonly lastMs: number;
  /** Copies that were sent. */
  readonly copies: number;
  /** Of these, to nodes that had it or got it from elsewhere. */
  readonly duplicates: number;
  /** Relative message redundancy: copies / deliveries - 1; undefined without a delivery. */
  readonly rmr: number | undefined;
  /** Last delivery hop: links of the longest way to a delivery that is not late; undefined where no way is known. */
  readonly ldh: number | undefined;
  /** Receipts by the links of their way, late ones left out; the index is the number of links, 0 is the origin. */
  readonly hops: readonly number[];
  /** Receipts whose way the trace does not tell. */
  readonly unknownHops: number;
}

/** Whom a message should reach: its origin, and the peers that live in the picture of its publication. */
export function audienceOf(picture: NetworkPicture, origin: number): ReadonlySet<number> {
  const audience = new Set([origin]);
  for (const node of picture.nodes.values()) if (isLivingPeer(node)) audience.add(node.row);
  return audience;
}

/** `now` is the network of today: who is no longer there need not get it. */
export function spreadFigures(
  message: BookedMessage,
  audience: ReadonlySet<number>,
  now?: NetworkPicture,
): SpreadFigures {
  const { receivers, receivedAfterMs, copyFrom } = message;
  const hops = [1];
  const reachedRows = new Set([message.origin]);
  let late = 0;
  let lastMs = 0;
  let unknownHops = 0;
  for (let i = 0; i < receivers.length; i++) {
    const row = receivers[i]!;
    reachedRows.add(row);
    if (!audience.has(row)) {
      late++;
      continue;
    }
    lastMs = Math.max(lastMs, receivedAfterMs[i]!);
    const hop = message.hops[i]!;
    if (hop === 0) unknownHops++;
    else hops[hop] = (hops[hop] ?? 0) + 1;
  }
  let reached = 0;
  let gone = 0;
  for (const row of audience) {
    if (reachedRows.has(row)) reached++;
    else if (now !== undefined && !isThere(now, row)) gone++;
  }
  const deliveries = receivers.length;
  return {
    nodes: audience.size,
    reached,
    gone,
    late,
    lastMs,
    copies: copyFrom.length,
    duplicates: Math.max(0, copyFrom.length - deliveries),
    rmr: deliveries === 0 ? undefined : copyFrom.length / deliveries - 1,
    ldh: hops.length > 1 ? hops.length - 1 : undefined,
    hops: Array.from(hops, (count) => count ?? 0),
    unknownHops,
  };
}

function isThere(picture: NetworkPicture, row: number): boolean {
  const node = picture.nodes.get(row);
  return node !== undefined && isLivingPeer(node);
}

/** How many of the audience were what, from each moment on at which that changed; times after the publication. */
export interface SpreadCurve {
  readonly afterMs: readonly number[];
  readonly susceptible: readonly number[];
  readonly infected: readonly number[];
  readonly removed: readonly number[];
}

/** At most so many points are drawn of a curve. */
const maxPoints = 2000;

export function spreadCurve(message: BookedMessage, audience: ReadonlySet<number>): SpreadCurve {
  const { receivers, receivedAfterMs, spreadUntilMs } = message;
  const received: number[] = [0];
  const stopped: number[] = [Math.max(0, spreadUntilMs.get(message.origin) ?? 0)];
  for (let i = 0; i < receivers.length; i++) {
    if (!audience.has(receivers[i]!)) continue;
    const atMs = receivedAfterMs[i]!;
    received.push(atMs);
    stopped.push(Math.max(atMs, spreadUntilMs.get(receivers[i]!) ?? atMs));
  }
  received.sort((a, b) => a - b);
  stopped.sort((a, b) => a - b);
  const moments = [...new Set([...received, ...stopped])].sort((a, b) => a - b);
  const step = Math.ceil(moments.length / maxPoints);
  const curve = {
    afterMs: moments.filter((_, i) => i % step === 0 || i === moments.length - 1),
    susceptible: [] as number[],
    infected: [] as number[],
    removed: [] as number[],
  };
  let known = 0;
  let done = 0;
  for (const atMs of curve.afterMs) {
    while (known < received.length && received[known]! <= atMs) known++;
    while (done < stopped.length && stopped[done]! <= atMs) done++;
    curve.susceptible.push(audience.size - known);
    curve.infected.push(known - done);
    curve.removed.push(done);
  }
  return curve;
}

/** When so large a share of the audience had it, in ms after the publication; undefined if it never did. */
export function timeToShare(
  message: BookedMessage,
  audience: ReadonlySet<number>,
  share: number,
): number | undefined {
  const times = [0];
  message.receivers.forEach((row, i) => {
    if (audience.has(row)) times.push(message.receivedAfterMs[i]!);
  });
  times.sort((a, b) => a - b);
  // A hair less, so that a half of 26 is 13 whatever floating point makes of it.
  return times[Math.max(0, Math.ceil(share * audience.size - 1e-9) - 1)];
}

/** A link that carried the message more than once: in both directions, or twice in one. */
export interface DoubledLink {
  readonly a: number;
  readonly b: number;
  readonly copies: number;
  /** Of the first copy and the second, in ms after the publication. */
  readonly firstMs: number;
  readonly secondMs: number;
  /** They were under way towards each other. */
  readonly isCrossing: boolean;
}

/** In the order of their second copy. */
export function doubledLinks(message: BookedMessage): DoubledLink[] {
  const links = new Map<string, { -readonly [K in keyof DoubledLink]: DoubledLink[K] } & { from: number }>();
  const { copyFrom, copyTo, copyAfterMs } = message;
  for (let i = 0; i < copyFrom.length; i++) {
    const from = copyFrom[i]!;
    const to = copyTo[i]!;
    const [a, b] = from < to ? [from, to] : [to, from];
    const key = `${a}-${b}`;
    const known = links.get(key);
    const atMs = copyAfterMs[i]!;
    if (known === undefined)
      links.set(key, { a, b, copies: 1, firstMs: atMs, secondMs: 0, isCrossing: false, from });
    else {
      known.copies++;
      if (known.copies === 2) known.secondMs = atMs;
      if (known.from !== from) known.isCrossing = true;
    }
  }
  return [...links.values()]
    .filter(({ copies }) => copies > 1)
    .map(({ from: _, ...link }) => link)
    .sort((one, other) => one.secondMs - other.secondMs);
}

/** What a link took, from the receipt at one end to the first receipt at the other: mean over so many receipts. */
export function meanHopMs(
  messages: Iterable<BookedMessage>,
): { readonly hopMs: number; readonly receipts: number } | undefined {
  let total = 0;
  let receipts = 0;
  for (const message of messages) {
    const receivedAt = new Map([[message.origin, 0]]);
    message.receivers.forEach((row, i) => {
      receivedAt.set(row, message.receivedAfterMs[i]!);
    });
    message.senders.forEach((sender, i) => {
      const before = receivedAt.get(sender);
      if (before === undefined || message.hops[i] === 0) return;
      total += Math.max(0, message.receivedAfterMs[i]! - before);
      receipts++;
    });
  }
  return receipts === 0 ? undefined : { hopMs: total / receipts, receipts };
}

/** Who got it first from whom: the nodes in layers by links from the origin, children in the order of their parents. */
export interface ReceiptTree {
  /** By hop; the first layer is the origin alone. */
  readonly layers: readonly (readonly ReceiptTreeNode[])[];
  /** Who has it, and the trace does not say over which way. */
  readonly wayUnknown: readonly ReceiptTreeNode[];
}
export interface ReceiptTreeNode {
  readonly row: number;
  /** Place of its parent in the layer before; -1 at the origin and where it is not known. */
  readonly parent: number;
  readonly receivedMs: number;
  /** Nodes that got it through this one. */
  readonly below: number;
}

export function receiptTree(message: BookedMessage): ReceiptTree {
  const { origin, receivers, senders, receivedAfterMs, hops } = message;
  const children = new Map<number, number[]>();
  const wayUnknown: ReceiptTreeNode[] = [];
  receivers.forEach((row, i) => {
    if (hops[i] === 0) wayUnknown.push({ row, parent: -1, receivedMs: receivedAfterMs[i]!, below: 0 });
    else {
      const siblings = children.get(senders[i]!);
      if (siblings === undefined) children.set(senders[i]!, [i]);
      else siblings.push(i);
    }
  });
  // Who received last has nobody below that came before.
  const below = new Map<number, number>();
  for (let i = receivers.length - 1; i >= 0; i--) {
    if (hops[i] === 0) continue;
    const sender = senders[i]!;
    below.set(sender, (below.get(sender) ?? 0) + (below.get(receivers[i]!) ?? 0) + 1);
  }
  const layers: ReceiptTreeNode[][] = [
    [{ row: origin, parent: -1, receivedMs: 0, below: below.get(origin) ?? 0 }],
  ];
  for (let layer = layers[0]!; layer.length > 0; ) {
    const next = layer.flatMap(({ row }, parent) =>
      (children.get(row) ?? []).map((i) => ({
        row: receivers[i]!,
        parent,
        receivedMs: receivedAfterMs[i]!,
        below: below.get(receivers[i]!) ?? 0,
      })),
    );
    if (next.length > 0) layers.push(next);
    layer = next;
  }
  return { layers, wayUnknown };
}
