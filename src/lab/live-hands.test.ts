import { afterEach, describe, expect, test } from "vitest";
import { identityOf, type NodeId, type TraceEvent } from "../core/index.ts";
import { type GrapevineNode, startControlApi } from "../node/index.ts";
import type { Action } from "../scenario/scenario.ts";
import { handsOf, handsOfOne, openGates } from "./live-hands.ts";
import { LocalNetwork } from "./local-network.ts";

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

const pingIntervalMs = 100;
const peers = 6;

/** Formed, and every seed knows the neighbors of every peer: it counts only what neighbors report. */
async function networkWithHands() {
  const heard: { readonly node: string; readonly type: string; readonly about: unknown }[] = [];
  const network = await LocalNetwork.start({
    seeds: 3,
    peers,
    isPlaintext: true,
    gates: openGates(9),
    options: {
      heartbeat: { pingIntervalMs },
      registration: { refreshIntervalMs: 500 },
      registry: { syncIntervalMs: 200 },
      broadcast: { repairIntervalMs: 200 },
      source: { waitsForCommand: true, messages: 0 },
    },
    onNotice: (_at, _layer, notice, { name }) => {
      const about = notice["neighbor"] ?? notice["peer"];
      if (about !== undefined) heard.push({ node: name, type: notice.type, about });
    },
  });
  endings.push(() => network.close());
  const hands = handsOf(network);
  const events: TraceEvent[] = [];
  hands.onEvent((event) => events.push(event));
  await until(() => network.seeds.every(({ seed }) => seed!.list.length === peers));
  await until(() => network.seeds.every(({ seed }) => seed!.list.every(({ witnesses }) => witnesses > 1)));
  const node = (name: string) => network.find(name)!;
  const isListed = (peer: NodeId) =>
    network.liveSeeds.map(({ seed }) => seed!.list.some((one) => same(one.peer, peer)));
  const hasSaid = (type: string, about: NodeId) =>
    heard.some((one) => one.type === type && same(one.about as NodeId, about));
  return { network, hands, events, node, isListed, hasSaid };
}

const same = (a: NodeId, b: NodeId) => identityOf(a) === identityOf(b);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean, limitMs = 15_000): Promise<number> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > limitMs) throw new Error(`it did not happen within ${limitMs} ms`);
    await pause(5);
  }
  return performance.now() - startedAt;
}

/** When each peer heard of it, in ms from now; call `done` to wait for so many. */
function deliveriesAt(nodes: readonly GrapevineNode[]) {
  const startedAt = performance.now();
  const at = new Map<string, number>();
  for (const node of nodes)
    node.onNotice((_at, _layer, { type }, { name }) => {
      if (type === "delivered") at.set(name, performance.now() - startedAt);
    });
  return at;
}

