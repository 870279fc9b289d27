/**
 * What theory says of a message before it is sent: for a flood the shortest ways of the overlay, for gossip in rounds
 * the means of its rules. Where nothing fits, it says why.
 */
import { type BroadcastOptions, broadcastOptions } from "../../../../src/dissemination/index.ts";
import { linkSettings } from "../../../../src/simulator/index.ts";
import { digestGossipAfter, logisticInfected, rumorRounds } from "../../../../src/theory/index.ts";
import type { FeedAbout } from "../../../../src/trace/feed.ts";
import { hopsFrom, type OverlayGraph } from "../../../../src/trace/overlay-graph.ts";
import { formatTime } from "../../drawing/quantities.ts";

/** How many nodes have the message, at ascending times after its publication. */
export interface ModelCurve {
  readonly afterMs: readonly number[];
  readonly known: readonly number[];
  /** The number holds until the next moment; otherwise it grows evenly in between. */
  readonly isStepped: boolean;
}

export interface SpreadModel {
  readonly type: "model";
  /** In a few words, with its parameters. */
  readonly name: string;
  readonly curve: ModelCurve;
  /** Nodes by links from the origin. */
  readonly hops?: readonly number[];
  /** A formula that knows less: drawn thin beside it. */
  readonly closedForm?: { readonly name: string; readonly curve: ModelCurve };
  /** What the model leaves out, as sentences. */
  readonly leavesOut: readonly string[];
  /** A step of it: no two runs agree better than that. */
  readonly step: { readonly ms: number; readonly name: string };
}

export interface NoModel {
  readonly type: "none";
  readonly why: string;
}

export interface ModelInput {
  readonly world: string | undefined;
  readonly about: FeedAbout | undefined;
  /** The overlay when the message was published. */
  readonly graph: OverlayGraph;
  /** Row of the origin. */
  readonly origin: number;
  /** Whom the message should reach, the origin among them. */
  readonly nodes: number;
  /** What a link takes, as it was measured. */
  readonly hop: { readonly hopMs: number; readonly receipts: number } | undefined;
  /** How many had it so many ms after the publication. */
  readonly knownAfter: (ms: number) => number;
}

export function spreadModel(input: ModelInput): SpreadModel | NoModel {
  if (input.nodes < 2) return { type: "none", why: "A network of one node has nobody to tell." };
  const given = input.about?.options["broadcast"];
  if (given === undefined) return { type: "none", why: "Nothing is known of how this network spreads." };
  let options: BroadcastOptions;
  try {
    options = broadcastOptions(given as Partial<BroadcastOptions>);
  } catch (error) {
    return { type: "none", why: `Its options are none: ${error instanceof Error ? error.message : error}.` };
  }
  switch (options.method) {
    case "flood":
      return floodModel(input);
    case "plumtree":
      return treeModel(input);
    case "bimodal":
      return digestModel(input, options);
    default:
      return rumorModel(input, options);
  }
}

function floodModel({ graph, origin, nodes, hop }: ModelInput): SpreadModel | NoModel {
  if (hop === undefined)
    return { type: "none", why: "No receipt yet: what a link takes is measured from receipts." };
  const place = graph.rows.indexOf(origin);
  if (place < 0) return { type: "none", why: "The overlay of its publication is no longer kept." };
  const hopMs = Math.max(hop.hopMs, 0.01);
  const hops: number[] = [];
  for (const distance of hopsFrom(graph.adjacency, place))
    if (distance >= 0) hops[distance] = (hops[distance] ?? 0) + 1;
  const known: number[] = [];
  for (const count of hops) known.push((known.at(-1) ?? 0) + count);
  const ends = graph.adjacency.reduce((sum, others) => sum + others.length, 0);
  const meanDegree = ends / graph.rows.length;
  const leavesOut = [`all links take what ${hop.receipts} receipts of this message took in the mean`];
  if (known.at(-1)! < nodes)
    leavesOut.push(`${nodes - known.at(-1)!} nodes had no way to the origin in that overlay`);
  return {
    type: "model",
    name: `shortest paths × ${formatTime(hopMs)} per hop`,
    curve: { afterMs: known.map((_, hop) => hop * hopMs), known, isStepped: true },
    hops,
    ...(meanDegree > 0 ? { closedForm: siLogistic(nodes, meanDegree, hopMs) } : {}),
    leavesOut,
    step: { ms: hopMs, name: "hop" },
  };
}

/** A tree goes where earlier messages were quickest, and peers that speak seldom share one: only a best case is known. */
function treeModel(input: ModelInput): NoModel {
  const flood = floodModel(input);
  if (flood.type === "none") return flood;
  const least = modelTimeTo(flood.curve, Math.ceil(0.99 * input.nodes - 1e-9));
  const best = least === undefined ? "" : ` By the fewest links it would take ${formatTime(least)} to 99 %.`;
  return {
    type: "none",
    why: `A tree goes where earlier messages were quickest, and peers that speak seldom share one.${best}`,
  };
}

/** Everybody who has it tells so many others per hop, whoever they are: what a flood is not, and textbooks draw. */
function siLogistic(nodes: number, meanDegree: number, hopMs: number): SpreadModel["closedForm"] {
  // From one node to all but a tenth of one.
  const lastMs = (hopMs * 2 * Math.log(nodes * 3.2)) / meanDegree;
  const afterMs = Array.from({ length: 65 }, (_, i) => (i * lastMs) / 64);
  const known = afterMs.map((ms) => logisticInfected({ n: nodes - 1, b: meanDegree, t: ms / hopMs }));
  return {
    name: `SI logistic, ${Number(meanDegree.toPrecision(3))} contacts per hop`,
    curve: { afterMs, known, isStepped: false },
  };
}

