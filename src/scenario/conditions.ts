/** What can be true of a network: for each condition of a scenario, how it is found out. */
import { type Identity, identityOf, type Millis, type NodeId } from "../core/index.ts";
import { broadcastOptions } from "../dissemination/broadcast-options.ts";
import { isConnected } from "../theory/graph-measures.ts";
import { durationMs } from "./duration.ts";
import { holds, type ObservedMessage, type ObservedNode, type Observer } from "./observer.ts";
import type { Condition } from "./scenario.ts";
import type { PeerView, SeedView, World } from "./world.ts";

/** What a condition may look at. */
export interface Facts {
  readonly world: World;
  readonly observer: Observer;
  /** How long and how many messages are kept for others, by the stack's options. */
  readonly retention?: { readonly retainMs?: Millis; readonly retainMessages?: number };
  /** The seeds' lists when the network had formed, by name. */
  readonly listsAtStart: ReadonlyMap<string, string>;
  /** Of nodes that crashed or hung: what was seen of them just before. */
  readonly beforeSilence: ReadonlyMap<string, LastSight>;
  /** Of nodes that started again: what was seen of them right afterwards. */
  readonly afterReturn: ReadonlyMap<string, PeerView>;
}

export interface LastSight {
  readonly view: PeerView | undefined;
  /** Who held a link to it. */
  readonly neighbors: number;
}

export interface Finding {
  readonly ok: boolean;
  readonly detail?: string;
  readonly figures?: Readonly<Record<string, unknown>>;
}

type Of<Is extends Condition["is"]> = Extract<Condition, { readonly is: Is }>;
type Evaluator<Is extends Condition["is"]> = (
  condition: Of<Is>,
  facts: Facts,
  names: readonly string[],
) => Finding | Promise<Finding>;

/** `names` are the nodes that the condition's selector means; it is empty where there is none. */
export function evaluate(condition: Condition, facts: Facts, names: readonly string[]): Promise<Finding> {
  const evaluator = conditions[condition.is] as Evaluator<Condition["is"]>;
  return Promise.resolve(evaluator(condition as never, facts, names));
}

