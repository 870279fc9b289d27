/**
 * What is wrong with the lookups of a node, by comparing them with what the theory says for a network of this size:
 *
 *     LookupStatistics    the last lookups, as they ended
 *          │ summary
 *     diagnose            how many nodes there are (by how near the nearest ones are), what lookups among so many cost
 *          │              (src/theory), what they did cost here, and which rule is off
 *     DoctorReport        findings, each with what would mend it
 *
 * It looks at nothing but numbers and asks nobody: whoever has a node hands in what it knows.
 */
import {
  compareAround,
  compareUp,
  compareXor,
  distanceAround,
  distanceUp,
  fractionOf,
  type Key,
  keyFromNumber,
  type LookupReport,
  Moments,
  type StepOutcome,
  seededRandom,
  UsageError,
  xorOf,
} from "../core/index.ts";
import {
  chordDistinctFingers,
  chordPaths,
  kademliaContacts,
  kademliaLookups,
  networkSizeOf,
  pastryRoutes,
  pastryTableEntries,
} from "../theory/index.ts";

// ---- What is remembered -------------------------------------------------------------------------------------------

export type DiagnosedRouter = "kademlia" | "chord" | "pastry";

export interface LookupStatisticsConfig {
  readonly router: DiagnosedRouter;
  /** Our own key: we are in many answers, and say nothing about how many others there are. */
  readonly self: Key;
  /** Lookups that are remembered, the last ones. Default: 256. */
  readonly capacity?: number;
}

/** Questions of one lookup that are remembered, the first ones: far more than a healthy network needs. */
const maxSteps = 128;
/** Nodes of one result that are remembered. */
const maxClosest = 32;

/** What is kept of a lookup. */
interface RememberedLookup {
  readonly key: Key;
  readonly outcome: LookupReport["outcome"];
  readonly hops: number;
  readonly asked: number;
  readonly answered: number;
  readonly silent: number;
  readonly refused: number;
  readonly learned: number;
  readonly durationMs: number;
  readonly closest: readonly Key[];
  readonly steps: readonly { readonly key: Key; readonly outcome: StepOutcome }[];
}

/** The last lookups of a node, in bounded memory. */
export class LookupStatistics {
  readonly router: DiagnosedRouter;
  readonly self: Key;
  readonly #capacity: number;
  readonly #lookups: RememberedLookup[] = [];
  /** Where the next one goes, once all places are taken. */
  #oldest = 0;

