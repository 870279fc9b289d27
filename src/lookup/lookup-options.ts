/** What all routers share: which one there is, and how long anybody waits for anything. */
import { defineOptions } from "../core/index.ts";

/** What carries the messages of router and store between live nodes. */
export type LookupCarrier = "tls" | "udp";

export type RouterName = "none" | "kademlia" | "chord" | "pastry";

export interface LookupSettings {
  readonly router: RouterName;
  readonly over: LookupCarrier;
  readonly deadlineMs: number;
  readonly budget: number;
  readonly minTimeoutMs: number;
  readonly firstTimeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly maxLookups: number;
}

export const lookupOptions = defineOptions<LookupSettings>({
  router: {
    default: "none",
    choices: ["none", "kademlia", "chord", "pastry"],
    description: "Which protocol finds the node that is responsible for a key; none: no lookup and no store",
  },
  over: {
    default: "tls",
    choices: ["tls", "udp"],
    flag: "lookup-over",
    description:
      "What carries lookups and records of live nodes: the links of the network, or sealed datagrams on the same port, which cost less",
  },
  deadlineMs: {
    default: 10_000,
    min: 1,
    max: 600_000,
    flag: "lookup-deadline",
    description: "A lookup that has not ended by then ends with what it has (guess)",
  },
  budget: {
    default: 200,
    min: 1,
    max: 100_000,
    flag: "lookup-budget",
    description:
      "Most questions that one lookup asks (guess: ten times what a healthy network of a million needs)",
  },
  minTimeoutMs: {
    default: 50,
    min: 1,
    max: 60_000,
    flag: "lookup-min-timeout",
    description: "Nobody is given up sooner than this (guess: a pause of the garbage collector)",
  },
  firstTimeoutMs: {
    default: 500,
    min: 1,
    max: 60_000,
    flag: "lookup-first-timeout",
    description: "How long the first question to anybody waits, before any round trip was measured (guess)",
  },
  maxTimeoutMs: {
    default: 5000,
    min: 1,
    max: 600_000,
    flag: "lookup-max-timeout",
    description: "Nobody is waited for longer than this (guess)",
  },
  maxLookups: {
    default: 256,
    min: 1,
    max: 65_536,
    description: "Lookups under way at once; more are refused (guess)",
  },
});
