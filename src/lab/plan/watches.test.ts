import { describe, expect, test } from "vitest";
import { CrashWatch } from "./crash-watch.ts";
import { DeliveryWatch } from "./delivery-watch.ts";

const rowOf = (id: string | number) => Number(id);

describe("crashes", () => {
  function watched() {
    const watch = new CrashWatch(rowOf);
    for (const row of [1, 2, 3, 4]) watch.onLife(row, 10);
    watch.isCounting = true;
    return watch;
  }
  const failed = (peer: number, incarnation = 10) => ({ type: "member-failed", peer, incarnation });

  test("are noticed when the first and when the last of those who watch has given the node up", () => {
    const watch = watched();
    watch.onCrash(1000, 1, "silent", [2, 3]);
    watch.onNotice(1500, 2, failed(1));
    watch.onNotice(1700, 4, failed(1)); // did not watch
    expect(watch.isNoticed(1)).toBe(false);
    watch.onNotice(2100, 3, { type: "neighbor-down", neighbor: 1, reason: "failed" });
    watch.onNotice(2900, 3, failed(1)); // has given it up already
    expect(watch.isNoticed(1)).toBe(true);
    watch.close(1);
    expect(watch.results).toEqual([{ kind: "silent", firstMs: 500, allMs: 1100 }]);
    expect(watch.falsePositives).toBe(0);
  });

  test("that somebody who watches has not noticed count as never noticed, unless that one died, too", () => {
    const watch = watched();
    watch.onCrash(0, 1, "killed", [2, 3]);
    watch.onNotice(100, 2, failed(1));
    watch.close(1);
    watch.onCrash(0, 2, "killed", [3, 4]);
    watch.onNotice(100, 3, failed(2));
    watch.onCrash(150, 4, "killed", []);
    watch.close(2);
    expect(watch.results.map(({ allMs }) => allMs)).toEqual([Number.POSITIVE_INFINITY, 100]);
  });

  test("are no false alarms, nor are late verdicts about an earlier life; each life that is given up while it lasts is one", () => {
    const watch = watched();
    watch.onCrash(0, 1, "silent", [2]);
    watch.onNotice(50, 2, failed(1));
    watch.onLife(1, 20);
    watch.onNotice(60, 3, failed(1, 10));
    expect(watch.falsePositives).toBe(0);
    watch.onNotice(70, 2, { type: "member-suspected", peer: 1, incarnation: 20, by: [2] });
    watch.onNotice(80, 2, failed(1, 20));
    watch.onNotice(81, 3, failed(1, 20));
    watch.onNotice(90, 3, failed(1, 21));
    expect([watch.suspicions, watch.falsePositives]).toEqual([1, 2]);
  });
});

describe("messages", () => {
  const published = { type: "published", origin: 0, incarnation: 1, sequence: 0 };
  const delivered = { ...published, type: "delivered" };

  function watched() {
    const watch = new DeliveryWatch(5, rowOf, 1000);
    for (const row of [0, 1, 2, 3]) watch.onLife(row, 0);
    watch.onLife(4, 5000); // has just started
    watch.isCounting = true;
    watch.onNotice(100, 0, published);
    return watch;
  }

  test("are due to all who live but their origin and newcomers, and late ones are not in time", () => {
    const watch = watched();
    expect(watch.expected).toBe(3);
    watch.onNotice(600, 1, delivered);
    watch.onNotice(700, 1, delivered); // twice
    watch.onNotice(700, 4, delivered); // need not
    watch.onNotice(1200, 2, delivered);
    expect([watch.inTime, watch.delivered]).toEqual([1, 2]);
    expect(watch.delays.max).toBe(1100);
  });

  test("are not due to who dies before their time is over, and stay due to who dies later", () => {
    const watch = watched();
    watch.onNotice(600, 1, delivered);
    watch.onCrash(900, 1);
    watch.onCrash(900, 2);
    watch.onCrash(1200, 3);
    expect([watch.expected, watch.inTime, watch.delivered]).toEqual([1, 0, 0]);
  });
});
