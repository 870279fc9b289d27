import { describe, expect, test } from "vitest";
import type { RoutingProtocol } from "../core/index.ts";
import { LookupNetwork, type Place } from "../lab/lookup/lookup-network.ts";
import { Chord } from "../lookup/chord.ts";
import { Pastry } from "../lookup/pastry.ts";
import { chordUpkeep, kademliaUpkeep, pastryUpkeep, republishTraffic } from "./lookup-upkeep.ts";

/** Messages of these types per node and second, in a network that has settled. */
function measured(make: (place: Place) => RoutingProtocol, types: readonly string[]): number {
  const rows = 40;
  const network = new LookupNetwork({ seed: 1, rows, make });
  for (let row = 0; row < rows; row++) {
    network.start(row, row === 0 ? [] : [0, row >> 1]);
    network.run(100);
  }
  network.run(600_000);
  const sent = () => types.reduce((sum, type) => sum + (network.sent.byType.get(type)?.messages ?? 0), 0);
  const before = sent();
  network.run(300_000);
  return (sent() - before) / rows / 300;
}

describe("upkeep", () => {
  test("of Chord's ring is what its nodes send, fingers apart", () => {
    const periods = { stabilizeMs: 20_000, checkPredecessorMs: 5000, fixFingersMs: 0 };
    const ring = measured((place) => new Chord(place), ["ask-state", "state", "notify", "ping", "pong"]);
    expect(Math.abs(ring / chordUpkeep({ asked: 3, ...periods }) - 1)).toBeLessThan(0.03);
  });

  test("of Pastry's tables is what its nodes send, searches for lost parts apart", () => {
    const tables = measured((place) => new Pastry(place), ["leaves", "ask-row", "row", "ping", "pong"]);
    expect(
      Math.abs(tables / pastryUpkeep({ leafIntervalMs: 4000, tableIntervalMs: 10_000 }) - 1),
    ).toBeLessThan(0.03);
  });

  test("adds up: each lookup costs two messages for each node that it asks", () => {
    const never = { stabilizeMs: 0, checkPredecessorMs: 0 };
    expect(chordUpkeep({ asked: 6, ...never, fixFingersMs: 30_000 })).toBeCloseTo(0.4, 12);
    expect(kademliaUpkeep({ buckets: 10, asked: 18, refreshMs: 3_600_000 })).toBeCloseTo(0.1, 12);
    // A record of 8 is one's turn in every eighth period: 10 questions and 7 copies, all with answers.
    expect(republishTraffic({ records: 800, replicas: 8, asked: 10, republishMs: 3_600_000 })).toBeCloseTo(
      (100 * 34) / 3600,
      12,
    );
  });

  test("with a period below zero is refused", () => {
    expect(() => pastryUpkeep({ leafIntervalMs: -1, tableIntervalMs: 1 })).toThrow(
      "leafIntervalMs: -1 is less than 0",
    );
    expect(() => republishTraffic({ records: 1, replicas: 0, asked: 1, republishMs: 1 })).toThrow(
      "replicas: 0 is less than 1",
    );
  });
});
