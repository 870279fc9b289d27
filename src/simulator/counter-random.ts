/**
 * Dice that count instead of remembering: a draw is a hash of (seed, stream, node, counter). So each node has a die of
 * its own that costs one number to keep, and whoever adds or removes a node, a message or a fault disturbs no draw of
 * anybody else. That is what makes a run shrinkable, forkable and the same on any number of threads.
 */
import { RandomBits } from "../core/index.ts";

/** A bijection of 32-bit integers in which every bit of the input moves every bit of the output. */
export function scramble(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** What a die is for; each purpose has draws of its own. */
export const streams = { protocol: 1, links: 2, faults: 3, rounds: 4, scenario: 5 } as const;

export type StreamName = keyof typeof streams;

const golden = 0x9e3779b9;

/**
 * The dice of all nodes for one purpose. Point it at a node with `row`, then draw.
 *
 * Two keys of 32 bits are made of seed, stream and row: the counter is added to the first, scrambled, mixed with the
 * second and scrambled again, so that the sequences of two nodes are not pieces of one long sequence.
 */
export class CounterRandom extends RandomBits {
  /** How often each node has drawn. */
  readonly counters: Uint32Array;
  readonly #seedA: number;
  readonly #seedB: number;
  #row = -1;
  #keyA = 0;
  #keyB = 0;

  /** `seed` is any safe integer; `rows` is the number of nodes. */
  constructor(seed: number, stream: StreamName, rows: number) {
    super();
    this.counters = new Uint32Array(rows);
    const low = scramble(seed | 0);
    const high = scramble(Math.floor(seed / 2 ** 32) | 0);
    this.#seedA = scramble(low ^ scramble(high ^ Math.imul(streams[stream], golden)));
    this.#seedB = scramble(this.#seedA ^ scramble(low + golden));
  }

  get row(): number {
    return this.#row;
  }
  set row(row: number) {
    if (row === this.#row) return;
    this.#row = row;
    this.#keyA = scramble(Math.imul(row, golden) ^ this.#seedA);
    this.#keyB = scramble(row ^ this.#seedB);
  }

  override uint32(): number {
    const counter = this.counters[this.#row]!;
    this.counters[this.#row] = counter + 1;
    return scramble(scramble(this.#keyA + Math.imul(counter, golden)) ^ this.#keyB) >>> 0;
  }

  /** The same without counting: for engines that name every draw, as rounds do. */
  at(row: number, counter: number): number {
    const keyA = scramble(Math.imul(row, golden) ^ this.#seedA);
    const keyB = scramble(row ^ this.#seedB);
    return scramble(scramble(keyA + Math.imul(counter, golden)) ^ keyB) >>> 0;
  }
}