  /** Throws `UsageError` unless `capacity` is an integer of at least 1. */
  constructor({ router, self, capacity = 256 }: LookupStatisticsConfig) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new UsageError(`capacity: ${capacity} is not an integer of at least 1`);
    this.router = router;
    this.self = self;
    this.#capacity = capacity;
  }

  /** How many lookups are remembered. */
  get size(): number {
    return this.#lookups.length;
  }

  /** The oldest makes room. Lookups that asked nobody tell nothing, and are left out. */
  add(report: LookupReport): void {
    if (report.asked === 0) return;
    const lookup = rememberedOf(report);
    if (this.#lookups.length < this.#capacity) this.#lookups.push(lookup);
    else {
      this.#lookups[this.#oldest] = lookup;
      this.#oldest = (this.#oldest + 1) % this.#capacity;
    }
  }

  clear(): void {
    this.#lookups.length = 0;
    this.#oldest = 0;
  }

  /** Everything that a diagnosis needs. */
  summary(): LookupSummary {
    const lookups = [...this.#lookups.slice(this.#oldest), ...this.#lookups.slice(0, this.#oldest)];
    const means = {
      hops: new Moments(),
      asked: new Moments(),
      silent: new Moments(),
      learned: new Moments(),
    };
    let refused = 0;
    let late = 0;
    let cutShort = 0;
    for (const lookup of lookups) {
      means.asked.add(lookup.asked);
      means.silent.add(lookup.silent);
      refused += lookup.refused;
      late += lookup.steps.filter(({ outcome }) => outcome === "late").length;
      if (lookup.outcome === "deadline" || lookup.outcome === "budget") cutShort++;
      // Paths and answers of lookups that ended before their time are shorter than those of a network like this.
      if (lookup.outcome !== "found") continue;
      means.hops.add(lookup.hops);
      means.learned.add(lookup.answered === 0 ? 0 : lookup.learned / lookup.answered);
    }
    return {
      ...{ lookups: lookups.length, ...means, refused, late, cutShort },
      wentBack: lookups.filter(({ durationMs }) => durationMs < 0).length,
      unansweredInARow: unansweredInARow(lookups),
      ...silenceOf(lookups),
      distances: distancesOf(lookups, this.router, this.self),
      recall: recallOf(lookups, this.router, this.self),
      distinctNodes: answeringNodes(lookups).size,
    };
  }
}

function rememberedOf(report: LookupReport): RememberedLookup {
  const { key, outcome, hops, asked, answered, silent, refused, path } = report;
  return {
    ...{ key, outcome, hops, asked, answered, silent, refused },
    learned: path.reduce((sum, step) => sum + step.learned, 0),
    durationMs: report.endedAt - report.startedAt,
    closest: report.closest.slice(0, maxClosest).map((contact) => contact.key),
    steps: path.slice(0, maxSteps).map((step) => ({ key: step.key, outcome: step.outcome })),
  };
}

export interface LookupSummary {
  /** Those that asked anybody. */
  readonly lookups: number;
  /** Of those that came to their own end. */
  readonly hops: Moments;
  /** Questions in each lookup, and those that nobody answered. */
  readonly asked: Moments;
  readonly silent: Moments;
  /** Nodes not heard of before, for each answer. */
  readonly learned: Moments;
  readonly refused: number;
  /** Answers that came after the time-out. */
  readonly late: number;
  /** Lookups that a deadline or a budget ended. */
  readonly cutShort: number;
  /** Lookups that ended before they began. */
  readonly wentBack: number;
  /** How many of the last lookups in a row got no answer at all. */
  readonly unansweredInARow: number;
  /** Silence at the first two questions to a node and from the fourth on, both as shares. */
  readonly silentAtFirst: number;
  readonly silentLater: number;
  readonly askedLater: number;
  /** Of the silent questions to nodes that were asked more than once: the share to those that never answered. */
  readonly silentForGood: number;
  readonly silentRepeatedly: number;
  /** For each key, from it to the nearest nodes but us: as shares of the largest distance. */
  readonly distances: readonly (readonly number[])[];
  /**
   * Share of the nodes that belong into the results and are there: whoever answered any of these lookups, and is nearer
   * to another one's key than its result reaches, was missed by that one. NaN without results.
   */
  readonly recall: number;
  /** Nodes that answered. */
  readonly distinctNodes: number;
}

function unansweredInARow(lookups: readonly RememberedLookup[]): number {
  let count = 0;
  while (count < lookups.length && lookups[lookups.length - 1 - count]!.answered === 0) count++;
  return count;
}

function silenceOf(lookups: readonly RememberedLookup[]) {
  const nodes = new Map<Key, { asked: number; silent: number }>();
  const first = { asked: 0, silent: 0 };
  const later = { asked: 0, silent: 0 };
  for (const { steps } of lookups) {
    for (const { key, outcome } of steps) {
      if (outcome === "asked") continue; // the lookup was over before it could answer
      const node = nodes.get(key) ?? { asked: 0, silent: 0 };
      nodes.set(key, node);
      const isSilent = outcome === "silent";
      node.asked++;
      if (isSilent) node.silent++;
      const group = node.asked <= 2 ? first : node.asked >= 4 ? later : undefined;
      if (group === undefined) continue;
      group.asked++;
      if (isSilent) group.silent++;
    }
  }
  let repeatedly = 0;
  let forGood = 0;
  for (const { asked, silent } of nodes.values()) {
    if (asked < 2) continue;
    repeatedly += silent;
    if (silent === asked) forGood += silent;
  }
  return {
    silentAtFirst: share(first.silent, first.asked),
    silentLater: share(later.silent, later.asked),
    askedLater: later.asked,
    silentForGood: share(forGood, repeatedly),
    silentRepeatedly: repeatedly,
  };
}

/** One list for each key, all of the same length: as many as the shortest has. */
function distancesOf(lookups: readonly RememberedLookup[], router: DiagnosedRouter, self: Key): number[][] {
  // The same key again tells the same again: only its last result counts.
  const results = new Map<Key, readonly Key[]>();
  for (const { key, outcome, closest } of lookups) {
    const others = closest.filter((other) => other !== self);
    if (outcome === "found" && others.length > 0) results.set(key, others);
  }
  const length = Math.min(...[...results.values()].map((others) => others.length));
  return [...results].map(([key, others]) =>
    others
      .slice(0, length)
      .map((other) => distanceShare(router, key, other))
      .sort((a, b) => a - b),
  );
}

/** Of the largest distance there can be. */
function distanceShare(router: DiagnosedRouter, key: Key, other: Key): number {
  switch (router) {
    case "kademlia":
      return fractionOf(xorOf(key, other));
    case "chord":
      return fractionOf(distanceUp(key, other));
    case "pastry":
      return Math.min(1, 2 * fractionOf(keyFromNumber(distanceAround(key, other))));
  }
}

const orders = { kademlia: compareXor, chord: compareUp, pastry: compareAround };

function recallOf(lookups: readonly RememberedLookup[], router: DiagnosedRouter, self: Key): number {
  const order = orders[router];
  const others = answeringNodes(lookups);
  let found = 0;
  let missed = 0;
  for (const { key, outcome, closest } of lookups) {
    const last = closest.at(-1);
    if (outcome !== "found" || last === undefined) continue;
    found += closest.length;
    const result = new Set(closest);
    for (const other of others)
      if (other !== self && !result.has(other) && order(key, other, last) < 0) missed++;
  }
  return share(found, found + missed, Number.NaN);
}

function answeringNodes(lookups: readonly RememberedLookup[]): Set<Key> {
  const nodes = new Set<Key>();
  for (const { steps } of lookups)
    for (const { key, outcome } of steps) if (outcome === "answered" || outcome === "late") nodes.add(key);
  return nodes;
}

function share(part: number, whole: number, otherwise = 0): number {
  return whole === 0 ? otherwise : part / whole;
}

// ---- What is said --------------------------------------------------------------------------------------------------

export interface DoctorInput {
  readonly statistics: LookupStatistics | LookupSummary;
  readonly router: DiagnosedRouter;
  readonly hasJoined: boolean;
  /** Nodes in our tables: the router's `size`. */
  readonly tableSize: number;
  /** Kademlia's k and alpha; the length of Chord's successor list; Pastry's |L| and b. Defaults: the routers' own. */
  readonly k?: number;
  readonly alpha?: number;
  readonly listSize?: number;
  readonly leafSetSize?: number;
  readonly bits?: number;
  /** How many nodes the membership knows, this one included; undefined where there is none. */
  readonly members?: number;
  /** How late our own timers come: the 99th percentile of the event loop's delay. */
  readonly eventLoopLagMs?: number;
  /** The shortest time-out of a question: `lookup-min-timeout`. Default: 50. */
  readonly minTimeoutMs?: number;
}

/** `problem`: lookups suffer. `warning`: they will. `note`: why something cannot be told. */
export type Severity = "problem" | "warning" | "note";

export type FindingCode =
  | "not-joined"
  | "few-lookups"
  | "unreachable"
  | "cut-short"
  | "clock"
  | "event-loop-lag"
  | "late-answers"
  | "rate-limited"
  | "contacts-gone"
  | "loss"
  | "peers-silent"
  | "peers-refuse"
  | "table-sparse"
  | "replies-short"
  | "paths-long"
  | "too-many-queries"
  | "recall-low"
  | "members-missing";

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What was seen, with its numbers. */
  readonly text: string;
  /** What would mend it. */
  readonly advice: string;
}

