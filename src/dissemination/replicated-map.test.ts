import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import type { DeathCertificate, MapEntry, Timestamp } from "./anti-entropy-messages.ts";
import { compareTimestamps, retentionSites } from "./death-certificates.ts";
import { compareEntries, idOf, ReplicatedMap, type ReplicatedMapOptions } from "./replicated-map.ts";

const at = (time: number, site: string | number = "a"): Timestamp => ({ time, site });
const value = (key: string, time: number, text = "x", site: string | number = "a"): MapEntry => ({
  type: "value",
  key,
  value: text,
  timestamp: at(time, site),
});
const certificate = (key: string, time: number, more: Partial<DeathCertificate> = {}): DeathCertificate => ({
  type: "death-certificate",
  key,
  timestamp: at(time),
  activation: at(time),
  retention: [],
  ...more,
});
const mapOf = (options: Partial<ReplicatedMapOptions> = {}, site: string | number = "self") =>
  new ReplicatedMap(site, options);

const timestamp = fc.record({ time: fc.nat(5), site: fc.constantFrom<string | number>("a", "b", 1, 2) });
const key = fc.constantFrom("k", "l");
const entry: fc.Arbitrary<MapEntry> = fc.oneof(
  fc.record({
    type: fc.constant("value" as const),
    key,
    value: fc.oneof(fc.constantFrom("x", "y"), fc.uint8Array({ maxLength: 2 })),
    timestamp,
  }),
  fc.record({ key, timestamp, later: fc.nat(3), site: fc.constantFrom("a", "b") }).map(
    ({ key, timestamp, later, site }): MapEntry => ({
      type: "death-certificate",
      key,
      timestamp,
      activation: later === 0 ? timestamp : { time: timestamp.time + later, site },
      retention: [],
    }),
  ),
);

describe("merging", () => {
  test("gives the same replica in whatever order entries come, and however often", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (entries, dice) => {
        const shuffled = entries.flatMap((one) => (dice.next().value % 3 === 0 ? [one, one] : [one]));
        shuffled.sort(() => (dice.next().value % 2) - 0.5);
        const [one, other] = [mapOf(), mapOf()];
        for (const each of entries) one.merge(each, 10);
        for (const each of shuffled) other.merge(each, 10);
        expect(other.checksum).toEqual(one.checksum);
        expect([...other.entries()].map(idOf).map(String).sort()).toEqual(
          [...one.entries()].map(idOf).map(String).sort(),
        );
      }),
    );
  });

  test("keeps the greatest entry of each key", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 12 }), (entries) => {
        const map = mapOf();
        for (const each of entries) map.merge(each, 10);
        for (const name of ["k", "l"]) {
          const best = entries
            .filter((each) => each.key === name)
            .sort(compareEntries)
            .at(-1);
          expect(map.entry(name)).toEqual(best);
        }
      }),
    );
  });

  test("orders entries totally: only what says the same is equal", () => {
    fc.assert(
      fc.property(entry, entry, entry, (a, b, c) => {
        expect(Math.sign(compareEntries(a, b))).toBe(-Math.sign(compareEntries(b, a)) + 0);
        if (compareEntries(a, b) <= 0 && compareEntries(b, c) <= 0)
          expect(compareEntries(a, c)).toBeLessThanOrEqual(0);
        const isSame = String(idOf({ ...a, key: "k" })) === String(idOf({ ...b, key: "k" }));
        expect(compareEntries({ ...a, key: "k" }, { ...b, key: "k" }) === 0).toBe(isSame);
      }),
    );
  });

  test("is by time, then by site: numbers before texts", () => {
    const sorted = [at(1, 2), at(1, 10), at(1, "10"), at(1, "2"), at(2, 0)];
    expect([...sorted].reverse().sort(compareTimestamps)).toEqual(sorted);
  });

  test("says what became of an entry", () => {
    const map = mapOf();
    expect(map.merge(value("k", 5), 10)).toBe("newer");
    expect(map.merge(value("k", 5), 10)).toBe("same");
    expect(map.merge(value("k", 4), 10)).toBe("obsolete");
    expect(map.merge(certificate("k", 6), 10)).toBe("newer");
    expect(map.get("k")).toBeUndefined();
    expect(map.counters).toMatchObject({ newer: 2, same: 1, obsolete: 1 });
  });
});

