/** Runs that are functions of their seeds, on all cores: what every campaign is made of. */
import { availableParallelism } from "node:os";
import { Tinypool } from "tinypool";

export interface SeedRuns<Outcome, Task extends { readonly seeds: readonly number[] }> {
  readonly runs: number;
  /** Of the first run; the others follow. */
  readonly seed: number;
  /** Worker threads; 0 runs everything in this one. Default: as many as there are cores. */
  readonly threads?: number | undefined;
  /** Its default export takes a task and gives the outcomes of its seeds. */
  readonly worker: URL;
  readonly taskOf: (seeds: readonly number[]) => Task;
  /** The same in this thread, for one seed. */
  readonly runHere: (seed: number) => Outcome | Promise<Outcome>;
  readonly onOutcome: (outcome: Outcome) => void;
  /** Ends them early; what is there is the result. */
  readonly signal?: AbortSignal | undefined;
}

/** Seeds that a worker gets at once: enough to make the message to it cheap. */
const seedsPerTask = 8;

/** In the order of the seeds, whoever was faster. */
export async function runSeeds<
  Outcome extends { readonly seed: number },
  Task extends { readonly seeds: readonly number[] },
>(config: SeedRuns<Outcome, Task>): Promise<Outcome[]> {
  const { runs, seed, threads = availableParallelism(), runHere, onOutcome, signal } = config;
  const outcomes: Outcome[] = [];
  const take = (outcome: Outcome) => {
    outcomes.push(outcome);
    onOutcome(outcome);
  };
  if (threads > 0) {
    await runInThreads(config, threads, take);
    return outcomes.sort((a, b) => a.seed - b.seed);
  }
  for (let i = 0; i < runs && signal?.aborted !== true; i++) take(await runHere(seed + i));
  return outcomes;
}

async function runInThreads<Outcome, Task extends { readonly seeds: readonly number[] }>(
  { runs, seed, worker, taskOf, signal }: SeedRuns<Outcome, Task>,
  threads: number,
  take: (outcome: Outcome) => void,
): Promise<void> {
  const pool = new Tinypool({
    filename: worker.href,
    minThreads: 1,
    maxThreads: Math.min(threads, Math.ceil(runs / seedsPerTask)),
  });
  // What has not begun is rejected; what is done is kept.
  const stop = () => void pool.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const tasks: Promise<void>[] = [];
    for (let first = 0; first < runs; first += seedsPerTask) {
      const seeds = Array.from({ length: Math.min(seedsPerTask, runs - first) }, (_, i) => seed + first + i);
      tasks.push(
        pool.run(taskOf(seeds)).then((done: readonly Outcome[]) => {
          for (const outcome of done) take(outcome);
        }),
      );
    }
    const settled = await Promise.allSettled(tasks);
    const broken = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (broken !== undefined && signal?.aborted !== true) throw broken.reason;
  } finally {
    signal?.removeEventListener("abort", stop);
    await pool.destroy();
  }
}

/** How often each thing happened, over all of them, by name. */
export function sumOf(
  outcomes: readonly { readonly occurred: Readonly<Record<string, number>> }[],
): Record<string, number> {
  const sum = new Map<string, number>();
  for (const { occurred } of outcomes)
    for (const [name, count] of Object.entries(occurred)) sum.set(name, (sum.get(name) ?? 0) + count);
  return Object.fromEntries([...sum].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The hashes of all runs as one: a polynomial in them, so that their order counts. */
export function combinedHash(outcomes: readonly { readonly hash: string }[]): string {
  let sum = 0n;
  for (const { hash } of outcomes) sum = (sum * 0x100000001b3n + BigInt(`0x${hash}`)) & 0xffffffffffffffffn;
  return sum.toString(16).padStart(16, "0");
}
