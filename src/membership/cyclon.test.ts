import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { Moments, type StackNotice } from "../core/index.ts";
import { Simulation } from "../simulator/index.ts";
import { clustering, isConnected, undirected } from "../theory/index.ts";
import { Cyclon, type CyclonCommand, type CyclonOptions, type CyclonTimer, cyclonOptions } from "./cyclon.ts";
import { type CyclonEntry, type CyclonMessage, maxCyclonAge } from "./cyclon-messages.ts";
import { KnownPeers } from "./known-peers.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const entry = (peer: number, age = 0): CyclonEntry => ({ peer, since: peer, age });

class Peer extends Alone<CyclonMessage, CyclonTimer, StackNotice, CyclonCommand> {
  readonly cyclon: Cyclon;
  readonly known = new KnownPeers(100);

  constructor(knows: readonly number[], options: Partial<CyclonOptions> = {}) {
    const known = new KnownPeers(100);
    const cyclon = new Cyclon({ sampler: known, standing: { incarnation: 1, since: 50 }, options });
    super(50, cyclon);
    this.cyclon = cyclon;
    this.known = known;
    for (const peer of knows) known.add({ peer, since: peer }, this.random);
    this.start();
  }
  get cache(): number[] {
    return this.cyclon.candidates.map(({ peer }) => peer as number).sort((a, b) => a - b);
  }
  isAskedBy(from: number, entries: readonly CyclonEntry[]): this {
    return this.receive(from, { type: "shuffle", nonce: 5, entries });
  }
}

describe("one node", () => {
  test("sends the holder of its oldest pointer a fresh one to itself and seven others, and forgets it", () => {
    const peer = new Peer(range(1, 20)).isAskedBy(99, []);
    peer.pass(10_000);
    const { to, entries } = peer.sentOf("shuffle")[0]!;
    expect(entries[0]).toEqual({ peer: 50, since: 50, age: 0 });
    expect(entries).toHaveLength(8);
    expect(entries.slice(1).every(({ age }) => age === 1)).toBe(true);
    expect(peer.cache).not.toContain(to);
    expect(peer.cyclon.size).toBe(19);
  });

  test("whoever is asked last was heard of longest ago", () => {
    const peer = new Peer([1]).isAskedBy(99, [entry(2, 3), entry(3, 9), entry(4, 5)]).pass(40_000);
    expect(peer.sentOf("shuffle").map(({ to }) => to)).toEqual([3, 4, 2, 1]);
  });

  test("answers with as many as it was sent, and takes those that it does not know: not itself, nobody twice", () => {
    const peer = new Peer(range(1, 19)).isAskedBy(99, [entry(99), entry(1), entry(50), entry(60)]);
    const { to, nonce, entries } = peer.onlySent("shuffle-reply");
    expect({ to, nonce, count: entries.length }).toEqual({ to: 99, nonce: 5, count: 4 });
    expect(peer.cyclon.size).toBe(20);
    expect(peer.cache).toEqual(expect.arrayContaining([60, 99]));
    // One place was empty, the other was that of a pointer given away.
    const gone = range(1, 19).filter((one) => !peer.cache.includes(one));
    expect(gone).toHaveLength(1);
    expect(entries.map((one) => one.peer)).toContain(gone[0]);
  });

  test("only the one that was asked may answer, once, and brings no more than it was sent", () => {
    const peer = new Peer(range(1, 20)).pass(10_000);
    const { to, nonce } = peer.onlySent("shuffle");
    const reply = (from: number, number: number, entries: readonly CyclonEntry[]) =>
      peer.receive(from, { type: "shuffle-reply", nonce: number, entries });
    reply(to as number, nonce + 1, [entry(60)]);
    reply(99, nonce, [entry(61)]);
    expect(peer.cache).not.toEqual(expect.arrayContaining([60]));
    reply(
      to as number,
      nonce,
      range(100, 131).map((one) => entry(one)),
    );
    expect(peer.cache.filter((one) => one >= 100)).toHaveLength(8);
    reply(to as number, nonce, [entry(62)]);
    expect(peer.cache).not.toContain(62);
    expect(peer.cyclon.counters.unasked).toBe(3);
    expect(peer.cyclon.size).toBe(20);
  });

  test("of a flood of shuffles no more is kept than ten bring in a period", () => {
    const peer = new Peer(range(1, 20));
    for (const stranger of range(1000, 2000)) peer.isAskedBy(stranger, [entry(stranger)]);
    expect(peer.cache.filter((one) => one >= 1000).length).toBeLessThanOrEqual(10);
    expect(peer.cyclon.counters.bounded).toBe(991);
    peer.pass(10_000).isAskedBy(99, [entry(99)]);
    expect(peer.cache).toContain(99);
  });

  test("the dead are forgotten: when somebody says so, and else when their pointer is used", () => {
    const peer = new Peer([1, 2, 3, 4]);
    peer.hear({ type: "member-failed", peer: 1, incarnation: 1, by: [] } as StackNotice);
    peer.hear({ type: "peer-left", peer: 2, incarnation: 1 } as StackNotice);
    peer.command({ type: "unreachable", node: 3 });
    expect(peer.cache).toEqual([4]);
    for (const one of [1, 2, 3, 4]) peer.known.remove(one);
    expect(
      peer
        .pass(30_000)
        .sentOf("shuffle")
        .map(({ to }) => to),
    ).toEqual([4]);
    expect(peer.cyclon.counters.silent).toBe(1);
    peer.known.add({ peer: 7, since: 7 }, peer.random);
    expect(peer.clear().pass(10_000).onlySent("shuffle").to).toBe(7);
  });

  test("ages stay within what a message may say, and who has left is silent", () => {
    const peer = new Peer([])
      .isAskedBy(1, [entry(1, maxCyclonAge), entry(2, maxCyclonAge)])
      .clear()
      .pass(10_000);
    expect(peer.onlySent("shuffle").entries.at(-1)!.age).toBe(maxCyclonAge);
    peer.hear({ type: "left" }).clear().isAskedBy(1, []).pass(60_000);
    expect(peer.sent()).toEqual([]);
  });

  test("options that break a rule are refused by name", () => {
    expect(() => cyclonOptions({ shuffleLength: 33 })).toThrow("shuffleLength: 33 is more than 32");
  });
});

