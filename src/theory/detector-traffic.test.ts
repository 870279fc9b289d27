import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import { allToAllTraffic, gossipHeartbeatTraffic, pingTraffic, swimTraffic } from "./detector-traffic.ts";

describe("what a node sends in a second", () => {
  test("grows with n for all to all and for gossip, and not for pings and SWIM", () => {
    expect(allToAllTraffic({ n: 16, intervalMs: 1000, heartbeatBytes: 43 })).toEqual({
      messages: 15,
      bytes: 645,
    });
    const gossip = (n: number) =>
      gossipHeartbeatTraffic({
        n,
        intervalMs: 1000,
        messageBytes: 33,
        digestBytes: 35,
        deltaBytes: 53,
        differ: 0.5,
      });
    expect(gossip(64).messages).toBe(3);
    expect(gossip(64).bytes).toBe(3 * 33 + 64 * (35 + 0.5 * (35 / 2 + 53)));
    expect(gossip(128).bytes - gossip(64).bytes).toBe(64 * (35 + 0.5 * (35 / 2 + 53)));
    expect(
      pingTraffic({ degree: 6, intervalMs: 13_000, pingBytes: 13, replyBytes: 20 }).messages,
    ).toBeCloseTo(12 / 13, 12);
  });

  test("is 168 bytes for SWIM with two periods a second and messages of 42, and more where it needs helpers", () => {
    const swim = (loss: number) =>
      swimTraffic({ intervalMs: 500, helpers: 3, pingBytes: 42, ackBytes: 42, loss });
    expect(swim(0)).toEqual({ messages: 4, bytes: 168 });
    expect(swim(0.1).messages).toBeGreaterThan(4);
    const random = seededRandom(11);
    let sent = 0;
    const arrives = () => {
      sent++;
      return random.unit() >= 0.1;
    };
    const periods = 100_000;
    for (let i = 0; i < periods; i++) {
      if (arrives() && arrives()) continue;
      for (let helper = 0; helper < 3; helper++) if (arrives() && arrives() && arrives()) arrives();
    }
    expect(Math.abs((2 * sent) / periods / swim(0.1).messages - 1)).toBeLessThan(0.01);
  });
});
