/** Which parts make a way of spreading. */
import { type NeighborView, type NodeId, type PeerSampler, pick, UsageError } from "../core/index.ts";
import { Bimodal } from "./bimodal.ts";
import type { BroadcastOptions } from "./broadcast-options.ts";
import { Flood } from "./flood.ts";
import { MedianCounting } from "./median-counting.ts";
import { MulticastTree } from "./multicast-tree.ts";
import { Plumtree, type PlumtreeCounters } from "./plumtree.ts";
import { type ExchangeCounters, type ExchangeOptions, RoundExchange } from "./round-exchange.ts";
import { RumorMongering } from "./rumor-mongering.ts";
import type { BroadcastEnvironment, MessageStore, Spreading } from "./spreading.ts";

/** An answer that took longer is of another time (guess: beyond any queue of a node that is not overloaded). */
const patienceMs = 3000;

export interface SpreadingParts {
  readonly view: NeighborView;
  readonly members?: PeerSampler;
  readonly store: MessageStore;
  readonly options: BroadcastOptions;
  readonly counters: ExchangeCounters & PlumtreeCounters;
}

/**
 * Undefined where comparing histories is all that there is. Throws `UsageError` for options that do not go together.
 */
export function makeSpreading({
  view,
  members,
  store,
  options,
  counters,
}: SpreadingParts): Spreading | undefined {
  const { method, mode, stop, hasFeedback, stopAfter, maxHot, isMinimised } = options;
  if (method === "anti-entropy" && !options.repairs)
    throw new UsageError(
      "repairs: without comparing histories anti-entropy spreads nothing; leave out --no-repair",
    );
  if ((method === "bimodal" || options.partners === "members") && members === undefined)
    throw new UsageError("members: this way of spreading has to know who else is there");
  if (method === "plumtree" && options.retainMessages === 0)
    throw new UsageError(
      "retainMessages: plumtree answers those who lack a message from what is kept; keep some",
    );
  const choosePartner = (env: BroadcastEnvironment): NodeId | undefined => {
    if (options.partners === "members") return members!.sample(1, env.random)[0]?.peer;
    return view.neighbors.length === 0 ? undefined : pick(view.neighbors, env.random);
  };
  const exchange = (kind: Pick<ExchangeOptions, "tells" | "asks">) => ({
    store,
    choosePartner,
    options: {
      ...options,
      // The paper of bimodal multicast answers in the same round only, so that nothing piles up.
      patienceRounds: method === "bimodal" ? 0 : Math.ceil(patienceMs / options.roundMs),
      ...kind,
    },
    counters,
  });
  switch (method) {
    case "flood":
      return new Flood({ view, store, forwardDelayMs: options.forwardDelayMs });
    case "plumtree":
      return new Plumtree({ view, store, options, counters });
    case "anti-entropy":
      return undefined;
    case "rumor":
      return new RoundExchange({
        ...exchange({ tells: mode !== "pull", asks: mode !== "push" }),
        policy: new RumorMongering({
          rules: { stop, hasFeedback, stopAfter },
          mode,
          isMinimised,
          maxHot,
        }),
      });
    case "median-counter":
      return new RoundExchange({
        ...exchange({ tells: true, asks: true }),
        policy: new MedianCounting({
          options: {
            ctrMax: options.ctrMax,
            cRounds: options.cRounds,
            ageCapRounds: options.ageCapRounds,
          },
          maxHot,
        }),
      });
    case "bimodal":
      return new Bimodal({
        ...exchange({ tells: true, asks: false }),
        tree: new MulticastTree(members!, options.treeDegree),
        digestRounds: options.digestRounds,
        maxHot,
      });
  }
}
