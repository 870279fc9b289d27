import { describe, expect, test } from "vitest";
import { idOf, retainedOf } from "../../test/support/publications.ts";
import { type NodeId, RecordingEnvironment } from "../core/index.ts";
import { type BroadcastMessage, type MessageId, maxLevel, maxOffers, type Offer } from "./messages.ts";
import type { Retained } from "./retained-messages.ts";
import {
  type Contact,
  type ExchangeOptions,
  type ExchangePolicy,
  RoundExchange,
  type Standing,
} from "./round-exchange.ts";
import { messageKey } from "./seen-messages.ts";
import type { BroadcastNotice, BroadcastTimer, MessageStore } from "./spreading.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Everything stays hot, at level 1 and age 2, and what happens to it is written down. */
class KeepEverything implements ExchangePolicy {
  readonly hot: Retained[] = [];
  readonly heard: (Standing | undefined)[] = [];
  readonly offered: number[] = [];
  readonly contacts: (Contact & { sequence: number })[] = [];
  rounds = 0;

  isHot(retained: Retained): boolean {
    return this.hot.includes(retained);
  }
  onNew(retained: Retained, heard: Standing | undefined): void {
    this.hot.push(retained);
    this.heard.push(heard);
  }
  standing(retained: Retained): Standing {
    return this.hot.includes(retained) ? { level: 1, ageRounds: 2 } : { level: maxLevel, ageRounds: 0 };
  }
  onOffer(retained: Retained): void {
    this.offered.push(idOf(retained).sequence);
  }
  onContact(retained: Retained, contact: Contact): void {
    this.contacts.push({ ...contact, sequence: idOf(retained).sequence });
  }
  endRound(): void {
    this.rounds++;
  }
}

type Sent<Type> = Extract<BroadcastMessage, { readonly type: Type }> & { readonly to: NodeId };

/** Node 1, whose partners the test plays; it calls `partner`. */
class Caller extends RecordingEnvironment<BroadcastMessage, BroadcastTimer, BroadcastNotice> {
  readonly policy = new KeepEverything();
  readonly counters = { calls: 0, offers: 0, offersKnown: 0, refusedCalls: 0, unexpected: 0 };
  readonly exchange: RoundExchange;
  readonly kept = new Map<string, Retained>();
  partner: NodeId | undefined = 2;
  readonly forwarded: { to: NodeId; sequence: number }[] = [];

  constructor(options: Partial<ExchangeOptions> = {}, seed = 1) {
    super(1, seed);
    const store: MessageStore = {
      find: (id) => this.kept.get(messageKey(id)),
      hasSeen: (id) => this.kept.has(messageKey(id)),
      isHolder: () => false,
      noteHolder: () => {},
      latestRetained: () => [],
      forward: (retained, to) => {
        for (const node of to) this.forwarded.push({ to: node, sequence: idOf(retained).sequence });
      },
    };
    this.exchange = new RoundExchange({
      store,
      choosePartner: () => this.partner,
      policy: this.policy,
      counters: this.counters,
      options: {
        roundMs: 100,
        patienceRounds: 3,
        tells: true,
        asks: true,
        connectionLimit: 0,
        huntLimit: 0,
        choice: "recent",
        budgetBytes: 1000,
        ...options,
      },
    });
  }

  /** It comes to know these. */
  gets(...messages: Retained[]): this {
    for (const retained of messages) {
      this.kept.set(messageKey(idOf(retained)), retained);
      this.exchange.onNew(retained, undefined, this);
    }
    return this;
  }
  rounds(count: number): this {
    for (let i = 0; i < count; i++) this.exchange.onRound(this);
    return this;
  }
  sentOf<Type extends BroadcastMessage["type"]>(type: Type): Sent<Type>[] {
    return this.sent().flatMap(({ to, message }) =>
      message.type === type ? [{ ...message, to } as Sent<Type>] : [],
    );
  }
  isCalledBy(from: NodeId, offers: readonly Offer[] = [], { round = 1, asks = true } = {}): this {
    this.exchange.onCall(from, { type: "call", round, offers, asks }, this);
    return this;
  }
  isAnsweredBy(from: NodeId, { round = 1, wanted = [], known = [], offers = [] }: Partial<Said> = {}): this {
    this.exchange.onAnswer(from, { type: "answer", round, wanted, known, offers }, this);
    return this;
  }
}

interface Said {
  round: number;
  wanted: MessageId[];
  known: Offer[];
  offers: Offer[];
}

