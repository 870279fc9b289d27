import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { UsageError } from "./errors.ts";
import { hashNumbers } from "./hash.ts";

/** The only die. Live it is fed by the operating system, simulated by a seed. */
export interface Random {
  /** An integer of 32 random bits, 0 to 2^32 - 1. */
  uint32(): number;
  /** Uniform in [0, 1), 32 bits of resolution. */
  unit(): number;
  /** Uniform integer in [0, bound); `bound` is 1 to 2^32. */
  below(bound: number): number;
}

/** What each kind of die shares: everything is made of `uint32`. */
export abstract class RandomBits implements Random {
  abstract uint32(): number;

  unit(): number {
    return this.uint32() / 2 ** 32;
  }

  below(bound: number): number {
    // Multiply-shift: the bias is under bound / 2^32, far below what any of our choices could show.
    return Math.floor(this.unit() * bound);
  }
}

class SeededRandom extends RandomBits {
  readonly #generator;

  constructor(seed: number) {
    super();
    // Hashed, because the first draws of a generator that starts from a small number are not random at all: the very
    // first would be 2^32 - 1 - seed, which makes every node a hub.
    this.#generator = xoroshiro128plusFromState([1, 2, 3, 4].map((word) => hashNumbers([seed, word]) | 0));
  }

  override uint32(): number {
    return this.#generator.next() >>> 0;
  }
}

/** A die that repeats: equal seeds give equal draws (xoroshiro128+). Throws `UsageError` unless `seed` is a safe integer. */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new UsageError(`seed: ${seed} is not an integer`);
  return new SeededRandom(seed);
}

/** One element of a list that is not empty. */
export function pick<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)]!;
}

/** Up to `count` different elements, in random order (partial Fisher-Yates on a copy). */
export function sample<T>(list: readonly T[], count: number, random: Random): T[] {
  const copy = list.slice();
  const wanted = Math.max(0, Math.min(count, copy.length));
  for (let i = 0; i < wanted; i++) {
    const j = i + random.below(copy.length - i);
    const chosen = copy[j]!;
    copy[j] = copy[i]!;
    copy[i] = chosen;
  }
  copy.length = wanted;
  return copy;
}

/** A 48-bit number that the other side cannot guess before it has seen it (as far as the die allows). */
export function nonce(random: Random): number {
  const high = random.uint32() & 0xffff;
  return high * 2 ** 32 + random.uint32();
}
