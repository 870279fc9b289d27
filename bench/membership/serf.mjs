/** Serf's agents as Debian packages them, with their LAN timings and everything else as it is by default. */
import { spawnSync } from "node:child_process";
import { serfNews } from "./parsing.mjs";

export const title = "Serf";
export const startsPerSecond = 10;

export function whyNot() {
  const { error, status, stdout } = spawnSync("serf", ["version"], { encoding: "utf8" });
  if (error === undefined && status === 0 && /Protocol/.test(stdout)) return undefined;
  return "there is no program `serf`: run `node scripts/install-serf.mjs`";
}

export async function create() {
  return {
    nameOf: ({ index }) => `n${index}`,
    command: ({ index, host }, contact) => [
      "serf",
      ...["agent", "-profile=lan", `-node=n${index}`, `-bind=${host}:7946`, `-rpc-addr=${host}:7373`],
      ...(contact === undefined ? [] : [`-join=${contact.host}:7946`]),
    ],
    hasStarted: /agent running!/,
    newsFrom: () => ({ type: "output", read: serfNews }),
  };
}
