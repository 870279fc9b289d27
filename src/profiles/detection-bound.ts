/** How soon a profile notices that somebody is dead. */
import { log } from "../core/deterministic-math.ts";
import type { Millis } from "../core/index.ts";
import { heartbeatOptions } from "../membership/heartbeat-options.ts";
import { swimOptions } from "../membership/swim-options.ts";
import { type ProfileOptions, profileOf } from "./profile.ts";

/** The documents' bound: three misses, the neighbors' second opinion, the seed's own look. */
const pings = 5;

/** Within this time all who watch lists have given a crashed peer up, where messages arrive. */
export function detectionBoundMs(options: ProfileOptions, members: number): Millis {
  if (profileOf(options) === "classic") return pings * heartbeatOptions(options.heartbeat).pingIntervalMs;
  const { probeIntervalMs, probeTimeoutMs, suspicionMult, gossipIntervalMs, gossipFanout } = swimOptions(
    options.swim,
  );
  // Its turn comes within an interval and a tenth, by when in a period each probes; the probe takes another. What a
  // machine may take for an answer it may take for all of this.
  const untilSuspected = 2.1 * probeIntervalMs + probeTimeoutMs;
  const suspicion = suspicionMult * Math.max(1, log(members) / log(10)) * probeIntervalMs;
  const spreading = gossipIntervalMs * (1 + Math.ceil(log(members) / log(1 + gossipFanout)));
  return Math.ceil(untilSuspected + suspicion + spreading);
}
