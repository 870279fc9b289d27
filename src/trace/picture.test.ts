import { describe, expect, test } from "vitest";
import { contentOf } from "../../test/support/picture-content.ts";
import { tracedRun } from "../../test/support/traced-run.ts";
import type { TraceEvent } from "../core/index.ts";
import { NodeRegister } from "./node-register.ts";
import { NetworkPicture } from "./picture.ts";

function pictureOf(events: Iterable<TraceEvent>, register = new NodeRegister()): NetworkPicture {
  const picture = new NetworkPicture(register);
  for (const event of events) picture.apply(event);
  return picture;
}

const peer = (row: number) => ({ node: row, at: 10 });
const joined = (row: number, role = "peer") =>
  ({ ...peer(row), layer: "scenario", type: "joined", name: `${role}-${row}`, role }) as TraceEvent;
const up = (a: number, b: number, at = 20) =>
  ({ at, node: a, layer: "overlay", type: "neighbor-up", neighbor: b }) as TraceEvent;
const heartbeat = (node: number, type: string, neighbor: number, at: number) =>
  ({ at, node, layer: "heartbeat", type, neighbor, misses: 3 }) as TraceEvent;

describe("a picture of a network", () => {
  test("takes whom somebody registered with for a seed, where nobody has named it", () => {
    const registered = { ...peer(1), layer: "introduction", type: "registered", seed: "10.0.0.9:80" };
    const picture = pictureOf([registered as TraceEvent]);
    expect([...picture.nodes.values()].map(({ name, role }) => [name, role])).toEqual([
      ["1", "peer"],
      ["10.0.0.9:80", "seed"],
    ]);
  });

  test("shows at the end of a run who lives, who is linked and whom the seeds list, as the run itself says", async () => {
    const { events, world } = await tracedRun();
    const picture = pictureOf(events);
    const nodes = [...picture.nodes.values()];
    const peers = await world.peers();
    expect(
      nodes.filter(({ role, state }) => role === "peer" && state === "alive").map(({ name }) => name),
    ).toEqual(peers.map(({ name }) => name));
    for (const { id, name, neighbors } of peers) {
      const node = picture.find(id)!;
      expect(node.name).toBe(name);
      expect([...node.neighbors].map((row) => picture.nodes.get(row)!.id).sort()).toEqual(
        [...neighbors].sort(),
      );
    }
    for (const { id, list } of await world.seeds()) {
      const listed = [...picture.find(id)!.list].map((row) => picture.nodes.get(row)!.id);
      expect(listed.sort()).toEqual(list.map(({ peer }) => peer).sort());
    }
    expect(nodes.filter(({ state }) => state === "dead").map(({ name }) => name)).toEqual(["peer-3"]);
    expect(nodes.filter(({ state }) => state === "left").map(({ name }) => name)).toEqual(["peer-5"]);
    expect(nodes.reduce((sum, { published }) => sum + published, 0)).toBe(3);
  });

  test("says itself in events: whoever reads its prologue and goes on ends where the others do", async () => {
    const { events } = await tracedRun();
    const whole = contentOf(pictureOf(events));
    for (const share of [0.01, 0.2, 0.4, 0.6, 0.8, 0.99]) {
      const cut = Math.floor(events.length * share);
      const before = pictureOf(events.slice(0, cut));
      const again = pictureOf(before.prologue());
      expect(contentOf(again)).toEqual(contentOf(before));
      for (const event of events.slice(cut)) again.apply(event);
      expect(contentOf(again)).toEqual(whole);
    }
  });

  test("knows a node as suspected from the first silence until it answers, and keeps what was said", () => {
    const picture = pictureOf([joined(1), joined(2), up(1, 2), up(2, 1), heartbeat(1, "ping-missed", 2, 30)]);
    const suspect = picture.find(2)!;
    expect([...suspect.suspectedBy]).toEqual([[picture.find(1)!.row, 30]]);
    picture.apply(heartbeat(1, "suspected", 2, 40));
    expect(suspect.evidence.map(({ type }) => type)).toEqual(["ping-missed", "suspected"]);
    picture.apply(heartbeat(1, "ping-answered", 2, 50));
    expect(suspect.suspectedBy.size).toBe(0);
  });

  test("ends the links of who crashes, and leaves those that others still hold to them", () => {
    const picture = pictureOf([joined(1), joined(2), up(1, 2), up(2, 1)]);
    picture.apply({ at: 60, node: 2, layer: "scenario", type: "crashed" });
    expect(picture.find(2)!.state).toBe("dead");
    expect([...picture.links()]).toHaveLength(1);
    picture.apply({
      at: 70,
      node: 1,
      layer: "overlay",
      type: "neighbor-down",
      neighbor: 2,
      reason: "failed",
    });
    expect([...picture.links()]).toHaveLength(0);
  });

  test("keeps no more about a death than it says", () => {
    const picture = pictureOf([joined(1), joined(2)]);
    for (let i = 0; i < 1000; i++) picture.apply(heartbeat(1, "ping-missed", 2, 100 + i));
    expect(picture.find(2)!.evidence).toHaveLength(64);
    expect(picture.find(2)!.evidence.at(-1)!.at).toBe(1099);
  });

  test("forgets who went long ago, but nobody who is there or whom somebody who is there still lists", () => {
    const picture = pictureOf([joined(0, "seed"), joined(1)]);
    const listed = (peer: number) => ({ at: 15, node: 0, layer: "introduction", type: "peer-listed", peer });
    for (let i = 2; i < 20_002; i++) {
      picture.apply(joined(i));
      if (i < 102) picture.apply(listed(i));
      picture.apply(up(i, i - 1));
      picture.apply({ at: 20 + i, node: i, layer: "scenario", type: "crashed" });
    }
    expect(picture.nodes.size).toBeGreaterThan(2000);
    expect(picture.nodes.size).toBeLessThanOrEqual(4000);
    expect(picture.nodes.get(1)).toMatchObject({ name: "peer-1", state: "alive" });
    expect(picture.nodes.get(101)).toMatchObject({ state: "dead" });
    expect(picture.nodes.has(102)).toBe(false);
    expect(picture.nodes.get(20_001)).toMatchObject({ state: "dead" });
    expect(pictureOf(picture.prologue()).nodes.size).toBe(picture.nodes.size);
    expect(contentOf(picture.afresh())).toEqual(contentOf(picture));
    expect(picture.afresh().register.all).toHaveLength(picture.nodes.size);
  });

  test("forgets those of whom nothing but talk was ever heard, and never those who spoke themselves", () => {
    const speakers = Array.from({ length: 5000 }, (_, node) => ({
      ...{ at: 10, node: `speaker-${node}`, layer: "rumor", type: "delivered" },
    }));
    const picture = pictureOf(speakers);
    const report = (suspect: string, at: number) =>
      ({ at, node: "speaker-0", layer: "introduction", type: "dead-report-ignored", suspect }) as TraceEvent;
    for (let i = 0; i < 20_000; i++) picture.apply(report(`talk-${i}`, 20 + i));
    expect(picture.nodes.size).toBeLessThanOrEqual(1.5 * 7000);
    expect(speakers.every(({ node }) => picture.find(node) !== undefined)).toBe(true);
    const told = pictureOf(picture.prologue());
    for (let i = 0; i < 20_000; i++) told.apply(report(`more-${i}`, 90_000 + i));
    expect(told.nodes.size).toBeLessThanOrEqual(1.5 * 7000);
    expect(told.find("talk-19999")).toBeUndefined();
  });

  test("knows what links were changed to, one setting after the other", () => {
    const changed = (set: unknown) =>
      ({ at: 40, node: "", layer: "scenario", type: "links-changed", set }) as TraceEvent;
    const picture = pictureOf([
      joined(1),
      changed({ loss: 0.2 }),
      changed({ latency: { model: "constant", ms: 9 } }),
    ]);
    expect(picture.linkSettings).toEqual({ loss: 0.2, latency: { model: "constant", ms: 9 } });
    expect(pictureOf(picture.prologue()).linkSettings).toEqual(picture.linkSettings);
    for (const nonsense of [undefined, null, "loss", 7]) picture.apply(changed(nonsense));
    expect(picture.linkSettings).toEqual({ loss: 0.2, latency: { model: "constant", ms: 9 } });
  });

  test("is not put out by fields that are missing or of another kind", () => {
    const picture = pictureOf([joined(1)]);
    for (const type of ["neighbor-up", "peer-listed", "registered", "suspected", "forwarded", "peer-removed"])
      picture.apply({ at: 90, node: 1, layer: "overlay", type, neighbor: null, peer: {}, to: "nobody" });
    expect(picture.nodes.size).toBe(1);
    expect([...picture.links()]).toEqual([]);
  });
});

test("of a modern peer's death those are kept who found it themselves, and seeds, however many others follow", () => {
  const picture = new NetworkPicture(new NodeRegister());
  const say = (node: string, layer: string, type: string, fields: object = {}) =>
    picture.apply({ at: 1, node, layer, type, ...fields });
  say("s", "scenario", "joined", { name: "seed-1", role: "seed" });
  say("v", "scenario", "joined", { name: "peer-v", role: "peer" });
  say("v", "scenario", "crashed");
  say("a", "membership", "member-suspected", { peer: "v", incarnation: 1, by: ["a"] });
  say("a", "membership", "member-failed", { peer: "v", incarnation: 1, by: ["a", "b"] });
  for (let i = 0; i < 200; i++)
    say(`other-${i}`, "membership", "member-failed", { peer: "v", incarnation: 1, by: ["a", "b"] });
  say("s", "membership", "member-failed", { peer: "v", incarnation: 1, by: ["b"] });
  const { evidence, suspectedBy } = picture.find("v")!;
  expect(evidence.map(({ node, type }) => `${node} ${type}`)).toEqual([
    "v crashed",
    "a member-suspected",
    "a member-failed",
    "s member-failed",
  ]);
  expect(suspectedBy.size).toBe(202);
});
