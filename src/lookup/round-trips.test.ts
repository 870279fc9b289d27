import { describe, expect, test } from "vitest";
import { lookupOptions } from "./lookup-options.ts";
import { RoundTrips } from "./round-trips.ts";

const settings = lookupOptions({ minTimeoutMs: 50, firstTimeoutMs: 500, maxTimeoutMs: 5000 });
const fresh = (maxPeers = 1024) => new RoundTrips({ settings, maxPeers });

describe("the time-out of a peer", () => {
  test("is the first one as long as nobody was measured, and twice that until it counts as silent", () => {
    const trips = fresh();
    expect(trips.softTimeoutMs("a")).toBe(500);
    expect(trips.hardTimeoutMs("a")).toBe(1000);
    expect(trips.rttMs("a")).toBeUndefined();
  });

  test("is SRTT + 4 RTTVAR with the gains of RFC 6298", () => {
    const trips = fresh();
    trips.onAnswer("a", 0, 200); // srtt 200, rttvar 100
    expect(trips.softTimeoutMs("a")).toBe(600);
    trips.onAnswer("a", 1000, 1280); // rttvar 100 + (80 - 100)/4 = 95, srtt 200 + 80/8 = 210
    expect(trips.rttMs("a")).toBe(210);
    expect(trips.softTimeoutMs("a")).toBe(590);
  });

  test("is never below the floor nor above the maximum", () => {
    const trips = fresh();
    for (let i = 0; i < 50; i++) trips.onAnswer("near", i, i + 1);
    expect(trips.softTimeoutMs("near")).toBe(50);
    trips.onAnswer("far", 0, 60_000);
    expect(trips.softTimeoutMs("far")).toBe(5000);
    expect(trips.hardTimeoutMs("far")).toBe(5000);
  });

  test("is what all peers together have shown for one that was never measured", () => {
    const trips = fresh();
    for (let i = 0; i < 50; i++) trips.onAnswer(`peer-${i}`, 0, 100);
    expect(trips.softTimeoutMs("stranger")).toBeLessThan(120);
    expect(trips.softTimeoutMs("stranger")).toBeGreaterThanOrEqual(100);
  });

  test("until it counts as silent doubles with every silence and comes back with the next sample (Karn)", () => {
    const trips = fresh();
    trips.onAnswer("a", 0, 100); // 300
    trips.onSilence("a", 400);
    expect(trips.hardTimeoutMs("a")).toBe(1200);
    trips.onSilence("a", 2000);
    expect(trips.hardTimeoutMs("a")).toBe(2400);
    for (let i = 0; i < 100; i++) trips.onSilence("a", 3000);
    expect(trips.hardTimeoutMs("a")).toBe(5000);
    trips.onAnswer("a", 4000, 4100);
    expect(trips.hardTimeoutMs("a")).toBeLessThan(620);
  });

  test("does not grow with silences where only another one is asked beside it", () => {
    const trips = fresh();
    trips.onAnswer("a", 0, 100);
    for (let i = 0; i < 5; i++) trips.onSilence("a", 400);
    expect(trips.softTimeoutMs("a")).toBe(300);
  });

  test("is one for all addresses of an identity", () => {
    const id = "0f".repeat(20);
    const trips = fresh();
    trips.onAnswer(`${id}@10.0.0.1:1`, 0, 80);
    expect(trips.rttMs(`${id}@10.0.0.2:2`)).toBe(80);
  });
});

test("a peer is a suspect for a minute after it was silent, or until it answers", () => {
  const trips = fresh();
  expect(trips.isSuspect("a", 0)).toBe(false);
  trips.onSilence("a", 1000);
  expect(trips.isSuspect("a", 60_999)).toBe(true);
  expect(trips.isSuspect("a", 61_000)).toBe(false);
  trips.onAnswer("a", 2000, 2100);
  expect(trips.isSuspect("a", 2200)).toBe(false);
});

test("with each silence in a row it is a suspect for twice as long, for its second limit doubles, too", () => {
  const trips = new RoundTrips({ settings });
  for (const at of [1000, 2000, 3000]) trips.onSilence("a", at);
  expect(trips.isSuspect("a", 3000 + 239_999)).toBe(true);
  expect(trips.isSuspect("a", 3000 + 240_000)).toBe(false);
  trips.onAnswer("a", 3000, 3100);
  trips.onSilence("a", 4000);
  expect(trips.isSuspect("a", 64_000)).toBe(false);
});

test("who has moved is no suspect because its old address is silent", () => {
  const trips = fresh();
  trips.onSilence("a@10.0.0.1:9000", 1000);
  expect(trips.isSuspect("a@10.0.0.1:9000", 1001)).toBe(true);
  expect(trips.isSuspect("a@10.0.0.1:9001", 1001)).toBe(false);
});

test("who answers is no suspect, though the answer is no sample because we had paused", () => {
  const trips = fresh();
  trips.onSilence("a", 1000);
  trips.graceMs(1000, 3000);
  const { samples } = trips.counters;
  trips.onAnswer("a", 1500, 3000);
  expect(trips.counters.samples).toBe(samples);
  expect(trips.isSuspect("a", 3001)).toBe(false);
});

test("peers are bounded: the one measured longest ago is forgotten", () => {
  const trips = fresh(3);
  for (const peer of ["a", "b", "c"]) trips.onAnswer(peer, 0, 100);
  trips.onAnswer("a", 200, 300);
  trips.onAnswer("d", 0, 100);
  expect(trips.size).toBe(3);
  expect(trips.rttMs("b")).toBeUndefined();
  expect(trips.rttMs("a")).toBe(100);
  expect(trips.counters.forgotten).toBe(1);
});

describe("a pause of our own", () => {
  test("is noticed by a late timer, which asks for patience", () => {
    const trips = fresh();
    expect(trips.graceMs(1000, 1049)).toBe(0);
    expect(trips.graceMs(1000, 3000)).toBe(50);
    expect(trips.counters.pauses).toBe(1);
  });

  test("makes nobody slow: answers to questions from before it are no samples", () => {
    const trips = fresh();
    trips.onAnswer("a", 0, 100);
    trips.graceMs(1000, 9000);
    trips.onAnswer("a", 900, 9001);
    expect(trips.rttMs("a")).toBe(100);
    trips.onAnswer("a", 9010, 9110);
    expect(trips.counters.samples).toBe(2);
  });
});
