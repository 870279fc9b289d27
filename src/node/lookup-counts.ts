/** What became of the lookups and store operations of a node, for its metrics. */
import type { LookupReport, Typed } from "../core/index.ts";

export class LookupCounts {
  /** Lookups by asker and outcome, as in "store found". */
  readonly lookups: Record<string, number> = Object.create(null);
  /** Their questions, by how each ended. */
  readonly questions = { answered: 0, silent: 0, refused: 0 };
  /** Puts, gets and deletes that somebody asked for, by operation and outcome, as in "put stored". */
  readonly operations: Record<string, number> = Object.create(null);

  /** To be told of every notice of the node. */
  onNotice(notice: Typed & Record<string, any>): void {
    if (notice.type === "lookup-ended") {
      const { outcome, answered, silent, refused } = notice["report"] as LookupReport;
      add(this.lookups, `${notice["asker"]} ${outcome}`);
      this.questions.answered += answered;
      this.questions.silent += silent;
      this.questions.refused += refused;
    } else if (notice.type === "store-ended")
      add(this.operations, `${notice["operation"]} ${notice["outcome"]}`);
  }
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
