/**
 * Makes a scenario that breaks an invariant as small as it gets: fewer steps (delta debugging, Zeller and Hildebrandt
 * 2002), fewer nodes, plainer links, as long as the same invariant breaks under the same seed.
 *
 * It works because the dice count: a step that is left out disturbs no draw of any node that it did not concern.
 */
import { closed, type Draft } from "./draw.ts";
import { fewerSteps } from "./fewer-steps.ts";
import { runOne } from "./run-one.ts";
import type { SeedOutcome } from "./seed-campaign.ts";

export interface Shrunk {
  readonly draft: Draft;
  readonly outcome: SeedOutcome;
  /** How many runs it took. */
  readonly runs: number;
}

export interface ShrinkConfig {
  readonly seed: number;
  /** No more runs than this. */
  readonly maxRuns?: number;
  readonly onProgress?: (draft: Draft, runs: number) => void;
}

/** Throws if the draft does not break anything in the first place. */
export async function shrink(
  draft: Draft,
  { seed, maxRuns = 400, onProgress }: ShrinkConfig,
): Promise<Shrunk> {
  const first = await runOne(closed(draft), seed);
  if (first.violations.length === 0) throw new Error(`${draft.name} breaks nothing with seed ${seed}`);
  const search = new Search(draft, first, seed, maxRuns, onProgress ?? (() => {}));
  return await search.run();
}

class Search {
  #draft: Draft;
  #outcome: SeedOutcome;
  #runs = 1;
  readonly #invariants: ReadonlySet<string>;
  readonly #seed: number;
  readonly #maxRuns: number;
  readonly #onProgress: (draft: Draft, runs: number) => void;

  constructor(
    draft: Draft,
    outcome: SeedOutcome,
    seed: number,
    maxRuns: number,
    onProgress: (draft: Draft, runs: number) => void,
  ) {
    this.#draft = draft;
    this.#outcome = outcome;
    this.#invariants = new Set(outcome.violations.map(({ invariant }) => invariant));
    this.#seed = seed;
    this.#maxRuns = maxRuns;
    this.#onProgress = onProgress;
  }

  async run(): Promise<Shrunk> {
    let size = Number.POSITIVE_INFINITY;
    while (sizeOf(this.#draft) < size && this.#runs < this.#maxRuns) {
      size = sizeOf(this.#draft);
      await this.#fewerSteps();
      await this.#fewerNodes();
      await this.#plainerLinks();
      await this.#smallerSteps();
    }
    return { draft: this.#draft, outcome: this.#outcome, runs: this.#runs };
  }

  /** True, and kept, if it still breaks what the first one broke. */
  async #try(draft: Draft): Promise<boolean> {
    if (this.#runs >= this.#maxRuns) return false;
    this.#runs++;
    let outcome: SeedOutcome;
    try {
      outcome = await runOne(closed(draft), this.#seed);
    } catch {
      return false; // no scenario any more: a step names a node that is not there
    }
    if (!outcome.violations.some(({ invariant }) => this.#invariants.has(invariant))) return false;
    this.#draft = draft;
    this.#outcome = outcome;
    this.#onProgress(draft, this.#runs);
    return true;
  }

  async #fewerSteps(): Promise<void> {
    await fewerSteps(this.#draft.steps, (steps) => this.#try({ ...this.#draft, steps }));
  }

  async #fewerNodes(): Promise<void> {
    for (const kind of ["peers", "seeds"] as const) {
      let least = 1;
      while (this.#draft[kind] > least) {
        const middle = Math.floor((least + this.#draft[kind]) / 2);
        const count = Math.min(middle, this.#draft[kind] - 1);
        if (!(await this.#try({ ...this.#draft, [kind]: count }))) least = count + 1;
      }
    }
  }

  async #plainerLinks(): Promise<void> {
    if (this.#draft.isWireTrue) await this.#try({ ...this.#draft, isWireTrue: false });
    const { kind, latency } = this.#draft.links;
    if (latency?.model !== "constant")
      await this.#try({ ...this.#draft, links: { kind, latency: { model: "constant", ms: 20 } } });
    if (this.#draft.links.kind === "stream")
      await this.#try({ ...this.#draft, links: { ...this.#draft.links, kind: "datagram" } });
  }

  /** One message by one peer instead of several by several. */
  async #smallerSteps(): Promise<void> {
    for (let i = 0; i < this.#draft.steps.length; i++) {
      const step = this.#draft.steps[i]!;
      if (step.do !== "publish") continue;
      const from = step.from as readonly string[];
      const simpler = { ...step, from: from.slice(0, 1), messages: 1 };
      if (from.length === 1 && (step.messages ?? 1) === 1) continue;
      const steps = this.#draft.steps.map((one, j) => (j === i ? simpler : one));
      await this.#try({ ...this.#draft, steps });
    }
  }
}

function sizeOf({ steps, peers, seeds }: Draft): number {
  return steps.length * 100 + peers + seeds;
}
