/** What two members tell each other of all whom they know, and what follows from the differences. */
import { type Identity, identityOf, type NodeId, type Random, type Signed } from "../core/index.ts";
import { eldestKept, type MemberEntry, type MemberTable } from "./swim-members.ts";
import {
  type MemberRecord,
  maxSyncEntries,
  type SyncDigestEntry,
  type SyncDigestMessage,
} from "./swim-messages.ts";
import type { SwimParts } from "./swim-parts.ts";

/** Of a network that is too large for full views a comparison tells of so many: samples need not become equal. */
const sampledEntries = 16;
// Bounds on what one digest makes us send to others; guesses: as many as a full view has, and a few.
const maxRevived = 256;
const maxQuestioned = 8;

/**
 * Everybody, ourselves first; of more than a message holds a part, another one each time; of a large network a few and
 * the eldest, and of a partial view only those whom we watch: the dead, whom nobody here asks, would be handed on for
 * ever.
 */
export function digestOf(parts: SwimParts, own: SyncDigestEntry, random: Random): SyncDigestEntry[] {
  const entries = [own];
  const { members } = parts;
  const { here } = members;
  const room = maxSyncEntries - 1;
  if (parts.isLarge()) {
    const sampled = members.sampleHere(sampledEntries, random, ({ peer }) => parts.isWatched(peer));
    const eldest = parts.isPartial() ? [] : members.eldest(eldestKept);
    for (const member of new Set([...sampled, ...eldest])) entries.push(entryOf(member));
  } else if (members.size <= room) {
    for (const member of members.values()) entries.push(entryOf(member));
  } else {
    const start = random.below(here.length);
    for (let i = 0; i < here.length && i < room; i++) entries.push(entryOf(here[(start + i) % here.length]!));
  }
  return entries;
}

export interface Differences {
  /** They know more. */
  readonly wanted: NodeId[];
  /** We know more. */
  readonly surplus: SyncDigestEntry[];
  /** Given up by us and alive for them: whoever lives can say so. */
  readonly revived: MemberEntry[];
  /** Alive for us and given up by them: nobody believes a death, so we ask. */
  readonly questioned: MemberEntry[];
}

export function compareWithDigest(
  digest: SyncDigestMessage,
  members: MemberTable,
  own: SyncDigestEntry,
): Differences {
  const differences: Differences = { wanted: [], surplus: [], revived: [], questioned: [] };
  const { wanted, surplus } = differences;
  const self = identityOf(own.member);
  const theirs = new Set<Identity>();
  for (const entry of digest.entries) {
    const identity = identityOf(entry.member);
    if (theirs.has(identity)) continue;
    theirs.add(identity);
    const member = members.get(identity);
    if (identity === self) {
      if (entry.incarnation < own.incarnation) surplus.push(own);
      else if (entry.incarnation > own.incarnation || entry.state !== "alive") wanted.push(entry.member);
    } else if (member === undefined) {
      if (entry.state === "alive" || entry.state === "suspect") wanted.push(entry.member);
    } else if (entry.incarnation > member.incarnation) wanted.push(entry.member);
    else if (entry.incarnation < member.incarnation) surplus.push(entryOf(member));
    else if (entry.state !== member.state) addOpinion(entry, member, differences);
  }
  // An answer says only what differs, and a part of a long list says nothing of the rest.
  if (!digest.isAnswer && !digest.isPartial && digest.entries.length < maxSyncEntries) {
    if (!theirs.has(self)) surplus.push(own);
    for (const member of members.here) if (!theirs.has(member.identity)) surplus.push(entryOf(member));
  }
  if (surplus.length > maxSyncEntries) surplus.length = maxSyncEntries;
  return differences;
}

/** Two opinions about one life. */
function addOpinion(entry: SyncDigestEntry, member: MemberEntry, differences: Differences): void {
  const { wanted, surplus, revived, questioned } = differences;
  if (entry.state === "left") wanted.push(entry.member);
  else if (member.state === "left") surplus.push(entryOf(member));
  else if (member.state === "failed") {
    surplus.push(entryOf(member));
    if (revived.length < maxRevived) revived.push(member);
  } else if (entry.state === "failed") {
    if (questioned.length < maxQuestioned) questioned.push(member);
  } else if (entry.state === "suspect") wanted.push(entry.member);
  else surplus.push(entryOf(member));
}

function entryOf(member: MemberEntry): SyncDigestEntry {
  const state = member.state as SyncDigestEntry["state"];
  return { member: member.peer, incarnation: member.incarnation, state };
}

export function entryOfRecord({ statement }: Signed<MemberRecord>): SyncDigestEntry {
  return { member: statement.member, incarnation: statement.incarnation, state: "alive" };
}
