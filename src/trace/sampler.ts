/**
 * Decides what of a trace is told to those who watch it, where there is too much to tell: so many events a second,
 * and what matters most first.
 *
 * Who is there and who is linked is told whole: a picture of the network would be wrong without it. Messages are
 * followed whole or not at all, since half of a spreading looks like a failure; that is decided when they are
 * published, by what the last ones took. Pings and their like are told as long as there is plenty of room.
 */
import { identityOf, type Millis, type NodeId, type Typed } from "../core/index.ts";
import type { FeedSampling } from "./feed.ts";
import { scenarioLayer, traceLayer } from "./layers.ts";

export interface FeedSamplerConfig {
  readonly eventsPerSecond: number;
  /** What the first messages are thought to take: their receipts, and who hands them on. */
  readonly eventsPerMessage?: number;
}

type Notice = Typed & Readonly<Record<string, unknown>>;

/** A message that is followed: how many of its events are paid for already, and how many there were. */
interface Followed {
  readonly since: Millis;
  lastEvent: Millis;
  events: number;
  paid: number;
}

/** By origin, incarnation and sequence; null is not followed. Keys put together would cost more than three looks. */
type Decisions = Map<NodeId, Map<unknown, Map<number, Followed | null>>>;

/** Nobody can see the picture right without these. */
const structure = new Set<string>([
  ..."listening stopped left registered peer-listed peer-removed peer-left refuted".split(" "),
  ..."neighbor-up neighbor-down ping-missed suspected neighbor-failed neighbor-unreachable".split(" "),
  ..."dead-node dead-report-received dead-report-ignored suspect-answered".split(" "),
  ..."member-up member-suspected member-cleared member-failed".split(" "),
]);
/** Always the same, or told elsewhere too. */
const routine = new Set<string>([
  ..."ping-sent ping-answered publish lookup-step find-nodes seeds-agree list-handed-out peer-met".split(" "),
  ..."link-open link-closed session-open session-closed contact-up contact-down ring-changed".split(" "),
]);

/** Room that was not used is kept for so long. */
const burstMs = 2000;
/** Beyond its room for so long, even the structure is left out. */
const debtMs = 10_000;
/** What a message took is known when nothing was heard of it for so long… */
const silenceMs = 2000;
/** …or it spreads for so long already. */
const spreadingMs = 60_000;
/** A process that hung for longer could hear nothing: that is no silence of others. */
const maxPassMs = 250;
/** So often a message is followed, whatever it takes, so that there is something to look at… */
const somethingMs = 2000;
/** …unless it would fill the room of so long. */
const tooMuchMs = 20_000;
/** Decisions are remembered for at least so many messages, and for twice as many at most. */
const rememberedMessages = 30_000;
/** Neighbors that miss answers of each other, and nodes whose next message is asked for. */
const maxPairs = 10_000;

export class FeedSampler {
  #eventsPerSecond: number;
  /** Events that may be told; below 0 somebody has told more than there was room for. */
  #room: number;
  #eventsPerMessage: number;
  #now: Millis = 0;
  #lastFollowed = Number.NEGATIVE_INFINITY;
  #decisions: Decisions = new Map();
  #older: Decisions = new Map();
  #decided = 0;
  /** In the order of their publication: those whose whole cost is not known yet. */
  #spreading: Followed[] = [];
  /** Identities. */
  readonly #asked = new Set<NodeId>();
  /** Who waits for an answer of whom, as far as it was told. */
  readonly #missing = new Set<string>();
  #followed = 0;
  #leftOut = 0;
  #eventsLeftOut: Record<string, number> = Object.create(null);
  #hasGap = false;

  constructor({ eventsPerSecond, eventsPerMessage = 100 }: FeedSamplerConfig) {
    this.#eventsPerSecond = eventsPerSecond;
    this.#eventsPerMessage = eventsPerMessage;
    this.#room = this.#capacity;
  }

  get #capacity(): number {
    return (this.#eventsPerSecond * burstMs) / 1000;
  }

  /** From now on so many. */
  limitTo(eventsPerSecond: number): void {
    const before = this.#capacity;
    this.#eventsPerSecond = eventsPerSecond;
    // Whoever begins to watch a quiet network is told all of it at once.
    this.#room = Math.min(this.#room + Math.max(0, this.#capacity - before), this.#capacity);
  }

