import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import type { LinkSettings } from "./link-settings.ts";
import { held, Links, lost } from "./links.ts";

const rows = 8;
const draws = 20_000;

function links(settings: Partial<LinkSettings> = {}, seed = 1): Links {
  return new Links({ settings, rows, seed });
}

const in10ms = { latency: { model: "constant", ms: 10 } } as const;

/** Delays of many messages of one byte from 0 to 1, all sent at once. */
function burst(net: Links, count: number, bytes = 1, now = 0): number[] {
  return Array.from({ length: count }, () => net.transitMs(0, 1, bytes, now));
}

/** Is this share of so many draws within 4.5 standard deviations of its probability? */
function isNear(count: number, probability: number, of = draws): boolean {
  return Math.abs(count - of * probability) < 4.5 * Math.sqrt(of * probability * (1 - probability));
}

describe("links without faults", () => {
  test("take as long as the latency, and one draw of the sender", () => {
    const net = links({ latency: { model: "uniform", fromMs: 5, toMs: 14 } });
    const delays = burst(net, 1000);
    expect(new Set(delays)).toEqual(new Set([5, 6, 7, 8, 9, 10, 11, 12, 13, 14]));
    expect(net.counters).toMatchObject({ sent: 1000, lost: 0, cut: 0, queueDropped: 0 });
  });

  test("give the same with the same seed, something else with another, and never the same to two senders", () => {
    expect(burst(links({}, 1), 50)).toEqual(burst(links({}, 1), 50));
    expect(burst(links({}, 2), 50)).not.toEqual(burst(links({}, 1), 50));
    const net = links();
    expect(Array.from({ length: 50 }, () => net.transitMs(3, 1, 1, 0))).not.toEqual(burst(net, 50));
  });

  test("give each sender the same delays whatever the others send", () => {
    const net = links();
    const crowded = Array.from({ length: 50 }, () => {
      net.transitMs(1, 0, 1, 0);
      net.transitMs(2, 0, 1, 0);
      return net.transitMs(0, 1, 1, 0);
    });
    expect(crowded).toEqual(burst(links(), 50));
  });

  test("give by way of faults that are switched off the same as without", () => {
    const careful = links({ uploadBytesPerSecond: 1e12 });
    expect(burst(careful, 200, 0)).toEqual(burst(links(), 200, 0));
  });
});

describe("datagrams", () => {
  test("get lost as often as they are told", () => {
    const net = links({ ...in10ms, loss: 0.2 });
    const delays = burst(net, draws);
    const gone = delays.filter((ms) => ms === lost).length;
    expect(isNear(gone, 0.2)).toBe(true);
    expect(net.counters).toMatchObject({ sent: draws, lost: gone });
    expect(delays.filter((ms) => ms !== lost).every((ms) => ms === 10)).toBe(true);
  });

  test("are all lost with loss 1", () => {
    expect(burst(links({ loss: 1 }), 100).every((ms) => ms === lost)).toBe(true);
  });

  test("arrive twice as often as they are told, each copy with a latency of its own", () => {
    const net = links({ duplication: 0.1, latency: { model: "uniform", fromMs: 0, toMs: 1000 } });
    const copies: number[] = [];
    const firsts: number[] = [];
    for (let i = 0; i < draws; i++) {
      const first = net.transitMs(0, 1, 1, 0);
      const copy = net.duplicateMs(0, 1, 0);
      if (copy >= 0) copies.push(copy) && firsts.push(first);
    }
    expect(isNear(copies.length, 0.1)).toBe(true);
    expect(net.counters.duplicated).toBe(copies.length);
    expect(isNear(copies.filter((ms, i) => ms < firsts[i]!).length, 0.5, copies.length)).toBe(true);
  });

  test("take reorderMs longer as often as they are told", () => {
    const net = links({ ...in10ms, reordering: 0.05, reorderMs: 70 });
    const delays = burst(net, draws);
    expect(new Set(delays)).toEqual(new Set([10, 80]));
    const late = delays.filter((ms) => ms === 80).length;
    expect(isNear(late, 0.05)).toBe(true);
    expect(net.counters.reordered).toBe(late);
  });

  test("are lost and counted where the network is cut, and pass again when it is whole", () => {
    const net = links(in10ms);
    net.connectivity.cut(0, 1);
    expect(net.transitMs(0, 1, 1, 0)).toBe(lost);
    expect(net.transitMs(1, 0, 1, 0)).toBe(10);
    net.connectivity.heal();
    expect(net.transitMs(0, 1, 1, 0)).toBe(10);
    expect(net.counters).toMatchObject({ sent: 3, cut: 1 });
  });
});

