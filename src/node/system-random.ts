import { randomFillSync } from "node:crypto";
import { RandomBits } from "../core/index.ts";

/** The die of live nodes: the operating system's, drawn 4 KiB at a time. Nobody can guess a nonce made of it. */
class SystemRandom extends RandomBits {
  readonly #pool = new Uint32Array(1024);
  #next = this.#pool.length;

  override uint32(): number {
    if (this.#next === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++]!;
  }
}

export const systemRandom = new SystemRandom();
