/** Who noticed which crash when, and who was given up though it lived: counted from outside the nodes. */
import type { Millis, NodeId, Typed } from "../../core/index.ts";

/** `killed`: the process is gone, and its machine says so to whoever sends it something on a link. `silent`: nothing answers any more. */
export type CrashKind = "killed" | "silent";

interface Crash {
  readonly row: number;
  readonly kind: CrashKind;
  readonly at: Millis;
  /** Those who watched it, and when each gave it up. */
  readonly verdicts: Map<number, Millis | undefined>;
}

/** One crash, as far as it was noticed. */
export interface CrashResult {
  readonly kind: CrashKind;
  readonly firstMs: Millis;
  /** Infinity if somebody who watched it and lives has not noticed. */
  readonly allMs: Millis;
}

type Notice = Typed & Record<string, any>;

export class CrashWatch {
  readonly results: CrashResult[] = [];
  readonly #rowOf: (id: NodeId) => number | undefined;
  readonly #crashes = new Map<number, Crash>();
  /** The incarnation that each node's life began with; undefined where none is alive. */
  readonly #lives: (number | undefined)[] = [];
  /** Verdicts and doubts about the living count from here on. */
  isCounting = false;
  readonly #givenUp = new Set<string>();
  readonly #doubted = new Set<string>();
  #doubtsOfNeighbors = 0;

  constructor(rowOf: (id: NodeId) => number | undefined) {
    this.#rowOf = rowOf;
  }

  /** Lives that somebody gave up while they lasted. */
  get falsePositives(): number {
    return this.#givenUp.size;
  }
  /** Lives that somebody doubted; of the classic heartbeat, which refutes nothing, each doubt of a neighbor. */
  get suspicions(): number {
    return this.#doubted.size + this.#doubtsOfNeighbors;
  }

  onLife(row: number, incarnation: number): void {
    this.#lives[row] = incarnation;
  }

  onCrash(at: Millis, row: number, kind: CrashKind, watchers: Iterable<number>): void {
    this.#lives[row] = undefined;
    // A watcher that dies first has nothing to say.
    for (const { verdicts } of this.#crashes.values())
      if (verdicts.get(row) === undefined) verdicts.delete(row);
    const verdicts = new Map<number, Millis | undefined>();
    for (const watcher of watchers) if (this.#lives[watcher] !== undefined) verdicts.set(watcher, undefined);
    this.#crashes.set(row, { row, kind, at, verdicts });
  }

  /** What was noticed so far is all that counts. */
  close(row: number): void {
    const crash = this.#crashes.get(row);
    if (crash === undefined) return;
    this.#crashes.delete(row);
    const after = [...crash.verdicts.values()].map((at) =>
      at === undefined ? Number.POSITIVE_INFINITY : at - crash.at,
    );
    if (after.length === 0) return;
    this.results.push({ kind: crash.kind, firstMs: Math.min(...after), allMs: Math.max(...after) });
  }

  /** All who watch the node have given it up, or it was none of those that crashed. */
  isNoticed(row: number): boolean {
    const crash = this.#crashes.get(row);
    return crash === undefined || [...crash.verdicts.values()].every((at) => at !== undefined);
  }

  onNotice(at: Millis, row: number, notice: Notice): void {
    switch (notice.type) {
      case "member-failed":
        return this.#onVerdict(at, row, this.#rowOf(notice["peer"]), notice["incarnation"]);
      case "neighbor-failed":
        return this.#onVerdict(at, row, this.#rowOf(notice["neighbor"]), notice["incarnation"]);
      case "neighbor-down":
        // It is rid of the dead, whichever layer noticed; about the living that is no verdict.
        return this.#onGivenUp(at, row, this.#rowOf(notice["neighbor"]));
      case "member-suspected":
        return this.#onDoubt(this.#rowOf(notice["peer"]), notice["incarnation"]);
      case "suspected":
        if (this.isCounting && this.#lives[this.#rowOf(notice["neighbor"])!] !== undefined)
          this.#doubtsOfNeighbors++;
        return;
    }
  }

  #onVerdict(at: Millis, observer: number, row: number | undefined, incarnation: number): void {
    if (row === undefined) return;
    this.#onGivenUp(at, observer, row);
    const life = this.#lives[row];
    // A verdict about an earlier life is right, if late.
    if (this.isCounting && life !== undefined && incarnation >= life)
      this.#givenUp.add(`${row}/${incarnation}`);
  }

  #onGivenUp(at: Millis, observer: number, row: number | undefined): void {
    const verdicts = row === undefined ? undefined : this.#crashes.get(row)?.verdicts;
    if (verdicts?.has(observer) === true && verdicts.get(observer) === undefined) verdicts.set(observer, at);
  }

  #onDoubt(row: number | undefined, incarnation: number): void {
    const life = row === undefined ? undefined : this.#lives[row];
    if (this.isCounting && life !== undefined && incarnation >= life)
      this.#doubted.add(`${row}/${incarnation}`);
  }
}