describe("streams", () => {
  test("are held where the network is cut: nothing is counted, drawn or charged", () => {
    const [net, other] = [links({ kind: "stream" }), links({ kind: "stream" })];
    net.connectivity.partition([[0], [1]]);
    expect(burst(net, 5)).toEqual([held, held, held, held, held]);
    expect(net.counters).toMatchObject({ sent: 0, cut: 0, lost: 0 });
    net.connectivity.heal();
    expect(burst(net, 20)).toEqual(burst(other, 20));
  });

  test("take a pause that doubles for each loss in a row, and lose nothing", () => {
    const net = links({ ...in10ms, kind: "stream", loss: 0.5, retransmitMs: 100 });
    const delays = Array.from({ length: draws }, (_, i) => net.transitMs(0, 1, 1, i * 1e6));
    const times = new Map<number, number>();
    for (const ms of delays) times.set(ms, (times.get(ms) ?? 0) + 1);
    for (let losses = 0; losses <= 4; losses++)
      expect(isNear(times.get(10 + 100 * (2 ** losses - 1))!, 0.5 ** (losses + 1)), `${losses}`).toBe(true);
    expect(net.counters.lost).toBe(0);
    expect(isNear(net.counters.retransmitted, 0.5, 2 * draws)).toBe(true);
  });

  test("arrive in the end, even with loss 1", () => {
    const net = links({ ...in10ms, kind: "stream", loss: 1, retransmitMs: 1 });
    expect(net.transitMs(0, 1, 1, 0)).toBe(10 + 1023);
  });

  test("are neither doubled nor overtaken", () => {
    const net = links({ ...in10ms, kind: "stream", duplication: 1, reordering: 1 });
    expect(net.transitMs(0, 1, 1, 0)).toBe(10);
    expect(net.duplicateMs(0, 1, 0)).toBe(-1);
    expect(net.counters).toMatchObject({ duplicated: 0, reordered: 0 });
  });

  test("keep the order of each pair, whatever happens", () => {
    const anySettings = fc.record({
      loss: fc.constantFrom(0, 0.3),
      uploadBytesPerSecond: fc.constantFrom(0, 2000),
      downloadBytesPerSecond: fc.constantFrom(0, 3000),
      latency: fc.constantFrom<LinkSettings["latency"]>(
        { model: "uniform", fromMs: 0, toMs: 200 },
        { model: "log-normal", medianMs: 30, sigma: 1 },
        {
          model: "zones",
          matrixMs: [
            [0, 90],
            [5, 1],
          ],
          jitterMs: 40,
        },
      ),
    });
    const anyMessage = fc.record({
      from: fc.nat({ max: 2 }),
      to: fc.nat({ max: 2 }),
      bytes: fc.nat({ max: 100 }),
      pauseMs: fc.nat({ max: 30 }),
    });
    const anyMessages = fc.array(anyMessage, { minLength: 20, maxLength: 200 });
    fc.assert(
      fc.property(anySettings, anyMessages, fc.nat(), (settings, messages, seed) => {
        const net = links({ ...settings, kind: "stream" }, seed);
        const last = new Map<string, number>();
        let now = 0;
        for (const { from, to, bytes, pauseMs } of messages) {
          now += pauseMs;
          const delay = net.transitMs(from, to, bytes, now);
          if (delay === lost) continue;
          expect(Number.isInteger(delay) && delay >= 0).toBe(true);
          expect(now + delay).toBeGreaterThanOrEqual(last.get(`${from}>${to}`) ?? 0);
          last.set(`${from}>${to}`, now + delay);
        }
      }),
    );
  });

  test("hold up only those of the same pair", () => {
    const net = links({ kind: "stream", latency: { model: "constant", ms: 500 } });
    expect(net.transitMs(0, 1, 1, 0)).toBe(500);
    net.change({ latency: { model: "constant", ms: 10 } });
    expect(net.transitMs(0, 1, 1, 0)).toBe(500);
    expect(net.transitMs(1, 0, 1, 0)).toBe(10);
    expect(net.transitMs(0, 2, 1, 0)).toBe(10);
    expect(net.transitMs(0, 1, 1, 495)).toBe(10);
  });

  test("are new ones after a time of datagrams, and wait for nothing of the old ones", () => {
    const net = links({ kind: "stream", latency: { model: "constant", ms: 500 } });
    expect(net.transitMs(0, 1, 1, 0)).toBe(500);
    net.change({ kind: "datagram", ...in10ms });
    net.change({ kind: "stream" });
    expect(net.transitMs(0, 1, 1, 0)).toBe(10);
  });
});

