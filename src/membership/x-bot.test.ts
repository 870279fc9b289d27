import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { ViewNetwork } from "../lab/reproduce/view-network.ts";
import { degrees, isConnected } from "../theory/index.ts";
import { HyParView, type HyParViewCommand, type HyParViewNotice, type HyParViewTimer } from "./hyparview.ts";
import type { HyParViewMessage } from "./hyparview-messages.ts";
import { KnownPeers } from "./known-peers.ts";

const matrixMs = [
  [5, 40, 80, 120],
  [40, 5, 60, 90],
  [80, 60, 5, 50],
  [120, 90, 50, 5],
];
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** 60 peers in four zones, of which each knows all others. */
function zones(isLatencyAware: boolean): ViewNetwork {
  const network = new ViewNetwork({
    seed: 1,
    nodes: 60,
    links: { latency: { model: "zones", matrixMs, jitterMs: 3 } },
    isFullView: true,
    options: { isLatencyAware, optimiseIntervalMs: 2000, keepAliveMs: 2000 },
  });
  for (const row of range(0, 59)) network.start(row, []);
  for (const row of range(0, 59)) network.introduce(row, range(0, 59));
  network.run(20_000);
  return network;
}

function meanLatency(network: ViewNetwork): number {
  const all = [...network.graph].flatMap(([row, others]) =>
    others.map((other) => matrixMs[row % 4]![other % 4]!),
  );
  return all.reduce((sum, ms) => sum + ms, 0) / all.length;
}

describe("among zones", () => {
  test("neighbors come closer, nobody's degree changes, the network stays one, and swaps get rare", () => {
    const network = zones(true);
    const swaps = () => network.living.reduce((sum, row) => sum + network.views[row]!.counters.swaps, 0);
    const early = swaps();
    expect(early).toBeGreaterThan(20);
    let before = early;
    for (const _ of range(1, 5)) {
      before = swaps();
      network.run(20_000);
      expect(isConnected(network.graph)).toBe(true);
    }
    expect(swaps() - before).toBeLessThan(early / 3);
    const all = degrees(network.graph);
    expect(Math.max(...all)).toBe(5);
    expect(all.filter((degree) => degree < 5).length).toBeLessThanOrEqual(4);
    expect(meanLatency(network)).toBeLessThan(0.6 * meanLatency(zones(false)));
  });
});

// ---- One peer in each role ------------------------------------------------------------------------------------------

/** Peer 50 with five neighbors, of which 1 (the eldest) is never swapped; it has measured the others as `rttMs` says. */
class Peer extends Alone<HyParViewMessage, HyParViewTimer, HyParViewNotice, HyParViewCommand> {
  readonly view: HyParView;

  constructor(rttMs: Readonly<Record<number, number>> = { 1: 10, 2: 20, 3: 30, 4: 90, 5: 40 }) {
    const known = new KnownPeers(100);
    const view = new HyParView({
      sampler: known,
      isFullView: () => false,
      standing: { incarnation: 7, since: 50_000 },
      quality: () => ({ rttMs: (peer) => rttMs[peer as number], isAnswering: () => true }),
      options: {
        isLatencyAware: true,
        optimiseIntervalMs: 1000,
        keepAliveMs: 3_600_000,
        shuffleIntervalMs: 3_600_000,
      },
    });
    super(50, view);
    this.view = view;
    this.start();
    for (const peer of range(1, 5))
      this.receive(peer, { type: "neighbor", since: peer * 1000, incarnation: 1, isHighPriority: false });
    this.pass(1100).clear();
    known.add({ peer: 60, since: 60_000 }, this.random);
  }
  get neighbors() {
    return [...this.view.neighbors];
  }
}

const life = { since: 60_000, incarnation: 1 };

describe("i, who begins", () => {
  const measuring = () => {
    const peer = new Peer().pass(1000);
    const answer = (afterMs: number) => {
      const { to, nonce } = peer.sentOf("keep-alive").at(-1)!;
      expect(to).toBe(60);
      peer.pass(afterMs).receive(60, { type: "keep-alive-reply", nonce, isLinked: false });
    };
    return { peer, answer };
  };

  test("measures somebody twice, and asks it if it is closer than the farthest neighbor, whom it tells the number", () => {
    const { peer, answer } = measuring();
    answer(500); // the connection is opened
    peer.clear();
    const again = measuring();
    again.answer(500);
    again.answer(50);
    const optimisation = again.peer.onlySent("optimisation");
    expect(optimisation).toMatchObject({ to: 60, old: 4 });
    expect(again.peer.sentOf("keep-alive").at(-1)).toMatchObject({ to: 4, nonce: optimisation.nonce });
    expect(peer.sentOf("optimisation")).toEqual([]);
  });

  test("leaves it if it is not closer", () => {
    const { peer, answer } = measuring();
    answer(89);
    answer(85);
    expect(peer.sentOf("optimisation")).toEqual([]);
  });

  test("moves over when it is accepted, and not when it is refused or somebody else says so", () => {
    for (const [from, isAccepted] of [
      [60, true],
      [60, false],
      [61, true],
    ] as const) {
      const { peer, answer } = measuring();
      answer(50);
      answer(50);
      const { nonce } = peer.onlySent("optimisation");
      peer.clear().receive(from, { type: "optimisation-reply", nonce, isAccepted, ...life });
      const moved = from === 60 && isAccepted;
      expect(peer.neighbors).toEqual(moved ? [1, 2, 3, 5, 60] : [1, 2, 3, 4, 5]);
      expect(peer.sentOf("disconnect").map(({ to }) => to)).toEqual(moved ? [4] : []);
    }
  });
});

