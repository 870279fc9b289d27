/** Many long messages: nobody who reads as fast as it can is cut off. */
import { afterEach, expect, test, vi } from "vitest";
import { LocalNetwork } from "../../src/lab/index.ts";

let network: LocalNetwork | undefined;
afterEach(() => network?.close());

const count = 200;
const text = "x".repeat(60 * 1024);
const patience = { timeout: 30_000, interval: 20 };

test("a publisher that awaits each message keeps to the network's pace, and late joiners get the history", async () => {
  const formed = await LocalNetwork.start({
    seeds: 1,
    peers: 3,
    isPlaintext: true,
    options: { source: { messages: 0, waitsForCommand: true } },
  });
  network = formed;
  for (let i = 0; i < count; i++) await formed.peers[0]!.publish(`${i} ${text}`);
  await vi.waitFor(() => expect(formed.measurement.deliveries).toBe(2 * count), patience);
  const late = await formed.addPeer();
  await vi.waitFor(() => expect(late.peer!.broadcast.counters.delivered).toBe(count), patience);
  const drops = formed.peers.map(({ links }) => links.drops["slow-reader"] ?? 0);
  expect(drops).toEqual([0, 0, 0, 0]);
});
