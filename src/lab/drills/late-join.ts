import { sleep } from "../local-network.ts";
import { type Drill, gossipReachesAll } from "./drill.ts";

export const lateJoin: Drill = {
  name: "late-join",
  description:
    "a peer that joins after all gossip was said gets the whole retained history from its neighbors",
  async run(stage) {
    const network = await stage.network();
    const messages = 10;
    const before = await gossipReachesAll(stage, network, messages);
    stage.check("the messages reached everybody who was there", before.ratio === 1);
    await sleep(200);
    const retained = network.peers[0]!.peer!.flood.retainedCount;
    const heard = new Set<string>();
    const start = Date.now();
    const late = await network.addPeer({
      name: "latecomer",
      onNotice: (_at, _layer, notice) => {
        if (notice.type === "delivered") heard.add(`${notice["origin"]}/${notice["sequence"]}`);
      },
    });
    const allMs = await stage.until(() => late.peer!.flood.retainedCount >= retained, 20_000);
    stage.figures["retained"] = retained;
    stage.figures["received"] = heard.size;
    stage.figures["share"] = retained === 0 ? 0 : heard.size / retained;
    stage.figures["ms"] = Date.now() - start;
    stage.check(
      "the latecomer has 100 % of the retained history",
      allMs !== undefined && heard.size >= retained,
      `${heard.size} of ${retained}`,
    );
    const after = await gossipReachesAll(stage, network);
    stage.check("and takes part in what comes next", after.ratio === 1);
  },
};