function rumorModel({ world, about, nodes }: ModelInput, options: BroadcastOptions): SpreadModel | NoModel {
  const { method, roundMs, connectionLimit, isMinimised } = options;
  if (method !== "anti-entropy" && connectionLimit > 0)
    return {
      type: "none",
      why: `No formula: a peer answers ${connectionLimit} calls in a round at most, and the recurrences let it answer all.`,
    };
  if (method === "rumor" && isMinimised)
    return { type: "none", why: "No formula for minimised counters: two counters depend on each other." };
  const isRumor = method === "rumor";
  const mode = isRumor ? options.mode : "push-pull";
  const stop = isRumor ? options.stop : "never";
  const latencyMs = meanLatencyMs(world, about);
  // call, answer, gossip; who asks is told by feedback what is wanted.
  const transferRounds = {
    push: Math.min(20, (3 * latencyMs) / roundMs),
    pull: Math.min(20, (4 * latencyMs) / roundMs),
  };
  const { hasFeedback, stopAfter } = options;
  const waitsForRound = method === "median-counter";
  const rules = { mode, stop, hasFeedback, stopAfter };
  const model = rumorRounds({ n: nodes, ...rules, transferRounds, waitsForRound });
  const leavesOut: string[] = [];
  if (options.partners === "neighbors" || method === "anti-entropy")
    leavesOut.push("it lets everybody call anybody; here they call neighbors");
  if (latencyMs === 0) leavesOut.push("messages take no time");
  if (method === "median-counter") leavesOut.push("counters stop when all have it");
  if (options.repairs && stop !== "never") leavesOut.push("nobody repairs what is left");
  return {
    type: "model",
    name: [
      isRumor ? mode : `${method}: push-pull`,
      `a round of ${formatTime(roundMs)}`,
      ...(stop === "never" ? [] : [`${hasFeedback ? "feedback" : "blind"} and ${stop} of ${stopAfter}`]),
      ...(latencyMs > 0 ? [`${formatTime(latencyMs)} per message`] : []),
    ].join(", "),
    curve: {
      afterMs: model.rounds.map((rounds) => rounds * roundMs),
      known: model.susceptible.map((share) => (1 - share) * nodes),
      isStepped: false,
    },
    hops: trimmed(model.hops.map((share) => share * nodes)),
    leavesOut,
    step: { ms: roundMs, name: "round" },
  };
}

/**
 * What the tree leaves has a formula. How long the tree takes has none: it is given a round, and as many messages as a
 * way up and down a tree of that degree has.
 */
function digestModel(
  { world, about, nodes, knownAfter }: ModelInput,
  { roundMs, treeDegree }: BroadcastOptions,
): SpreadModel | NoModel {
  const treeHops = Math.ceil((2 * Math.log(nodes)) / Math.log(treeDegree));
  const treeMs = roundMs + treeHops * meanLatencyMs(world, about);
  const left = 1 - knownAfter(treeMs) / nodes;
  if (left <= 0)
    return {
      type: "none",
      why: `The tree reached everybody within ${formatTime(treeMs)}: nothing was left to the digests, which the model is about.`,
    };
  const rounds = Array.from({ length: 121 }, (_, i) => i / 4);
  return {
    type: "model",
    name: `digests, a round of ${formatTime(roundMs)}, from the ${Number((100 * left).toPrecision(2))} % that the tree has left after ${formatTime(treeMs)}`,
    curve: {
      afterMs: rounds.map((round) => treeMs + round * roundMs),
      known: rounds.map((round) => nodes * (1 - digestGossipAfter({ p: left, rounds: round }))),
      isStepped: false,
    },
    leavesOut: ["nothing gets lost"],
    step: { ms: roundMs, name: "round" },
  };
}

/** Of simulated links, where they have one mean; live ones are taken for quick beside a round. */
export function meanLatencyMs(world: string | undefined, about: FeedAbout | undefined): number {
  if (world !== "simulated") return 0;
  const given = about?.links?.["latency"] ?? linkSettings({}).latency;
  const latency = given as Readonly<Record<string, unknown>> | undefined;
  const number = (name: string) => (typeof latency?.[name] === "number" ? (latency[name] as number) : 0);
  switch (latency?.["model"]) {
    case "constant":
      return number("ms");
    case "uniform":
      return (number("fromMs") + number("toMs")) / 2;
    case "exponential":
      return number("meanMs");
    case "log-normal":
      return number("medianMs") * Math.exp(number("sigma") ** 2 / 2);
    default:
      return 0;
  }
}

export function knownAt({ afterMs, known, isStepped }: ModelCurve, ms: number): number {
  let low = 0;
  let high = afterMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (afterMs[middle]! <= ms) low = middle + 1;
    else high = middle;
  }
  const before = known[low - 1] ?? 0;
  if (isStepped || low === 0 || low === afterMs.length) return before;
  const share = (ms - afterMs[low - 1]!) / (afterMs[low]! - afterMs[low - 1]!);
  return before + share * (known[low]! - before);
}

/** When so many have it; undefined if they never do. */
export function modelTimeTo(curve: ModelCurve, count: number): number | undefined {
  const { afterMs, known, isStepped } = curve;
  const at = known.findIndex((value) => value >= count - 1e-9);
  // A model that begins with so many says nothing of how they got it.
  if (at < 0 || (at === 0 && afterMs[0]! > 0)) return undefined;
  if (at === 0 || isStepped) return afterMs[at];
  const share = (count - known[at - 1]!) / (known[at]! - known[at - 1]!);
  return afterMs[at - 1]! + share * (afterMs[at]! - afterMs[at - 1]!);
}

function trimmed(values: readonly number[]): number[] {
  let end = values.length;
  while (end > 1 && values[end - 1]! < 0.05) end--;
  return values.slice(0, end);
}
