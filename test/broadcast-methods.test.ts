/**
 * Every way of spreading in a whole network of forty peers, under the faults that it has to stand: with repairs on,
 * everybody who survives gets everything, once. What spreads worst is helped most by the history, so all pass the same
 * table; how they differ is in docs/protocols/broadcast.md.
 */
import { describe, expect, test } from "vitest";
import type { BroadcastMethod, BroadcastOptions } from "../src/dissemination/broadcast-options.ts";
import { wireCodec } from "../src/lab/wire-codec.ts";
import { SimulatedNetwork } from "../src/simulated/index.ts";
import type { LinkSettings } from "../src/simulator/index.ts";

const peers = 40;
const seeds = 3;
const methods: readonly BroadcastMethod[] = [
  "flood",
  "rumor",
  "anti-entropy",
  "median-counter",
  "bimodal",
  "plumtree",
];
const datagrams = { kind: "datagram" } as const;

interface Spoken {
  readonly text: string;
  readonly by: number;
}

/** A network that has formed, and who was given what. */
class Town {
  readonly network: SimulatedNetwork;
  readonly spoken: Spoken[] = [];
  /** Texts as each row got them. */
  readonly heard = new Map<number, string[]>();

  constructor(options: Partial<BroadcastOptions>, links: Partial<LinkSettings> = {}, isWireTrue = false) {
    this.network = new SimulatedNetwork({
      seed: 1,
      seeds,
      maxPeers: peers + 10,
      codec: isWireTrue ? wireCodec() : undefined,
      links: { kind: "stream", latency: { model: "uniform", fromMs: 5, toMs: 40 }, ...links },
      options: {
        source: { waitsForCommand: true },
        // Lost messages are found out soon, so that the test need not last for minutes.
        broadcast: { repairIntervalMs: 1000, resendAfterMs: 3000, ...options },
      },
      onNotice: (_at, row, _layer, notice) => {
        if (notice.type !== "delivered") return;
        const texts = this.heard.get(row);
        if (texts === undefined) this.heard.set(row, [notice["payload"]]);
        else texts.push(notice["payload"]);
      },
    });
    this.network.startSeeds();
    for (let i = 0; i < peers; i++) this.network.addPeer();
    expect(
      this.network.runUntil(() => this.network.isFormed, 60_000),
      "formed",
    ).toBe(true);
    this.pass(1000);
  }

  get living(): number[] {
    return [...this.network.peers.keys()];
  }
  speak(by: number): void {
    const text = `message ${this.spoken.length} of ${this.network.nameOf(by)}`;
    this.spoken.push({ text, by });
    this.network.publish(by, [text]);
  }
  /** The peers at these places say something, one after the other. */
  speakInTurn(...places: number[]): void {
    for (const place of places) {
      this.speak(this.living[place]!);
      this.pass(130);
    }
  }
  pass(timeMs: number): void {
    this.network.simulation.run(this.network.time + timeMs);
  }

  /** Whoever lives lacks these; empty when all is well. */
  lacks(): string[] {
    return this.living.flatMap((row) =>
      this.spoken
        .filter(({ text, by }) => by !== row && !(this.heard.get(row) ?? []).includes(text))
        .map(({ text }) => `${this.network.nameOf(row)} lacks ${text}`),
    );
  }
  expectAllDelivered(limitMs = 60_000): void {
    this.network.runUntil(() => this.lacks().length === 0, limitMs);
    expect(this.lacks()).toEqual([]);
    this.pass(2000);
    for (const [row, texts] of this.heard)
      expect(new Set(texts).size, `${this.network.nameOf(row)}, nothing twice`).toBe(texts.length);
  }
}

const copies = (town: Town) =>
  [...town.network.peers.values()].reduce((sum, { broadcast }) => sum + broadcast.counters.sends, 0);

