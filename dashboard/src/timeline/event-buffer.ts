/**
 * The events that the page keeps, the oldest forgotten first, and pictures of the network between them, so that any
 * kept moment can be drawn after a few thousand events at most.
 */
import type { Millis, TraceEvent } from "../../../src/core/index.ts";
import type { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";

/** A picture is kept every so many events, at least: more where the network is large. */
const eventsPerCheckpoint = 4000;

interface Checkpoint {
  /** Number of the first event after it. */
  readonly index: number;
  readonly at: Millis;
  readonly prologue: readonly TraceEvent[];
}

export class EventBuffer {
  readonly #register: NodeRegister;
  readonly #maxEvents: number;
  /** Blocks between checkpoints. */
  #blocks: { readonly checkpoint: Checkpoint; readonly events: TraceEvent[] }[] = [];
  #count = 0;
  forgotten = 0;

  constructor(register: NodeRegister, maxEvents: number) {
    this.#register = register;
    this.#maxEvents = maxEvents;
  }

  /** Number of the next event; the kept ones are `first` to `end - 1`. */
  get end(): number {
    return this.#count;
  }
  get first(): number {
    return this.#blocks[0]?.checkpoint.index ?? this.#count;
  }
  get firstAt(): Millis {
    return this.#blocks[0]?.checkpoint.at ?? 0;
  }

  /** `picture` is the network before the event. */
  push(event: TraceEvent, picture: NetworkPicture): void {
    let block = this.#blocks.at(-1);
    const enough = Math.max(eventsPerCheckpoint, (block?.checkpoint.prologue.length ?? 0) * 2);
    if (block === undefined || block.events.length >= enough) {
      const at = block === undefined ? event.at : picture.at;
      block = { checkpoint: { index: this.#count, at, prologue: picture.prologue() }, events: [] };
      this.#blocks.push(block);
    }
    block.events.push(event);
    this.#count++;
    if (this.#count - this.first > this.#maxEvents && this.#blocks.length > 1) {
      this.forgotten += this.#blocks.shift()!.events.length;
    }
  }

  get(index: number): TraceEvent | undefined {
    const block = this.#blockOf((checkpoint) => checkpoint.index <= index);
    return block?.events[index - block.checkpoint.index];
  }

  /** The number of the first kept event later than that moment. */
  indexAfter(at: Millis): number {
    const block = this.#blockOf((checkpoint) => checkpoint.at <= at) ?? this.#blocks[0];
    if (block === undefined) return this.#count;
    let index = block.checkpoint.index;
    for (const event of block.events) {
      if (event.at > at) return index;
      index++;
    }
    return index;
  }

  /** The network as it was before the event of that number. */
  pictureBefore(index: number): NetworkPicture {
    const picture = new NetworkPicture(this.#register);
    const block = this.#blockOf((checkpoint) => checkpoint.index <= index) ?? this.#blocks[0];
    if (block === undefined) return picture;
    for (const event of block.checkpoint.prologue) picture.apply(event);
    const last = Math.min(index - block.checkpoint.index, block.events.length);
    for (let i = 0; i < last; i++) picture.apply(block.events[i]!);
    return picture;
  }

  /** The last block that passes; blocks that pass come first. */
  #blockOf(passes: (checkpoint: Checkpoint) => boolean) {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (passes(this.#blocks[middle]!.checkpoint)) low = middle + 1;
      else high = middle;
    }
    return this.#blocks[low - 1];
  }
}
