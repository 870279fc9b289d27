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

/** Odd, and far from each other: 2^32 divided by the golden and by the plastic number. */
const golden = 0x9e3779b9;
const silver = 0xc13fa9a9;

/**
 * The dice of all nodes for one purpose. Point it at a node with `row`, then draw.
 *
 * Row and counter are scrambled together, mixed with the row once more and scrambled again: where two nodes meet after
 * the first step, they part in the second, so that no node's sequence is a piece of another's.
 */
export class CounterRandom extends RandomBits {
  /** Whose die it is. */
  row = 0;
  /** How often each node has drawn. */
  readonly counters: Uint32Array;
  readonly #seedA: number;
  readonly #seedB: number;

  /** `seed` is any safe integer; `rows` is the number of nodes. */
  constructor(seed: number, stream: StreamName, rows: number) {
    super();
    this.counters = new Uint32Array(rows);
    const low = scramble(seed | 0);
    const high = scramble(Math.floor(seed / 2 ** 32) | 0);
    this.#seedA = scramble(low ^ scramble(high ^ Math.imul(streams[stream], golden)));
    this.#seedB = scramble(this.#seedA ^ scramble(low + golden));
  }

  override uint32(): number {
    const { row, counters } = this;
    const counter = counters[row]!;
    counters[row] = counter + 1;
    return this.at(row, counter);
  }

  override unit(): number {
    return this.uint32() / 2 ** 32;
  }

  /** As inherited. Where simulations draw: written out, for a call costs more than a draw (bench/simulator). */
  override below(bound: number): number {
    const { row, counters } = this;
    const counter = counters[row]!;
    counters[row] = counter + 1;
    let x = (Math.imul(row, golden) ^ this.#seedA) + Math.imul(counter, silver);
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    x = x ^ (x >>> 15) ^ row ^ this.#seedB;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (((x ^ (x >>> 15)) >>> 0) * 2 ** -32 * bound) >>> 0;
  }

  /** The draw of that name, without counting: for engines that name every draw, as rounds do. */
  at(row: number, counter: number): number {
    const first = scramble((Math.imul(row, golden) ^ this.#seedA) + Math.imul(counter, silver));
    return scramble(first ^ row ^ this.#seedB) >>> 0;
  }
}
