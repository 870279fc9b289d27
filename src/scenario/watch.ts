/** What all checkers of invariants have in common. */
import type { Millis, TraceEvent } from "../core/index.ts";
import type { InvariantName, Violation } from "./scenario.ts";
import type { Checker } from "./world.ts";

/** One broken invariant tends to break again with every event: the first few tell the story. */
const maxViolations = 5;

export abstract class Watch implements Checker {
  readonly violations: Violation[] = [];
  readonly #invariant: InvariantName;

  constructor(invariant: InvariantName) {
    this.#invariant = invariant;
  }

  abstract onEvent(event: TraceEvent): void;
  atCalm(): void {}

  protected violate(at: Millis, detail: string): void {
    if (this.violations.length < maxViolations) {
      this.violations.push({ invariant: this.#invariant, at, detail });
    }
  }
}
