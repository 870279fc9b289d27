/** Every publication of a trace, and how each of its copies fared. */
import { Distribution, rounded, type Spread } from "./distribution.ts";
import type { TracedNode } from "./node-register.ts";

export interface MessageFigures {
  /** Messages: a publication of the same name is one however often it is written. */
  readonly published: number;
  /** First receipts: each node counts once for each message, its origin never. */
  readonly deliveries: number;
  /** Of these: at nodes that did not live when it was published, and got it from what others had kept. */
  readonly deliveredLate: number;
  /**
   * What should have arrived: for each message the peers that lived when it was published and neither crashed, left
   * nor restarted until the end of the trace, without its origin. A node that is `closed` counts until then.
   */
  readonly expected: number;
  /** So many of the expected deliveries took place. */
  readonly arrived: number;
  /** `arrived / expected`; null where nothing was expected. */
  readonly ratio: number | null;
  /** Messages of which deliveries were expected, and all took place. */
  readonly complete: number;
  /** Deliveries of a message that the node had been given before: must be 0. */
  readonly deliveredTwice: number;
  /** Deliveries of a message that is not published in this trace … */
  readonly deliveredFromNowhere: number;
  /** … of these, by an origin of which the trace has no event at all: it may live elsewhere. */
  readonly deliveredFromOutside: number;
  /** From publication to first receipt, without late ones. */
  readonly delayMs: Spread | null;
  /** Deliveries before their publication: the clocks differ. They count as 0 ms. */
  readonly beforePublication: number;
  /** Relative message redundancy: for each message copies sent / deliveries - 1, and the mean of that. */
  readonly rmr: number | null;
  /** All copies together, with those that were sent as history, which name no message: copies / deliveries - 1. */
  readonly rmrWithHistory: number | null;
  /** Last delivery hop: for each message the longest way of a delivery that was not late; mean and maximum. */
  readonly ldh: { readonly mean: number; readonly max: number } | null;
  /** Deliveries whose way the trace does not tell: they came from somebody who is not seen to have the message. */
  readonly unknownHops: number;
  /** Copies of messages sent, and of these as history. */
  readonly sends: number;
  readonly historySends: number;
}

interface Message {
  /** Publications before it. */
  readonly index: number;
  readonly origin: TracedNode;
  /** For each row: 0 where it was not delivered, else the hops from its origin. */
  hops: Uint16Array;
  copies: number;
  deliveries: number;
  lastHop: number;
}

const unknownHop = 0xffff;

/**
 * Memory: some 200 bytes and 2 bytes per node for each message, so 20 MB for 1,000 messages to 10,000 nodes. It does
 * not grow with the events.
 */