describe("bandwidth", () => {
  const limited = { ...in10ms, maxQueueMs: 2e9 } as const;

  test.each(["uploadBytesPerSecond", "downloadBytesPerSecond"] as const)(
    "%s: n messages of b bytes take n * b / rate, at least and to the millisecond",
    (line) => {
      const anyBurst = fc.record({
        count: fc.integer({ min: 1, max: 60 }),
        bytes: fc.nat({ max: 2000 }),
        rate: fc.integer({ min: 100, max: 1_000_000 }),
      });
      fc.assert(
        fc.property(anyBurst, ({ count, bytes, rate }) => {
          const net = links({ ...limited, [line]: rate });
          const last = Math.max(...burst(net, count, bytes));
          const expected = (count * bytes * 1000) / rate + 10;
          // Rounding in the sum of fractions is far below a millionth of a millisecond.
          expect(last).toBeGreaterThanOrEqual(expected - 1e-6);
          expect(last).toBeLessThan(expected + 1 + 1e-6);
        }),
      );
    },
  );

  test("of the slower end decides, and both ends work at once", () => {
    const net = links(limited);
    net.setBandwidth(0, 1000, 0);
    net.setBandwidth(1, 0, 500);
    expect(burst(net, 3, 100)).toEqual([210, 410, 610]);
    // The sender was done after 300 ms, and others hear from it then.
    expect(net.transitMs(0, 2, 100, 0)).toBe(410);
    expect(net.transitMs(2, 1, 100, 0)).toBe(810);
  });

  test("that is not used is not saved up", () => {
    const net = links({ ...limited, uploadBytesPerSecond: 1000 });
    expect(net.transitMs(0, 1, 100, 0)).toBe(110);
    expect(net.transitMs(0, 1, 100, 5000)).toBe(110);
    expect(net.transitMs(0, 1, 100, 5000)).toBe(210);
  });

  test("drops what would wait for longer than maxQueueMs, and what it drops costs nothing", () => {
    const net = links({ ...in10ms, uploadBytesPerSecond: 1000, maxQueueMs: 250 });
    expect(burst(net, 6, 100)).toEqual([110, 210, 310, lost, lost, lost]);
    expect(net.counters).toMatchObject({ sent: 6, queueDropped: 3 });
    expect(net.transitMs(0, 1, 100, 50)).toBe(360);
    const full = links({ ...in10ms, downloadBytesPerSecond: 1000, maxQueueMs: 150 });
    expect(burst(full, 4, 100)).toEqual([110, 210, lost, lost]);
    expect(full.counters.queueDropped).toBe(2);
  });

  test("is used up by what is lost or cut off: the sender does not know", () => {
    const net = links({ ...limited, uploadBytesPerSecond: 1000 });
    net.connectivity.cut(0, 2);
    expect(net.transitMs(0, 2, 100, 0)).toBe(lost);
    expect(net.transitMs(0, 1, 100, 0)).toBe(210);
    net.change({ loss: 1 });
    expect(net.transitMs(0, 1, 100, 0)).toBe(lost);
    net.change({ loss: 0 });
    expect(net.transitMs(0, 1, 100, 0)).toBe(410);
  });

  test("of one node is its own, whatever is said of all others before or after", () => {
    const net = links(limited);
    net.setBandwidth(0, 1000, 0);
    net.change({ uploadBytesPerSecond: 100 });
    expect(net.transitMs(0, 2, 100, 0)).toBe(110);
    expect(net.transitMs(1, 2, 100, 0)).toBe(1010);
    net.change({ uploadBytesPerSecond: 0 });
    expect(net.transitMs(3, 2, 100, 0)).toBe(10);
    expect(net.transitMs(0, 2, 100, 0)).toBe(210);
  });
});