describe("c, who is wanted", () => {
  const asked = (nonce = 9) => new Peer().receive(60, { type: "optimisation", nonce, old: 70, ...life });

  test("asks its own farthest neighbor, and takes the other in its place when that has gone", () => {
    const peer = asked();
    expect(peer.onlySent("replace")).toMatchObject({ to: 4, nonce: 9, old: 70, initiator: 60 });
    peer.receive(4, { type: "replace-reply", nonce: 9, isAccepted: true });
    expect(peer.neighbors).toEqual([1, 2, 3, 5, 60]);
    expect(peer.onlySent("optimisation-reply")).toMatchObject({ to: 60, isAccepted: true });
  });

  test("changes nothing when that refuses, and while one swap is under way it refuses another", () => {
    const peer = asked().receive(61, { type: "optimisation", nonce: 10, old: 71, ...life });
    expect(peer.onlySent("optimisation-reply")).toMatchObject({ to: 61, isAccepted: false });
    peer.clear().receive(4, { type: "replace-reply", nonce: 9, isAccepted: false });
    expect(peer.onlySent("optimisation-reply")).toMatchObject({ to: 60, isAccepted: false });
    expect(peer.neighbors).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("d, whom c would give up", () => {
  const asked = (rttMs: Readonly<Record<number, number>>, from = 4) =>
    new Peer({ 1: 10, 2: 20, 3: 30, 4: 90, 5: 40, ...rttMs }).receive(from, {
      type: "replace",
      nonce: 9,
      old: 70,
      initiator: 60,
    });

  test("goes to o if that is closer than c, and both hear of it", () => {
    const peer = asked({ 70: 30 });
    expect(peer.onlySent("switch")).toMatchObject({ to: 70, nonce: 9, initiator: 60 });
    peer.receive(70, { type: "switch-reply", nonce: 9, isAccepted: true, ...life });
    expect(peer.neighbors).toEqual([1, 2, 3, 5, 70]);
    expect(peer.onlySent("replace-reply")).toMatchObject({ to: 4, isAccepted: true });
  });

  test("stays if that is not closer, or refuses, or is a neighbor already, or c is never to be swapped", () => {
    const answers = [
      asked({ 70: 85 }),
      asked({ 70: 30 }).receive(70, { type: "switch-reply", nonce: 9, isAccepted: false, ...life }),
      new Peer().receive(4, { type: "replace", nonce: 9, old: 2, initiator: 60 }),
      asked({ 70: 5 }, 1),
    ];
    for (const peer of answers) {
      expect(peer.onlySent("replace-reply").isAccepted).toBe(false);
      expect(peer.neighbors).toEqual([1, 2, 3, 4, 5]);
    }
  });

  test("does nothing for a stranger", () => {
    const peer = asked({ 70: 5 }, 66);
    expect(peer.sent()).toEqual([]);
  });
});

describe("o, whom i would give up", () => {
  const offered = (from: number, nonce: number, initiator: number) =>
    new Peer()
      .receive(4, { type: "keep-alive", nonce: 9 })
      .receive(1, { type: "keep-alive", nonce: 9 })
      .clear()
      .receive(from, { type: "switch", nonce, initiator, ...life });

  test("takes the stranger in the place of the neighbor that has told it the number", () => {
    const peer = offered(60, 9, 4);
    expect(peer.onlySent("switch-reply")).toMatchObject({ to: 60, isAccepted: true });
    expect(peer.neighbors).toEqual([1, 2, 3, 5, 60]);
  });

  test("a stranger who does not know the number pushes nobody out, nor one who means the longest-standing", () => {
    for (const peer of [
      offered(60, 10, 4),
      offered(60, 0, 3),
      offered(60, 9, 5),
      offered(60, 9, 1),
      offered(60, 9, 77),
    ]) {
      expect(peer.onlySent("switch-reply").isAccepted).toBe(false);
      expect(peer.neighbors).toEqual([1, 2, 3, 4, 5]);
    }
  });
});