export class MessageLedger {
  /** By origin, life and sequence number. */
  readonly #lives = new Map<TracedNode, Map<number, Map<number, Message>>>();
  readonly #messages: Message[] = [];
  readonly #delays = new Distribution();
  readonly #figures = {
    deliveries: 0,
    deliveredLate: 0,
    deliveredTwice: 0,
    deliveredFromNowhere: 0,
    deliveredFromOutside: 0,
    beforePublication: 0,
    unknownHops: 0,
    sends: 0,
    historySends: 0,
  };

  /** Also the index of the next. */
  get published(): number {
    return this.#messages.length;
  }

  onPublished(origin: TracedNode, incarnation: number, sequence: number): void {
    const lives = entry(this.#lives, origin, () => new Map<number, Map<number, Message>>());
    const sequences = entry(lives, incarnation, () => new Map<number, Message>());
    if (sequences.has(sequence)) return;
    const index = this.#messages.length;
    const message = { index, origin, hops: new Uint16Array(32), copies: 0, deliveries: 0, lastHop: 0 };
    sequences.set(sequence, message);
    this.#messages.push(message);
  }

  onDelivered(
    to: TracedNode,
    message: { readonly origin: TracedNode; readonly incarnation: number; readonly sequence: number },
    from: TracedNode | undefined,
    delayMs: number,
  ): void {
    const figures = this.#figures;
    const known = this.#find(message.origin, message.incarnation, message.sequence);
    if (known === undefined) {
      figures.deliveredFromNowhere++;
      if (!message.origin.isSeen) figures.deliveredFromOutside++;
      return;
    }
    if ((known.hops[to.row] ?? 0) !== 0) {
      figures.deliveredTwice++;
      return;
    }
    const hop = hopAfter(known, from);
    setHop(known, to.row, hop);
    known.deliveries++;
    figures.deliveries++;
    if (hop === unknownHop) figures.unknownHops++;
    if (known.index < to.lifeFrom) {
      figures.deliveredLate++;
      return;
    }
    if (hop !== unknownHop) known.lastHop = Math.max(known.lastHop, hop);
    if (delayMs < 0) figures.beforePublication++;
    this.#delays.add(Math.max(0, Math.round(delayMs)));
  }

  onForwarded(
    by: TracedNode,
    messages: {
      readonly origin: TracedNode;
      readonly incarnation: number;
      readonly sequence: number;
      readonly count: number;
    },
    copies: number,
  ): void {
    const { origin, incarnation, sequence, count } = messages;
    by.sends += copies * count;
    this.#figures.sends += copies * count;
    const sequences = this.#lives.get(origin)?.get(incarnation);
    if (sequences === undefined) return;
    // The file says the count: look no further than there are messages.
    for (let i = 0; i < Math.min(count, this.#messages.length); i++) {
      const message = sequences.get(sequence + i);
      if (message !== undefined) message.copies += copies;
    }
  }

  onHistorySent(by: TracedNode, messages: number): void {
    by.sends += messages;
    this.#figures.sends += messages;
    this.#figures.historySends += messages;
  }

  report(nodes: readonly TracedNode[]): MessageFigures {
    const { deliveries, sends } = this.#figures;
    const { expected, arrived, complete } = this.#coverage(nodes);
    const delivered = this.#messages.filter((message) => message.deliveries > 0);
    const walked = this.#messages.filter(({ lastHop }) => lastHop > 0);
    const rmr = mean(delivered.map((message) => message.copies / message.deliveries - 1));
    const ldh = mean(walked.map(({ lastHop }) => lastHop));
    return {
      published: this.published,
      ...this.#figures,
      expected,
      arrived,
      ratio: expected === 0 ? null : arrived / expected,
      complete,
      delayMs: this.#delays.spread,
      rmr,
      rmrWithHistory: deliveries === 0 ? null : rounded(sends / deliveries - 1),
      ldh:
        ldh === null
          ? null
          : { mean: ldh, max: walked.reduce((most, one) => Math.max(most, one.lastHop), 0) },
    };
  }

  /** Only at the end is it known who stayed alive. */
  #coverage(nodes: readonly TracedNode[]): { expected: number; arrived: number; complete: number } {
    const audience = nodes.filter(({ isSeen, role }) => isSeen && role !== "seed");
    let expected = 0;
    let arrived = 0;
    let complete = 0;
    for (const { index, origin, hops } of this.#messages) {
      let due = 0;
      let got = 0;
      for (const node of audience) {
        if (node === origin || index < node.lifeFrom || index >= node.lifeTo) continue;
        due++;
        if ((hops[node.row] ?? 0) !== 0) got++;
      }
      expected += due;
      arrived += got;
      if (due > 0 && got === due) complete++;
    }
    return { expected, arrived, complete };
  }

  #find(origin: TracedNode, incarnation: number, sequence: number): Message | undefined {
    return this.#lives.get(origin)?.get(incarnation)?.get(sequence);
  }
}

function hopAfter({ origin, hops }: Message, from: TracedNode | undefined): number {
  if (from === origin) return 1;
  const before = from === undefined ? 0 : (hops[from.row] ?? 0);
  return before === 0 || before >= unknownHop - 1 ? unknownHop : before + 1;
}

function setHop(message: Message, row: number, hop: number): void {
  if (row >= message.hops.length) {
    const wider = new Uint16Array(Math.max(message.hops.length * 2, row + 1));
    wider.set(message.hops);
    message.hops = wider;
  }
  message.hops[row] = hop;
}

/** What the map has there, or what is made for it now. */
export function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return rounded(values.reduce((sum, value) => sum + value, 0) / values.length);
}