/** One figure: measured, and as the theory has it. */
export interface DoctorMeasure {
  readonly name: "hops" | "queries" | "time-outs" | "recall" | "learned per answer" | "table size";
  readonly measured: number;
  /** Undefined where the theory does not say. */
  readonly expected: number | undefined;
  readonly isOff: boolean;
}

export interface DoctorReport {
  /** No finding but notes. */
  readonly isHealthy: boolean;
  readonly router: DiagnosedRouter;
  readonly lookups: number;
  /** How many nodes there seem to be, this one included; undefined without lookups. */
  readonly nodes: { readonly estimate: number; readonly standardError: number } | undefined;
  /** Share of questions that nobody answered. */
  readonly silentShare: number;
  readonly measures: readonly DoctorMeasure[];
  /** The worst first. */
  readonly findings: readonly Finding[];
}

/** Fewer lookups say too little. */
const fewestLookups = 20;
/** The models' networks are ideal; real ones may be so much worse before anybody is told (guess). */
const tolerance = 1.3;
/** A table with less than this share of what it should have is sparse; likewise answers (guess). */
const leastShare = 0.6;
/** Silence, refusals, late answers beyond this share are worth a word (guess). */
const quietShare = 0.05;
/** Recall so far below the model's is worth a word (guess). */
const recallSlack = 0.05;
/** The models take a tenth of a second with this many nodes; beyond, fewer networks are drawn. */
const cheapNodes = 50_000;