describe("many nodes", () => {
  const nodes = 300;
  const simulation = new Simulation({
    seed: 1,
    rows: nodes,
    links: { kind: "stream", latency: { model: "uniform", fromMs: 10, toMs: 50 } },
  });
  const all = range(0, nodes - 1).map((row) => {
    const sampler = new KnownPeers(1);
    // The worst to begin with: a star.
    if (row > 0) sampler.add({ peer: 0, since: 0 }, simulation.random);
    const cyclon = new Cyclon({ sampler, standing: { incarnation: 1, since: row } });
    simulation.host(row, cyclon);
    return cyclon;
  });
  const pointers = () => all.map(({ candidates }) => candidates.map(({ peer }) => peer as number));
  const inDegrees = () => {
    const counts = new Array<number>(nodes).fill(0);
    for (const peer of pointers().flat()) counts[peer]!++;
    return counts;
  };

  test("whatever the start, pointers spread evenly, and the graph is nearly a random one", () => {
    simulation.run(400_000);
    const all = Moments.of(inDegrees());
    // The paper, figure 8: nearly all within 20 ± 5, where random pointers would give a standard deviation of 4.3.
    expect(all.mean).toBeGreaterThan(19.9);
    expect(all.standardDeviation).toBeLessThan(4);
    expect(all.min).toBeGreaterThanOrEqual(9);
    const graph = undirected(pointers());
    expect(isConnected(graph)).toBe(true);
    // Of random links: 40 / 300.
    expect(clustering(graph)).toBeGreaterThan(0.1);
    expect(clustering(graph)).toBeLessThan(0.16);
  });

  test("when half of all crash, pointers to them are gone after as many periods as a cache has places, or little more", () => {
    for (const row of range(0, nodes / 2 - 1)) simulation.crash(row);
    simulation.run(simulation.time + 400_000);
    const living = pointers().slice(nodes / 2);
    const dead = living.flat().filter((peer) => peer < nodes / 2).length;
    expect(dead / living.flat().length).toBeLessThan(0.02);
    expect(
      isConnected(
        undirected(
          living.map((list) => list.filter((peer) => peer >= nodes / 2).map((peer) => peer - nodes / 2)),
        ),
      ),
    ).toBe(true);
  });
});
