/**
 * The events that the page keeps, the oldest forgotten first, and pictures of the network between them, so that any
 * kept moment can be drawn after a few thousand events at most.
 */
import type { Millis, TraceEvent } from "../../../src/core/index.ts";
import { traceLayer } from "../../../src/trace/layers.ts";
import type { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";

export interface EventBufferConfig {
  readonly maxEvents: number;
  /** A picture is kept every so many events: more seldom where the network is large. */
  readonly eventsPerCheckpoint?: number;
}

interface Checkpoint {
  /** Number of the first event after it. */
  readonly index: number;
  readonly at: Millis;
  readonly prologue: readonly TraceEvent[];
}

interface Block {
  readonly checkpoint: Checkpoint;
  readonly events: TraceEvent[];
  /** When the page shows each of them: never before the one before it, even where a clock was set back. */
  readonly times: Millis[];
}

export class EventBuffer {
  readonly #register: NodeRegister;
  readonly #maxEvents: number;
  readonly #eventsPerCheckpoint: number;
  /** Blocks between checkpoints. */
  #blocks: Block[] = [];
  #count = 0;
  #lastAt: Millis = 0;
  #folded = 0;
  forgotten = 0;

  constructor(register: NodeRegister, { maxEvents, eventsPerCheckpoint = 4000 }: EventBufferConfig) {
    this.#register = register;
    this.#maxEvents = maxEvents;
    this.#eventsPerCheckpoint = eventsPerCheckpoint;
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

  /** When the last event happened. */
  get lastAt(): Millis {
    return this.#lastAt;
  }

  /** `picture` is the network before the event. */
  push(event: TraceEvent, picture: NetworkPicture): void {
    let block = this.#blocks.at(-1);
    const at = timeOf(event) ?? this.#lastAt;
    this.#lastAt = block === undefined ? at : Math.max(at, this.#lastAt);
    const enough = Math.max(this.#eventsPerCheckpoint, (block?.checkpoint.prologue.length ?? 0) * 2);
    if (block === undefined || block.events.length >= enough) {
      const checkpoint = { index: this.#count, at: this.#lastAt, prologue: picture.prologue() };
      block = { checkpoint, events: [], times: [] };
      this.#blocks.push(block);
    }
    block.events.push(event);
    block.times.push(this.#lastAt);
    this.#count++;
    if (this.#count - this.first > this.#maxEvents && this.#blocks.length > 1) {
      this.forgotten += this.#blocks.shift()!.events.length;
    }
  }

  get(index: number): TraceEvent | undefined {
    const block = this.#blockOf((checkpoint) => checkpoint.index <= index);
    return block?.events[index - block.checkpoint.index];
  }

  /** When the event of that number is shown: times never go back. */
  timeAt(index: number): Millis | undefined {
    const block = this.#blockOf((checkpoint) => checkpoint.index <= index);
    return block?.times[index - block.checkpoint.index];
  }

  /** The number of the first kept event later than that moment. */
  indexAfter(at: Millis): number {
    const block = this.#blockOf((checkpoint) => checkpoint.at <= at);
    if (block === undefined) return this.first;
    return block.checkpoint.index + countUpTo(block.times, at);
  }

  /** The network as it was before the event of that number. */
  pictureBefore(index: number): NetworkPicture {
    const picture = new NetworkPicture(this.#register);
    const block = this.#blockOf((checkpoint) => checkpoint.index <= index) ?? this.#blocks[0];
    if (block === undefined) return picture;
    for (const event of block.checkpoint.prologue) picture.apply(event);
    const last = Math.min(index - block.checkpoint.index, block.events.length);
    for (let i = 0; i < last; i++) picture.apply(block.events[i]!);
    // Whoever remembers the version of another picture must not take this one for the same.
    picture.topologyVersion += ++this.#folded * 2 ** 32;
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

/** Whoever marks a gap in a trace has only the clock of the machine, which is none of the run. */
export function timeOf({ at, node, layer }: TraceEvent): Millis | undefined {
  return layer === traceLayer && node === "" ? undefined : at;
}

/** How many of the ascending times are not later. */
function countUpTo(times: readonly Millis[], at: Millis): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