describe("what hands do is noticed by the network", () => {
  test("who crashes is given up by its neighbors and removed by every seed", async () => {
    const { hands, events, node, isListed, hasSaid } = await networkWithHands();
    const victim = node("peer-3");
    expect(await hands.perform({ do: "crash", node: "peer-3" })).toEqual({ nodes: ["peer-3"] });
    expect(victim.isRunning).toBe(false);
    expect(events).toMatchObject([{ type: "crashed", layer: "scenario", node: victim.contact }]);
    await until(() => isListed(victim.contact).every((is) => !is));
    expect(hasSaid("neighbor-failed", victim.contact)).toBe(true);
    expect(hasSaid("peer-removed", victim.contact)).toBe(true);
    // The dead are passed over.
    expect(await hands.perform({ do: "crash", node: "peer-3" })).toEqual({ nodes: [] });
  });

  test("who hangs is suspected, and returns when it goes on", async () => {
    const { hands, events, node, isListed, hasSaid } = await networkWithHands();
    const victim = node("peer-2");
    await hands.perform({ do: "pause", node: "peer-2" });
    await until(() => hasSaid("suspected", victim.contact));
    await until(() => isListed(victim.contact).every((is) => !is));
    await hands.perform({ do: "resume", node: "peer-2" });
    await until(() => isListed(victim.contact).every((is) => is) && victim.neighbors().length > 0);
    expect(events.map(({ type }) => type)).toEqual(["paused", "resumed"]);
  });

  test("what is said in one half arrives in the other when the network heals, not before", async () => {
    const { network, hands, events, node } = await networkWithHands();
    await hands.perform({ do: "partition", groups: [[], ["peer-1", "peer-2", "seed-1"]] });
    await pause(100); // what was under way
    const at = deliveriesAt(network.peers);
    await node("peer-1").publish("from the smaller half");
    await pause(5 * pingIntervalMs);
    expect([...at.keys()].filter((name) => name !== "peer-2")).toEqual([]);
    await hands.perform({ do: "heal" });
    await until(() => at.size === peers - 1);
    expect(events).toMatchObject([{ type: "partitioned", sizes: [6, 3], node: "" }, { type: "healed" }]);
  });

  test("a cut holds one way: who is not heard still hears", async () => {
    const { network, hands, node } = await networkWithHands();
    await hands.perform({ do: "cut", from: "peer-1", to: { random: peers, of: "peers" } });
    await hands.perform({ do: "cut", from: ["peer-1"], to: "all seeds" });
    const at = deliveriesAt(network.peers);
    await node("peer-1").publish("nobody hears me");
    await pause(2 * pingIntervalMs);
    expect(at.size).toBe(0);
    await node("peer-4").publish("but I hear");
    await until(() => at.has("peer-1"), 2000);
  });

  test("loss and latency slow what is said, and nothing is missing in the end", async () => {
    const { network, hands, node } = await networkWithHands();
    const slowest = async () => {
      const at = deliveriesAt(network.peers);
      await node("peer-1").publish("how long?");
      await until(() => at.size === peers - 1);
      return Math.max(...at.values());
    };
    await hands.perform({ do: "links", set: { latency: { model: "constant", ms: 40 } } });
    expect(await slowest()).toBeGreaterThanOrEqual(39);
    // Lost six times, and sent again after 1, 2, 4, … ms.
    const latency = { model: "constant", ms: 0 } as const;
    await hands.perform({ do: "links", set: { latency, loss: 1, retransmitMs: 1 } });
    expect(await slowest()).toBeGreaterThanOrEqual(62);
  });

  test("whoever joins, leaves and restarts is listed, or is not, and a restart is the same node", async () => {
    const { hands, events, node, isListed } = await networkWithHands();
    expect(await hands.perform({ do: "join", count: 2 })).toEqual({ nodes: ["peer-7", "peer-8"] });
    expect(await hands.perform({ do: "join", name: "anna" })).toEqual({ nodes: ["anna"] });
    const anna = node("anna");
    await until(() => isListed(anna.contact).every((is) => is));
    await hands.perform({ do: "leave", node: "anna" });
    await until(() => isListed(anna.contact).every((is) => !is));
    const before = node("peer-1").contact;
    await hands.perform({ do: "crash", node: ["peer-1", "seed-2"] });
    await hands.perform({ do: "restart", node: ["peer-1", "seed-2"] });
    expect(same(node("peer-1").contact, before)).toBe(true);
    await until(() => isListed(before).every((is) => is));
    expect(events.map(({ type }) => type)).toEqual([
      "joined",
      "joined",
      "joined",
      "left",
      "crashed",
      "crashed",
      "restarted",
      "restarted",
    ]);
    // There is no disk that it could have kept.
    expect(events.at(-1)).toMatchObject({ name: "seed-2", keepsDisk: false });
  });
});

describe("those who join", () => {
  test("have a name of their own, though somebody else joins by it in the same moment", async () => {
    const { network, hands } = await networkWithHands();
    const twice = [0, 1].map(() => hands.perform({ do: "join", name: "anna" }));
    const ends = await Promise.allSettled(twice);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(network.peers.filter(({ name }) => name === "anna")).toHaveLength(1);
  });

  test("end with the network that is closed meanwhile", async () => {
    const { network, hands, events } = await networkWithHands();
    const joining = hands.perform({ do: "join", count: 50, over: "10s" });
    joining.catch(() => {});
    await until(() => events.length > 2);
    await network.close();
    await expect(joining).rejects.toThrow("it was closed");
    expect(network.nodes.filter(({ isRunning }) => isRunning)).toEqual([]);
  });
});

