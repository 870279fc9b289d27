/** The options of a scenario's nodes: what it sets, and times that suit how fast its profile notices something. */
import type { Millis } from "../core/index.ts";
import { broadcastOptions } from "../dissemination/broadcast-options.ts";
import { swimOptions } from "../membership/swim-options.ts";
import { detectionBoundMs, mergeOptions, type ProfileName, profileOf, scaledTo } from "../profiles/index.ts";
import type { Scenario, ScenarioOptions } from "./scenario.ts";

/** The documents' 13 s would make every live scenario a matter of minutes. */
const defaultPingIntervalMs = 1000;

/** So much of each peer is kept, should all of them speak. */
const messagesEach = 20;

export const defaultPeers = 12;
export const defaultSeeds = 6;

type Network = Pick<Scenario, "stack" | "network">;

export function profileIn({ stack }: Network): ProfileName {
  return profileOf({ stack: { profile: stack?.profile, ...stack?.options?.stack } });
}

/**
 * What "5 pings" are made of. In the classic network: of intervals of the heartbeat, five of which bound how soon a
 * death is known. Other profiles have other intervals: there a ping is a fifth of the same bound, so that a scenario
 * in pings asks of each profile what it promises.
 */
export function pingIntervalOf(scenario: Network): Millis {
  const options = scenario.stack?.options;
  if (profileIn(scenario) === "classic") return options?.heartbeat?.pingIntervalMs ?? defaultPingIntervalMs;
  return Math.ceil(detectionBoundMs({ ...options, stack: { profile: "modern" } }, membersIn(scenario)) / 5);
}

function membersIn({ network = {} }: Network): number {
  return (network.peers ?? defaultPeers) + (network.seeds ?? defaultSeeds);
}

/** Nobody knows everybody: lists are samples, and say nothing of who is not in them. */
export function hasPartialViews(scenario: Network): boolean {
  if (profileIn(scenario) === "classic") return false;
  return membersIn(scenario) > swimOptions(scenario.stack?.options?.swim).fullViewMembers;
}

/**
 * Options of every node. Whatever waits for news comes around about as often as a ping; nobody speaks by himself.
 * What the scenario sets wins.
 */
export function scenarioOptions(scenario: Network): ScenarioOptions {
  const pingIntervalMs = pingIntervalOf(scenario);
  const profile = profileIn(scenario);
  const aboutAPing = (leastMs: Millis, mostMs: Millis) =>
    Math.max(leastMs, Math.min(mostMs, Math.round(pingIntervalMs)));
  // All may speak at once, a few times: what is pushed out of memory cannot be judged.
  const peers = scenario.network?.peers ?? defaultPeers;
  const retainMessages = Math.max(broadcastOptions.specs.retainMessages.default, messagesEach * peers);
  const common: ScenarioOptions = {
    broadcast: { repairIntervalMs: aboutAPing(200, 10_000), retainMessages },
    source: { waitsForCommand: true, messages: 0 },
  };
  if (profile !== "classic") return mergeOptions(common, scenario.stack?.options, { stack: { profile } });
  const refreshIntervalMs = Math.max(1000, Math.min(60_000, pingIntervalMs * 5));
  const options = mergeOptions<ScenarioOptions>(
    {
      ...common,
      heartbeat: { pingIntervalMs },
      registration: { refreshIntervalMs },
      // Ten refreshes, as by default: who dies before a seed knows its neighbors is gone after a fifth of the lease.
      registry: { syncIntervalMs: aboutAPing(200, 5000), leaseMs: 10 * refreshIntervalMs },
    },
    scenario.stack?.options,
  );
  return scaledTo(pingIntervalMs, options);
}

export interface Overrides {
  readonly peers?: number;
  readonly seeds?: number;
  readonly options?: ScenarioOptions;
}

/** The scenario as somebody wants it this time. */
export function withOverrides(scenario: Scenario, { peers, seeds, options }: Overrides): Scenario {
  return {
    ...scenario,
    network: {
      ...scenario.network,
      ...(peers === undefined ? {} : { peers }),
      ...(seeds === undefined ? {} : { seeds }),
    },
    stack: { ...scenario.stack, options: mergeOptions(scenario.stack?.options, options) },
  };
}