describe("a site's own updates", () => {
  test("win over what the site saw, even from a clock that is ahead, and over each other", () => {
    const map = mapOf();
    map.merge(value("k", 50_000, "ahead", "z"), 10);
    map.put("k", "mine", 10);
    expect(map.get("k")).toBe("mine");
    map.put("l", "first", 10);
    map.put("l", "second", 10);
    expect(map.get("l")).toBe("second");
    const other = mapOf({}, "other");
    for (const each of [...map.entries()].reverse()) other.merge(each, 10);
    expect(other.checksum).toEqual(map.checksum);
  });

  test("that delete what is not there leave no certificate", () => {
    const map = mapOf();
    expect(map.delete("k", 10, [])).toBeUndefined();
    map.put("k", "x", 10);
    expect(map.delete("k", 11, [])).toMatchObject({ key: "k", timestamp: { site: "self" } });
    expect(map.delete("k", 12, [])).toBeUndefined();
    expect(map.size).toBe(1);
  });
});

describe("what a peer can make us hold", () => {
  test("are no entries from the future, by more than clocks may be wrong", () => {
    const map = mapOf({ maxAheadMs: 100 });
    expect(map.merge(value("k", 1101), 1000)).toBe("ahead");
    expect(map.merge(certificate("k", 5, { activation: at(1101) }), 1000)).toBe("ahead");
    expect(map.merge(value("k", 1100), 1000)).toBe("newer");
    expect(map.counters.ahead).toBe(2);
  });

  test("are so many keys", () => {
    const map = mapOf({ maxKeys: 2 });
    expect(["a", "b", "c"].map((name) => map.merge(value(name, 1), 10))).toEqual(["newer", "newer", "full"]);
    expect(map.merge(value("a", 2), 10)).toBe("newer");
    expect(map.size).toBe(2);
    expect(() => map.put("c", "x", 10)).toThrow(UsageError);
    expect(map.get("c")).toBeUndefined();
  });

  test("are so many bytes, of one value and of all", () => {
    const map = mapOf({ maxValueBytes: 10, maxTotalBytes: 22 });
    expect(map.merge(value("k", 1, "123456"), 10)).toBe("too-large");
    expect(map.merge(value("k", 1, "12345"), 10)).toBe("newer");
    expect(map.merge(value("l", 1, "12345"), 10)).toBe("full");
    expect(map.merge(value("k", 2, "1"), 10)).toBe("newer");
    expect(map.merge(value("l", 1, "12345"), 10)).toBe("newer");
  });

  test.each<[string, MapEntry]>([
    ["a key that is too long", value("k".repeat(257), 1)],
    ["a time that is no integer", value("k", 1.5)],
    ["a negative time", value("k", -1)],
    ["a site that is no integer", value("k", 1, "x", 0.5)],
    ["a site that is too long", value("k", 1, "x", "s".repeat(257))],
    ["too many retention sites", certificate("k", 1, { retention: Array.from({ length: 17 }, (_, i) => i) })],
    ["an activation before the deletion", certificate("k", 5, { activation: at(4) })],
  ])("is nothing with %s", (_, nonsense) => {
    const map = mapOf();
    expect(map.merge(nonsense, 10)).toBe("malformed");
    expect(map.size).toBe(0);
  });
});

describe("recent updates", () => {
  test("are those of an age below recentMs, newest first", () => {
    const map = mapOf({ recentMs: 100 });
    for (const [name, time] of [
      ["a", 950],
      ["b", 990],
      ["c", 970],
      ["old", 800],
    ] as const)
      map.merge(value(name, time), 1000);
    expect(map.recentUpdates(1000, 10).map((each) => each.key)).toEqual(["b", "c", "a"]);
    expect(map.recentUpdates(1000, 2).map((each) => each.key)).toEqual(["b", "c"]);
    expect(map.recentUpdates(1050, 10).map((each) => each.key)).toEqual(["b", "c"]);
    expect(map.recentUpdates(2000, 10)).toEqual([]);
  });

  test("have each key once, as it is now", () => {
    const map = mapOf();
    map.merge(value("k", 1), 10);
    map.merge(value("k", 2), 10);
    expect(map.recentUpdates(10, 10)).toEqual([value("k", 2)]);
  });
});

