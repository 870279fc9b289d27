/** The options of a scenario's nodes: what it sets, and times that suit its ping interval. */
import type { Millis } from "../core/index.ts";
import { broadcastOptions } from "../dissemination/broadcast-options.ts";
import { mergeOptions, scaledTo } from "../profiles/index.ts";
import type { Scenario, ScenarioOptions } from "./scenario.ts";

/** The documents' 13 s would make every live scenario a matter of minutes. */
const defaultPingIntervalMs = 1000;

/** So much of each peer is kept, should all of them speak. */
const messagesEach = 20;

export const defaultPeers = 12;
export const defaultSeeds = 6;

export function pingIntervalOf({ stack }: Pick<Scenario, "stack">): Millis {
  return stack?.options?.heartbeat?.pingIntervalMs ?? defaultPingIntervalMs;
}

/**
 * Options of every node. Whatever waits for news comes around about as often as a ping; nobody speaks by himself.
 * What the scenario sets wins.
 */
export function scenarioOptions(scenario: Pick<Scenario, "stack" | "network">): ScenarioOptions {
  const pingIntervalMs = pingIntervalOf(scenario);
  const aboutAPing = (leastMs: Millis, mostMs: Millis) =>
    Math.max(leastMs, Math.min(mostMs, Math.round(pingIntervalMs)));
  // All may speak at once, a few times: what is pushed out of memory cannot be judged.
  const peers = scenario.network?.peers ?? defaultPeers;
  const retainMessages = Math.max(broadcastOptions.specs.retainMessages.default, messagesEach * peers);
  const refreshIntervalMs = Math.max(1000, Math.min(60_000, pingIntervalMs * 5));
  const options = mergeOptions<ScenarioOptions>(
    {
      heartbeat: { pingIntervalMs },
      broadcast: { repairIntervalMs: aboutAPing(200, 10_000), retainMessages },
      registration: { refreshIntervalMs },
      // Ten refreshes, as by default: who dies before a seed knows its neighbors is gone after a fifth of the lease.
      registry: { syncIntervalMs: aboutAPing(200, 5000), leaseMs: 10 * refreshIntervalMs },
      source: { waitsForCommand: true, messages: 0 },
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