describe("a change", () => {
  test("leaves what it does not name, and changes nothing if it cannot be", () => {
    const net = links({ ...in10ms, loss: 0.5 });
    net.change({ loss: 0, reordering: undefined as unknown as number });
    expect(net.settings).toMatchObject({ ...in10ms, loss: 0, reordering: 0 });
    expect(() => net.change({ latency: { model: "constant", ms: 99 }, loss: 2 })).toThrow(
      "loss: 2 is more than 1",
    );
    expect(net.transitMs(0, 1, 1, 0)).toBe(10);
  });

  test("of something else keeps the loads of the routers", () => {
    const net = links({ latency: { model: "routed", routers: 2, links: [[0, 1, 30]], subnets: [0, 1] } });
    expect(net.transitMs(0, 1, 100, 0)).toBe(30);
    net.change({ duplication: 0.5 });
    expect(net.topology!.loads()[0]).toEqual({ kind: "link", from: 0, to: 1, messages: 1, bytes: 100 });
    net.change(in10ms);
    expect(net.topology).toBeUndefined();
  });

  test("to a latency of zones leaves nodes in the zones into which they were put", () => {
    const net = links(in10ms);
    net.setZone(0, 1);
    expect(net.zoneOf(0)).toBe(1);
    expect(net.zoneOf(2)).toBe(0);
    net.change({
      latency: {
        model: "zones",
        matrixMs: [
          [1, 20],
          [20, 5],
        ],
      },
    });
    expect(net.transitMs(0, 1, 1, 0)).toBe(5);
    expect(net.transitMs(2, 1, 1, 0)).toBe(20);
    net.change({ latency: { model: "routed", routers: 2, links: [[0, 1, 30]], subnets: [0, 1] } });
    expect(net.topology!.subnetOf(0)).toBe(1);
    expect(() => net.change({ latency: { model: "zones", matrixMs: [[1]] } })).toThrow(
      "zone: 1 is not one of 0 to 0",
    );
    expect(net.topology!.subnetOf(0)).toBe(1);
  });
});

test("rows and zones that are not there are refused", () => {
  const net = links({
    latency: {
      model: "zones",
      matrixMs: [
        [1, 2],
        [3, 4],
      ],
    },
  });
  expect(() => net.setZone(8, 0)).toThrow("row: 8 is not from 0 to 7");
  expect(() => net.setZone(0, 2)).toThrow("zone: 2 is not one of 0 to 1");
  expect(() => net.setZone(0, -1)).toThrow(UsageError);
  expect(() => net.setBandwidth(0, -5, 0)).toThrow("uploadBytesPerSecond: -5 is less than 0");
  expect(() => links({ loss: 7 })).toThrow("loss: 7 is more than 1");
});

test("zones give partitions: what is sent within passes, what is sent across does not", () => {
  const net = links({
    latency: {
      model: "zones",
      matrixMs: [
        [1, 2],
        [3, 4],
      ],
    },
  });
  net.setZone(0, 1);
  net.connectivity.partitionByZone((row) => net.zoneOf(row));
  expect(net.transitMs(0, 1, 1, 0)).toBe(4);
  expect(net.transitMs(0, 2, 1, 0)).toBe(lost);
});

test("every message is counted once: it arrives, or is lost, cut off or dropped", () => {
  const net = links({ loss: 0.1, reordering: 0.2, uploadBytesPerSecond: 5000, maxQueueMs: 500 });
  net.connectivity.partition([[0, 1, 2], [3]]);
  let arrived = 0;
  for (let i = 0; i < draws; i++) if (net.transitMs(i % 3, (i * 5) % 4, 10, i) >= 0) arrived++;
  const { sent, lost: gone, cut, queueDropped } = net.counters;
  expect(sent).toBe(draws);
  expect(arrived + gone + cut + queueDropped).toBe(draws);
  for (const kind of [arrived, gone, cut]) expect(kind).toBeGreaterThan(500);
});
