import { type Drill, gossipReachesAll, RemovalWatch, type Stage } from "./drill.ts";
import { NodeProcess } from "./process.ts";

/** The documents' bound, in ping intervals: three misses, the neighbors' second opinion, the seed's own look. */
const intervalsAllowed = 5;

export const crash: Drill = {
  name: "crash",
  description: "kill -9 a peer's process: all seeds remove it within 5 ping intervals, and nobody else",
  async run(stage) {
    const scene = await disturb(stage, (victim) => victim.kill());
    const { ratio } = await gossipReachesAll(stage, scene.network);
    stage.check("gossip still reaches everybody else", ratio === 1, `${(ratio * 100).toFixed(1)} %`);
  },
};

export const hang: Drill = {
  name: "hang",
  description:
    "SIGSTOP a peer's process: noticed though its sockets stay open; after SIGCONT it comes back by itself",
  async run(stage) {
    const { network, victim, contact } = await disturb(stage, (victim) => victim.hang());
    stage.config.say("waking the process up again");
    victim.wake();
    const isBack = () => network.seeds.every(({ seed }) => seed!.registry.has(contact));
    const backMs = await stage.until(isBack, 60_000);
    stage.figures["backMs"] = backMs;
    stage.check("the woken peer is back in all lists, by itself", backMs !== undefined, `${backMs} ms`);
    const linkedMs = await stage.until(async () => (await victim.status()).neighbors > 0, 20_000);
    stage.check("and has neighbors again", linkedMs !== undefined);
  },
};

/** Lets a real process join, does something to it, and watches the seeds. */
async function disturb(stage: Stage, disturbance: (victim: NodeProcess) => void | Promise<void>) {
  const { pingIntervalMs, say } = stage.config;
  const network = await stage.network();
  const victim = await NodeProcess.prepare(stage, network, "peer", "victim");
  say("starting the victim as a process of its own");
  await victim.start();
  const { contact } = await victim.status();
  const seedsKnow = () =>
    network.seeds.every(({ seed }) => neighborsOnRecord(seed!.registry.list, contact) > 0);
  const joined = await stage.until(async () => seedsKnow() && (await victim.status()).neighbors >= 1, 20_000);
  stage.check("the victim joined and all seeds know its neighbors", joined !== undefined);
  const neighbors = network.livePeers.filter(({ peer }) => peer!.overlay.has(contact)).length;
  // Whoever links to it from now on pings it first somewhere in the coming interval: let it settle.
  await stage.until(() => false, pingIntervalMs);

  const watch = new RemovalWatch(network);
  const at = Date.now();
  await disturbance(victim);
  say(`victim ${victim.pid} disturbed; it had ${neighbors} neighbors`);
  const limitMs = (intervalsAllowed + 5) * pingIntervalMs + 5000;
  await stage.until(() => watch.of(contact).length >= network.seeds.length, limitMs);
  const times = watch.of(contact).map((removal) => removal.at - at);
  const slowest = times.length === 0 ? Number.NaN : Math.max(...times);
  const others = watch.removals.filter(({ peer }) => peer !== contact);
  stage.figures["pingIntervalMs"] = pingIntervalMs;
  stage.figures["neighborsOfVictim"] = neighbors;
  stage.figures["removedAtSeeds"] = times.length;
  stage.figures["removedAfterMs"] = times;
  stage.figures["removedAfterIntervals"] = Number((slowest / pingIntervalMs).toFixed(2));
  stage.figures["livePeersRemoved"] = others.length;
  stage.check(
    "removed from all seeds",
    times.length === network.seeds.length,
    `${times.length} of ${network.seeds.length}`,
  );
  stage.check(
    `within ${intervalsAllowed} ping intervals`,
    slowest <= intervalsAllowed * pingIntervalMs,
    `${(slowest / pingIntervalMs).toFixed(2)} intervals`,
  );
  stage.check("no live peer was removed", others.length === 0);
  return { network, victim, contact };
}

function neighborsOnRecord(
  list: readonly { peer: unknown; neighbors: readonly unknown[] }[],
  contact: string,
): number {
  return list.find(({ peer }) => peer === contact)?.neighbors.length ?? 0;
}
