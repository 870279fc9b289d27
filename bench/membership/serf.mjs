/** Serf's agents as Debian packages them, with their LAN timings and everything else as it is by default. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { serfNews } from "./parsing.mjs";

export const title = "Serf";
const installScript = fileURLToPath(new URL("../../scripts/install-serf.mjs", import.meta.url));

/** Installs it where it is missing. */
export function whyNot() {
  const { status, stderr } = spawnSync(process.execPath, [installScript], { encoding: "utf8" });
  return status === 0 ? undefined : stderr.trim();
}

/** As Debian counts: what the program says of itself is older. */
export function version() {
  return /^Version: (.*)$/m.exec(
    spawnSync("dpkg-query", ["-s", "serf"], { encoding: "utf8" }).stdout ?? "",
  )?.[1];
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
