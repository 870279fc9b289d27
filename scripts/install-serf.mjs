// Installs Debian's package `serf`, which `npm run bench:membership` measures us against: `node scripts/install-serf.mjs`.
// Does nothing where it is installed, and switches off again the service that comes with it. Where we may not install
// packages it says the line to run.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const say = (text) => process.stderr.write(`${text}\n`);
const byHand = "apt-get install --no-install-recommends serf";

function run(program, ...args) {
  return spawnSync(program, args, {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: 300_000,
  });
}

function isInstalled() {
  const { error, stdout } = spawnSync("serf", ["version"], { encoding: "utf8" });
  // A library for Subversion has the same name: of its programs none speaks of an agent's protocol.
  return error === undefined && stdout.includes("Agent Protocol");
}

/** The package starts an agent for the whole machine, which anybody could call. Nobody asked for that here. */
function endService() {
  if (existsSync("/run/systemd/system")) run("systemctl", "disable", "--now", "serf.service");
  else {
    run("/etc/init.d/serf", "stop");
    run("update-rc.d", "serf", "disable");
  }
}

function install() {
  if (isInstalled()) return undefined;
  if (process.getuid?.() !== 0) return `serf is not installed, and only root may install it: sudo ${byHand}`;
  if (run("apt-get", "--version").error !== undefined)
    return "serf is not installed, and there is no apt-get: install Serf 0.9 or later as this system does it";
  say("serf is not installed: running apt-get (about 9 MB, only for this comparison)");
  // The list of packages may be older than the packages.
  const install = () => run("apt-get", "install", "--yes", "--no-install-recommends", "serf");
  if (install().status !== 0) {
    run("apt-get", "update");
    install();
  }
  endService();
  return isInstalled() ? undefined : `serf could not be installed; try it by hand: ${byHand}`;
}

const reason = install();
if (reason !== undefined) {
  say(reason);
  process.exitCode = 1;
}