export const conditions: { readonly [Is in Condition["is"]]: Evaluator<Is> } = {
  formed: async (_, facts) => {
    const views = await activeViews(facts);
    const unregistered = views.filter(({ isRegistered }) => !isRegistered);
    const alone = views.length < 2 ? [] : views.filter(({ neighbors }) => neighbors.length === 0);
    const whole = isConnected(adjacency(views));
    return {
      ok: unregistered.length === 0 && alone.length === 0 && whole,
      detail: `${views.length - unregistered.length} of ${views.length} peers registered, ${alone.length} without neighbors, ${whole ? "one piece" : "not one piece"}`,
    };
  },

  connected: async (_, facts) => ({ ok: isConnected(adjacency(await activeViews(facts))) }),

  listed: async ({ neighbors = 0 }, facts, names) => {
    const wanted = identitiesOf(names, facts);
    const seeds = await seedsWithLists(facts);
    const lacking = seeds.filter(({ list }) => {
      const times = new Map<Identity, number>();
      for (const { peer, neighbors: known } of list) {
        const identity = identityOf(peer);
        if (known >= neighbors) times.set(identity, (times.get(identity) ?? 0) + 1);
      }
      return !wanted.every((identity) => times.get(identity) === 1);
    });
    return {
      ok: lacking.length === 0,
      detail: lacking.length === 0 ? undefined : `not at ${namesOf(lacking)}`,
    };
  },

  removed: async ({ by }, facts, names) => {
    const { observer, world } = facts;
    const seeds = await seedsWithLists(facts);
    const gone = new Set(identitiesOf(names, facts));
    const lists = seeds.map(({ list }) => list.map(({ peer }) => peer));
    // Where lists are samples, those know of it who had it as a neighbor.
    if (seeds.length === 0) lists.push(...(await activeViews(facts)).map(({ neighbors }) => [...neighbors]));
    const stillThere = lists.filter((list) => list.some((peer) => gone.has(identityOf(peer))));
    const watchers = names.map((name) =>
      seeds.length > 0 ? seeds.map((seed) => seed.name) : formerNeighbors(name, facts),
    );
    const times = names.flatMap((name, i) => removalTimes(name, watchers[i]!, observer));
    const slowest = times.length === 0 ? Number.NaN : Math.max(...times);
    const intervals = Number((slowest / world.pingIntervalMs).toFixed(2));
    const all = watchers.flat().length;
    const boundMs = by === undefined ? undefined : durationMs(by, world.pingIntervalMs, "removed.by");
    const isInTime = boundMs === undefined || (times.length === all && slowest <= boundMs);
    const howSoon =
      world.profile === "classic" ? `${intervals} intervals` : `${slowest} ms, at most ${boundMs}`;
    return {
      ok: stillThere.length === 0 && isInTime,
      detail: by === undefined ? `${times.length} of ${all}` : howSoon,
      figures: {
        pingIntervalMs: world.pingIntervalMs,
        ...(boundMs === undefined ? {} : { boundMs }),
        neighborsOfVictim: names.reduce(
          (sum, name) => sum + (facts.beforeSilence.get(name)?.neighbors ?? 0),
          0,
        ),
        removedAtSeeds: times.length,
        removedAfterMs: times,
        removedAfterIntervals: intervals,
      },
    };
  },

  linked: async ({ atLeast = 1 }, facts, names) => {
    const counts = (await viewsOf(names, facts)).map((view) => view?.neighbors.length ?? 0);
    return { ok: counts.every((count) => count >= atLeast), detail: `${counts.join(", ")} neighbors` };
  },

  registered: async (_, facts, names) => {
    const views = await viewsOf(names, facts);
    return { ok: views.every((view) => view?.isRegistered === true) };
  },

  delivered: ({ node }, facts, names) => {
    const { kept, isCrowdedOut } = keptMessages(facts);
    const peers =
      node === undefined ? facts.observer.activePeers : names.map((name) => facts.observer.node(name)!);
    let have = 0;
    for (const { flags } of kept) for (const { row } of peers) if (has(flags, row)) have++;
    const wanted = kept.length * peers.length;
    const share = wanted === 0 ? 1 : have / wanted;
    const isUnjudged = kept.length === 0 && facts.observer.messages.length > 0;
    const judged = node === undefined ? `${(share * 100).toFixed(1)} %` : `${have} of ${wanted}`;
    const why = isCrowdedOut
      ? "more was said at once than a peer keeps; raise broadcast.retainMessages"
      : "none of what was said must still be kept by now";
    const detail = isUnjudged ? `nothing to judge: ${why}` : judged;
    const figures =
      node === undefined
        ? { messages: kept.length, ratio: share }
        : { retained: wanted, received: have, share };
    // What nothing could contradict is no proof.
    return { ok: have === wanted && !(isUnjudged && isCrowdedOut), detail, figures };
  },

  "lists-exact": async (_, facts) => {
    const { observer } = facts;
    const identities = (nodes: readonly ObservedNode[]) => nodes.map(({ id }) => identityOf(id));
    // Whoever hangs may be in the list or not: nobody can know of it at once.
    const paused = new Set(identities(observer.nodes.filter(({ isPaused }) => isPaused)));
    const isExact = (list: readonly NodeId[], living: ReadonlySet<Identity>, own?: NodeId) => {
      const listed = list.map(identityOf).filter((identity) => !paused.has(identity));
      const isOneOfThem = own !== undefined && living.has(identityOf(own));
      const wanted = isOneOfThem ? living.size - 1 : living.size;
      return listed.length === wanted && listed.every((identity) => living.has(identity));
    };
    const peers = new Set(identities(observer.activePeers));
    const seeds = await seedsWithLists(facts);
    const wrongLists = seeds.filter(
      ({ list }) =>
        !isExact(
          list.map(({ peer }) => peer),
          peers,
        ),
    );
    // Where all are members of one membership, everybody knows everybody.
    const all = new Set(identities([...observer.activePeers, ...observer.activeSeeds]));
    const wrongViews = [...seeds, ...(await activeViews(facts))].filter(
      ({ id, members }) => members !== undefined && !isExact(members, all, id),
    );
    const sizes = seeds.map(({ list }) => list.length);
    const also = wrongViews.length === 0 ? "" : `; others than those who live at ${namesOf(wrongViews)}`;
    return {
      ok: wrongLists.length === 0 && wrongViews.length === 0,
      detail: `${peers.size} peers live, the lists have ${sizes.join(", ")}${also}`,
      figures: { listSizes: sizes },
    };
  },

  "seeds-agree": async (_, facts) => {
    const prints = (await seedsWithLists(facts)).map(
      ({ list, fingerprint }) => `${list.length}/${fingerprint}`,
    );
    return { ok: prints.every((print) => print === prints[0]) };
  },

  "nobody-removed": (_, { observer }, except) => {
    const excepted = new Set(
      except.flatMap((name) => {
        const id = observer.node(name)?.id;
        return id === undefined ? [] : [identityOf(id)];
      }),
    );
    const wrongly = observer.removals.filter(
      ({ isFalse, peer }) => isFalse && !excepted.has(identityOf(peer)),
    );
    const [first] = wrongly;
    const nameOf = (peer: NodeId) => observer.nodeOf(peer)?.name ?? String(peer);
    return {
      ok: first === undefined,
      detail:
        first === undefined
          ? undefined
          : `${nameOf(first.peer)} by ${first.by}: ${first.reason}; ${wrongly.length} in all`,
      figures: { livePeersRemoved: wrongly.length },
    };
  },

  "lists-unchanged": async (_, facts) => {
    const changed = (await seedsWithLists(facts)).filter((seed) => {
      const before = facts.listsAtStart.get(seed.name);
      return before !== undefined && before !== listText(seed);
    });
    return {
      ok: changed.length === 0,
      detail: changed.length === 0 ? undefined : `other than at first: ${namesOf(changed)}`,
    };
  },

  "same-node": (_, facts, names) => {
    const findings = names.map((name) => sameNode(name, facts));
    return findings.find(({ ok }) => !ok) ?? findings[0] ?? { ok: true };
  },

  "forgeries-refused": (_, { world }) => {
    const { reportsSent, reportsArriving = 0, reportsIgnored = 0 } = world.figures;
    const { registrationsSent, refused = 0, taken = 0 } = world.figures;
    const { hasOutsider = false, outsiderRefusedWith, outsiderHeard = 0 } = world.figures;
    const said: string[] = [];
    if (reportsSent !== undefined) said.push(`${reportsIgnored} of ${reportsArriving} reports ignored`);
    if (registrationsSent !== undefined)
      said.push(`${refused} of ${registrationsSent} registrations refused`);
    if (hasOutsider) said.push(`the stranger: ${outsiderRefusedWith ?? "not refused"}`);
    const isOutsiderOut = !hasOutsider || (outsiderRefusedWith !== undefined && outsiderHeard === 0);
    return {
      ok:
        said.length > 0 &&
        reportsIgnored >= reportsArriving &&
        refused === (registrationsSent ?? 0) &&
        taken === 0 &&
        isOutsiderOut,
      detail: said.join(", ") || "nothing was forged",
    };
  },

  "junk-freed": (_, { world }) => {
    const { connectionsOpened = 0, junkHeld } = world.figures;
    return {
      ok: connectionsOpened > 0 && junkHeld === 0,
      detail: `${connectionsOpened} connections, ${junkHeld ?? "?"} still held`,
    };
  },
};

