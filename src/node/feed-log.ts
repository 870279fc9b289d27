/**
 * What a feed has told so far, as it goes over the wire, bounded: blocks, each of which begins with the picture of
 * the network at its start, so that the oldest can be forgotten and the next one still makes sense.
 */
import type { Millis } from "../core/index.ts";

export interface FeedChunk {
  readonly bytes: Buffer;
  /** Events in it, by type. */
  readonly events: ReadonlyMap<string, number>;
}

export interface FeedBlock {
  readonly number: number;
  /** When it begins, by the clock of the events. */
  readonly at: Millis;
  /** The network as it was then, in events. */
  readonly prologue: Buffer;
  /** Whoever comes from the block before is told the prologue too: there was a gap. */
  readonly isToldToAll: boolean;
  readonly chunks: FeedChunk[];
  /** Of the chunks. */
  bytes: number;
}

const blockBytes = 1024 * 1024;
/** What a chunk takes beside its bytes: measured, some 430 of heap. In a quiet network that is more than its text. */
export const chunkOverheadBytes = 500;

export class FeedLog {
  readonly #maxBytes: number;
  readonly #blocks: FeedBlock[] = [];
  #bytes = 0;
  #begun = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Undefined until a block was begun. */
  get first(): FeedBlock | undefined {
    return this.#blocks[0];
  }
  get last(): FeedBlock | undefined {
    return this.#blocks.at(-1);
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** Undefined for one that is forgotten. */
  block(number: number): FeedBlock | undefined {
    const first = this.first;
    return first === undefined ? undefined : this.#blocks[number - first.number];
  }

  /** That block, kept or not, and those after it. */
  *from(block: FeedBlock): Generator<FeedBlock> {
    for (let next: FeedBlock | undefined = block; next !== undefined; next = this.block(next.number + 1))
      yield next;
  }

  /** Time to begin another block? Pictures should be a small part of all that is kept. */
  get isFull(): boolean {
    const { last } = this;
    if (last === undefined) return true;
    const enough = Math.max(blockBytes, 4 * last.prologue.length);
    const heldBytes = last.bytes + last.chunks.length * chunkOverheadBytes;
    return heldBytes >= Math.min(enough, this.#maxBytes / 2);
  }

  begin(at: Millis, prologue: Buffer, { isToldToAll = false } = {}): FeedBlock {
    const block: FeedBlock = { number: this.#begun++, at, prologue, isToldToAll, chunks: [], bytes: 0 };
    this.#blocks.push(block);
    this.#bytes += prologue.length;
    this.#forget();
    return block;
  }

  add(chunk: FeedChunk): void {
    const { last } = this;
    if (last === undefined) return;
    last.chunks.push(chunk);
    last.bytes += chunk.bytes.length;
    this.#bytes += chunk.bytes.length + chunkOverheadBytes;
    this.#forget();
  }

  #forget(): void {
    while (this.#bytes > this.#maxBytes && this.#blocks.length > 1) {
      const { prologue, bytes, chunks } = this.#blocks.shift()!;
      this.#bytes -= prologue.length + bytes + chunks.length * chunkOverheadBytes;
    }
  }
}