/** Pure: the same input gives the same report. */
export function diagnose(input: DoctorInput): DoctorReport {
  const { statistics } = input;
  const summary = statistics instanceof LookupStatistics ? statistics.summary() : statistics;
  const nodes = nodesOf(input, summary);
  const silentShare = share(summary.silent.mean, summary.asked.mean);
  const report = { router: input.router, lookups: summary.lookups, nodes, silentShare };
  const findings = [...findingsBeforehand(input, summary)];
  const isEnough = summary.lookups >= fewestLookups && nodes !== undefined;
  const measures = isEnough ? measuresOf(input, summary, nodes, silentShare) : [];
  if (isEnough) findings.push(...findingsOf(input, summary, measures, report));
  findings.push(...findingsAfterwards(summary));
  const order: Severity[] = ["problem", "warning", "note"];
  findings.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return { isHealthy: findings.every(({ severity }) => severity === "note"), ...report, measures, findings };
}

function nodesOf({ tableSize }: DoctorInput, { distances, distinctNodes }: LookupSummary) {
  if (distances.length === 0) return undefined;
  const { n, standardError } = networkSizeOf(distances);
  // We are not among them. Whoever answered or is in the table is there, or was.
  const least = 1 + Math.max(distinctNodes, Math.min(tableSize, n));
  const estimate = Math.max(n + 1, least);
  // However many keys are asked for, the gaps between the same nodes are what they are.
  return { estimate, standardError: Math.hypot(standardError, Math.sqrt(estimate)) };
}

// ---- What the theory says ------------------------------------------------------------------------------------------

interface Expected {
  readonly hops: Moments;
  readonly queries?: Moments;
  readonly timeouts: Moments;
  readonly recall?: Moments;
  /** Nodes not heard of before, for each answer. */
  readonly learned?: number;
}

function expectedOf(input: DoctorInput, nodes: number, silentShare: number): Expected {
  const n = Math.max(2, Math.round(nodes));
  // The models know no network that is all silence.
  const failed = Math.min(silentShare, 0.9);
  const networks = n > cheapNodes ? 1 : 4;
  const drawn = { n, failed, random: seededRandom(1) };
  switch (input.router) {
    case "kademlia": {
      const { k = 8, alpha = 3 } = input;
      const model = kademliaLookups({ ...drawn, k, alpha, networks, lookups: 200 });
      const answers = model.queries.mean - model.timeouts.mean;
      const learned = share(model.learned.mean, answers);
      return { ...model, learned };
    }
    case "chord": {
      const { listSize = 16 } = input;
      return chordPaths({ ...drawn, listSize, rings: networks, lookups: 500 });
    }
    case "pastry": {
      const { leafSetSize = 16, bits = 4 } = input;
      return pastryRoutes({ ...drawn, b: bits, leafSetSize, networks, routes: 500 });
    }
  }
}

/** Different nodes in a full table. */
function contactsOf(input: DoctorInput, n: number): number {
  switch (input.router) {
    case "kademlia":
      return kademliaContacts({ n, k: input.k ?? 8 });
    case "chord": {
      const { listSize = 16 } = input;
      // The shortest fingers point into the list.
      const listed = Math.min(n - 1, listSize);
      return listed + chordDistinctFingers({ n: Math.max(1, Math.floor(n / (listed + 1))) });
    }
    case "pastry":
      return Math.min(n - 1, pastryTableEntries({ n, b: input.bits ?? 4 }));
  }
}

