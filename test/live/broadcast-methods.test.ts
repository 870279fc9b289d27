import { afterEach, expect, test } from "vitest";
import { broadcastOptions } from "../../src/dissemination/broadcast-options.ts";
import { LocalNetwork } from "../../src/lab/local-network.ts";

const methods = broadcastOptions.specs.method.choices!;
let network: LocalNetwork | undefined;

afterEach(async () => {
  await network?.close();
  network = undefined;
});

test.each(methods)(
  "under TLS every message reaches every peer by %s",
  { timeout: 60_000 },
  async (method) => {
    network = await LocalNetwork.start({
      seeds: 2,
      peers: 10,
      options: {
        source: { intervalMs: 50, messages: 3 },
        broadcast: { method, repairIntervalMs: 500, roundMs: 50 },
      },
    });
    network.begin();
    expect(await network.finished(10_000)).toBe(true);
    const { ratio, deliveredTwice } = network.report();
    expect({ ratio, deliveredTwice }).toEqual({ ratio: 1, deliveredTwice: 0 });
    expect(new Set(network.peers.map(({ peer }) => peer!.broadcast.method))).toEqual(new Set([method]));
  },
);

test("a late joiner gets what was said before, by rumor mongering too", { timeout: 60_000 }, async () => {
  network = await LocalNetwork.start({
    seeds: 2,
    peers: 6,
    options: { source: { intervalMs: 20, messages: 2 }, broadcast: { method: "rumor", roundMs: 50 } },
  });
  network.begin();
  expect(await network.finished(20_000)).toBe(true);
  const late = await network.addPeer({ name: "late" });
  await expect.poll(() => late.peer!.broadcast.counters.delivered, { timeout: 20_000 }).toBe(12);
});

test("a publisher that awaits what it says keeps to the pace of the rounds: nothing goes cold too early", {
  timeout: 60_000,
}, async () => {
  const broadcast = { method: "rumor", stopAfter: 3, maxHot: 4, roundMs: 20, repairs: false } as const;
  network = await LocalNetwork.start({
    seeds: 1,
    peers: 4,
    isPlaintext: true,
    options: { source: { messages: 0 }, broadcast },
  });
  const formed = network;
  // What is said in one turn is one publication, and the pace is in publications.
  for (let i = 0; i < 2000; i += 50) {
    const said = Array.from({ length: 50 }, (_, j) => formed.peers[0]!.publish(`message ${i + j}`));
    for (const { dropped } of await Promise.all(said)) expect(dropped).toBe(0);
  }
  await expect.poll(() => formed.measurement.deliveries, { timeout: 20_000 }).toBe(6000);
});

test("and to that of the comparisons by anti-entropy: nothing is forgotten that somebody lacks", {
  timeout: 60_000,
}, async () => {
  const broadcast = { method: "anti-entropy", retainMessages: 200, roundMs: 20 } as const;
  network = await LocalNetwork.start({
    seeds: 1,
    peers: 4,
    isPlaintext: true,
    options: { source: { messages: 0 }, broadcast },
  });
  const formed = network;
  for (let i = 0; i < 500; i++) {
    await formed.peers[0]!.publish(`message ${i}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => formed.measurement.deliveries, { timeout: 20_000 }).toBe(1500);
});