const id = (sequence: number): MessageId => idOf(retainedOf(sequence));
const offer = (sequence: number, level = 1, ageRounds = 2): Offer => ({ ...id(sequence), level, ageRounds });

describe("a call", () => {
  test("offers ids and how far they have come, and no payload goes before it is asked for", () => {
    const caller = new Caller().gets(retainedOf(0), retainedOf(1)).rounds(1);
    expect(caller.sent()).toEqual([
      { to: 2, message: { type: "call", round: 1, offers: [offer(1), offer(0)], asks: true } },
    ]);
    expect(caller.forwarded).toEqual([]);
    caller.isAnsweredBy(2, { wanted: [id(0)], known: [offer(1, 5)] });
    expect(caller.forwarded).toEqual([{ to: 2, sequence: 0 }]);
    expect(caller.policy.contacts).toEqual([
      { sequence: 0, wasUseful: true, kind: "called", theirs: { level: 0, ageRounds: 0 } },
      { sequence: 1, wasUseful: false, kind: "called", theirs: offer(1, 5) },
    ]);
    expect(caller.counters).toMatchObject({ calls: 1, offers: 2, offersKnown: 1, unexpected: 0 });
  });

  test("is made in every round, from a random moment of the first on", () => {
    const caller = new Caller();
    caller.exchange.start(caller);
    const [{ after, timer }] = caller.scheduled() as [{ after: number; timer: BroadcastTimer }];
    expect(timer).toEqual({ type: "round" });
    expect(after).toBeLessThan(100);
    caller.take();
    caller.rounds(1);
    expect(caller.scheduled()).toEqual([{ after: 100, timer: { type: "round" } }]);
  });

  test("of a push is not made where there is nothing to tell; pull and push-pull ask all the same", () => {
    expect(new Caller({ asks: false }).rounds(3).sent()).toEqual([]);
    expect(new Caller({ tells: false }).rounds(3).sentOf("call")).toHaveLength(3);
    expect(new Caller().rounds(3).sentOf("call")).toHaveLength(3);
  });

  test("of a pull offers nothing, whatever is hot", () => {
    const caller = new Caller({ tells: false }).gets(retainedOf(0)).rounds(1);
    expect(caller.sentOf("call")).toMatchObject([{ offers: [], asks: true }]);
  });

  test("is not made where there is nobody, and the rounds go on", () => {
    const caller = new Caller().gets(retainedOf(0));
    caller.partner = undefined;
    expect(caller.rounds(1).sent()).toEqual([]);
    expect(caller.scheduled()).toHaveLength(1);
    expect(caller.counters.calls).toBe(0);
  });
});

describe("being called", () => {
  test("says what is wanted and what is known, and where that stands here", () => {
    const called = new Caller().gets(retainedOf(0)).isCalledBy(9, [offer(0, 7), offer(1)], { asks: false });
    expect(called.sent()).toEqual([
      { to: 9, message: { type: "answer", round: 1, wanted: [id(1)], known: [offer(0)], offers: [] } },
    ]);
    expect(called.policy.contacts).toEqual([
      { sequence: 0, wasUseful: false, kind: "met", theirs: offer(0, 7) },
    ]);
  });

  test("by somebody who asks makes offers, but not of what the caller has just offered", () => {
    const called = new Caller().gets(retainedOf(0), retainedOf(1)).isCalledBy(9, [offer(0)]);
    expect(called.sentOf("answer")).toMatchObject([{ offers: [offer(1)] }]);
    called.exchange.onFeedback(9, { type: "feedback", round: 1, wanted: [id(1)], known: [] }, called);
    expect(called.forwarded).toEqual([{ to: 9, sequence: 1 }]);
    expect(called.policy.contacts.at(-1)).toMatchObject({ sequence: 1, wasUseful: true, kind: "asked" });
  });

  test("counts an offer once, however often it is in the call", () => {
    const called = new Caller().gets(retainedOf(0)).isCalledBy(9, Array(200).fill(offer(0, 200)));
    expect(called.policy.contacts).toHaveLength(1);
    expect(called.sentOf("answer")[0]!.known).toHaveLength(1);
    called.isCalledBy(9, [offer(5), offer(5), offer(5)]);
    expect(called.sentOf("answer")[1]).toMatchObject({ wanted: [id(5)], known: [] });
  });

  test("what was seen and is no longer kept is known, and is old", () => {
    const called = new Caller();
    called.kept.set(messageKey(id(0)), retainedOf(0));
    called.isCalledBy(9, [offer(0)]);
    expect(called.sentOf("answer")).toMatchObject([{ wanted: [], known: [offer(0, maxLevel, 0)] }]);
  });

  test("what the one that we asked said of it goes to the policy with it", () => {
    const called = new Caller().isCalledBy(9, [offer(0, 3, 17)]).gets(retainedOf(0), retainedOf(1));
    expect(called.policy.heard).toEqual([offer(0, 3, 17), undefined]);
  });
});

