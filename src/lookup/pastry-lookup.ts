/** One lookup as its origin sees it: what its route tells on the way, made into a report. It sends nothing. */
import {
  compareAround,
  type Key,
  type KeyedNode,
  type Lookup,
  type LookupOutcome,
  type LookupReport,
  type LookupStep,
  type Millis,
  type StepOutcome,
} from "../core/index.ts";

interface Step {
  readonly node: KeyedNode;
  referrer: number;
  depth: number;
  readonly attempt: number;
  readonly sentAt: Millis;
  answeredAt: Millis | undefined;
  outcome: StepOutcome;
  learned: number;
}

export interface RoutedLookupConfig {
  readonly self: KeyedNode;
  readonly command: Pick<Lookup, "request" | "asker" | "key">;
  /** How many nodes are wanted. */
  readonly count: number;
  readonly budget: number;
  readonly startedAt: Millis;
}

export class RoutedLookup {
  readonly self: KeyedNode;
  readonly command: Pick<Lookup, "request" | "asker" | "key">;
  readonly count: number;
  readonly budget: number;
  readonly startedAt: Millis;
  /** Numbers of all its attempts: an answer to an early one counts as well. */
  readonly routes: number[] = [];
  /** To whom the attempt that is under way went first. */
  firstHop: KeyedNode | undefined;
  /** Grows with everything that is heard of it. */
  news = 0;
  readonly #steps: Step[] = [];
  /** Of the attempt that is under way. */
  readonly #indices = new Map<Key, number>();

  constructor({ self, command, count, budget, startedAt }: RoutedLookupConfig) {
    this.self = self;
    this.command = command;
    this.count = count;
    this.budget = budget;
    this.startedAt = startedAt;
  }

  get key(): Key {
    return this.command.key;
  }
  /** The route that is under way; undefined before the first. */
  get route(): number | undefined {
    return this.routes.at(-1);
  }
  get attempts(): number {
    return this.routes.length;
  }
  /** As many nodes as it may ask have been asked. */
  get isSpent(): boolean {
    return this.#steps.length >= this.budget;
  }

  beginAttempt(route: number): void {
    this.routes.push(route);
    this.#indices.clear();
  }

  /** The route goes to this node. Its referrer is whoever sent it there; -1: ourselves. Returns the step's index. */
  asked(node: KeyedNode, referrer: number, depth: number, now: Millis): number {
    this.news++;
    const known = this.#indices.get(node.key);
    if (known !== undefined) {
      // It has told us that the route has passed before we were told that it would.
      const step = this.#steps[known]!;
      step.referrer = referrer;
      step.depth = depth;
      return known;
    }
    const attempt = this.attempts - 1;
    this.#indices.set(node.key, this.#steps.length);
    return (
      this.#steps.push({
        node,
        referrer,
        depth,
        attempt,
        sentAt: now,
        answeredAt: undefined,
        outcome: "asked",
        learned: 0,
      }) - 1
    );
  }

  /** The node at that depth has the route. Returns the step's index. */
  answered(node: KeyedNode, depth: number, learned: number, now: Millis): number {
    const index = this.#indices.get(node.key) ?? this.asked(node, -1, depth, now);
    this.news++;
    const step = this.#steps[index]!;
    step.learned = Math.max(step.learned, learned);
    if (step.outcome === "asked" || step.outcome === "silent") {
      step.outcome = step.outcome === "asked" ? "answered" : "late";
      step.answeredAt = now;
    }
    return index;
  }

  /** It did not acknowledge the route to whoever sent it there. Returns the step's index. */
  silent(node: KeyedNode, referrer: number, depth: number, now: Millis): number {
    const index = this.#indices.get(node.key) ?? this.asked(node, referrer, depth, now);
    this.news++;
    const step = this.#steps[index]!;
    if (step.outcome === "asked") step.outcome = "silent";
    return index;
  }

  step(index: number): LookupStep {
    const { node, referrer, depth, attempt, sentAt, answeredAt, outcome, learned } = this.#steps[index]!;
    return {
      node: node.node,
      key: node.key,
      referrer,
      depth,
      branch: attempt,
      sentAt,
      answeredAt,
      outcome,
      learned,
    };
  }

  /** `closest`: the nodes that the root named, itself among them; before there is a root, who answered on the way. */
  report(outcome: LookupOutcome, hops: number, closest: readonly KeyedNode[], now: Millis): LookupReport {
    const path = this.#steps.map((_, index) => this.step(index));
    const known = closest.length > 0 ? closest : this.#answered();
    const unique = [...new Map(known.map((node) => [node.key, node])).values()];
    const count = (wanted: StepOutcome) => path.filter((step) => step.outcome === wanted).length;
    return {
      key: this.key,
      outcome,
      closest: unique.sort((a, b) => compareAround(this.key, a.key, b.key)).slice(0, this.count),
      hops,
      asked: path.length,
      answered: count("answered") + count("late"),
      silent: count("silent"),
      refused: 0,
      startedAt: this.startedAt,
      endedAt: now,
      path,
      records: [],
      without: [],
    };
  }

  #answered(): KeyedNode[] {
    const answered = this.#steps.filter(({ answeredAt }) => answeredAt !== undefined);
    return [this.self, ...answered.map(({ node }) => node)];
  }
}
