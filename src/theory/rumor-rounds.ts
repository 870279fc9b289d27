/**
 * Rumor mongering by its mean, where nodes have rounds of their own: everybody calls once in a round, at a time of its
 * own, a partner that is drawn among all (Demers et al. 1987, 1.4, with the stop rules; the published tables are of
 * synchronous rounds, which are slower).
 *
 *     s  who has not heard it     i  who spreads it     r  who has heard it and spreads it no more     s + i + r = 1
 *
 * Nodes are sorted into classes by the time at which they call, which they keep. When a class calls, a push of its
 * spreaders misses a susceptible node with e^-(i of the class), and whoever pulls gets it with probability i. Rules
 * that count are followed counter by counter. Exact for many nodes, but for what is noted of a round in which a node
 * heard the rumor: that is taken for half a round. What chance adds at the beginning, half a round or so, is left out.
 */
import { exp } from "../core/deterministic-math.ts";
import { checkNumber, checkWhole } from "./valid-range.ts";

export interface RumorRounds {
  /** Nodes: >= 2. One of them knows the rumor at first. */
  readonly n: number;
  readonly mode: "push" | "pull" | "push-pull";
  readonly stop: "never" | "coin" | "counter";
  /** Only contacts with somebody that knew it count; a useful one sets a counter back. */
  readonly hasFeedback: boolean;
  /** The k of coin and counter, 1 to 255. */
  readonly stopAfter: number;
  /**
   * From the call to the receipt, in rounds: ids go before the rumor itself, so that it takes more than one way. Until
   * then the receiver counts as one that knows it, and does not spread it. 0 if nothing is given.
   */
  readonly transferRounds?: { readonly push: number; readonly pull: number };
  /** Who has got it spreads it from its next call on, and not before: the nodes of median-counter do. */
  readonly waitsForRound?: boolean;
  /** Rounds after which to give up: rumors that never stop end when less than a node in a thousand networks lacks them. */
  readonly maxRounds?: number;
}

/** Shares of all nodes over time; the first entry is before anybody calls. */
export interface RumorCurve {
  /** In rounds. */
  readonly rounds: number[];
  readonly susceptible: number[];
  readonly infected: number[];
  readonly removed: number[];
  /** Who got it over so many links, as shares of all nodes; the index is the number of links. */
  readonly hops: number[];
}

/** Classes of nodes by the time at which they call. */
const classes = 24;
/** Longer ways are counted here. */
const maxHops = 64;

/** Throws `UsageError` outside of the ranges above. */
export function rumorRounds(rumor: RumorRounds): RumorCurve {
  const { n, stop, stopAfter, transferRounds = { push: 0, pull: 0 }, maxRounds = 200 } = rumor;
  checkWhole("n", n, { least: 2 });
  checkWhole("stopAfter", stopAfter, { least: 1, most: 255 });
  checkNumber("maxRounds", maxRounds, { above: 0 });
  checkNumber("push", transferRounds.push, { least: 0, most: maxRounds });
  checkNumber("pull", transferRounds.pull, { least: 0, most: maxRounds });
  const epidemic = new Epidemic(rumor);
  const curve: RumorCurve = { rounds: [], susceptible: [], infected: [], removed: [], hops: epidemic.hops };
  const note = (rounds: number) => {
    curve.rounds.push(rounds);
    const lacking = epidemic.susceptible + epidemic.awaiting;
    curve.susceptible.push(lacking);
    curve.infected.push(epidemic.infected);
    curve.removed.push(Math.max(0, 1 - lacking - epidemic.infected));
  };
  note(0);
  for (let turn = 0; turn < maxRounds * classes; turn++) {
    epidemic.turn(turn);
    note((turn + 1) / classes);
    if (epidemic.awaiting >= 1e-3 / n) continue;
    if (epidemic.infected < 1e-3 / n || (stop === "never" && epidemic.susceptible < 1e-3 / n)) break;
  }
  return curve;
}

/** Nodes that call at the same time, as shares of all. */
interface CallClass {
  susceptible: number;
  /** Spreaders by what they have counted. */
  readonly byCounter: number[];
  /** The same spreaders, by the links over which it came. */
  readonly byHops: number[];
  /** Of these, who heard it since the last turn of the class. */
  fresh: number;
  /** Who has it and waits for the turn of the class, by the links over which it came. */
  waiting: number[];
  /** Of this round: whether a spreader's own call was to somebody susceptible, with this probability. */
  usefulCall: number;
}

/** Who was called, or has called, and gets it in that turn. */
interface Transfer {
  readonly to: CallClass;
  readonly share: number;
  readonly byHops: readonly number[];
}

class Epidemic {
  readonly #rumor: RumorRounds;
  readonly #classes: CallClass[];
  readonly hops: number[];
  susceptible: number;
  infected: number;
  /** To whom it is under way. */
  awaiting = 0;
  /** Infected, and not spreading yet. */
  #waiting = 0;
  readonly #transfers = new Map<number, Transfer[]>();
  /** Susceptible callers, by class, when they called last: whom a spreader has met in the round that ends. */
  readonly #callers: number[] = new Array(classes).fill(1 / classes);