function measuresOf(
  input: DoctorInput,
  summary: LookupSummary,
  { estimate, standardError }: NonNullable<DoctorReport["nodes"]>,
  silentShare: number,
): DoctorMeasure[] {
  const expected = expectedOf(input, estimate, silentShare);
  const isMore = (measured: Moments, model: Moments | undefined) =>
    model !== undefined && measured.mean > tolerance * model.mean + 3 * orZero(measured.standardError);
  const { hops, asked, silent, learned, recall } = summary;
  const contacts = contactsOf(input, estimate);
  // In a small network the estimate is rough, and the table may have everybody.
  const fewestContacts = contactsOf(input, Math.max(1 + summary.distinctNodes, estimate - 2 * standardError));
  const measures: DoctorMeasure[] = [
    { name: "hops", measured: hops.mean, expected: expected.hops.mean, isOff: isMore(hops, expected.hops) },
    {
      name: "queries",
      measured: asked.mean,
      expected: expected.queries?.mean,
      isOff: isMore(asked, expected.queries),
    },
    {
      name: "time-outs",
      measured: silent.mean,
      expected: expected.timeouts.mean,
      isOff: isMore(silent, expected.timeouts) && silentShare > quietShare,
    },
    {
      name: "recall",
      measured: recall,
      expected: expected.recall?.mean ?? 1,
      isOff: recall < (expected.recall?.mean ?? 1) - recallSlack,
    },
    {
      name: "table size",
      measured: input.tableSize,
      expected: contacts,
      isOff: input.tableSize < leastShare * fewestContacts,
    },
  ];
  // In a network that fits into a few buckets there is nothing to learn.
  const hasMuchToLearn = input.router === "kademlia" && estimate > 4 * (input.k ?? 8);
  if (expected.learned !== undefined)
    measures.push({
      name: "learned per answer",
      measured: learned.mean,
      expected: expected.learned,
      isOff:
        hasMuchToLearn && learned.mean < leastShare * expected.learned - 3 * orZero(learned.standardError),
    });
  return measures;
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

// ---- Which rule is off ---------------------------------------------------------------------------------------------

/** What can be told without knowing how many nodes there are. */
function* findingsBeforehand(input: DoctorInput, summary: LookupSummary): Generator<Finding> {
  const { hasJoined, tableSize, eventLoopLagMs = 0, minTimeoutMs = 50 } = input;
  const { lookups, unansweredInARow, wentBack } = summary;
  if (!hasJoined || tableSize === 0)
    yield {
      code: "not-joined",
      severity: "problem",
      text: hasJoined ? "The routing table is empty." : "This node has not joined the lookup network.",
      advice: "Give it a node to join through that runs the same router, or wait until it has met one.",
    };
  else if (lookups < fewestLookups)
    yield {
      code: "few-lookups",
      severity: "note",
      text: `Only ${lookups} lookups were made, ${fewestLookups} are needed to compare them with theory.`,
      advice: "Look something up, a few random keys for example, and ask again.",
    };
  if (unansweredInARow >= 3)
    yield {
      code: "unreachable",
      severity: "problem",
      text: `The last ${unansweredInARow} lookups got no answer from anybody${unansweredInARow < lookups ? ", though those before did" : ""}.`,
      advice:
        "The network is cut off, or all peers have blocked this node: look at its links, and wait before asking on.",
    };
  if (wentBack > 0)
    yield {
      code: "clock",
      severity: "problem",
      text: `${wentBack} lookups ended before they began: the clock was set back.`,
      advice: "Let the clock be slewed, not stepped; round trips and time-outs cannot be trusted until then.",
    };
  if (eventLoopLagMs > minTimeoutMs)
    yield {
      code: "event-loop-lag",
      severity: "problem",
      text: `This process itself pauses: one timer in a hundred is more than ${round(eventLoopLagMs)} ms late, and a time-out may be as short as ${minTimeoutMs} ms.`,
      advice: "Give it more processor time, or raise lookup-min-timeout above that.",
    };
}

/** What follows from all others. */
function* findingsAfterwards({ lookups, cutShort }: LookupSummary): Generator<Finding> {
  if (lookups >= fewestLookups && cutShort / lookups > quietShare)
    yield {
      code: "cut-short",
      severity: "problem",
      text: `${percent(cutShort / lookups)} of the lookups were ended by their deadline or budget.`,
      advice:
        "See the other findings for why they take so long; lookup-deadline and lookup-budget are the limits.",
    };
}

function* findingsOf(
  input: DoctorInput,
  summary: LookupSummary,
  measures: readonly DoctorMeasure[],
  { nodes, silentShare }: Pick<DoctorReport, "nodes" | "silentShare">,
): Generator<Finding> {
  const of = (name: DoctorMeasure["name"]) => measures.find((measure) => measure.name === name);
  const isOff = (name: DoctorMeasure["name"]) => of(name)?.isOff === true;
  const measured = (name: DoctorMeasure["name"]) => round(of(name)!.measured);
  const expected = (name: DoctorMeasure["name"]) =>
    `in a network of ${nodes!.estimate.toFixed(0)} it should be ${round(of(name)!.expected!)}`;
  const questions = summary.asked.mean * summary.lookups;
  const silence = silenceFinding(summary, silentShare);
  if (silence !== undefined) yield silence;
  const refusedShare = share(summary.refused, questions);
  if (refusedShare > quietShare)
    yield {
      code: "peers-refuse",
      severity: "problem",
      text: `${percent(refusedShare)} of the questions were refused.`,
      advice: "Peers are busy, or do not know this node's questions: compare versions and rate limits.",
    };
  const lateShare = share(summary.late, questions);
  if (lateShare > quietShare)
    yield {
      code: "late-answers",
      severity: "problem",
      text: `${percent(lateShare)} of the answers came after they had been given up.`,
      advice:
        "Round trips vary more than the time-outs allow, or this process pauses: raise lookup-min-timeout.",
    };
  if (isOff("table size"))
    yield {
      code: "table-sparse",
      severity: "problem",
      text: `The routing table has ${input.tableSize} nodes; ${expected("table size")}.`,
      advice:
        "It has not met enough nodes yet, or cannot reach those it hears of: look at refreshes and at time-outs.",
    };
  if (isOff("learned per answer"))
    yield {
      code: "replies-short",
      severity: "problem",
      text: `An answer names ${measured("learned per answer")} nodes that were not known; ${expected("learned per answer")}.`,
      advice:
        "Peers answer with fewer nodes than k, or their tables are sparse: compare k and the limits of replies.",
    };
  if (isOff("hops"))
    yield {
      code: "paths-long",
      severity: "problem",
      text: `It is ${measured("hops")} hops to the responsible node; ${expected("hops")}.`,
      advice: "Tables along the way are incomplete: see the other findings, or wait for refreshes.",
    };
  if (isOff("queries"))
    yield {
      code: "too-many-queries",
      severity: "warning",
      text: `A lookup asks ${measured("queries")} questions; ${expected("queries")}.`,
      advice:
        "Usually silent peers or short replies are behind it; disjoint paths and a large alpha ask more, too.",
    };
  if (isOff("recall"))
    yield {
      code: "recall-low",
      severity: "problem",
      text: `Lookups found ${percent(summary.recall)} of the nodes that belong into their results; it should be ${percent(of("recall")!.expected!)}.`,
      advice:
        "Nodes near the key do not know each other: the network is being joined, was split, or somebody hides nodes.",
    };
  yield* membersFinding(input, nodes!);
}

/** Silence has many reasons; who is silent, and when, tells them apart. */
function silenceFinding(summary: LookupSummary, silentShare: number): Finding | undefined {
  if (silentShare <= quietShare || summary.unansweredInARow === summary.lookups) return undefined;
  const silent = `${percent(silentShare)} of the questions were not answered`;
  const { silentAtFirst, silentLater, askedLater, silentForGood, silentRepeatedly } = summary;
  if (askedLater >= 30 && silentLater > 3 * silentAtFirst + 0.1)
    return {
      code: "rate-limited",
      severity: "problem",
      text: `${silent}: ${percent(silentAtFirst)} of the first questions to a node, but ${percent(silentLater)} from the fourth on.`,
      advice: "Peers answer this node at first and block it then: it asks more than their rate limit allows.",
    };
  if (silentRepeatedly < 5)
    return {
      code: "peers-silent",
      severity: "problem",
      text: `${silent}, each by another node.`,
      advice:
        "Nodes are gone, unreachable from here, or behind address translation; lookups route around them.",
    };
  if (silentForGood > 0.5)
    return {
      code: "contacts-gone",
      severity: "problem",
      text: `${silent}, ${percent(silentForGood)} of them by nodes that never did: they are gone, or unreachable from here.`,
      advice:
        "After many nodes have died tables need some refreshes; nodes that only call out must not be in them.",
    };
  return {
    code: "loss",
    severity: "problem",
    text: `${silent}, by nodes that answered other questions: messages are lost.`,
    advice: "Look at the network between the nodes, and at queues and limits of bandwidth on the way.",
  };
}

function* membersFinding({ members }: DoctorInput, nodes: NonNullable<DoctorReport["nodes"]>) {
  if (members === undefined || members < 16) return;
  if (nodes.estimate + 3 * nodes.standardError > members * leastShare) return;
  yield {
    code: "members-missing",
    severity: "problem",
    text: `Lookups see a network of ${round(nodes.estimate)} nodes, the membership has ${members}.`,
    advice:
      "Some members run no router or another one, or the routing tables have split: join through one of the others.",
  } satisfies Finding;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function percent(value: number): string {
  return `${(100 * value).toFixed(value < 0.1 || value > 0.9 ? 1 : 0)} %`;
}
