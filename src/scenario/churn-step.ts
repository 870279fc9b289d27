/** Churn as part of a scenario: who comes and goes beside the steps, drawn from a model before anything starts. */
import { hashNumbers, seededRandom } from "../core/index.ts";
import { type ChurnEvent, churnEvents } from "../simulator/index.ts";
import type { Step } from "./scenario.ts";

type ChurnStep = Extract<Step, { readonly do: "churn" }>;

/** The same for the same seed and place in the timeline, in any world. Throws `UsageError` for a model that is none. */
export function churnOf({ model }: ChurnStep, place: number, seed: number): readonly ChurnEvent[] {
  return churnEvents(model, seededRandom(hashNumbers([seed, place])));
}

/** What the peer of a session is called. */
export function sessionName(place: number, session: number): string {
  return `churn-${place + 1}-${session + 1}`;
}

/** How many peers join in a timeline, beside those who are there at first. */
export function joinersOf(timeline: readonly Step[], seed: number): number {
  return timeline.reduce((sum, step, place) => {
    if (step.do === "join") return sum + (step.count ?? 1);
    if (step.do !== "churn") return sum;
    return sum + churnOf(step, place, seed).filter(({ type }) => type === "join").length;
  }, 0);
}
