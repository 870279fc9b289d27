import { describe, expect, test } from "vitest";
import type { FeedTotals } from "../../../../src/trace/feed.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { NotableEvents } from "../../timeline/notable-events.ts";
import {
  isKnown,
  lastKnown,
  lastUntil,
  latestDelays,
  marksOf,
  sumAt,
  talkersBy,
  trafficSeries,
} from "./traffic-series.ts";

const totals = (at: number, changes: Partial<FeedTotals> = {}): FeedTotals => ({
  ...{ at, peers: 3, seeds: 1, stopped: 0, published: 0, delivered: 0, copiesSent: 0 },
  ...{ sentBytes: {}, sentMessages: {}, latencyMs: { count: 0, p50: 0, p99: 0, max: 0 } },
  ...changes,
});

describe("rates", () => {
  test("are per second, whatever the time between two totals", () => {
    const { x, messages } = trafficSeries(
      [
        totals(1000, { sentMessages: { overlay: 10 } }),
        totals(2000, { sentMessages: { overlay: 30, broadcast: 5 } }),
        totals(6000, { sentMessages: { overlay: 30, broadcast: 45 } }),
      ],
      1000,
    );
    expect(x).toEqual([1000, 5000]);
    expect(messages).toEqual([
      { layer: "broadcast", values: [5, 10] },
      { layer: "overlay", values: [20, 0] },
    ]);
  });

  test("of a counter that began anew count from nothing", () => {
    expect(
      trafficSeries([totals(0, { published: 90 }), totals(1000, { published: 4 })], 0).published,
    ).toEqual([4]);
  });

  test("of trees are there where somebody has made one, and nowhere else", () => {
    const trees = { announced: 4, grafts: 1, prunes: 0 };
    const some = trafficSeries([totals(0), totals(2000, { trees })], 0);
    expect([some.announced, some.grafts, some.prunes]).toEqual([[2], [0.5], [0]]);
    const none = { announced: 0, grafts: 0, prunes: 0 };
    expect(isKnown(trafficSeries([totals(0), totals(2000, { trees: none })], 0).grafts)).toBe(false);
  });

  test("of two totals at one moment are none", () => {
    expect(
      trafficSeries([totals(0), totals(0, { published: 5 }), totals(1000, { published: 7 })], 0).published,
    ).toEqual([7]);
  });

  test("of a run's last moment are those of the second before it and of that moment together", () => {
    const latencyMs = { count: 1, p50: 40, p99: 40, max: 40 };
    const { x, published, latencyP50 } = trafficSeries(
      [totals(0), totals(1000, { published: 5, latencyMs }), totals(1250, { published: 10 })],
      0,
    );
    expect([x, published, latencyP50]).toEqual([[1250], [8], [40]]);
  });

  test("add up over the layers", () => {
    const rates = [
      { layer: "a", values: [1, 2] },
      { layer: "b", values: [10, null] },
    ];
    expect([sumAt(rates, 0), sumAt(rates, 1)]).toEqual([11, 2]);
  });
});

describe("redundancy", () => {
  const redundancyOf = (...counts: readonly (readonly [at: number, copies: number, deliveries: number])[]) =>
    trafficSeries(
      counts.map(([at, copiesSent, delivered]) => totals(at, { copiesSent, delivered })),
      0,
    ).redundancy;

  test("is copies per delivery, minus 1, also where they fall into different seconds", () => {
    expect(redundancyOf([0, 0, 0], [1000, 30, 0], [2000, 30, 10])).toEqual([null, 2]);
  });
  test("is that of the last ten seconds", () => {
    expect(redundancyOf([0, 0, 0], [1000, 30, 10], [11_000, 80, 20], [22_000, 80, 20])).toEqual([2, 4, null]);
  });
  test("is unknown where fewer copies than deliveries were counted", () => {
    expect(redundancyOf([0, 0, 0], [1000, 0, 10])).toEqual([null]);
  });
});

test("latency is unknown in a second without receipts, and the last known is that of the second before", () => {
  const { latencyP99 } = trafficSeries(
    [totals(0), totals(1000, { latencyMs: { count: 4, p50: 5, p99: 9, max: 9 } }), totals(2000)],
    0,
  );
  expect(latencyP99).toEqual([9, null]);
  expect([lastKnown(latencyP99, 1), lastKnown(latencyP99, -1)]).toEqual([9, undefined]);
});

test("what a recorded run does not tell is not drawn", () => {
  const recorded = trafficSeries([totals(0), totals(1000)], 0);
  const process = { cpuShare: 0.5, memoryBytes: 7, eventLoopDelayMs: { p50: 1, p99: 2, max: 3 } };
  const live = trafficSeries([totals(0), totals(1000, { process })], 0);
  expect([isKnown(recorded.cpu), isKnown(live.cpu), live.cpu]).toEqual([false, true, [50]]);
});

test("the interval at a moment is the last that had ended by then", () => {
  const series = trafficSeries([totals(0), totals(1000), totals(2000)], 0);
  expect([lastUntil(series, 999), lastUntil(series, 1000), lastUntil(series, 9999)]).toEqual([-1, 0, 1]);
});

const world = (() => {
  const picture = new NetworkPicture(new NodeRegister());
  const notable = new NotableEvents();
  const apply = (event: {
    at: number;
    node: number | string;
    layer: string;
    type: string;
    [field: string]: unknown;
  }) => {
    picture.apply(event);
    notable.apply(event);
  };
  for (const [node, role] of [
    [0, "seed"],
    [2, "peer"],
    [10, "peer"],
  ] as const)
    apply({ at: 5, node, layer: "scenario", type: "joined", name: `${role}-${node}`, role });
  apply({ at: 8, node: 10, layer: "broadcast", type: "forwarded", to: [2, 0], count: 3 });
  apply({ at: 20, node: 2, layer: "scenario", type: "crashed" });
  apply({ at: 30, node: "", layer: "scenario", type: "partitioned", sizes: [1, 1] });
  return { picture, notable };
})();

test("delays are those of the latest messages, to those who had them by then", () => {
  const message = (publishedAt: number, ...receivedAfterMs: number[]) =>
    ({ publishedAt, receivedAfterMs }) as never;
  expect(latestDelays([message(0, 3, 4), message(10, 1, 9)], 15)).toEqual([1, 3, 4]);
  const large = message(20, ...new Array<number>(20_000).fill(7));
  expect(latestDelays([message(0, 3), large], 99)).toHaveLength(20_000);
});

test("deaths and partitions are marked, by name and by the time since the beginning", () => {
  expect(marksOf(world.notable, world.picture, 5)).toEqual([
    { at: 15, label: "✕ peer-2", isDeath: true },
    { at: 25, label: "partitioned", isDeath: false },
  ]);
});

test("talkers are sorted by copies or by name, numbers in names by their value, without seeds", () => {
  const sorted = (column: Parameters<typeof talkersBy>[1], isReversed = false) =>
    talkersBy(world.picture, column, isReversed).map(({ name }) => name);
  expect(sorted("copiesSent")).toEqual(["peer-10", "peer-2"]);
  expect(sorted("name")).toEqual(["peer-2", "peer-10"]);
  expect(sorted("name", true)).toEqual(["peer-10", "peer-2"]);
});
