import { type Drill, gossipReachesAll, RemovalWatch } from "./drill.ts";
import { NodeProcess } from "./process.ts";

export const restart: Drill = {
  name: "restart",
  description: "kill -9 a peer and start it again: same identity, its history, and what was said meanwhile",
  async run(stage) {
    const network = await stage.network();
    const watch = new RemovalWatch(network);
    const peer = await NodeProcess.prepare(stage, network, "peer", "phoenix");
    await peer.start();
    const isIn = async () => (await peer.status()).neighbors > 0;
    stage.check("the peer joined", (await stage.until(isIn, 20_000)) !== undefined);
    const said = await gossipReachesAll(stage, network, 3);
    stage.check("gossip reached everybody", said.ratio === 1);
    const total = () => network.peers[0]!.peer!.flood.retainedCount;
    await stage.until(async () => (await peer.status()).retained >= total(), 10_000);
    const before = await peer.status();
    await peer.kill();
    stage.config.say("killed; saying something while it is gone");
    await gossipReachesAll(stage, network, 2);

    await peer.start();
    const woken = await peer.status();
    const backMs = await stage.until(
      async () => (await isIn()) && (await peer.status()).retained >= total(),
      30_000,
    );
    const after = await peer.status();
    const identity = (contact: string) => contact.split("@")[0];
    stage.figures["retainedBefore"] = before.retained;
    stage.figures["retainedAtStart"] = woken.retained;
    stage.figures["retainedAfter"] = after.retained;
    stage.figures["retainedByOthers"] = total();
    stage.figures["backMs"] = backMs;
    stage.check("it is the same node", identity(before.contact) === identity(after.contact));
    stage.check(
      "in a later life",
      after.incarnation > before.incarnation,
      `${before.incarnation} -> ${after.incarnation}`,
    );
    stage.check(
      "with what it had on disk",
      woken.retained >= before.retained,
      `${woken.retained} of ${before.retained}`,
    );
    stage.check(
      "and it caught up with what it missed",
      backMs !== undefined,
      `${after.retained} of ${total()}`,
    );
    const listings = network.seeds.map(
      ({ seed }) =>
        seed!.registry.list.filter((record) => identity(String(record.peer)) === identity(after.contact))
          .length,
    );
    stage.check(
      "no seed lists it twice",
      listings.every((count) => count <= 1),
      listings.join(" "),
    );
    const listed = await stage.until(
      () => network.seeds.every(({ seed }) => seed!.registry.has(after.contact)),
      15_000,
    );
    stage.check("every seed lists it", listed !== undefined);
    const heard = total();
    await peer.publish("back again");
    const answered = await stage.until(
      () => network.peers.every((node) => node.peer!.flood.retainedCount > heard),
      10_000,
    );
    stage.check("what it says now reaches everybody", answered !== undefined);
    const others = watch.removals.filter((removal) => identity(removal.peer) !== identity(after.contact));
    stage.check("nobody else was removed", others.length === 0);
  },
};
