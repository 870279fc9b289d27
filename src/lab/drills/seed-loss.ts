import { type Drill, gossipReachesAll } from "./drill.ts";

export const seedLoss: Drill = {
  name: "seed-loss",
  description: "a minority of the seeds dies and comes back empty: joins go on, and the lists agree again",
  async run(stage) {
    const network = await stage.network();
    const count = network.seeds.length;
    const lost = Math.floor((count - 1) / 2);
    for (let i = 0; i < lost; i++) await network.seeds[i]!.kill();
    stage.config.say(`killed ${lost} of ${count} seeds`);
    const joiner = await network.addPeer({ name: "joiner" });
    const { registration, overlay } = joiner.peer!;
    const joinMs = await stage.until(
      () =>
        registration.registeredWith.length >= Math.min(registration.quorum, count - lost) &&
        overlay.neighbors.length >= 1,
      30_000,
    );
    stage.figures["seedsLost"] = lost;
    stage.figures["joinMs"] = joinMs;
    stage.check("a newcomer joins while they are gone", joinMs !== undefined, `${joinMs} ms`);
    const { ratio } = await gossipReachesAll(stage, network);
    stage.check("gossip reaches everybody, the newcomer too", ratio === 1);
    const listed = () =>
      network.liveSeeds.every(({ seed }) => seed!.registry.size === network.livePeers.length);
    await stage.until(listed, 15_000);
    for (let i = 0; i < lost; i++) await network.startSeed(i);
    stage.config.say("started them again, with empty lists");
    const fullMs = await stage.until(() => listed() && network.seedsAgree, 30_000);
    stage.figures["fullListAgainMs"] = fullMs;
    stage.figures["listSizes"] = network.seeds.map(({ seed }) => seed!.registry.size);
    stage.check("the returned seeds hold the full list again", fullMs !== undefined, `${fullMs} ms`);
  },
};
