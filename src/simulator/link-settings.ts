/** How messages travel, as data: what a scenario says of its links. */
import { defineOptions, UsageError } from "../core/index.ts";
import { checkModel, checkNumber, type ModelRules } from "./model-options.ts";

export type Latency =
  | { readonly model: "constant"; readonly ms: number }
  /** Both ends can occur, and all between them are equally likely. */
  | { readonly model: "uniform"; readonly fromMs: number; readonly toMs: number }
  /** P(X > x) = e^(-x / meanMs): most messages are quick, and no time is too long. */
  | { readonly model: "exponential"; readonly meanMs: number }
  /** Half of all messages take less than `medianMs`; `sigma` is the standard deviation of the logarithm. */
  | { readonly model: "log-normal"; readonly medianMs: number; readonly sigma: number }
  /** Few messages take very long: P(X > x) = (minMs / x)^shape; what would take longer than `maxMs` takes `maxMs`. */
  | { readonly model: "pareto"; readonly minMs: number; readonly shape: number; readonly maxMs: number }
  /** From zone (row of the matrix) to zone (column), plus up to `jitterMs`; a node is in zone (row mod number of zones) unless it is put elsewhere. */
  | { readonly model: "zones"; readonly matrixMs: readonly (readonly number[])[]; readonly jitterMs?: number }
  /** Nodes lie on a square, where the seed puts them; crossing its side takes `sideMs`, besides `baseMs`. */
  | {
      readonly model: "plane";
      readonly sideMs: number;
      readonly baseMs?: number;
      readonly jitterMs?: number;
    }
  /** Subnets behind routers; a message takes the shortest way, and each link counts what it carries. */
  | {
      readonly model: "routed";
      readonly routers: number;
      /** Both ways. */
      readonly links: readonly (readonly [from: number, to: number, ms: number])[];
      /** The router of each subnet; a node is in subnet (row mod number of subnets) unless it is put elsewhere. */
      readonly subnets: readonly number[];
      /** From a node to its router, and from the router to a node: twice that within a subnet. */
      readonly localMs?: number;
      readonly jitterMs?: number;
    };

export interface LinkSettings {
  /**
   * `datagram`: each message for itself; it may be lost, doubled or overtaken. `stream`: as over TCP, messages
   * between two nodes arrive in order; loss means delay, a cut holds them back and in the end resets the stream.
   */
  readonly kind: "datagram" | "stream";
  readonly latency: Latency;
  /** Share of messages that get lost (stream: that have to be sent again). */
  readonly loss: number;
  /** Share of datagrams that arrive twice. */
  readonly duplication: number;
  /** Share of datagrams that take `reorderMs` longer than their latency, so that later ones overtake them. */
  readonly reordering: number;
  readonly reorderMs: number;
  /** 0 is without limit. */
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  /** A message that would wait longer than this for its turn is dropped. */
  readonly maxQueueMs: number;
  /** Stream: after a loss a message is sent again so much later, then twice as much, … */
  readonly retransmitMs: number;
  /** Stream: what was held back for so long is dropped, and both ends learn that the link is lost. */
  readonly resetAfterMs: number;
}

/** About 24 days: the longest time that an option may say, and the longest delay that a distribution gives. */
export const longestMs = 2 ** 31 - 1;

/** All pairs of routers have a row in tables, and the shortest ways are found in routers^3 steps. */
export const maxRouters = 512;

/** Zones and subnets are kept in 16 bits per node. */
export const maxZones = 65_535;

/**
 * Guess: one way between two hosts of one or two continents, with some of them behind slow lines. Latencies measured
 * between the nodes of a deployment would settle it.
 */
const defaultLatency: Latency = Object.freeze({ model: "uniform", fromMs: 10, toMs: 100 });

const time = { min: 0, max: longestMs };
const share = { min: 0, max: 1, isFraction: true };
const rate = { min: 0 };

const flatSettings = defineOptions<Omit<LinkSettings, "latency">>({
  kind: {
    default: "datagram",
    choices: ["datagram", "stream"],
    description: "what carries the messages; datagram, because the protocols of the papers assume no more",
  },
  loss: { ...share, default: 0, description: "share of messages lost (stream: sent again)" },
  duplication: { ...share, default: 0, description: "share of datagrams that arrive twice" },
  reordering: { ...share, default: 0, description: "share of datagrams that take reorderMs longer" },
  reorderMs: {
    ...time,
    default: 100,
    description:
      "as long as the slowest message of the default latency, so that every later one may overtake; guess",
  },
  uploadBytesPerSecond: { ...rate, default: 0, description: "of each node; 0 is without limit" },
  downloadBytesPerSecond: { ...rate, default: 0, description: "of each node; 0 is without limit" },
  maxQueueMs: {
    ...time,
    default: 5_000,
    description: "longest wait for a turn on a line; guess: seconds, as in the buffers of home routers",
  },
  retransmitMs: {
    ...time,
    default: 200,
    description:
      "pause before a stream sends a lost message again; 200, the least pause of Linux (TCP_RTO_MIN)",
  },
  resetAfterMs: {
    ...time,
    default: 100_000,
    description: "how long a cut stream holds messages back; RFC 1122, 4.2.3.5: at least 100 seconds",
  },
});

