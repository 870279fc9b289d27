/** What is measured, the same for every system: each function starts its members, does something to them, ends them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "./cluster.mjs";
import { Host } from "./hosts.mjs";

const patienceMs = 120_000;

/** Starts `count` members of the system on one host, hands them over, and ends them however that goes. */
async function withCluster(system, count, use) {
  const host = new Host("alone");
  try {
    const places = Array.from({ length: count }, (_, index) => ({
      within: host.within,
      host: `127.0.0.${index + 1}`,
    }));
    return await within(system, places, (cluster) => use(cluster, host));
  } finally {
    host.remove();
  }
}

const folders = new Set();

/** What is left where a measurement was interrupted. */
export function removeFolders() {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

async function within(system, places, use) {
  const folder = mkdtempSync(join(tmpdir(), "grapevine-bench-"));
  folders.add(folder);
  try {
    const cluster = await Cluster.start(system, folder, places);
    try {
      return await use(cluster);
    } finally {
      await cluster.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

/** Any moment of a probe interval is as likely as any other. */
const rest = () => sleep(2000 + Math.random() * 1000);

/** All but the first, which the others call when they come, in turn. */
const victimOf = (cluster, run) => 1 + (run % (cluster.size - 1));

/**
 * Ends one member and waits until all others have given it up. `how` is "kill" (SIGKILL: the kernel closes its
 * connections) or "hang" (SIGSTOP: its connections stay, and nobody answers, as with a machine that has lost power).
 */
export async function crash(system, { count, runs, how }, say) {
  return await withCluster(system, count, async (cluster) => {
    const results = [];
    for (let run = 0; run < runs; run++) {
      await rest();
      const victim = victimOf(cluster, run);
      const at = how === "kill" ? await cluster.kill(victim) : cluster.pause(victim);
      const verdicts = () =>
        cluster.since(at, "failed", victim).filter(({ observer }) => observer !== victim);
      const observers = () => new Set(verdicts().map(({ observer }) => observer)).size;
      await cluster.until(
        () => observers() === count - 1,
        patienceMs,
        `member ${victim} is given up by all others`,
      );
      const doubts = cluster.since(at, "doubted", victim).map((event) => event.at - at);
      const failed = verdicts().map((event) => event.at - at);
      const result = {
        doubtedMs: doubts.length === 0 ? undefined : Math.min(...doubts),
        firstFailedMs: Math.min(...failed),
        lastFailedMs: Math.max(...failed),
        // Somebody else was given up meanwhile.
        falseVerdicts: cluster
          .since(at, "failed")
          .filter(({ observer, about }) => observer !== victim && about !== victim).length,
      };
      results.push(result);
      say(
        `run ${run + 1} of ${runs}: ${(result.firstFailedMs / 1000).toFixed(2)} s, all ${(result.lastFailedMs / 1000).toFixed(2)} s`,
      );
      if (how === "hang") await cluster.kill(victim);
      await cluster.restart(victim);
      await cluster.untilAllSeeAll(patienceMs);
    }
    return results;
  });
}

/** Members that live, while packets are lost: whoever is given up is so by mistake. */
export async function loss(system, { count, share, forMs }, say) {
  return await withCluster(system, count, async (cluster, host) => {
    await rest();
    const at = Date.now();
    host.lose(share);
    for (let left = forMs; left > 0; left -= 30_000) {
      await sleep(Math.min(30_000, left));
      say(`${Math.round((Date.now() - at) / 1000)} s: ${cluster.since(at, "failed").length} false verdicts`);
    }
    host.lose(0);
    return {
      nodeMinutes: (count * forMs) / 60_000,
      doubts: cluster.since(at, "doubted").length,
      falseVerdicts: cluster.since(at, "failed").length,
      victims: new Set(cluster.since(at, "failed").map(({ about }) => about)).size,
    };
  });
}

/** A member that stands still for a while and goes on: it has not failed. */
export async function pauses(system, { count, pausesMs, runs }, say) {
  return await withCluster(system, count, async (cluster) => {
    const results = [];
    for (const pauseMs of pausesMs) {
      for (let run = 0; run < runs; run++) {
        await rest();
        const victim = victimOf(cluster, run);
        const at = cluster.pause(victim);
        await sleep(pauseMs);
        const resumedAt = cluster.resume(victim);
        await sleep(5000);
        await cluster.untilAllSeeAll(patienceMs);
        const verdicts = cluster.since(at, "failed");
        const about = verdicts.filter((event) => event.about === victim);
        const back = cluster.since(resumedAt, "up", victim).map((event) => event.at - resumedAt);
        const result = {
          pauseMs,
          doubted: new Set(cluster.since(at, "doubted", victim).map(({ observer }) => observer)).size,
          verdictsOnThePaused: about.length,
          verdictsOnOthers: verdicts.length - about.length,
          backAfterMs: back.length === 0 ? undefined : Math.max(...back),
        };
        results.push(result);
        say(
          `${pauseMs / 1000} s, run ${run + 1} of ${runs}: given up by ${about.length} of ${count - 1}, others by ${result.verdictsOnOthers}`,
        );
      }
    }
    return results;
  });
}

/** Two hosts whose cable is cut and mended: how long until everybody sees everybody again. */
export async function healing(system, { perSide, cutMs, runs }, say) {
  const results = [];
  for (let run = 0; run < runs; run++) {
    const hosts = [new Host("left"), new Host("right")];
    try {
      const addresses = [1, 2].map((side) =>
        Array.from({ length: perSide }, (_, index) => `10.77.${side}.${index + 1}`),
      );
      Host.join(hosts[0], addresses[0], hosts[1], addresses[1]);
      const places = hosts.flatMap((host, side) =>
        addresses[side].map((address) => ({ within: host.within, host: address })),
      );
      results.push(await within(system, places, (cluster) => cutAndMend(cluster, hosts, perSide, cutMs)));
    } finally {
      for (const host of hosts) host.remove();
    }
    const { healedMs, verdicts, ofVerdicts } = results.at(-1);
    say(
      `run ${run + 1} of ${runs}: ${verdicts} of ${ofVerdicts} verdicts, healed after ${(healedMs / 1000).toFixed(2)} s`,
    );
  }
  return results;
}

async function cutAndMend(cluster, hosts, perSide, cutMs) {
  await rest();
  const at = Date.now();
  for (const host of hosts) host.cut();
  await sleep(cutMs);
  const isAcross = ({ observer, about }) => observer < perSide !== about < perSide;
  const acrossSince = (since, type) => cluster.since(since, type).filter(isAcross);
  const pairs = new Set(acrossSince(at, "failed").map(({ observer, about }) => `${observer} ${about}`));
  const mendedAt = Date.now();
  for (const host of hosts) host.mend();
  await cluster.untilAllSeeAll(patienceMs);
  const ups = acrossSince(mendedAt, "up").map((event) => event.at - mendedAt);
  return { verdicts: pairs.size, ofVerdicts: 2 * perSide * perSide, healedMs: Math.max(0, ...ups) };
}

/** What is sent while nothing happens. */
export async function idle(system, { count, settleMs, forMs }, say) {
  return await withCluster(system, count, async (cluster, host) => {
    await sleep(settleMs);
    const before = host.counted();
    const cpuBefore = cluster.cpuSeconds();
    const at = Date.now();
    await sleep(forMs);
    const after = host.counted();
    const seconds = (Date.now() - at) / 1000;
    const perNode = (pick) => (pick(after) - pick(before)) / seconds / count;
    const result = {
      udpBytesPerSecond: perNode(({ udp }) => udp.bytes),
      udpPacketsPerSecond: perNode(({ udp }) => udp.packets),
      tcpBytesPerSecond: perNode(({ tcp }) => tcp.bytes),
      bytesPerSecond: perNode(({ udp, tcp }) => udp.bytes + tcp.bytes),
      cpuMsPerSecond: ((cluster.cpuSeconds() - cpuBefore) * 1000) / seconds / count,
      falseVerdicts: cluster.since(at, "failed").length,
    };
    say(
      `${result.udpBytesPerSecond.toFixed(0)} B/s in datagrams, ${result.tcpBytesPerSecond.toFixed(0)} B/s over TCP, CPU ${result.cpuMsPerSecond.toFixed(2)} ms/s per node`,
    );
    return result;
  });
}
