/**
 * What routers send while nobody asks for anything: messages per node and second, requests and answers counted apart, in
 * a network in which nothing changes. Sums of what each period costs; with changes it is more.
 */
import { checkNumber, checkWhole } from "./valid-range.ts";

export interface ChordUpkeep {
  /** Nodes that a lookup asks on its way: hops to the predecessor, and the owner. */
  readonly asked: number;
  readonly stabilizeMs: number;
  readonly checkPredecessorMs: number;
  readonly fixFingersMs: number;
}

/**
 * Stabilise: a question, an answer, a notify. The predecessor: a ping, its answer. A finger: a lookup, two messages for
 * each node that it asks (Stoica et al. 2003, IV-E; Zave 2017).
 */
export function chordUpkeep({ asked, stabilizeMs, checkPredecessorMs, fixFingersMs }: ChordUpkeep): number {
  checkNumber("asked", asked, { least: 0 });
  return (
    perSecond(3, "stabilizeMs", stabilizeMs) +
    perSecond(2, "checkPredecessorMs", checkPredecessorMs) +
    perSecond(2 * asked, "fixFingersMs", fixFingersMs)
  );
}

export interface PastryUpkeep {
  readonly leafIntervalMs: number;
  readonly tableIntervalMs: number;
}

/** Leaf sets are compared with one leaf, there and back. A row is asked for, and one contact pinged (Rhea et al. 2004). */
export function pastryUpkeep({ leafIntervalMs, tableIntervalMs }: PastryUpkeep): number {
  return perSecond(2, "leafIntervalMs", leafIntervalMs) + perSecond(4, "tableIntervalMs", tableIntervalMs);
}

export interface KademliaUpkeep {
  /** Buckets, about log2(n/k); that of the own id counts like the others. */
  readonly buckets: number;
  /** Nodes that a lookup asks. */
  readonly asked: number;
  readonly refreshMs: number;
}

/** One lookup in each bucket and period, unless others come through it (Maymounkov and Mazières 2002, 2.3). Without pings. */
export function kademliaUpkeep({ buckets, asked, refreshMs }: KademliaUpkeep): number {
  checkNumber("buckets", buckets, { least: 0 });
  checkNumber("asked", asked, { least: 0 });
  return perSecond(2 * buckets * asked, "refreshMs", refreshMs);
}

export interface RepublishTraffic {
  /** Records that one node keeps. */
  readonly records: number;
  readonly replicas: number;
  /** Nodes that a lookup asks. */
  readonly asked: number;
  readonly republishMs: number;
}

/**
 * Each record is published again once in a period by one of its replicas, since the others hear of it: a lookup, and a
 * message to each other replica with its answer (Maymounkov and Mazières 2002, 2.5). Per node that keeps so many records.
 */
export function republishTraffic({ records, replicas, asked, republishMs }: RepublishTraffic): number {
  checkNumber("records", records, { least: 0 });
  checkWhole("replicas", replicas, { least: 1 });
  checkNumber("asked", asked, { least: 0 });
  return perSecond((records / replicas) * 2 * (asked + replicas - 1), "republishMs", republishMs);
}

/** Zero for a period of zero, which means never. */
function perSecond(messages: number, name: string, periodMs: number): number {
  checkNumber(name, periodMs, { least: 0 });
  return periodMs === 0 ? 0 : (1000 * messages) / periodMs;
}
