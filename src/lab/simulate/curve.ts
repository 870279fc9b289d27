/** How many nodes are susceptible, infected and removed, over time. */
export interface Curve {
  readonly unit: "ms" | "rounds";
  readonly at: readonly number[];
  readonly susceptible: readonly number[];
  readonly infected: readonly number[];
  readonly removed: readonly number[];
}

/**
 * Samples of a run whose length nobody knows: when there are too many, every second one goes, and from then on only
 * every second one is taken. What is left are samples at equal distances, and the last one.
 */
export class CurveSampler {
  readonly #unit: Curve["unit"];
  readonly #most: number;
  #samples: Sample[] = [];
  #stride = 1;
  #seen = 0;
  #last: Sample | undefined;

  constructor(unit: Curve["unit"], most = 500) {
    this.#unit = unit;
    this.#most = most;
  }

  add(at: number, susceptible: number, infected: number, removed: number): void {
    this.#last = { at, susceptible, infected, removed };
    if (this.#seen++ % this.#stride !== 0) return;
    this.#samples.push(this.#last);
    // One place is kept for the last sample.
    if (this.#samples.length < this.#most) return;
    this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  get curve(): Curve {
    const samples = [...this.#samples];
    if (this.#last !== undefined && samples.at(-1) !== this.#last) samples.push(this.#last);
    const column = (name: keyof Sample) => samples.map((sample) => sample[name]);
    return {
      unit: this.#unit,
      at: column("at"),
      susceptible: column("susceptible"),
      infected: column("infected"),
      removed: column("removed"),
    };
  }
}

interface Sample {
  readonly at: number;
  readonly susceptible: number;
  readonly infected: number;
  readonly removed: number;
}