describe("answers that nobody asked for", () => {
  const called = () => new Caller().gets(retainedOf(0)).rounds(1);

  test.each<[string, (caller: Caller) => void]>([
    ["of a stranger", (caller) => caller.isAnsweredBy(3, { wanted: [id(0)] })],
    ["of a round that was not", (caller) => caller.isAnsweredBy(2, { round: 2, wanted: [id(0)] })],
    ["before any call", (caller) => caller.isAnsweredBy(2, { round: 0, wanted: [id(0)] })],
  ])("%s count as unexpected, and nothing is sent", (_, act) => {
    const caller = called();
    act(caller);
    expect(caller.forwarded).toEqual([]);
    expect(caller.policy.contacts).toEqual([]);
    expect(caller.counters.unexpected).toBe(1);
  });

  test("a second one counts as unexpected, and nothing is sent twice", () => {
    const caller = called();
    caller.isAnsweredBy(2, { wanted: [id(0)] }).isAnsweredBy(2, { wanted: [id(0)] });
    expect(caller.forwarded).toHaveLength(1);
    expect(caller.counters.unexpected).toBe(1);
  });

  test("wants and knowns of what was not offered are nothing", () => {
    const caller = called();
    caller.gets(retainedOf(1)).isAnsweredBy(2, { wanted: [id(1), id(99)], known: [offer(1), offer(98)] });
    expect(caller.forwarded).toEqual([]);
    expect(caller.policy.contacts).toEqual([]);
    expect(caller.counters.offersKnown).toBe(0);
  });

  test("whoever wants the same ten times gets it once, and cannot say that it knew it too", () => {
    const caller = called();
    caller.isAnsweredBy(2, { wanted: Array(10).fill(id(0)), known: [offer(0)] });
    expect(caller.forwarded).toHaveLength(1);
    expect(caller.policy.contacts).toHaveLength(1);
  });

  test("feedback without offers, of another round, of somebody else, and a second time", () => {
    const caller = called();
    const feedback = (from: NodeId, round: number) =>
      caller.exchange.onFeedback(from, { type: "feedback", round, wanted: [id(0)], known: [] }, caller);
    feedback(9, 1);
    caller.isCalledBy(9);
    feedback(9, 2);
    feedback(8, 1);
    expect(caller.forwarded).toEqual([]);
    feedback(9, 1);
    feedback(9, 1);
    expect(caller.forwarded).toEqual([{ to: 9, sequence: 0 }]);
    expect(caller.counters.unexpected).toBe(4);
  });

  test("whoever only tells does not listen to offers in an answer", () => {
    const caller = new Caller({ asks: false }).gets(retainedOf(0)).rounds(1);
    caller.take();
    caller.isAnsweredBy(2, { offers: [offer(5)] });
    expect(caller.sent()).toEqual([]);
  });

  test("an answer may be late by the patience, and then no more", () => {
    const inTime = called()
      .rounds(3)
      .isAnsweredBy(2, { wanted: [id(0)] });
    expect(inTime.forwarded).toHaveLength(1);
    const tooLate = called()
      .rounds(4)
      .isAnsweredBy(2, { wanted: [id(0)] });
    expect(tooLate.forwarded).toEqual([]);
    expect(tooLate.counters.unexpected).toBe(1);
  });

  test("so may feedback", () => {
    for (const [rounds, copies] of [
      [3, 1],
      [4, 0],
    ] as const) {
      const caller = new Caller().gets(retainedOf(0)).isCalledBy(9).rounds(rounds);
      caller.exchange.onFeedback(9, { type: "feedback", round: 1, wanted: [id(0)], known: [] }, caller);
      expect(caller.forwarded).toHaveLength(copies);
    }
  });
});

