/** What the view of liveness shows at one moment, from the book and the picture. */
import type { Millis } from "../../../../src/core/index.ts";
import { hashNumbers } from "../../../../src/core/index.ts";
import type { Failure, LivenessBook, WrongSuspicion } from "../../../../src/trace/liveness.ts";
import type { NetworkPicture } from "../../../../src/trace/picture.ts";

/** A failure as far as it was known then, in ms after it. */
export interface FailureRow {
  readonly failure: Failure;
  readonly suspectedMs: readonly number[];
  readonly failedMs: readonly number[];
  readonly removedMs: readonly number[];
  /** Reports that counted, by different neighbors. */
  readonly reporters: number;
  /** The most that a seed asked for; 0 where no report counted. */
  readonly required: number;
  readonly ignored: number;
  readonly backMs: number | undefined;
}

/** The latest first. */
export function failuresAt({ failures }: LivenessBook, cursor: Millis): FailureRow[] {
  const rows: FailureRow[] = [];
  for (const failure of failures) {
    if (failure.at > cursor) continue;
    const after = (sightings: readonly { readonly at: Millis }[]) =>
      sightings.filter(({ at }) => at <= cursor).map(({ at }) => Math.max(0, at - failure.at));
    const reports = failure.reports.filter(({ at, ignored }) => at <= cursor && ignored === undefined);
    const { endedAt } = failure;
    rows.push({
      failure,
      suspectedMs: after(failure.suspected),
      failedMs: after(failure.failed),
      removedMs: after(failure.removed),
      reporters: new Set(reports.map(({ reporter }) => reporter)).size,
      required: Math.max(0, ...reports.map(({ required }) => required)),
      ignored: failure.reports.filter(({ at, ignored }) => at <= cursor && ignored !== undefined).length,
      backMs: endedAt === undefined || endedAt > cursor ? undefined : endedAt - failure.at,
    });
  }
  return rows.reverse();
}

export function wrongAt({ wrong }: LivenessBook, cursor: Millis): WrongSuspicion[] {
  return wrong.filter(({ at }) => at <= cursor).reverse();
}

/** How many were noticed later than that: the first who watches gave them up after the end of the range. */
export function noticedAfter(rows: readonly FailureRow[], latestMs: number): number {
  return rows.filter(({ failedMs }) => failedMs.length > 0 && failedMs[0]! > latestMs).length;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** By nearest rank, as in every summary of a trace. */
export function percentilesOf(values: readonly number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** The stages of a detection, each with the first who got there and all who did. `watcher` is who watches whom. */
export function stagesOf(rows: readonly FailureRow[], watcher: "neighbor" | "member") {
  const firsts = (pick: (row: FailureRow) => readonly number[]) =>
    rows.flatMap((row) => pick(row).slice(0, 1));
  const all = (pick: (row: FailureRow) => readonly number[]) => rows.flatMap((row) => [...pick(row)]);
  return [
    {
      key: "suspected",
      name: `Suspected by a ${watcher}`,
      first: firsts((row) => row.suspectedMs),
      all: all((row) => row.suspectedMs),
    },
    {
      key: "failed",
      name: `Given up by a ${watcher}`,
      first: firsts((row) => row.failedMs),
      all: all((row) => row.failedMs),
    },
    {
      key: "removed",
      name: "Removed by a seed",
      first: firsts((row) => row.removedMs),
      all: all((row) => row.removedMs),
    },
  ] as const;
}

// ---- The lists of the seeds ----

export interface SeedColumn {
  readonly row: number;
  readonly name: string;
  readonly isAlive: boolean;
  readonly size: number;
  /** Equal lists have equal fingerprints. */
  readonly fingerprint: string;
}

export interface ListRow {
  readonly row: number;
  readonly name: string;
  readonly state: string;
  /** Whether each seed lists it, in the order of the columns. */
  readonly listed: readonly boolean[];
  /** Seeds that live disagree about it, or list what is gone, or miss what is there. */
  readonly why: "seeds differ" | "listed, but gone" | "not listed, but there" | undefined;
}

export interface SeedLists {
  readonly seeds: readonly SeedColumn[];
  readonly rows: readonly ListRow[];
  readonly agree: boolean;
  /** Each seed keeps some of the members, as in a modern network that is too large for full views. */
  readonly areSamples: boolean;
}

const names = new Intl.Collator("en", { numeric: true });

/** Both in the order of their names. Of samples nobody expects that they are equal, or that everybody is in them. */
export function seedLists({ nodes }: NetworkPicture, areSamples = false): SeedLists {
  const all = [...nodes.values()].sort((a, b) => names.compare(a.name, b.name));
  const seedNodes = all.filter(({ role }) => role === "seed");
  const seeds = seedNodes.map(({ row, name, state, list }) => ({
    ...{ row, name, isAlive: state === "alive", size: list.size },
    fingerprint: fingerprintOf(list),
  }));
  const living = seeds.map(({ isAlive }) => isAlive);
  const rows: ListRow[] = [];
  for (const { row, name, state, role } of all) {
    const listed = seedNodes.map(({ list }) => list.has(row));
    if (role === "seed" || (role !== "peer" && !listed.includes(true))) continue;
    const votes = listed.filter((_, i) => living[i]);
    const isThere = state === "alive" || state === "paused";
    const why =
      !areSamples && votes.includes(true) && votes.includes(false)
        ? "seeds differ"
        : votes.includes(true) && !isThere
          ? "listed, but gone"
          : !areSamples && votes.length > 0 && !votes.includes(true) && isThere
            ? "not listed, but there"
            : undefined;
    if (isThere || why !== undefined || listed.includes(true)) rows.push({ row, name, state, listed, why });
  }
  const prints = new Set(seeds.filter(({ isAlive }) => isAlive).map(({ fingerprint }) => fingerprint));
  return { seeds, rows, agree: prints.size <= 1, areSamples };
}

/** Of the set, whatever the order in which it came to be. */
function fingerprintOf(list: ReadonlySet<number>): string {
  const sorted = [...list].sort((a, b) => a - b);
  return (hashNumbers(sorted) >>> 0).toString(16).padStart(8, "0");
}