const optionalTime = { ...time, isOptional: true };

const latencyRules: ModelRules<Latency["model"]> = {
  constant: { numbers: { ms: time } },
  uniform: { numbers: { fromMs: time, toMs: time } },
  exponential: { numbers: { meanMs: time } },
  "log-normal": { numbers: { medianMs: { ...time, min: 1 }, sigma: { min: 0, max: 5, isFraction: true } } },
  pareto: {
    numbers: {
      minMs: { ...time, min: 1 },
      shape: { min: 0.01, max: 1000, isFraction: true },
      maxMs: { ...time, min: 1 },
    },
  },
  zones: { numbers: { jitterMs: optionalTime }, others: ["matrixMs"] },
  plane: { numbers: { sideMs: time, baseMs: optionalTime, jitterMs: optionalTime } },
  routed: {
    numbers: { routers: { min: 1, max: maxRouters }, localMs: optionalTime, jitterMs: optionalTime },
    others: ["links", "subnets"],
  },
};

/**
 * The one validation: defaults filled in, everything checked, the result frozen. Throws `UsageError` naming the
 * option, the value and the rule, as in `latency.sigma: -1 is less than 0`.
 */
export const linkSettings = Object.assign(validated, { specs: flatSettings.specs });

function validated(overrides: Partial<LinkSettings> = {}): LinkSettings {
  const { latency = defaultLatency, ...flat } = overrides;
  for (const name of Object.keys(flat)) {
    if (!Object.hasOwn(flatSettings.specs, name)) {
      const known = ["latency", ...Object.keys(flatSettings.specs)].join(", ");
      throw new UsageError(`${name}: there is no such option; there are ${known}`);
    }
  }
  return Object.freeze({ ...flatSettings(flat), latency: checkedLatency(latency) });
}

/** The latency as it was given, copied and frozen. Its shape is distrusted: it may come from a file. */
function checkedLatency(latency: Latency): Latency {
  if (typeof latency !== "object" || latency === null || Array.isArray(latency)) {
    throw new UsageError(`latency: ${JSON.stringify(latency)} is not an object that names its model`);
  }
  checkModel(latency, latencyRules, "latency.");
  checkTogether(latency);
  return Object.freeze({ ...latency });
}

/** What no number says alone. */
function checkTogether(latency: Latency): void {
  switch (latency.model) {
    case "uniform":
      if (latency.toMs < latency.fromMs) {
        throw new UsageError(`latency.toMs: ${latency.toMs} is less than fromMs, ${latency.fromMs}`);
      }
      return;
    case "pareto":
      if (latency.maxMs < latency.minMs) {
        throw new UsageError(`latency.maxMs: ${latency.maxMs} is less than minMs, ${latency.minMs}`);
      }
      return;
    case "zones":
      checkMatrix(latency.matrixMs);
      return;
    case "routed":
      checkRoutes(latency);
      return;
  }
}

function checkMatrix(matrix: readonly (readonly number[])[]): void {
  checkList("latency.matrixMs", matrix, maxZones);
  matrix.forEach((row, from) => {
    const name = `latency.matrixMs[${from}]`;
    checkList(name, row, maxZones);
    if (row.length !== matrix.length) {
      throw new UsageError(
        `${name}: ${row.length} entries are not ${matrix.length}, one for each zone of the matrix`,
      );
    }
    row.forEach((ms, to) => {
      checkNumber(`${name}[${to}]`, ms, time);
    });
  });
}

/** That each subnet can be reached from each other is seen when the ways are computed (`RoutedTopology`). */
function checkRoutes(latency: Extract<Latency, { model: "routed" }>): void {
  const router = { min: 0, max: latency.routers - 1 };
  if (!Array.isArray(latency.links)) {
    throw new UsageError(`latency.links: ${JSON.stringify(latency.links)} is not a list of [from, to, ms]`);
  }
  latency.links.forEach((link, i) => {
    const name = `latency.links[${i}]`;
    if (!Array.isArray(link) || link.length !== 3) {
      throw new UsageError(`${name}: ${JSON.stringify(link)} is not a list of from, to and ms`);
    }
    checkNumber(`${name}[0]`, link[0], router);
    checkNumber(`${name}[1]`, link[1], router);
    checkNumber(`${name}[2]`, link[2], time);
    if (link[0] === link[1]) throw new UsageError(`${name}: the router ${link[0]} is linked to itself`);
  });
  checkList("latency.subnets", latency.subnets, maxZones);
  latency.subnets.forEach((of, i) => {
    checkNumber(`latency.subnets[${i}]`, of, router);
  });
}

function checkList(name: string, list: unknown, max: number): void {
  if (!Array.isArray(list) || list.length === 0) {
    throw new UsageError(`${name}: ${JSON.stringify(list)} is not a list with entries`);
  }
  if (list.length > max) throw new UsageError(`${name}: ${list.length} entries are more than ${max}`);
}
