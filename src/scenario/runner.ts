/** Lets a scenario happen to a world, and says whether it held. */
import { type Millis, seededRandom, type TraceEvent, UsageError } from "../core/index.ts";
import type { ChurnEvent } from "../simulator/index.ts";
import { churnOf, sessionName } from "./churn-step.ts";
import {
  activeSeeds,
  claimOf,
  evaluate,
  type Facts,
  type Finding,
  type LastSight,
  listText,
} from "./conditions.ts";
import { durationMs } from "./duration.ts";
import { Observer } from "./observer.ts";
import type {
  Action,
  Check,
  Condition,
  Duration,
  InvariantName,
  Scenario,
  ScenarioReport,
  Step,
  Violation,
} from "./scenario.ts";
import { invariantNames } from "./scenario.ts";
import { defaultPeers, scenarioOptions } from "./scenario-options.ts";
import { Selection } from "./selector.ts";
import type { Checker, PeerView, World } from "./world.ts";

export interface RunConfig {
  /** Draws whatever the scenario leaves to chance. */
  readonly seed: number;
  /** Hears what goes on, a line at a time. */
  readonly say?: (text: string) => void;
  /** They see every transition; the observer has seen it before them. */
  readonly checkers?: (observer: Observer) => readonly Checker[];
}

type ActionStep = Extract<Step, Action>;
type ExpectStep = Extract<Step, { readonly do: "expect" }>;

/** How long all seeds may take to know everybody once the network stands. */
const listingPatience: Duration = "15 pings";
/** A lease of 50 pings, and time to agree on what it ends. */
const defaultCalm: Duration = "90 pings";

/** What must be so once the network had time to settle. */
const calmInvariants: readonly { readonly name: InvariantName; readonly condition: Condition }[] = [
  { name: "overlay-reconnects", condition: { is: "connected" } },
  { name: "seeds-converge", condition: { is: "lists-exact" } },
  { name: "seeds-converge", condition: { is: "seeds-agree" } },
  { name: "everything-arrives", condition: { is: "delivered" } },
];

/**
 * Forms the network, walks the timeline, waits for calm. The world stays open. Throws `UsageError` for what this world
 * cannot do and for nodes that do not exist; whatever else goes wrong is a check that failed.
 */
export async function runScenario(
  scenario: Scenario,
  world: World,
  config: RunConfig,
): Promise<ScenarioReport> {
  const run = new Run(scenario, world, config);
  try {
    await run.form();
    for (const [place, step] of (scenario.timeline ?? []).entries()) await run.step(step, place);
    await run.settle();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    run.check("the scenario could be carried out", {
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
    });
  }
  return run.report();
}

