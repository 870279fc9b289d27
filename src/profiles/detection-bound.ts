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
  const { probeIntervalMs, suspicionMult, gossipIntervalMs, gossipFanout } = swimOptions(options.swim);
  // Its turn comes within one interval, the probe of it takes one, and those who confirm it have asked by the end of it.
  const untilSuspected = 2 * probeIntervalMs;
  const suspicion = suspicionMult * Math.max(1, log(members) / log(10)) * probeIntervalMs;
  const spreading = gossipIntervalMs * (1 + Math.ceil(log(members) / log(1 + gossipFanout)));
  return Math.ceil(untilSuspected + suspicion + spreading);
}
