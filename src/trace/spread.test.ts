import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../core/index.ts";
import { MessageBook } from "./message-book.ts";
import { NodeRegister } from "./node-register.ts";
import { hopsFrom, overlayGraph } from "./overlay-graph.ts";
import { NetworkPicture } from "./picture.ts";
import {
  audienceOf,
  doubledLinks,
  meanHopMs,
  receiptTree,
  spreadCurve,
  spreadFigures,
  timeToShare,
} from "./spread.ts";

const named = { layer: "broadcast", origin: 0, incarnation: 1, sequence: 0 };
const published: TraceEvent = { ...named, at: 100, node: 0, type: "published", statedAt: 100, payload: "hi" };
const delivered = (node: number, from: number, at: number): TraceEvent => ({
  ...named,
  at,
  node,
  type: "delivered",
  statedAt: 100,
  from,
});
const forwarded = (node: number, to: number[], at: number): TraceEvent => ({
  ...named,
  at,
  node,
  type: "forwarded",
  count: 1,
  to,
});
const removed = (node: number, at: number): TraceEvent => ({ ...named, at, node, type: "removed", count: 1 });
const joined = (node: number, role: string): TraceEvent => ({
  at: 0,
  node,
  layer: "scenario",
  type: "joined",
  name: `peer-${node}`,
  role,
});
const linked = (node: number, neighbor: number): TraceEvent => ({
  at: 1,
  node,
  layer: "overlay",
  type: "neighbor-up",
  neighbor,
});

/** Peers 0 to 4 and seed 5. 0 - 1 - 3, 0 - 2 - 3, 1 - 2; 4 has no link. */
const network: TraceEvent[] = [
  ...[0, 1, 2, 3, 4].map((node) => joined(node, "peer")),
  joined(5, "seed"),
  ...[
    [0, 1],
    [0, 2],
    [1, 3],
    [2, 3],
    [1, 2],
  ].flatMap(([a, b]) => [linked(a!, b!), linked(b!, a!)]),
];
const spreading: TraceEvent[] = [
  published,
  forwarded(0, [1, 2], 100),
  delivered(1, 0, 110),
  forwarded(1, [2, 3], 110),
  delivered(2, 0, 112),
  forwarded(2, [1, 3], 112),
  delivered(3, 1, 130),
];

function world(...events: readonly TraceEvent[]) {
  const register = new NodeRegister();
  const picture = new NetworkPicture(register);
  const book = new MessageBook(register);
  let audience: ReadonlySet<number> = new Set();
  for (const event of [...network, ...events]) {
    picture.apply(event);
    if (event.type === "published") audience = audienceOf(picture, register.of(event.node).row);
    book.apply(event);
  }
  return { picture, audience, message: book.latest!, book };
}

describe("the figures of a message", () => {
  test("count who should get it, who did, and what was sent in vain", () => {
    const { message, audience, picture } = world(...spreading);
    expect(spreadFigures(message, audience, picture)).toEqual({
      nodes: 5,
      reached: 4,
      gone: 0,
      late: 0,
      lastMs: 30,
      copies: 6,
      duplicates: 3,
      rmr: 1,
      ldh: 2,
      hops: [1, 2, 1],
      unknownHops: 0,
    });
  });

  test("who ended without it is not lacking it, and who came later is no part of the audience", () => {
    const crashed: TraceEvent = { at: 140, node: 4, layer: "scenario", type: "crashed" };
    const late = { ...joined(9, "peer"), at: 150 };
    const { message, audience, picture } = world(...spreading, crashed, late, delivered(9, 0, 5000));
    const figures = spreadFigures(message, audience, picture);
    expect([figures.nodes, figures.reached, figures.gone, figures.late]).toEqual([5, 4, 1, 1]);
    expect(figures.lastMs, "late receipts tell nothing of the spreading").toBe(30);
    expect(timeToShare(message, audience, 1)).toBeUndefined();
  });

  test("the stopwatch stands still when that share of the audience has it, the origin among them", () => {
    const { message, audience } = world(...spreading);
    expect([0.2, 0.4, 0.5, 0.6, 0.8, 0.99].map((share) => timeToShare(message, audience, share))).toEqual([
      0,
      10,
      12,
      12,
      30,
      undefined,
    ]);
  });
});

test("susceptible, infected and removed always add up to the audience", () => {
  const { message, audience } = world(...spreading, removed(0, 120), removed(2, 125), removed(3, 160));
  expect(spreadCurve(message, audience)).toEqual({
    afterMs: [0, 10, 12, 20, 25, 30, 60],
    susceptible: [4, 3, 2, 2, 2, 1, 1],
    infected: [1, 2, 3, 2, 1, 1, 0],
    removed: [0, 0, 0, 1, 2, 3, 4],
  });
});

test("links that carried it twice are found, with the time of the second copy", () => {
  const { message } = world(...spreading);
  expect(doubledLinks(message)).toEqual([
    { a: 1, b: 2, copies: 2, firstMs: 10, secondMs: 12, isCrossing: true },
  ]);
});

test("the same copy again is no crossing", () => {
  const { message } = world(...spreading, forwarded(0, [1], 500));
  expect(doubledLinks(message).find(({ a, b }) => a === 0 && b === 1)).toEqual({
    a: 0,
    b: 1,
    copies: 2,
    firstMs: 0,
    secondMs: 400,
    isCrossing: false,
  });
});

test("the tree of first receipts has a layer for each hop, and each node below its sender", () => {
  const { message } = world(...spreading, delivered(4, 77, 300));
  const { layers, wayUnknown } = receiptTree(message);
  expect(layers.map((layer) => layer.map(({ row, parent, below }) => [row, parent, below]))).toEqual([
    [[0, -1, 3]],
    [
      [1, 0, 1],
      [2, 0, 0],
    ],
    [[3, 0, 0]],
  ]);
  expect(wayUnknown.map(({ row }) => row)).toEqual([4]);
});

test("the delay of a hop is the mean over first receipts, from the receipt before", () => {
  const { book } = world(...spreading);
  expect(meanHopMs(book.messages)).toEqual({ hopMs: (10 + 12 + 20) / 3, receipts: 3 });
  expect(meanHopMs([])).toBeUndefined();
});

describe("the overlay as a graph", () => {
  test("has the living peers, and each link at both ends, once", () => {
    const { picture } = world({ at: 2, node: 1, layer: "overlay", type: "neighbor-down", neighbor: 3 });
    const { rows, adjacency } = overlayGraph(picture);
    expect(rows).toEqual([0, 1, 2, 3, 4]);
    expect(adjacency.map((others) => [...others].sort())).toEqual([[1, 2], [0, 2, 3], [0, 1, 3], [1, 2], []]);
  });

  test("leaves out who is dead, with all links to it", () => {
    const { picture } = world({ at: 2, node: 0, layer: "scenario", type: "crashed" });
    const { rows, adjacency } = overlayGraph(picture);
    expect(rows).toEqual([1, 2, 3, 4]);
    expect(adjacency.map((others) => others.length)).toEqual([2, 2, 2, 0]);
  });

  test("tells the links of the shortest way to everybody, and who cannot be reached", () => {
    const { picture } = world();
    expect([...hopsFrom(overlayGraph(picture).adjacency, 0)]).toEqual([0, 1, 1, 2, -1]);
  });
});