describe("what was asked for", () => {
  test("is not asked for again of others, who hear that we do not count yet", () => {
    const caller = new Caller().isCalledBy(8, [offer(0)]).rounds(3);
    caller.take();
    caller.isCalledBy(9, [offer(0)]);
    expect(caller.sentOf("answer")).toMatchObject([{ wanted: [], known: [offer(0, 0, 0)] }]);
    expect(caller.policy.contacts, "nothing has met").toEqual([]);
  });

  test("is asked for again when it has not come, of anybody but the one who did not send it", () => {
    const caller = new Caller().isCalledBy(8, [offer(0)]).rounds(4);
    caller.take();
    caller.isCalledBy(8, [offer(0)]);
    expect(caller.sentOf("answer")).toMatchObject([{ wanted: [], known: [] }]);
    caller.take();
    caller.isCalledBy(9, [offer(0)]);
    expect(caller.sentOf("answer")).toMatchObject([{ wanted: [id(0)], known: [] }]);
  });

  test("and of that one too, some time later: its message may have been lost", () => {
    const caller = new Caller().isCalledBy(8, [offer(0)]);
    const wanted = range(1, 20).map((round) => {
      caller.take();
      caller.rounds(1).isCalledBy(8, [offer(0)], { round });
      return caller.sentOf("answer")[0]!.wanted.length;
    });
    expect(wanted.indexOf(1), "rounds that it waited").toBe(7);
  });

  test("and is asked for in time also where another one has been asked for in between", () => {
    const caller = new Caller()
      .isCalledBy(8, [offer(0), offer(1)])
      .rounds(4)
      .isCalledBy(9, [offer(0)]);
    caller.rounds(4).take();
    caller.isCalledBy(8, [offer(1)]);
    expect(caller.sentOf("answer")).toMatchObject([{ wanted: [id(1)] }]);
  });

  test("is not asked for when it has come", () => {
    const caller = new Caller()
      .isCalledBy(8, [offer(0)])
      .gets(retainedOf(0))
      .rounds(1);
    caller.take();
    caller.isCalledBy(9, [offer(0)]);
    expect(caller.sentOf("answer")).toMatchObject([{ wanted: [], known: [offer(0)] }]);
  });

  test("a liar that offers again and again what it never sends delays it by the patience, and no longer", () => {
    const victim = new Caller();
    let askedHonest: number | undefined;
    for (let round = 1; askedHonest === undefined && round < 100; round++) {
      victim.take();
      victim
        .rounds(1)
        .isCalledBy(666, [offer(0)], { round })
        .isCalledBy(9, [offer(0)], { round });
      const answer = victim.sentOf("answer").find(({ to }) => to === 9)!;
      if (answer.wanted.length > 0) askedHonest = round;
    }
    expect(askedHonest).toBe(5);
  });
});

describe("everything that a peer can make us keep is bounded", () => {
  test("calls of one partner in a round", () => {
    const called = new Caller();
    for (const round of range(1, 10)) called.isCalledBy(9, [], { round });
    expect(called.sentOf("answer")).toHaveLength(4);
    expect(called.counters.unexpected).toBe(6);
    called.take();
    called.rounds(1).isCalledBy(9);
    expect(called.sentOf("answer"), "a new round, a new count").toHaveLength(1);
  });

  test("partners in a round", () => {
    const called = new Caller();
    for (const from of range(1001, 2500)) called.isCalledBy(from);
    expect(called.sentOf("answer")).toHaveLength(1024);
    expect(called.counters.unexpected).toBe(1500 - 1024);
    called.take();
    called.isCalledBy(1001, [], { round: 2 });
    expect(called.sentOf("answer"), "those who are in stay in").toHaveLength(1);
  });

  test("what was asked for: the oldest is forgotten, and asked for again", () => {
    const called = new Caller();
    for (const call of range(0, 69))
      called.isCalledBy(
        1000 + call,
        range(0, 255).map((i) => offer(256 * call + i)),
      );
    called.take();
    called.isCalledBy(9, [offer(0), offer(69 * 256)]);
    expect(called.sentOf("answer")).toMatchObject([{ wanted: [id(0)], known: [offer(69 * 256, 0, 0)] }]);
  });

  test("offers that nobody has reacted to", () => {
    const called = new Caller().gets(retainedOf(0));
    for (const from of range(1, 1024)) called.isCalledBy(from);
    called.rounds(1).isCalledBy(2000);
    const feedback = (from: NodeId) =>
      called.exchange.onFeedback(from, { type: "feedback", round: 1, wanted: [id(0)], known: [] }, called);
    feedback(1);
    expect(called.forwarded, "the oldest").toEqual([]);
    feedback(2);
    feedback(2000);
    expect(called.forwarded.map(({ to }) => to)).toEqual([2, 2000]);
  });

  test("offers in a call", () => {
    const caller = new Caller({ budgetBytes: 1 << 30 }).gets(...range(0, 299).map((i) => retainedOf(i)));
    expect(caller.rounds(1).sentOf("call")[0]!.offers).toHaveLength(maxOffers);
  });
});

