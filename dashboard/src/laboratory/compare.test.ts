import { beforeAll, describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/core/index.ts";
import { runScenario, type Scenario } from "../../../src/scenario/index.ts";
import { SimulatedWorld } from "../../../src/scenario/simulated-world.ts";
import { MessageBook } from "../../../src/trace/message-book.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import { figuresAt } from "./compare-figures.ts";
import { comparedSpread } from "./compared-spread.ts";
import { deliveredShare } from "./run-figures.ts";
import { statesColumn } from "./states-column.ts";

const scenario: Scenario = {
  name: "compared",
  network: { seeds: 3, peers: 8 },
  timeline: [
    { do: "publish", from: "peer-1" },
    { do: "crash", node: "peer-8", at: "3s" },
    { do: "pause", node: "peer-7" },
    { do: "wait", for: "20s" },
  ],
};

const picture = new NetworkPicture(new NodeRegister());
const book = new MessageBook(picture.register);
let crashedAt = 0;

beforeAll(async () => {
  const world = new SimulatedWorld(scenario, { seed: 2 });
  world.onEvent((event: TraceEvent) => {
    picture.apply(event);
    book.apply(event);
    if (event.type === "crashed") crashedAt = event.at;
  });
  await runScenario(scenario, world, { seed: 2 });
});

describe("figures of a run", () => {
  test("are those of its network and messages", () => {
    const figures = figuresAt(picture, book.messages, picture.at);
    expect(figures).toMatchObject({
      peers: 6,
      published: 1,
      delivered: 1,
      failed: 2,
      noticed: 2,
      falselyRemoved: 0,
    });
    expect(figures.links).toBeGreaterThan(5);
    expect(figures.rmr).toBeGreaterThan(0);
    expect(figures.latencyP50Ms!).toBeLessThanOrEqual(figures.latencyP99Ms!);
  });

  test("count nothing that is still to come", () => {
    const { publishedAt } = book.latest!;
    expect(figuresAt(picture, book.messages, publishedAt - 1)).toMatchObject({
      published: 0,
      delivered: undefined,
      rmr: undefined,
    });
    expect(figuresAt(picture, book.messages, publishedAt).delivered).toBe(0);
  });

  test("say what share of the living got the messages", () => {
    expect(deliveredShare(picture, book.messages)).toEqual({ published: 1, percent: "100 %" });
    expect(deliveredShare(picture, [])).toBeUndefined();
    const halved = { ...book.latest!, receivers: book.latest!.receivers.slice(0, 2) };
    expect(Number.parseFloat(deliveredShare(picture, [halved])!.percent)).toBeLessThan(60);
  });
});

test("a column of states says of every peer where it stands", () => {
  const message = book.latest!;
  const before = statesColumn(picture, message, message.publishedAt - 1);
  expect(before.counts).toEqual({ susceptible: 6, infected: 0, removed: 0, dead: 1, paused: 1 });
  expect([...before.states]).toEqual([0, 0, 0, 0, 0, 0, 4, 3]);
  expect(statesColumn(picture, message, crashedAt).counts).toMatchObject({ susceptible: 0, removed: 6 });
  expect(statesColumn(picture, undefined, crashedAt).counts.susceptible).toBe(6);
});

test("one message in two runs has the same moments in both, and goes from nobody to all", () => {
  const whole = { message: book.latest, picture };
  const half = {
    message: { ...book.latest!, receivers: book.latest!.receivers.slice(0, 3) },
    picture,
  };
  const { x, a, b } = comparedSpread(whole, half);
  expect(a!.susceptible).toHaveLength(x.length);
  expect(a!.susceptible[0]).toBeGreaterThan(50);
  expect(a!.susceptible.at(-1)).toBe(0);
  expect(b!.susceptible.at(-1)).toBe(50);
  expect(
    a!.susceptible.every((left, i) => Math.abs(left + a!.infected[i]! + a!.removed[i]! - 100) < 1e-9),
  ).toBe(true);
  expect(comparedSpread(whole, { message: undefined, picture }).b).toBeUndefined();
});

test("whom a seed of a modern network has given up though it lives was falsely removed", () => {
  const falselyRemoved = (by: string) => {
    const network = new NetworkPicture(new NodeRegister());
    const say = (node: string, layer: string, type: string, fields: object) =>
      network.apply({ at: 1, node, layer, type, ...fields });
    say("s", "scenario", "joined", { name: "seed-1", role: "seed" });
    for (const name of ["a", "b"]) say(name, "scenario", "joined", { name, role: "peer" });
    say(by, "membership", "member-failed", { peer: "b", incarnation: 1, by: ["a"] });
    return figuresAt(network, [], 1).falselyRemoved;
  };
  expect(falselyRemoved("s")).toBe(1);
  expect(falselyRemoved("a"), "of a peer it is no removal").toBe(0);
});