describe("death certificates", () => {
  const ages = { tau1Ms: 100, tau2Ms: 1000 };
  /** A replica that has deleted `k` at time 10, seen at time `now`. */
  function deletedAt10(now: number, retention: readonly string[] = ["self"]) {
    const map = mapOf(ages);
    map.merge(value("k", 1), 2);
    map.merge(certificate("k", 10, { retention }), 10);
    map.expire(now);
    return map;
  }

  test("are kept by everybody up to tau1, by retention sites up to tau1 + tau2, and then by nobody", () => {
    const seen = (now: number, retention: readonly string[]) => {
      const map = deletedAt10(now, retention);
      return [map.size, map.dormant];
    };
    expect(seen(109, [])).toEqual([1, 0]);
    expect(seen(110, [])).toEqual([0, 0]);
    expect(seen(110, ["other", "self"])).toEqual([0, 1]);
    const map = deletedAt10(110);
    map.merge(certificate("l", 1000), 1000);
    map.expire(1109);
    expect(map.dormant).toBe(1);
    map.merge(certificate("m", 1100), 1100);
    map.expire(1200);
    expect(map.dormant).toBe(0);
  });

  test("that are dormant awake when they meet an obsolete value, and are active for tau1 again", () => {
    const map = deletedAt10(200);
    expect(map.merge(value("k", 1), 300)).toBe("awakened");
    expect(map.get("k")).toBeUndefined();
    expect(map.entry("k")).toMatchObject({ timestamp: at(10), activation: { time: 300, site: "self" } });
    expect(map.recentUpdates(300, 10)).toHaveLength(1);
    map.expire(399);
    expect([map.size, map.dormant]).toEqual([1, 0]);
    map.expire(400);
    expect([map.size, map.dormant]).toEqual([0, 1]);
  });

  test("that were awakened do not cancel what was written after the deletion", () => {
    const map = deletedAt10(200);
    map.merge(value("k", 1), 300);
    expect(map.merge(value("k", 50, "reinstated"), 300)).toBe("newer");
    expect(map.get("k")).toBe("reinstated");
  });

  test("that are dormant go when the key is written anew", () => {
    const map = deletedAt10(200);
    expect(map.merge(value("k", 150), 200)).toBe("newer");
    expect([map.size, map.dormant]).toEqual([1, 0]);
    const own = deletedAt10(200);
    own.put("k", "again", 5);
    expect([own.get("k"), own.dormant]).toEqual(["again", 0]);
    expect(own.entry("k")!.timestamp.time).toBeGreaterThan(10);
  });

  test("that another site has awakened spread to those that have them dormant", () => {
    const map = deletedAt10(200);
    expect(map.merge(certificate("k", 10, { activation: at(150), retention: ["self"] }), 200)).toBe("newer");
    expect([map.size, map.dormant]).toEqual([1, 0]);
  });

  test("that come when they have expired are not taken up, but what they cancel goes", () => {
    const map = mapOf(ages);
    map.merge(value("k", 1), 500);
    expect(map.merge(certificate("k", 10, { retention: ["self"] }), 500)).toBe("newer");
    expect([map.size, map.dormant]).toEqual([0, 1]);
    expect(map.merge(certificate("l", 10), 500)).toBe("expired");
    expect([map.size, map.dormant]).toEqual([0, 1]);
  });

  test("that are dormant are bounded in number", () => {
    const map = mapOf({ ...ages, maxDormant: 2 });
    for (const name of ["a", "b", "c"]) map.merge(certificate(name, 10, { retention: ["self"] }), 10);
    map.expire(200);
    expect([map.size, map.dormant]).toEqual([0, 2]);
  });

  test("choose their retention sites by key: the same from whatever order, and all sites in turn", () => {
    const sites = Array.from({ length: 20 }, (_, i) => `site-${i}`);
    const chosen = new Map<string | number, number>();
    for (let i = 0; i < 1000; i++) {
      const four = retentionSites(`key ${i}`, sites, 4);
      expect(new Set(four).size).toBe(4);
      expect(retentionSites(`key ${i}`, [...sites].reverse(), 4)).toEqual(four);
      for (const site of four) chosen.set(site, (chosen.get(site) ?? 0) + 1);
    }
    // 200 each expected, standard deviation 12.6
    for (const site of sites) expect(Math.abs(chosen.get(site)! - 200)).toBeLessThan(5 * 12.6);
  });
});