describe("the connection limit", () => {
  test("so many calls are answered in a round, the rest is told that it was too much", () => {
    const called = new Caller({ connectionLimit: 2 });
    for (const from of [5, 6, 7, 8]) called.isCalledBy(from, [offer(from)], { round: from });
    expect(called.sentOf("answer").map(({ to }) => to)).toEqual([5, 6]);
    expect(called.sentOf("busy")).toEqual([
      { type: "busy", round: 7, to: 7 },
      { type: "busy", round: 8, to: 8 },
    ]);
    expect(called.counters.refusedCalls).toBe(2);
    called.take();
    expect(called.rounds(1).isCalledBy(9, []).sentOf("answer")).toHaveLength(1);
  });

  test("who is refused hunts for another partner, so often and in the same round", () => {
    const caller = new Caller({ huntLimit: 2 }).gets(retainedOf(0)).rounds(1);
    for (const partner of [3, 4, 5]) {
      const refuser = caller.partner!;
      caller.partner = partner;
      caller.exchange.onBusy(refuser, { type: "busy", round: 1 }, caller);
    }
    expect(caller.sentOf("call").map(({ to, round }) => [to, round])).toEqual([
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
    caller.isAnsweredBy(2, { wanted: [id(0)] });
    expect(caller.counters.unexpected, "the first one has refused").toBe(1);
  });

  test("a refusal of somebody who was not called, or of another round, is nothing", () => {
    const caller = new Caller({ huntLimit: 2 }).gets(retainedOf(0)).rounds(2);
    caller.exchange.onBusy(3, { type: "busy", round: 2 }, caller);
    caller.exchange.onBusy(2, { type: "busy", round: 1 }, caller);
    expect(caller.sentOf("call")).toHaveLength(2);
  });

  test("where there is one, an offer counts as made when the call was taken, and otherwise with the call", () => {
    const limited = new Caller({ connectionLimit: 1, huntLimit: 1 }).gets(retainedOf(0)).rounds(1);
    limited.exchange.onBusy(2, { type: "busy", round: 1 }, limited);
    expect(limited.policy.offered).toEqual([]);
    expect(limited.isAnsweredBy(2, { known: [offer(0)] }).policy.offered).toEqual([0]);
    expect(new Caller().gets(retainedOf(0)).rounds(1).policy.offered).toEqual([0]);
  });
});

describe("what comes first where not all can be offered", () => {
  const tenBytes = { payloads: ["0123456789"] };
  const offered = (options: Partial<ExchangeOptions>, messages: Retained[], seed = 1) =>
    new Caller({ budgetBytes: 30, ...options }, seed)
      .gets(...messages)
      .rounds(1)
      .sentOf("call")[0]!
      .offers.map(({ sequence }) => sequence);

  test("the most recent, as far as the bytes of their payloads go", () => {
    const messages = range(0, 9).map((sequence) => retainedOf(sequence, tenBytes));
    expect(offered({ choice: "recent" }, messages)).toEqual([9, 8, 7]);
  });

  test("bytes of UTF-8, of all payloads of a publication", () => {
    const messages = [retainedOf(0), retainedOf(1, { payloads: ["€€€", "€€€"] }), retainedOf(9)];
    expect(offered({ budgetBytes: 22 }, messages)).toEqual([9]);
    expect(offered({ budgetBytes: 23 }, messages)).toEqual([9, 1]);
  });

  test("one that is larger than all of it is offered alone", () => {
    const messages = [retainedOf(0), retainedOf(1, { payloads: ["x".repeat(1000)] })];
    expect(offered({}, messages)).toEqual([1]);
  });

  test("the highest priority, and of equal priority the most recent", () => {
    const messages = [0, 5, 5, 255, undefined].map((priority, i) => retainedOf(i, { ...tenBytes, priority }));
    expect(offered({ choice: "priority" }, messages)).toEqual([3, 2, 1]);
    expect(offered({ choice: "priority", budgetBytes: 50 }, messages)).toEqual([3, 2, 1, 4, 0]);
  });

  test("at random, each as often as any other", () => {
    const messages = range(0, 9).map((sequence) => retainedOf(sequence, tenBytes));
    const times = new Array(10).fill(0);
    for (const seed of range(1, 1000))
      for (const sequence of offered({ choice: "random" }, messages, seed)) times[sequence]++;
    // Binomial, 1000 draws with probability 0.3: four and a half standard deviations are 65.
    for (const [sequence, count] of times.entries())
      expect(Math.abs(count - 300), `message ${sequence}`).toBeLessThan(65);
  });
});
