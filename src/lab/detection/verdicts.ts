/** Who gave whom up, and was that right? */
import type { Millis, NodeId, Typed } from "../../core/index.ts";

/** Of all detectors, as far as it matters here. */
type Verdict =
  | { readonly type: "member-failed"; readonly peer: NodeId; readonly incarnation: number }
  | { readonly type: "neighbor-failed"; readonly neighbor: NodeId; readonly incarnation: number };
type Doubt =
  | { readonly type: "member-suspected"; readonly peer: NodeId; readonly by: readonly NodeId[] }
  | { readonly type: "suspected"; readonly neighbor: NodeId };

export interface VerdictsConfig {
  readonly rowOf: (node: NodeId) => number | undefined;
  readonly idOf: (row: number) => NodeId;
  /** The incarnation with which its life began; undefined while it is dead. */
  readonly incarnationOf: (row: number) => number | undefined;
  readonly isHealthy: (row: number) => boolean;
}

/** A crash, and those who have noticed. */
interface Death {
  readonly at: Millis;
  /** Somebody who is well did not get an answer any more. */
  doubtedAt: Millis | undefined;
  /** By row of the observer; only those that nothing ails. */
  readonly noticed: Map<number, Millis>;
}

export class Verdicts {
  falsePositives = 0;
  falseByHealthy = 0;
  troubledGivenUp = 0;
  suspicions = 0;
  readonly #wronged = new Set<string>();
  /** False until all have met. */
  isCounting = false;
  readonly #config: VerdictsConfig;
  readonly #deaths = new Map<number, Death>();
  /** Who doubts whom, as observer and subject. */
  readonly #doubts = new Map<number, Set<number>>();

  constructor(config: VerdictsConfig) {
    this.#config = config;
  }

  /** Lives of nodes that nothing ails, which somebody has taken for ended. */
  get wronged(): number {
    return this.#wronged.size;
  }

  died(row: number, at: Millis): void {
    this.#deaths.set(row, { at, doubtedAt: undefined, noticed: new Map() });
  }

  /** A new life: what is said of the earlier one is no longer of interest. */
  returned(row: number): void {
    this.#deaths.delete(row);
    this.#doubts.delete(row);
  }

  /** How long after its death who noticed it, in the order in which they did. */
  noticed(row: number): readonly (readonly [observer: number, afterMs: Millis])[] {
    const death = this.#deaths.get(row);
    return death === undefined ? [] : [...death.noticed].map(([observer, at]) => [observer, at - death.at]);
  }

  /** From its death to the first who doubted of its own experience. */
  doubtedMs(row: number): Millis | undefined {
    const death = this.#deaths.get(row);
    return death?.doubtedAt === undefined ? undefined : death.doubtedAt - death.at;
  }

  onNotice(observer: number, notice: Typed, at: Millis): void {
    switch (notice.type) {
      case "member-failed":
      case "neighbor-failed":
        return this.#onVerdict(observer, notice as Verdict, at);
      case "member-suspected":
      case "suspected":
        return this.#onDoubt(observer, notice as Doubt, at);
      case "member-cleared":
      case "member-up":
        return this.#forgetDoubt(observer, (notice as Typed & { readonly peer: NodeId }).peer);
      case "neighbor-unreachable":
      case "ping-answered":
        return this.#forgetDoubt(observer, (notice as Typed & { readonly neighbor: NodeId }).neighbor);
    }
  }

  #onVerdict(observer: number, verdict: Verdict, at: Millis): void {
    const subject = this.#rowOf(verdict);
    if (subject === undefined) return;
    this.#doubts.get(observer)?.delete(subject);
    const { incarnationOf, isHealthy } = this.#config;
    const incarnation = incarnationOf(subject);
    const isByHealthy = isHealthy(observer);
    if (incarnation === undefined) {
      const noticed = this.#deaths.get(subject)?.noticed;
      if (isByHealthy && noticed !== undefined && !noticed.has(observer)) noticed.set(observer, at);
      return;
    }
    // Of a life that has ended indeed.
    if (verdict.incarnation < incarnation || !this.isCounting) return;
    if (!isHealthy(subject)) {
      if (isByHealthy) this.troubledGivenUp++;
      return;
    }
    this.falsePositives++;
    this.#wronged.add(`${subject} ${verdict.incarnation}`);
    if (isByHealthy) this.falseByHealthy++;
  }

  #onDoubt(observer: number, doubt: Doubt, at: Millis): void {
    if (doubt.type === "member-suspected" && !doubt.by.includes(this.#config.idOf(observer))) return;
    const subject = this.#rowOf(doubt);
    if (subject === undefined) return;
    let doubts = this.#doubts.get(observer);
    if (doubts === undefined) {
      doubts = new Set();
      this.#doubts.set(observer, doubts);
    }
    if (doubts.has(subject)) return;
    doubts.add(subject);
    const { incarnationOf, isHealthy } = this.#config;
    const death = incarnationOf(subject) === undefined ? this.#deaths.get(subject) : undefined;
    if (death !== undefined) {
      if (isHealthy(observer)) death.doubtedAt ??= at;
    } else if (this.isCounting && isHealthy(subject)) this.suspicions++;
  }

  #forgetDoubt(observer: number, node: NodeId): void {
    const doubts = this.#doubts.get(observer);
    if (doubts === undefined || doubts.size === 0) return;
    const subject = this.#config.rowOf(node);
    if (subject !== undefined) doubts.delete(subject);
  }

  #rowOf(about: Verdict | Doubt): number | undefined {
    return this.#config.rowOf("peer" in about ? about.peer : about.neighbor);
  }
}