class Run {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #seed: number;
  readonly #say: (text: string) => void;
  readonly #observer: Observer;
  readonly #checkers: readonly Checker[];
  readonly #selection: Selection;
  readonly #random;
  readonly #facts: Facts & {
    readonly listsAtStart: Map<string, string>;
    readonly beforeSilence: Map<string, LastSight>;
    readonly afterReturn: Map<string, PeerView>;
  };
  readonly #checks: Check[] = [];
  readonly #violations: Violation[] = [];
  readonly #figures: Record<string, unknown> = {};
  /** What happens beside the steps, in order of time. */
  readonly #beside: { readonly at: Millis; readonly action: Action }[] = [];
  #formedAt: Millis = 0;
  #nextPeer: number;

  constructor(scenario: Scenario, world: World, { seed, say = () => {}, checkers = () => [] }: RunConfig) {
    this.#scenario = scenario;
    this.#world = world;
    this.#seed = seed;
    this.#say = say;
    this.#random = seededRandom(seed);
    this.#observer = new Observer({ graceMs: 5 * world.pingIntervalMs });
    this.#checkers = checkers(this.#observer);
    this.#selection = new Selection(() => this.#observer.nodes, this.#random);
    this.#nextPeer = (scenario.network?.peers ?? defaultPeers) + 1;
    this.#facts = {
      world,
      observer: this.#observer,
      retention: scenarioOptions(scenario).broadcast,
      listsAtStart: new Map(),
      beforeSilence: new Map(),
      afterReturn: new Map(),
    };
    world.onEvent((event) => this.#onEvent(event));
  }

  #onEvent(event: TraceEvent): void {
    this.#observer.onEvent(event);
    for (const checker of this.#checkers) checker.onEvent(event);
  }

  // ---- The three parts of a run ----

  async form(): Promise<void> {
    await this.#world.form();
    await this.#expect({ do: "expect", is: "formed", claim: "the network formed" });
    // A peer asks a majority of the seeds, the others hear of it from these: lists are compared with what they were.
    await this.#expect({
      do: "expect",
      is: "listed",
      node: "all peers",
      within: listingPatience,
      claim: "every seed lists every peer",
    });
    this.#formedAt = this.#world.now;
    for (const seed of await activeSeeds(this.#facts))
      this.#facts.listsAtStart.set(seed.name, listText(seed));
  }

  async step(step: Step, place: number): Promise<void> {
    if (step.at !== undefined) {
      const restMs = this.#formedAt + this.#ms(step.at, "at") - this.#world.now;
      if (restMs > 0) await this.#sleep(restMs);
    }
    if (step.do === "wait") return await this.#sleep(this.#ms(step.for, "for"));
    if (step.do === "churn") return this.#beginChurn(churnOf(step, place, this.#seed), place);
    if (step.do === "expect") return await this.#expect(step);
    if (step.do === "join" && step.name === undefined) return await this.#joinSome(step);
    await this.#perform(step);
  }

  /** What needs calm is waited for, as long as the scenario allows; then everything is looked at for good. */
  async settle(): Promise<void> {
    const last = this.#beside.at(-1);
    if (last !== undefined) await this.#sleep(last.at - this.#world.now);
    const names = new Set(this.#scenario.invariants ?? invariantNames);
    const wanted = calmInvariants.filter(({ name }) => names.has(name));
    // A network that the scenario leaves divided cannot be expected to agree.
    if (wanted.length > 0 && !this.#observer.isDivided) {
      const limitMs = this.#ms(this.#scenario.calm ?? defaultCalm, "calm");
      const isCalm = async () => {
        for (const { condition } of wanted) if (!(await this.#find(condition, [])).ok) return false;
        return true;
      };
      this.#figures["calmAfterMs"] = await this.#until(isCalm, limitMs);
      for (const { name, condition } of wanted) {
        const { ok, detail } = await this.#find(condition, []);
        if (ok) continue;
        const claim = claimOf(condition, []);
        this.#violate({ invariant: name, at: this.#world.now, detail: `not so: ${claim} (${detail ?? ""})` });
      }
    }
    for (const checker of this.#checkers) await checker.atCalm();
    for (const checker of this.#checkers)
      for (const violation of checker.violations) this.#violate(violation);
  }

  report(): ScenarioReport {
    const checks = this.#checks;
    const { published, deliveries, deliveredTwice, removals, counts } = this.#observer;
    const occurred: Record<string, number> = {};
    for (const [type, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) occurred[type] = count;
    const traceHash = this.#world.traceHash;
    return {
      scenario: this.#scenario.name,
      world: this.#world.kind,
      seed: this.#seed,
      ok: checks.length > 0 && checks.every(({ ok }) => ok) && this.#violations.length === 0,
      checks,
      violations: this.#violations,
      occurred,
      figures: {
        ...this.#figures,
        ...this.#world.figures,
        published,
        deliveries,
        deliveredTwice,
        removed: removals.length,
      },
      ...(traceHash === undefined ? {} : { traceHash }),
    };
  }

  // ---- Doing ----

  async #joinSome({ count = 1, over = 0 }: Extract<Action, { readonly do: "join" }>): Promise<void> {
    const pauseMs = Math.floor(this.#ms(over, "over") / count);
    this.#say(`${count} peers join`);
    for (let i = 0; i < count; i++) {
      while (this.#observer.node(`peer-${this.#nextPeer}`) !== undefined) this.#nextPeer++;
      await this.#world.perform({ do: "join", name: `peer-${this.#nextPeer++}` });
      if (pauseMs > 0) await this.#sleep(pauseMs);
    }
  }

  // ---- What goes on beside the steps ----

  #beginChurn(events: readonly ChurnEvent[], place: number): void {
    this.#say(`churn: ${events.filter(({ type }) => type === "join").length} peers will come`);
    const begin = this.#world.now;
    for (const { atMs, type, session } of events) {
      const name = sessionName(place, session);
      this.#beside.push({
        at: begin + atMs,
        action: type === "join" ? { do: type, name } : { do: type, node: [name] },
      });
    }
    this.#beside.sort((a, b) => a.at - b.at);
  }

  /** Lets time pass, with all that happens in it. */
  async #sleep(ms: Millis): Promise<void> {
    const end = this.#world.now + ms;
    while (this.#beside.length > 0 && this.#beside[0]!.at <= end) await this.#doNextBeside();
    if (end > this.#world.now) await this.#world.sleep(end - this.#world.now);
  }

  async #until(condition: () => boolean | Promise<boolean>, limitMs: Millis): Promise<Millis | undefined> {
    const start = this.#world.now;
    const end = start + limitMs;
    for (;;) {
      const next = this.#beside[0]?.at ?? Number.POSITIVE_INFINITY;
      const stop = Math.min(next, end);
      const tookMs = await this.#world.until(condition, Math.max(0, stop - this.#world.now));
      if (tookMs !== undefined) return this.#world.now - start;
      if (next >= end) return undefined;
      await this.#doNextBeside();
    }
  }

  async #doNextBeside(): Promise<void> {
    const { at, action } = this.#beside.shift()!;
    if (at > this.#world.now) await this.#world.sleep(at - this.#world.now);
    const isGone =
      "node" in action && this.#observer.node((action.node as readonly string[])[0]!)?.isLiving !== true;
    if (!isGone) await this.#world.perform(action);
  }

  async #perform(step: ActionStep): Promise<void> {
    const { at: _, ...unresolved } = step;
    const action = this.#selection.resolve(unresolved);
    this.#say(tell(action));
    if (action.do === "crash" || action.do === "pause")
      await this.#lookBefore(action.node as readonly string[]);
    await this.#world.perform(action);
    if (action.do === "restart") await this.#lookAfter(action.node as readonly string[]);
  }

  async #lookBefore(names: readonly string[]): Promise<void> {
    const views = await this.#world.peers();
    for (const name of names) {
      const view = views.find((one) => one.name === name);
      const neighbors =
        view === undefined ? 0 : views.filter(({ neighbors }) => neighbors.includes(view.id)).length;
      this.#facts.beforeSilence.set(name, { view, neighbors });
    }
  }

  async #lookAfter(names: readonly string[]): Promise<void> {
    for (const view of await this.#world.peers())
      if (names.includes(view.name)) this.#facts.afterReturn.set(view.name, view);
  }

  // ---- Expecting ----

  async #expect(step: ExpectStep): Promise<void> {
    const { within, claim, figure, at: _, do: __, ...condition } = step;
    const names = this.#namesIn(condition as Condition);
    let finding: Finding = { ok: false };
    const holds = async () => {
      finding = await this.#find(condition as Condition, names);
      return finding.ok;
    };
    const tookMs = within === undefined ? 0 : await this.#until(holds, this.#ms(within, "within"));
    // Looked at once more: nothing is known if the limit was zero, and what a limit ends is described as it ended.
    if (!finding.ok) await holds();
    Object.assign(this.#figures, finding.figures);
    if (figure !== undefined) this.#figures[figure] = finding.ok ? tookMs : undefined;
    const inMs = figure === undefined || !finding.ok ? [] : [`${tookMs} ms`];
    const detail = [...(finding.detail === undefined ? [] : [finding.detail]), ...inMs].join(", ");
    this.check(claim ?? claimOf(condition as Condition, names), {
      ok: finding.ok,
      detail: detail === "" ? undefined : detail,
    });
  }

  #namesIn(condition: Condition): readonly string[] {
    if ("node" in condition && condition.node !== undefined) return this.#selection.names(condition.node);
    if (condition.is === "nobody-removed" && condition.except !== undefined)
      return this.#selection.names(condition.except);
    return [];
  }

  #find(condition: Condition, names: readonly string[]): Promise<Finding> {
    return evaluate(condition, this.#facts, names);
  }

  check(claim: string, { ok, detail }: Finding): void {
    this.#checks.push({ claim, ok, detail });
    this.#say(`${ok ? "ok" : "FAILED"}: ${claim}${detail === undefined ? "" : ` (${detail})`}`);
  }

  #violate(violation: Violation): void {
    this.#violations.push(violation);
    this.#say(`FAILED: invariant ${violation.invariant}: ${violation.detail}`);
  }

  #ms(duration: Duration, field: string): Millis {
    return durationMs(duration, this.#world.pingIntervalMs, field);
  }
}

/** An action as a line for who watches. */
function tell(action: Action): string {
  const who = (names: unknown) => {
    const list = names as readonly string[];
    return list.length > 6 ? `${list.slice(0, 5).join(", ")} and ${list.length - 5} more` : list.join(", ");
  };
  switch (action.do) {
    case "join":
      return `${action.name} joins`;
    case "publish":
      return `${who(action.from)}: ${action.messages ?? 1} to publish each`;
    case "partition":
      if (action.groups === undefined) return `partition by ${action.by}`;
      return `partition: ${action.groups.slice(1).map(who).join(" | ")} from the rest`;
    case "cut":
      return `cut: what ${who(action.from)} say does not reach ${who(action.to)}`;
    case "forge-reports":
      return `forged reports against ${who(action.against)}`;
    case "heal":
    case "links":
    case "forge-registrations":
      return action.do;
    default:
      return `${action.do} ${who(action.node)}`;
  }
}
