import { heartbeatOptions } from "../../membership/heartbeat-options.ts";
import { swimOptions } from "../../membership/swim-options.ts";
import type { Plan } from "./search.ts";
import type { Wish } from "./wish.ts";

/** About how many events a second of such a network is: what a run of it costs. */
export function eventsPerSecond(
  { nodes, messagesPerSecond }: Wish,
  plan: Pick<Plan, "profile" | "degree" | "options">,
): number {
  const { profile, degree, options } = plan;
  // Ping, answer, and their timers; and what an idle overlay and its histories do.
  const detector =
    profile === "modern"
      ? 5000 / swimOptions(options.swim).probeIntervalMs
      : (3000 * degree) / heartbeatOptions(options.heartbeat).pingIntervalMs;
  return nodes * (detector + 2 + messagesPerSecond * (degree + 2));
}
