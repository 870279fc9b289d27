/** What the hands may do, and to whom. */
import type { FeedHello } from "../../../src/trace/feed.ts";
import type { NetworkPicture } from "../../../src/trace/picture.ts";
import type { SourceState } from "../sources/source.ts";

/** Why the network cannot be handled so, as the end of a sentence; undefined where it can. */
export function whyNot(hello: FeedHello | undefined, state: SourceState, action: string): string | undefined {
  if (hello === undefined) return "there is no network";
  if (state.type === "lost") return "the connection is lost";
  if (!hello.hands.includes(action)) return hello.readOnly ?? "this network does not take such orders";
  if (state.type === "ended") return "the network has ended";
  return undefined;
}

/** The choice of somebody who does not care who speaks. */
export const anyPeer = "any peer";

/** Peers that live, by name. */
export function peersOf(picture: NetworkPicture): string[] {
  const names: string[] = [];
  for (const { name, role, state } of picture.nodes.values())
    if (role === "peer" && state === "alive") names.push(name);
  return names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Who publishes; undefined where nobody is there. `draw` is below 1. */
export function publisherOf(picture: NetworkPicture, chosen: string, draw: number): string | undefined {
  if (chosen !== anyPeer) return chosen;
  const peers = peersOf(picture);
  return peers[Math.floor(draw * peers.length)];
}

/** What all links are like now, as far as that is one number and known: loss in percent, latency where it is constant. */
export function linksNow(
  { loss, latency }: Readonly<Record<string, unknown>>,
  world: FeedHello["world"] | undefined,
): { readonly lossPercent: number | undefined; readonly latencyMs: number | undefined } {
  // What is lost on a live link is sent again by the system, unseen.
  const lost = typeof loss === "number" ? loss : world === "live" ? 0 : undefined;
  const { model, ms } = (latency ?? {}) as { model?: unknown; ms?: unknown };
  return {
    lossPercent: lost === undefined ? undefined : Math.round(lost * 100),
    latencyMs: model === "constant" && typeof ms === "number" ? ms : undefined,
  };
}