describe.each(methods)("%s", (method) => {
  test("without faults everybody gets everything, and nobody needs the history for it", () => {
    const town = new Town({ method, repairs: method === "anti-entropy", stopAfter: 4 });
    town.speakInTurn(0, 13, 39, 13);
    town.expectAllDelivered(5000);
    town.pass(10_000);
    const hot = [...town.network.peers.values()].map(({ broadcast }) => broadcast.hotCount);
    expect(Math.max(...hot), "and falls silent").toBe(0);
  });

  test("every message can be written and read by the codec of the wire", () => {
    const town = new Town({ method, choice: "priority" }, {}, true);
    town.speakInTurn(0, 13, 39);
    town.expectAllDelivered();
    expect(copies(town)).toBeGreaterThanOrEqual(3 * (peers - 1));
  });

  test("though one of ten datagrams is lost", () => {
    const town = new Town({ method }, datagrams);
    town.network.simulation.links.change({ loss: 0.1 });
    town.speakInTurn(0, 13, 39, 13);
    town.expectAllDelivered();
  });

  test("though the network was in two parts for a while", () => {
    const town = new Town({ method }, datagrams);
    const { connectivity } = town.network.simulation.links;
    const isLeft = (row: number) => row % 2 === 0;
    connectivity.partition([town.living.filter(isLeft), town.living.filter((row) => !isLeft(row))]);
    town.speakInTurn(0, 1, 39);
    town.pass(6000);
    const across = town.living.filter((row) => isLeft(row) !== isLeft(town.spoken[0]!.by));
    for (const row of across) expect(town.heard.get(row) ?? []).not.toContain(town.spoken[0]!.text);
    connectivity.heal();
    town.speakInTurn(7);
    town.expectAllDelivered();
  });

  test("though peers die and others join: also who comes late gets it all", () => {
    const town = new Town({ method });
    for (const place of [3, 17, 30]) {
      town.speakInTurn(0, place);
      // Its only eager neighbor may be dead, too: what is announced is asked for after a while.
      if (method === "plumtree") town.pass(200);
      town.network.crash(town.living[place]!);
      town.network.addPeer();
      town.pass(700);
    }
    town.expectAllDelivered();
    expect(town.living).toHaveLength(peers);
  });
});

describe("what is not repaired", () => {
  test("is missed by late joiners, whom the spreading does not know of", () => {
    for (const method of methods.filter((each) => each !== "anti-entropy")) {
      const town = new Town({ method, repairs: false });
      town.speakInTurn(0);
      town.pass(20_000);
      const late = town.network.addPeer();
      town.pass(20_000);
      expect(town.heard.get(late), method).toBeUndefined();
    }
  });

  test("is compared with nobody: neither summaries nor digests are sent", () => {
    let compared = 0;
    const town = new Town({ method: "rumor", repairs: false });
    for (const { broadcast } of town.network.peers.values()) {
      const onMessage = broadcast.onMessage.bind(broadcast);
      broadcast.onMessage = (from, message, env) => {
        if (message.type === "summary" || message.type === "digest") compared++;
        onMessage(from, message, env);
      };
    }
    town.speakInTurn(0, 13);
    town.pass(30_000);
    expect(compared).toBe(0);
  });
});

test("a message of high priority overtakes those that nobody has had the budget for", () => {
  const town = new Town({
    method: "rumor",
    choice: "priority",
    budgetBytes: 1,
    partners: "members",
    repairs: false,
  });
  const order: string[] = [];
  const origin = town.living[0]!;
  const { simulation } = town.network;
  const say = (text: string, priority?: number) =>
    simulation.command(origin, {
      layer: "broadcast",
      body: { type: "publish", payloads: [text], priority },
    });
  for (let i = 0; i < 20; i++) say(`ordinary ${i}`);
  say("urgent", 200);
  for (let i = 20; i < 40; i++) say(`ordinary ${i}`);
  town.pass(60_000);
  for (const [row, texts] of town.heard) if (row !== origin) order.push(texts[0]!);
  expect(order).toHaveLength(peers - 1);
  expect(order.filter((text) => text === "urgent").length).toBeGreaterThan(0.9 * (peers - 1));
});

test.each(["rumor", "median-counter"] as const)(
  "by %s a message travels once to each peer, though histories are compared all the while",
  (method) => {
    const town = new Town({ method, stopAfter: 4, repairIntervalMs: 200 });
    town.speakInTurn(0, 13, 39, 13);
    town.expectAllDelivered();
    // A comparison finds what a neighbor lacks; but what is still offered will come to it anyhow.
    expect(copies(town)).toBeLessThanOrEqual(4 * (peers - 1) * 1.03);
  },
);
