/**
 * Streams that a cut has met. A datagram that meets a cut is lost; a stream holds what it carries:
 *
 *     cut  ->  held  ->  healed in time: all goes on, in order
 *                    ->  not healed after `resetAfterMs`, or the receiver is another process now: reset, at both ends
 */
import type { Millis } from "../core/index.ts";
import { beside, kindOf, lowMask, maxHeld } from "./event-words.ts";
import type { Links } from "./links.ts";
import type { Payloads } from "./payloads.ts";

/** What streams need of the simulation around them. */
export interface StreamWorld {
  readonly links: Links;
  readonly payloads: Payloads;
  readonly counters: { resets: number; overflowed: number };
  /** Which of its lives the node lives; `nobody` if it is dead. */
  lifeOf(row: number): number;
  /** Calls the function so much later; after 0 when all that is due in this millisecond has happened. */
  after(pause: Millis, call: () => void): void;
  /** A message sets out. */
  transmit(from: number, to: number, kind: number, payload: number, bytes: number): void;
  /** A message is there. */
  arrive(to: number, head: number, payload: number): void;
  /** The node learns that its stream to the other was reset. */
  tellReset(row: number, other: number): void;
}

export const nobody = -1;

/** A stream that a cut has met, until all that met it has gone on. */
interface HeldStream {
  readonly from: number;
  readonly to: number;
  /** Of the two ends when it was held. */
  readonly lives: { readonly from: number; readonly to: number };
  /** Head and payload of messages that were under way when they met the cut. They come before the others. */
  readonly arrived: number[];
  /** Head, payload and bytes of messages that have not set out. */
  readonly unsent: number[];
}

export class HeldStreams {
  /** Something is cut, or was and is not sorted out yet: each message that arrives is looked at. */
  isWatching = false;
  readonly #world: StreamWorld;
  readonly #streams = new Map<number, HeldStream>();

  constructor(world: StreamWorld) {
    this.#world = world;
    world.links.connectivity.onChange = () => this.#onConnectivity();
  }

  /** The links do not let the message set out: it waits. */
  hold(from: number, to: number, head: number, payload: number, bytes: number): void {
    const stream = this.#stream(from, to);
    if (this.#hasRoom(stream, head, payload)) stream.unsent.push(head, payload, bytes);
  }

  /** Is the way cut now that the message would arrive? Then it is lost, or waits for its turn where streams are. */
  stops(row: number, head: number, payload: number): boolean {
    const from = head & lowMask;
    const { links, payloads } = this.#world;
    const passes = links.connectivity.passes(from, row);
    if (links.settings.kind === "stream" && (head & beside) === 0) {
      // What has met the cut before this one comes first, even if there is no cut any more.
      if (passes && !this.#streams.has(this.#pair(from, row))) return false;
      const stream = this.#stream(from, row);
      if (this.#hasRoom(stream, head, payload)) stream.arrived.push(head, payload);
      return true;
    }
    if (passes) return false;
    links.counters.cut++;
    payloads.discard(kindOf(head), payload);
    return true;
  }

  /** The stream of this pair: held already, or from now on. */
  #stream(from: number, to: number): HeldStream {
    const pair = this.#pair(from, to);
    const known = this.#streams.get(pair);
    if (known !== undefined) return known;
    const lives = { from: this.#world.lifeOf(from), to: this.#world.lifeOf(to) };
    const stream: HeldStream = { from, to, lives, arrived: [], unsent: [] };
    this.#streams.set(pair, stream);
    this.isWatching = true;
    this.#planReset(stream);
    return stream;
  }

  #planReset(stream: HeldStream): void {
    const { links } = this.#world;
    this.#world.after(links.settings.resetAfterMs, () => {
      if (this.#isHeld(stream) && !links.connectivity.passes(stream.from, stream.to)) this.#reset(stream);
    });
  }

  #hasRoom({ arrived, unsent }: HeldStream, head: number, payload: number): boolean {
    if (arrived.length / 2 + unsent.length / 3 < maxHeld) return true;
    this.#world.counters.overflowed++;
    this.#world.payloads.discard(kindOf(head), payload);
    return false;
  }

  /** What streams hold goes on its way, where there is one again. */
  #onConnectivity(): void {
    for (const stream of [...this.#streams.values()])
      if (this.#world.links.connectivity.passes(stream.from, stream.to)) this.#release(stream);
    this.#watch();
  }

  #watch(): void {
    this.isWatching = this.#world.links.connectivity.isCutting || this.#streams.size > 0;
  }

  /**
   * What has not set out does so. What had met the cut on its way is there at the end of this millisecond; until then
   * the stream is kept, so that whatever was under way behind it stays behind it.
   */
  #release(stream: HeldStream): void {
    const { from, to, lives, arrived } = stream;
    const world = this.#world;
    if (lives.to !== nobody && world.lifeOf(to) !== lives.to) return this.#reset(stream);
    const unsent = stream.unsent.splice(0);
    for (let i = 0; i < unsent.length; i += 3)
      world.transmit(from, to, kindOf(unsent[i]!), unsent[i + 1]!, unsent[i + 2]!);
    world.after(0, () => {
      if (!this.#isHeld(stream)) return;
      if (!world.links.connectivity.passes(from, to)) return this.#planReset(stream);
      this.#forget(stream);
      for (let i = 0; i < arrived.length; i += 2) world.arrive(to, arrived[i]!, arrived[i + 1]!);
    });
  }

  /** Both ends give up, as far as they still are the processes that they were. */
  #reset(stream: HeldStream): void {
    const { from, to, lives, arrived, unsent } = stream;
    const { counters, payloads } = this.#world;
    this.#forget(stream);
    counters.resets++;
    payloads.discardAll(arrived);
    for (let i = 0; i < unsent.length; i += 3) payloads.discard(kindOf(unsent[i]!), unsent[i + 1]!);
    this.#tell(from, lives.from, to);
    this.#tell(to, lives.to, from);
  }

  #tell(row: number, life: number, other: number): void {
    if (life !== nobody && this.#world.lifeOf(row) === life) this.#world.tellReset(row, other);
  }

  #isHeld(stream: HeldStream): boolean {
    return this.#streams.get(this.#pair(stream.from, stream.to)) === stream;
  }

  #forget({ from, to }: HeldStream): void {
    this.#streams.delete(this.#pair(from, to));
    this.#watch();
  }

  #pair(from: number, to: number): number {
    return from * this.#world.links.rows + to;
  }
}