describe("hands refuse", () => {
  const refused: readonly [Action, string][] = [
    [{ do: "crash", node: "nobody" }, 'there is no "nobody"'],
    [{ do: "restart", node: "peer-1" }, "peer-1 lives; crash it first"],
    [{ do: "join", name: "peer-1" }, 'there is a "peer-1" already'],
    [{ do: "publish", from: "seed-1" }, "seeds do not gossip"],
    [{ do: "links", set: { duplication: 0.5 } }, "a stream doubles nothing"],
    [{ do: "partition", groups: [["peer-1"], ["peer-2", "peer-1"]] }, '"peer-1" is in two groups'],
    [{ do: "partition", by: "zone" }, "live nodes are in no zones"],
    [{ do: "drift", node: "peer-1", rate: 0.1 }, "drift: cannot be done here"],
    [{ do: "crash", node: { random: 4, of: "seeds" } }, "4 seeds are to be drawn"],
  ];
  test("what cannot be done, and then have done nothing", async () => {
    const { hands, events, network } = await networkWithHands();
    for (const [action, why] of refused) await expect(hands.perform(action)).rejects.toThrow(why);
    expect(events).toEqual([]);
    expect(network.liveSeeds.length + network.livePeers.length).toBe(9);
  });

  test("to cut anything where nothing stands between the nodes", async () => {
    const network = await LocalNetwork.start({ seeds: 1, peers: 1, isPlaintext: true });
    endings.push(() => network.close());
    const hands = handsOf(network);
    expect(hands.actions).toEqual(["publish", "crash", "leave", "pause", "resume", "join", "restart"]);
    await expect(hands.perform({ do: "heal" })).rejects.toThrow("cannot be done here");
  });
});

describe("over the control API", () => {
  const act = async (url: string, action: unknown) => {
    const response = await fetch(`${url}/v1/actions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(action),
    });
    return { status: response.status, ...((await response.json()) as any) };
  };

  test("an action is done, and what was wrong with one is named", async () => {
    const { network, hands, node } = await networkWithHands();
    const api = await startControlApi({ port: 0, nodes: () => network.nodes, hands });
    endings.push(() => api.close());
    const status = (await (await fetch(`${api.url}/v1/status`)).json()) as any;
    expect(status.hands).toEqual(hands.actions);
    expect(await act(api.url, { do: "pause", node: "peer-2" })).toEqual({
      status: 200,
      did: "pause",
      nodes: ["peer-2"],
    });
    expect(node("peer-2").isPaused).toBe(true);
    for (const [action, error] of [
      [{ do: "explode" }, 'do: "explode" is none of join, crash'],
      [{ do: "crash" }, "node: "],
      [{ do: "crash", node: "x".repeat(65) }, "is no name"],
      [{ do: "crash", node: Array.from({ length: 10_001 }, (_, i) => `peer-${i}`) }, "means no nodes"],
      [{ do: "join", count: 1001 }, "count: 1001 is not a whole number between 1 and 1000"],
      [{ do: "join", over: "2m" }, "over: is more than 60 s"],
      [{ do: "links", set: { loss: 7 } }, "loss: 7"],
      [{ do: "partition" }, 'give one of "groups", "share" and "by"'],
      [{ do: "heal", hard: true }, "hard"],
      [{ do: "crash", node: "nobody" }, 'there is no "nobody"'],
    ] as const) {
      const answer = await act(api.url, action);
      expect(answer.status, answer.error).toBe(400);
      expect(answer.error).toContain(error);
      expect(answer.error.length).toBeLessThan(500);
    }
  });

  test("a process that is one node does what happens to itself; its crash waits for the answer", async () => {
    const { node } = await networkWithHands();
    const own = node("peer-1");
    let hasEnded = false;
    const hands = handsOfOne(own, () => {
      hasEnded = true;
    });
    const api = await startControlApi({ port: 0, nodes: () => [own], hands });
    endings.push(() => api.close());
    const cut = await act(api.url, { do: "cut", from: "peer-1", to: "peer-2" });
    expect(cut.status).toBe(409);
    expect(cut.error).toContain("it can do publish, crash, leave, pause, resume");
    expect(await act(api.url, { do: "publish", from: "peer-1", text: "hello" })).toMatchObject({
      status: 200,
    });
    expect(await act(api.url, { do: "crash", node: "peer-2" })).toMatchObject({ status: 400 });
    expect(await act(api.url, { do: "crash", node: [] })).toMatchObject({ status: 200, nodes: [] });
    await pause(50);
    expect(hasEnded).toBe(false);
    expect(await act(api.url, { do: "crash", node: "peer-1" })).toMatchObject({ status: 202 });
    await until(() => hasEnded, 1000);
  });

  test("without hands nothing can be done, and the answer says what has some", async () => {
    const { network } = await networkWithHands();
    const api = await startControlApi({ port: 0, nodes: () => network.nodes });
    endings.push(() => api.close());
    const answer = await act(api.url, { do: "heal" });
    expect(answer.status).toBe(409);
    expect(answer.error).toContain("grapevine up");
  });
});