  constructor(rumor: RumorRounds) {
    this.#rumor = rumor;
    const { n, stop, stopAfter } = rumor;
    const counters = stop === "counter" ? stopAfter : 1;
    this.infected = 1 / n;
    this.susceptible = 1 - this.infected;
    this.hops = new Array(maxHops + 1).fill(0);
    this.hops[0] = this.infected;
    this.#classes = Array.from({ length: classes }, () => {
      const byCounter: number[] = new Array(counters).fill(0);
      const byHops: number[] = new Array(maxHops + 1).fill(0);
      byCounter[0] = this.infected / classes;
      byHops[0] = byCounter[0];
      return {
        susceptible: this.susceptible / classes,
        byCounter,
        byHops,
        fresh: byCounter[0],
        waiting: [],
        usefulCall: 0,
      };
    });
  }

  turn(turn: number): void {
    const { mode, transferRounds } = this.#rumor;
    const index = turn % classes;
    const own = this.#classes[index]!;
    this.#arrive(turn);
    // What was noted of the round that ends.
    if (mode !== "push") this.#judgeRound(own);
    own.fresh = 0;
    if (own.waiting.length > 0) {
      const share = sum(own.waiting);
      this.#waiting -= share;
      this.#begin(own, share, own.waiting);
      own.waiting = [];
    }
    const spreaders = sum(own.byCounter);
    const senders = own.byHops.slice();
    const before = this.susceptible;
    own.usefulCall = before;
    this.#callers[index] = own.susceptible;
    const arrivalOf = (rounds = 0) => turn + Math.round(rounds * classes);
    if (mode !== "push") this.#pull(own, arrivalOf(transferRounds?.pull));
    if (mode !== "pull" && spreaders > 0) this.#push(senders, spreaders, arrivalOf(transferRounds?.push));
    this.#arrive(turn);
    // Nobody else calls meanwhile: the share that its calls found susceptible lies in between.
    if (mode === "push") this.#judge(own, (before + this.susceptible) / 2, 0);
  }

  #push(senders: readonly number[], spreaders: number, arrival: number): void {
    const missed = exp(-spreaders);
    for (const one of this.#classes)
      this.#send(one, one.susceptible * (1 - missed), senders, spreaders, arrival);
  }

  #pull(own: CallClass, arrival: number): void {
    const byHops: number[] = new Array(maxHops + 1).fill(0);
    for (const one of this.#classes)
      for (let hop = 0; hop <= maxHops; hop++) byHops[hop]! += one.byHops[hop]!;
    const spreaders = this.infected - this.#waiting;
    this.#send(own, own.susceptible * spreaders, byHops, spreaders, arrival);
  }

  #send(to: CallClass, share: number, senders: readonly number[], allSenders: number, arrival: number): void {
    if (share <= 0 || allSenders <= 0) return;
    to.susceptible -= share;
    this.susceptible -= share;
    this.awaiting += share;
    const byHops = senders.map((_, hop) => (share * (senders[hop - 1] ?? 0)) / allSenders);
    byHops[maxHops]! += (share * senders[maxHops]!) / allSenders;
    const others = this.#transfers.get(arrival);
    if (others === undefined) this.#transfers.set(arrival, [{ to, share, byHops }]);
    else others.push({ to, share, byHops });
  }

  #arrive(turn: number): void {
    for (const { to, share, byHops } of this.#transfers.get(turn) ?? []) {
      this.awaiting -= share;
      this.infected += share;
      for (let hop = 0; hop <= maxHops; hop++) this.hops[hop]! += byHops[hop]!;
      if (this.#rumor.waitsForRound === true) {
        this.#waiting += share;
        to.waiting = byHops.map((one, hop) => one + (to.waiting[hop] ?? 0));
      } else this.#begin(to, share, byHops);
    }
    this.#transfers.delete(turn);
  }

  #begin(one: CallClass, share: number, byHops: readonly number[]): void {
    one.byCounter[0]! += share;
    one.fresh += share;
    for (let hop = 0; hop <= maxHops; hop++) one.byHops[hop]! += byHops[hop]!;
  }

  /** Pull and push-pull: all contacts of a round count as one, a useful one if anybody needed the rumor. */
  #judgeRound(own: CallClass): void {
    const { mode } = this.#rumor;
    const total = sum(own.byCounter);
    if (total <= 0) return;
    const needy = sum(this.#callers);
    const calls = mode === "push-pull" ? own.usefulCall : 0;
    const useful = 1 - (1 - calls) * exp(-needy);
    const none = mode === "push-pull" ? 0 : exp(-1);
    // Who heard it in this round had half of it, and no call of its own.
    const fresh = Math.min(1, own.fresh / total);
    const usefulFresh = 1 - exp(-needy / 2);
    const noneFresh = exp(-1 / 2);
    this.#judge(own, useful + fresh * (usefulFresh - useful), none + fresh * (noneFresh - none));
  }

  /** One contact of each spreader: useful, or none at all, with these probabilities; useless otherwise. */
  #judge(own: CallClass, useful: number, none: number): void {
    const { stop, hasFeedback, stopAfter } = this.#rumor;
    const { byCounter } = own;
    if (stop === "never") return;
    const before = sum(byCounter);
    if (before <= 0) return;
    const counts = hasFeedback ? Math.max(0, 1 - useful - none) : 1 - none;
    let lost: number;
    if (stop === "coin") {
      lost = (before * counts) / stopAfter;
      byCounter[0] = before - lost;
    } else {
      const last = byCounter.length - 1;
      lost = byCounter[last]! * counts;
      const kept = hasFeedback ? none : 1 - counts;
      for (let counter = last; counter >= 0; counter--)
        byCounter[counter] = byCounter[counter]! * kept + (byCounter[counter - 1] ?? 0) * counts;
      // A useful contact sets the counter back.
      if (hasFeedback) byCounter[0]! += before * useful;
    }
    this.infected -= lost;
    const left = (before - lost) / before;
    for (let hop = 0; hop <= maxHops; hop++) own.byHops[hop]! *= left;
  }
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
