/** Pastry's tunables. */
import { defineOptions } from "../core/index.ts";

export interface PastryOptions {
  readonly bits: number;
  readonly leafSetSize: number;
  readonly neighborhoodSize: number;
  readonly maxHops: number;
  readonly maxAttempts: number;
  readonly tracesRoutes: boolean;
  readonly learnsFromRoutes: boolean;
  readonly isRepairing: boolean;
  readonly leafIntervalMs: number;
  readonly tableIntervalMs: number;
  readonly mergeIntervalMs: number;
  readonly persistIntervalMs: number;
  readonly pingAttempts: number;
  readonly forgetGoneMs: number;
  readonly maxProbes: number;
  readonly maxForwards: number;
}

const interval = { min: 0, max: 86_400_000 };

export const pastryOptions = defineOptions<PastryOptions>({
  bits: {
    default: 4,
    min: 1,
    max: 8,
    flag: "pastry-bits",
    description: "b: a digit of a key has so many bits (the paper's 4: 16 columns)",
  },
  leafSetSize: {
    default: 16,
    min: 2,
    max: 64,
    flag: "pastry-leaf-set",
    description: "|L|: nodes with the nearest keys, half on each side; even (the paper's 16)",
  },
  neighborhoodSize: {
    default: 32,
    min: 0,
    max: 64,
    flag: "pastry-neighborhood",
    description: "|M|: the nearest nodes by round trip (the paper's 32)",
  },
  maxHops: {
    default: 32,
    min: 1,
    max: 128,
    flag: "pastry-max-hops",
    description: "A route that has come so far is dropped (guess: six times what a million nodes need)",
  },
  maxAttempts: {
    default: 6,
    min: 1,
    max: 32,
    flag: "pastry-max-attempts",
    description: "So often a lookup is sent before it is given up, the first time included (guess)",
  },
  tracesRoutes: {
    default: true,
    flag: "pastry-traces",
    description: "Each hop tells who asked where the route has gone: reports have paths, and silence is seen",
  },
  learnsFromRoutes: {
    default: true,
    flag: "pastry-learns-from-routes",
    description: "Whoever hands on a route is taken into empty places of the tables",
  },
  isRepairing: {
    default: true,
    flag: "pastry-repairs",
    description: "The dead are taken out of the tables and replaced; off only to measure what that is worth",
  },
  leafIntervalMs: {
    ...interval,
    default: 4000,
    flag: "pastry-leaf-interval",
    description: "How often leaf sets are compared with a leaf; 0: never (Bamboo's 4 s, as in OverSim)",
  },
  tableIntervalMs: {
    ...interval,
    default: 10_000,
    flag: "pastry-table-interval",
    description:
      "How often a row is compared with one of its nodes, and one contact is pinged; 0: never (Bamboo's local tuning, 10 s)",
  },
  mergeIntervalMs: {
    ...interval,
    default: 20_000,
    flag: "pastry-merge-interval",
    description:
      "How often somebody from outside of the tables is asked who is nearest to us, to find a lost part of the network; 0: never (Bamboo's global tuning, 20 s)",
  },
  persistIntervalMs: {
    ...interval,
    default: 60_000,
    flag: "pastry-persist-interval",
    description: "How often the table goes to disk; 0: only when leaving (guess)",
  },
  pingAttempts: {
    default: 4,
    min: 1,
    max: 10,
    flag: "pastry-ping-attempts",
    description:
      "A suspect is dead after so many questions in a row without an answer (guess: with 5 % loss one in 10,000 lives)",
  },
  forgetGoneMs: {
    min: 0,
    max: 86_400_000,
    default: 15_000,
    flag: "pastry-forget-gone",
    description:
      "So long nobody's word brings a dead node back, only its own (guess: until most others have noticed, too)",
  },
  maxProbes: {
    default: 16,
    min: 1,
    max: 1024,
    flag: "pastry-max-probes",
    description: "Nodes that are asked at once whether they are there; more wait (guess)",
  },
  maxForwards: {
    default: 1024,
    min: 1,
    max: 65_536,
    flag: "pastry-max-forwards",
    description: "Hops whose acknowledgement is waited for; the oldest is given up for a new one (guess)",
  },
});

/** Options are checked once, not once for each of a million nodes. */
const checked = new WeakMap<Partial<PastryOptions>, Readonly<PastryOptions>>();
const defaults = pastryOptions();

export function checkedPastryOptions(overrides: Partial<PastryOptions> | undefined): Readonly<PastryOptions> {
  if (overrides === undefined) return defaults;
  let options = checked.get(overrides);
  if (options === undefined) {
    options = pastryOptions(overrides);
    checked.set(overrides, options);
  }
  return options;
}
