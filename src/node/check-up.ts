/**
 * The doctor's visit to a live node: what its lookups have shown so far, a few more of random keys, and how busy the
 * process is, held against the theory (doctor.ts).
 */
import { randomBytes } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { UsageError } from "../core/index.ts";
import { chordOptions } from "../lookup/chord-options.ts";
import { kademliaOptions } from "../lookup/kademlia-options.ts";
import { lookupOptions } from "../lookup/lookup-options.ts";
import { pastryOptions } from "../lookup/pastry-options.ts";
import type { Routing, RoutingOptions } from "../profiles/routing.ts";
import {
  type DiagnosedRouter,
  type DoctorInput,
  type DoctorReport,
  diagnose,
  LookupStatistics,
} from "./doctor.ts";
import type { LookupRun } from "./lookups.ts";

export interface CheckUpOptions {
  /**
   * Lookups of random keys that are done for it. Where these are enough, only they count: what was seen while the network
   * formed is no illness. Else the last 256 of all lookups count. Default: 48.
   */
  readonly lookups?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a check-up needs of its node. */
export interface CheckUpConfig {
  readonly routing: () => Routing | undefined;
  readonly lookup: (key: string, options: { readonly signal?: AbortSignal | undefined }) => LookupRun;
  readonly members: () => number;
  readonly options: () => RoutingOptions | undefined;
}

const defaultLookups = 48;
const mostLookups = 1000;
/** So many tell enough on their own. */
const enoughLookups = 32;
const atOnce = 4;

export class CheckUp {
  readonly #config: CheckUpConfig;
  #statistics: LookupStatistics | undefined;

  constructor(config: CheckUpConfig) {
    this.#config = config;
  }

  /** To be told of every lookup that ended: those of users, of the store and of the router itself. */
  onLookupEnded(report: Parameters<LookupStatistics["add"]>[0]): void {
    const routing = this.#config.routing();
    if (routing === undefined) return;
    this.#statistics ??= new LookupStatistics({ router: routing.name, self: routing.router.self.key });
    this.#statistics.add(report);
  }

  /** Throws `UsageError` on nodes without a router. */
  async examine({ lookups = defaultLookups, signal }: CheckUpOptions = {}): Promise<DoctorReport> {
    const { routing, lookup, members, options } = this.#config;
    const running = routing();
    if (running === undefined)
      throw new UsageError(
        "doctor: this node has no router; ask a peer that was started with --router kademlia, chord or pastry",
      );
    if (!Number.isSafeInteger(lookups) || lookups < 0 || lookups > mostLookups)
      throw new UsageError(`lookups: ${lookups} is not an integer from 0 to ${mostLookups}`);
    if (lookups >= enoughLookups) this.#statistics?.clear();
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    let begun = 0;
    const one = async () => {
      while (begun++ < lookups && signal?.aborted !== true)
        await lookup(randomBytes(20).toString("hex"), { signal }).report.catch(() => undefined);
    };
    try {
      await Promise.all(Array.from({ length: atOnce }, one));
    } finally {
      delay.disable();
    }
    signal?.throwIfAborted();
    const { name, router } = running;
    this.#statistics ??= new LookupStatistics({ router: name, self: router.self.key });
    return diagnose({
      ...parametersOf(name, options()),
      statistics: this.#statistics,
      router: name,
      hasJoined: router.hasJoined,
      tableSize: router.size,
      members: members(),
      // The timer of the measurement itself comes every 10 ms.
      eventLoopLagMs: lookups === 0 ? 0 : Math.max(0, delay.percentile(99) / 1e6 - 10),
    });
  }
}

/** What the node was told to use. */
function parametersOf(router: DiagnosedRouter, options: RoutingOptions = {}): Partial<DoctorInput> {
  const { minTimeoutMs } = lookupOptions(options.lookup);
  switch (router) {
    case "kademlia": {
      const { k, alpha } = kademliaOptions(options.kademlia);
      return { k, alpha, minTimeoutMs };
    }
    case "chord":
      return { listSize: chordOptions(options.chord).successors, minTimeoutMs };
    case "pastry": {
      const { leafSetSize, bits } = pastryOptions(options.pastry);
      return { leafSetSize, bits, minTimeoutMs };
    }
  }
}
