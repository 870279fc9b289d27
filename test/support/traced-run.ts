/** The trace of a small run in which something of everything happens. */
import type { TraceEvent } from "../../src/core/index.ts";
import { SimulatedWorld } from "../../src/scenario/index.ts";

/** 2 seeds and 20 peers: messages, a crash, a hang, a leave, a newcomer, a partition that heals. */
export async function tracedRun(seed = 5): Promise<{ events: TraceEvent[]; world: SimulatedWorld }> {
  const world = new SimulatedWorld(
    {
      name: "traced",
      network: { seeds: 2, peers: 20 },
      stack: {
        options: { heartbeat: { pingIntervalMs: 1000, pingTimeoutMs: 500 }, source: { messages: 0 } },
      },
      timeline: [{ do: "join", count: 1 }],
    },
    { seed },
  );
  const events: TraceEvent[] = [];
  world.onEvent((event) => events.push(event));
  await world.form();
  await world.perform({ do: "publish", from: ["peer-1"] });
  await world.sleep(500);
  await world.perform({ do: "crash", node: ["peer-3"] });
  await world.perform({ do: "pause", node: ["peer-4"] });
  await world.perform({ do: "publish", from: ["peer-2"] });
  await world.sleep(6000);
  await world.perform({ do: "resume", node: ["peer-4"] });
  await world.perform({ do: "leave", node: ["peer-5"] });
  await world.perform({ do: "join", name: "peer-21" });
  await world.perform({ do: "partition", groups: [["peer-6", "peer-7"], ["peer-8"]] });
  await world.sleep(2000);
  await world.perform({ do: "heal" });
  await world.perform({ do: "publish", from: ["peer-6"] });
  await world.sleep(20_000);
  return { events, world };
}
