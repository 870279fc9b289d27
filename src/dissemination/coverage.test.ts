import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { Members } from "../../test/support/members.ts";
import { signaturesOf } from "../../test/support/notary.ts";
import { gossipOf } from "../../test/support/publications.ts";
import { type NodeId, UsageError } from "../core/index.ts";
import {
  Broadcast,
  type BroadcastCommand,
  type BroadcastConfig,
  type BroadcastNotice,
  type BroadcastTimer,
} from "./broadcast.ts";
import { wilson } from "./coverage.ts";
import type { BroadcastMessage } from "./messages.ts";

const id = { origin: 1, incarnation: 1, sequence: 0 };
const others = Array.from({ length: 20 }, (_, i) => 100 + i);

class Peer extends Alone<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand> {
  readonly broadcast: Broadcast;

  constructor(config: Partial<BroadcastConfig> = {}) {
    const broadcast = new Broadcast({
      view: { neighbors: [2], has: (node) => node === 2 },
      members: new Members(others),
      standing: { incarnation: 1, since: 0 },
      signatures: signaturesOf(1),
      ...config,
    });
    super(1, broadcast);
    this.broadcast = broadcast;
    this.start().clear();
  }
  estimates(samples = 10): this {
    return this.command({ type: "estimate-coverage", id, samples });
  }
  /** The n-th question that is out, and whom it went to. */
  question(n: number): { to: NodeId; nonce: number } {
    return this.sentOf("have-you")[n]!;
  }
  hears(n: number, has: boolean): this {
    const { to, nonce } = this.question(n);
    return this.receive(to, { type: "have-reply", nonce, has });
  }
  get coverage() {
    return this.noticesOf("coverage");
  }
}

describe("an estimate", () => {
  test("asks so many different members, and ends with the last answer", () => {
    const peer = new Peer().estimates(10);
    expect(new Set(peer.sentOf("have-you").map(({ to }) => to)).size).toBe(10);
    for (let n = 0; n < 9; n++) peer.hears(n, n < 8);
    expect(peer.coverage).toEqual([]);
    peer.hears(9, true);
    expect(peer.coverage).toEqual([
      { type: "coverage", ...id, asked: 10, answered: 10, have: 9, ...wilson(9, 10) },
    ]);
    expect(peer.pass(10_000).coverage).toHaveLength(1);
  });

  test("ends after the time-out with the answers that came", () => {
    const peer = new Peer().estimates(4).hears(0, true).hears(1, false).pass(1999);
    expect(peer.coverage).toEqual([]);
    expect(peer.pass(1).coverage).toMatchObject([{ asked: 4, answered: 2, have: 1, share: 0.5 }]);
  });

  test("without an answer says that it knows nothing", () => {
    expect(new Peer().estimates(3).pass(2000).coverage).toMatchObject([
      { asked: 3, answered: 0, have: 0, low: 0, high: 1 },
    ]);
  });

  test("where nobody is known ends as well", () => {
    const peer = new Peer({ members: new Members([]) }).estimates(3).pass(0);
    expect(peer.coverage).toMatchObject([{ asked: 0, answered: 0 }]);
  });

  test("counts nobody twice, and nobody who was not asked", () => {
    const peer = new Peer().estimates(3).hears(0, true).hears(0, true);
    const { nonce } = peer.question(0);
    peer.receive(77, { type: "have-reply", nonce, has: true });
    peer.receive(peer.question(1).to, { type: "have-reply", nonce: nonce + 1, has: true });
    expect(peer.broadcast.counters.unexpected).toBe(3);
    expect(peer.pass(2000).coverage).toMatchObject([{ answered: 1, have: 1 }]);
  });

  test("of nobody knows how many, or with too many under way, is refused", () => {
    for (const samples of [0, 1001, 1.5]) expect(() => new Peer().estimates(samples)).toThrow(UsageError);
    expect(() => new Peer({ members: undefined }).estimates()).toThrow(/members/);
    const peer = new Peer();
    for (let i = 0; i < 16; i++) peer.estimates(1);
    expect(() => peer.estimates(1)).toThrow(/under way/);
    peer.pass(2000).estimates(1);
  });
});

describe("an answer", () => {
  const asks = (peer: Peer, nonce: number, sequence = 0) =>
    peer.receive(50, { type: "have-you", nonce, origin: 7, incarnation: 1, sequence });

  test("says whether the message was seen, kept or not", () => {
    const peer = new Peer({ options: { retainMessages: 0 } }).receive(2, gossipOf(7));
    asks(peer, 5);
    asks(peer, 6, 1);
    expect(peer.sentOf("have-reply")).toMatchObject([
      { to: 50, nonce: 5, has: true },
      { to: 50, nonce: 6, has: false },
    ]);
  });

  test("is given so often in a second", () => {
    const peer = new Peer().pass(5000);
    for (let i = 0; i < 250; i++) asks(peer, i);
    expect(peer.sentOf("have-reply")).toHaveLength(200);
    expect(peer.broadcast.counters.refusedQuestions).toBe(50);
    asks(peer.pass(1000), 0);
    expect(peer.sentOf("have-reply")).toHaveLength(201);
  });
});

test.each([
  // Of the formula, and of the table in Newcombe 1998 (method 3): 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("the interval of %i of %i is that of Newcombe's table", (have, of, low, high) => {
  const interval = wilson(have, of);
  expect(interval.low).toBeCloseTo(low, 4);
  expect(interval.high).toBeCloseTo(high, 4);
});