/** What the verdict calls a condition that the scenario gives no claim for. */
export function claimOf(condition: Condition, names: readonly string[]): string {
  const who =
    names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  const are = names.length === 1 ? "is" : "are";
  const have = names.length === 1 ? "has" : "have";
  switch (condition.is) {
    case "formed":
      return "the network is formed";
    case "connected":
      return "the overlay is connected";
    case "listed":
      return `${who} ${are} in the list of every seed`;
    case "removed":
      return `${who} ${are} removed from all seeds${condition.by === undefined ? "" : ` within ${condition.by}`}`;
    case "linked":
      return `${who} ${have} ${condition.atLeast === undefined ? "" : `${condition.atLeast} `}neighbors`;
    case "registered":
      return `${who} ${are} registered`;
    case "delivered":
      return `${condition.node === undefined ? "every peer has" : `${who} ${have}`} everything that was said`;
    case "lists-exact":
      return "every seed lists exactly the living peers";
    case "seeds-agree":
      return "the seeds have the same list";
    case "nobody-removed":
      return names.length === 0 ? "no live peer was removed" : "nobody else was removed";
    case "lists-unchanged":
      return "the lists are what they were";
    case "same-node":
      return `${who} ${are} the same as before`;
    case "forgeries-refused":
      return "all that was forged was refused or ignored";
    case "junk-freed":
      return "what the junk held is free again";
  }
}

// ---- What conditions have in common ----

async function activeViews({ world, observer }: Facts): Promise<PeerView[]> {
  return (await world.peers()).filter(({ name }) => isActive(observer.node(name)));
}

export async function activeSeeds({
  world,
  observer,
}: Pick<Facts, "world" | "observer">): Promise<SeedView[]> {
  return (await world.seeds()).filter(({ name }) => isActive(observer.node(name)));
}