  /** So much time has passed for those who read: there is room again. */
  pass(elapsedMs: Millis): void {
    this.#now += Math.min(elapsedMs, maxPassMs);
    this.#room = Math.min(this.#capacity, this.#room + (elapsedMs * this.#eventsPerSecond) / 1000);
    let done = 0;
    for (const { since, lastEvent, events } of this.#spreading) {
      if (this.#now - lastEvent < silenceMs && this.#now - since < spreadingMs) break;
      this.#eventsPerMessage += (events - this.#eventsPerMessage) / 8;
      done++;
    }
    if (done > 0) this.#spreading = this.#spreading.slice(done);
  }

  /** The next message of that node is followed, whatever it takes: somebody published it by hand. */
  followNext(origin: NodeId): void {
    if (this.#asked.size < maxPairs) this.#asked.add(identityOf(origin));
  }

  /** Is it told? */
  admits(node: NodeId, layer: string, notice: Notice): boolean {
    switch (notice.type) {
      case "published":
      case "delivered":
        return this.#admitsMessage(notice);
      case "forwarded":
      case "removed":
        return this.#admitsBatch(notice);
    }
    if (isStructure(layer, notice.type) || this.#endsSilence(node, notice)) {
      if (this.#room > (-debtMs * this.#eventsPerSecond) / 1000) {
        if (notice.type === "ping-missed") this.#misses(`${node} ${notice["neighbor"]}`);
        return this.#tell();
      }
      this.#hasGap = true;
    } else if (this.#room > (routine.has(notice.type) ? this.#capacity / 2 : 0)) return this.#tell();
    this.#eventsLeftOut[notice.type] = (this.#eventsLeftOut[notice.type] ?? 0) + 1;
    return false;
  }

  /** What was left out since the last time; undefined where nothing was. */
  sampling(at: Millis): FeedSampling | undefined {
    const eventsLeftOut = this.#eventsLeftOut;
    const messagesFollowed = this.#followed;
    const messagesLeftOut = this.#leftOut;
    this.#followed = 0;
    this.#leftOut = 0;
    if (messagesLeftOut === 0 && Object.keys(eventsLeftOut).length === 0) return undefined;
    this.#eventsLeftOut = Object.create(null);
    return { at, messagesFollowed, messagesLeftOut, eventsLeftOut: { ...eventsLeftOut } };
  }

  /** True once, when structure was left out and there is room again to say how everything stands. */
  takeGap(): boolean {
    if (!this.#hasGap || this.#room < 0) return false;
    this.#hasGap = false;
    return true;
  }

  // ---- Messages ----

  #admitsMessage({ type, origin, incarnation, sequence }: Notice): boolean {
    if (!isNode(origin) || typeof sequence !== "number") return this.#room > 0 && this.#tell();
    let known = this.#decisionOf(origin, incarnation, sequence);
    if (known === undefined) {
      const isAskedFor = type === "published" && this.#asked.delete(identityOf(origin));
      known = this.#decide(isAskedFor);
      this.#remember(origin, incarnation, sequence, known);
    }
    return known !== null && this.#tellOf(known);
  }

  /** Of several messages at once: told if one of them is followed. */
  #admitsBatch({ origin, incarnation, sequence, count }: Notice): boolean {
    if (!isNode(origin) || typeof sequence !== "number") return this.#room > 0 && this.#tell();
    const messages = typeof count === "number" ? Math.min(count, rememberedMessages) : 1;
    for (let i = 0; i < messages; i++) {
      const known = this.#decisionOf(origin, incarnation, sequence + i);
      if (known !== undefined && known !== null) return this.#tellOf(known);
    }
    return false;
  }

  #decisionOf(origin: NodeId, incarnation: unknown, sequence: number): Followed | null | undefined {
    const known = this.#decisions.get(origin)?.get(incarnation)?.get(sequence);
    return known === undefined ? this.#older.get(origin)?.get(incarnation)?.get(sequence) : known;
  }

  #decide(isAskedFor: boolean): Followed | null {
    const cost = this.#expectedEvents();
    if (!isAskedFor && this.#room < cost && !this.#isTimeForOne(cost)) {
      this.#leftOut++;
      return null;
    }
    const message = { since: this.#now, lastEvent: this.#now, events: 0, paid: cost };
    this.#followed++;
    this.#room -= cost;
    this.#lastFollowed = this.#now;
    this.#spreading.push(message);
    return message;
  }

  #expectedEvents(): number {
    let most = this.#eventsPerMessage;
    // One that is under way may show already that messages take more than they used to.
    const last = this.#spreading.length;
    for (let i = Math.max(0, last - 8); i < last; i++) most = Math.max(most, this.#spreading[i]!.events);
    return Math.ceil(most);
  }

  #isTimeForOne(cost: number): boolean {
    const costMs = (1000 * cost) / this.#eventsPerSecond;
    return costMs <= tooMuchMs && this.#now - this.#lastFollowed >= Math.max(somethingMs, 2 * costMs);
  }

  #remember(origin: NodeId, incarnation: unknown, sequence: number, decision: Followed | null): void {
    if (++this.#decided > rememberedMessages) {
      this.#older = this.#decisions;
      this.#decisions = new Map();
      this.#decided = 1;
    }
    const lives = this.#decisions.get(origin) ?? new Map();
    const messages = lives.get(incarnation) ?? new Map();
    messages.set(sequence, decision);
    lives.set(incarnation, messages);
    this.#decisions.set(origin, lives);
  }

  // ---- Room ----

  #tell(): true {
    this.#room--;
    return true;
  }

  /** What a message was expected to take was paid for when it was decided. */
  #tellOf(message: Followed): true {
    message.events++;
    message.lastEvent = this.#now;
    if (message.paid > 0) message.paid--;
    else this.#room--;
    return true;
  }

  /** Who died meanwhile never hears an answer: the oldest make room. */
  #misses(pair: string): void {
    this.#missing.add(pair);
    if (this.#missing.size <= maxPairs) return;
    const [oldest] = this.#missing;
    this.#missing.delete(oldest!);
  }

  /** An answered ping is routine, but for one after a silence that was told. */
  #endsSilence(node: NodeId, { type, neighbor }: Notice): boolean {
    if (this.#missing.size === 0 || (type !== "ping-answered" && type !== "neighbor-down")) return false;
    return this.#missing.delete(`${node} ${neighbor}`);
  }
}

/** Does a picture of the network need it? */
export function isStructure(layer: string, type: string): boolean {
  return structure.has(type) || layer === scenarioLayer || layer === traceLayer;
}

function isNode(value: unknown): value is NodeId {
  return typeof value === "string" || typeof value === "number";
}
