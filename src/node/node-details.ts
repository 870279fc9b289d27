/** What one node says about itself to whoever looks at it closely (`GET /v1/nodes/:name/details`). */
import type { NodeId } from "../core/index.ts";
import { messageKey } from "../trace/index.ts";
import type { GrapevineNode } from "./node.ts";

const maxMessages = 100;
const maxTimers = 1000;
/** Of each message that is kept; the whole of it may be 64 KiB. */
const maxTextLength = 256;

export interface NodeDetails {
  readonly name: string;
  readonly neighbors: readonly { readonly peer: NodeId; readonly rttMs: number | null }[];
  readonly members: readonly NodeId[];
  /** The latest first. */
  readonly messages: readonly KeptMessage[];
  /** `layer.counter`. */
  readonly counters: Readonly<Record<string, number>>;
  /** In the order in which they are due. */
  readonly timers: readonly { readonly name: string; readonly inMs: number }[];
  readonly log?: readonly string[];
}

export interface KeptMessage {
  readonly key: string;
  readonly at: number;
  /** Missing where it is no text; cut where it is long. */
  readonly text?: string;
}

export function detailsOf(node: GrapevineNode, log: readonly string[] | undefined): NodeDetails {
  return {
    name: node.name,
    neighbors: node.neighbors().map(({ peer, rttMs }) => ({ peer, rttMs: rttMs ?? null })),
    members: node.members().map(({ peer }) => peer),
    messages: messagesOf(node),
    counters: countersOf(node),
    timers: timersOf(node),
    ...(log === undefined ? {} : { log }),
  };
}

function messagesOf({ peer }: GrapevineNode): KeptMessage[] {
  const messages: KeptMessage[] = [];
  for (const { gossip } of peer?.broadcast.latestRetained(maxMessages) ?? []) {
    const { origin, incarnation, sequence, at, payloads } = gossip.statement;
    for (let i = payloads.length - 1; i >= 0 && messages.length < maxMessages; i--) {
      const key = messageKey({ origin, incarnation, sequence: sequence + i });
      const payload = payloads[i]!;
      if (key === undefined) continue;
      messages.push(typeof payload === "string" ? { key, at, text: shortened(payload) } : { key, at });
    }
  }
  return messages;
}

function shortened(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 1)}…`;
}

function countersOf({ peer, seed, links, datagrams }: GrapevineNode): Record<string, number> {
  const layers: Record<string, Readonly<Record<string, unknown>> | undefined> = {
    ...(peer ?? seed)?.counters,
    state: peer?.state.counters,
    links: links.counters,
    "links.drops": links.drops,
    datagrams: datagrams?.counters,
    "datagrams.drops": datagrams?.drops,
  };
  const flat: Record<string, number> = {};
  for (const [layer, counters] of Object.entries(layers)) {
    for (const [name, value] of Object.entries(counters ?? {}))
      if (typeof value === "number") flat[`${layer}.${name}`] = value;
  }
  const traffic = [...links.traffic.layers, ...(datagrams?.traffic.layers ?? [])];
  for (const [layer, { messages, bytes }] of traffic) {
    for (const [name, value] of [
      ["messagesSent", messages],
      ["bytesSent", bytes],
    ] as const)
      flat[`${layer}.${name}`] = (flat[`${layer}.${name}`] ?? 0) + value;
  }
  return flat;
}

function timersOf(node: GrapevineNode): { name: string; inMs: number }[] {
  const now = Date.now();
  return Array.from(node.pendingTimers, ({ timer, at }) => ({
    name: `${timer.layer} ${timer.body.type}`,
    inMs: Math.max(0, Math.round(at - now)),
  }))
    .sort((a, b) => a.inMs - b.inMs)
    .slice(0, maxTimers);
}