/** None where somebody knows a sample only: then lists are samples, and say nothing of who is not in them. */
async function seedsWithLists(facts: Facts): Promise<SeedView[]> {
  const seeds = await activeSeeds(facts);
  const isSample = [...seeds, ...(await activeViews(facts))].some(({ isPartial }) => isPartial === true);
  return isSample ? [] : seeds;
}

function isActive(node: ObservedNode | undefined): boolean {
  return node?.isLiving === true && !node.isPaused;
}

async function viewsOf(names: readonly string[], { world }: Facts): Promise<(PeerView | undefined)[]> {
  const views = new Map((await world.peers()).map((view) => [view.name, view]));
  return names.map((name) => views.get(name));
}

function identitiesOf(names: readonly string[], { observer }: Facts): Identity[] {
  return names.map((name) => identityOf(observer.node(name)!.id));
}

function sameNode(name: string, { beforeSilence, afterReturn }: Facts): Finding {
  const before = beforeSilence.get(name)?.view;
  const after = afterReturn.get(name);
  if (before === undefined || after === undefined) return { ok: false, detail: `${name} has not come back` };
  const figures = { retainedBefore: before.retained, retainedAtStart: after.retained };
  if (identityOf(before.id) !== identityOf(after.id))
    return { ok: false, detail: `${name} is somebody else now`, figures };
  const isLater = after.incarnation > before.incarnation;
  const hasAll = after.retained >= before.retained;
  const detail = `life ${before.incarnation} -> ${after.incarnation}, ${after.retained} of ${before.retained} messages`;
  return { ok: isLater && hasAll, detail, figures };
}

/** Neighbors by index; a link counts if both ends have it. */
function adjacency(views: readonly PeerView[]): number[][] {
  const index = new Map(views.map(({ id }, i) => [id, i]));
  const sets = views.map(({ neighbors }) => new Set(neighbors));
  return views.map(({ id, neighbors }) =>
    neighbors.flatMap((neighbor) => {
      const other = index.get(neighbor);
      return other !== undefined && sets[other]!.has(id) ? [other] : [];
    }),
  );
}

/** In pings: within this, what is published is on its way, and peers get it in different orders. */
const spreadingPings = 5;

/**
 * What some waking peer has and all should: not too old, and not so long ago that it may have been pushed out by what
 * came since. Each peer forgets what it got first, so all that was published at about the same time counts as later.
 */
function keptMessages({ observer, world, retention }: Facts): {
  readonly kept: ObservedMessage[];
  /** There were more that later ones can have pushed out. */
  readonly isCrowdedOut: boolean;
} {
  const retainMs = retention?.retainMs ?? broadcastOptions.specs.retainMs.default;
  const most = retention?.retainMessages ?? broadcastOptions.specs.retainMessages.default;
  const { messages } = observer;
  const peers = observer.activePeers;
  const kept: ObservedMessage[] = [];
  let earliest = messages.length;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!;
    const since = message.at - spreadingPings * world.pingIntervalMs;
    while (earliest > 0 && messages[earliest - 1]!.at >= since) earliest--;
    if (messages.length - earliest > most) return { kept, isCrowdedOut: true };
    if (world.now - message.at > retainMs) continue;
    if (peers.some(({ row }) => has(message.flags, row))) kept.push(message);
  }
  return { kept, isCrowdedOut: false };
}

function has(flags: Uint8Array, row: number): boolean {
  return row < flags.length && (flags[row]! & holds) !== 0;
}

/** Those who had a link to it when it fell silent, and live. */
function formerNeighbors(name: string, { beforeSilence, observer }: Facts): string[] {
  const { neighbors = [] } = beforeSilence.get(name)?.view ?? {};
  return neighbors.flatMap((id) => {
    const node = observer.nodeOf(id);
    return node !== undefined && isActive(node) ? [node.name] : [];
  });
}

/** How long after it fell silent each of these removed it. */
function removalTimes(name: string, watchers: readonly string[], observer: Observer): Millis[] {
  const node = observer.node(name)!;
  const since = node.silentSince;
  if (since === undefined) return [];
  const identity = identityOf(node.id);
  return watchers.flatMap((watcher) => {
    const removal = observer.removals.find(
      ({ by, peer, at }) => by === watcher && at >= since && identityOf(peer) === identity,
    );
    return removal === undefined ? [] : [removal.at - since];
  });
}

/** Whom a seed lists, as one text. */
export function listText({ list }: SeedView): string {
  return list
    .map(({ peer }) => String(identityOf(peer)))
    .sort()
    .join(" ");
}

function namesOf(views: readonly { readonly name: string }[]): string {
  return views.map(({ name }) => name).join(", ");
}
