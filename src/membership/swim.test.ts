import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import {
  Anna,
  anna,
  bert,
  cleo,
  dora,
  doubtOf,
  emil,
  everybody,
  leaveOf,
  mallory,
  recordOf,
  type Settings,
  seed,
} from "../../test/support/anna.ts";
import { signaturesOf, signedBy } from "../../test/support/notary.ts";
import { type NodeId, type Signed, UsageError } from "../core/index.ts";
import type { LeaveNotice } from "./messages.ts";
import { Swim, type SwimCommand, type SwimConfig, type SwimNotice, type SwimTimer } from "./swim.ts";
import type { MemberRecord, Suspicion, SwimMessage } from "./swim-messages.ts";
import { updateBytes } from "./swim-news.ts";
import { swimOptions } from "./swim-options.ts";

const { probeIntervalMs, probeTimeoutMs, pauseMs, suspicionMult } = swimOptions();

describe("joining", () => {
  const two = { introducers: [seed, "@127.0.0.1:8002"] };

  test("asks one configured address, and the next one when there is no answer in time", () => {
    const swim = new Swim({ ...base, ...two });
    const env = new Alone<SwimMessage, SwimTimer, SwimNotice, SwimCommand>(anna, swim).start();
    const first = env.onlySent("sync-compare");
    expect(first.record.statement).toMatchObject({ member: anna, incarnation: 1 });
    env.clear().pass(1000);
    const second = env.sentOf("sync-compare")[0]!;
    expect(new Set([first.to, second.to])).toEqual(new Set(two.introducers));
  });

  test("asks the next one at once where nobody answers at an address", () => {
    const env = new Alone<SwimMessage, SwimTimer, SwimNotice, SwimCommand>(
      anna,
      new Swim({ ...base, ...two }),
    );
    const { to } = env.start().onlySent("sync-compare");
    env.clear().command({ type: "unreachable", node: to });
    expect(env.onlySent("sync-compare").to).not.toBe(to);
  });

  test("learns who is there from signed records only, and says when it has joined", () => {
    const swim = new Swim({ ...base, introducers: [seed] });
    const env = new Alone<SwimMessage, SwimTimer, SwimNotice, SwimCommand>(anna, swim).start();
    const { nonce } = env.onlySent("sync-compare");
    const digest = { type: "sync-digest", isAnswer: false, isPartial: false } as const;
    const alive = { incarnation: 1, state: "alive" } as const;
    env.receive(bert, {
      ...digest,
      nonce,
      entries: [bert, cleo, mallory].map((member) => ({ member, ...alive })),
    });
    expect(swim.size).toBe(0);
    expect(env.onlySent("sync-want").members).toEqual([bert, cleo, mallory]);
    const forged = signedBy<MemberRecord>(bert, recordOf(mallory).statement);
    const records = [recordOf(bert, 1, { role: "seed" }), recordOf(cleo), forged];
    env.receive(bert, { type: "sync-updates", nonce, updates: records });
    expect(swim.candidates.map(({ peer }) => peer)).toEqual([cleo]);
    expect(swim.introducers).toEqual([bert]);
    expect(swim.counters.forged).toBe(1);
    expect(swim.isJoined).toBe(true);
    expect(env.noticesOf("membership-joined")).toEqual([
      { type: "membership-joined", through: bert, members: 2 },
    ]);
    // Plain and bounded, for the disk.
    expect(env.noticesOf("persist").at(-1)).toEqual({
      type: "persist",
      key: "contacts",
      value: [{ peer: cleo, since: 5 }],
      isAwaited: false,
    });
  });

  test("takes an answer from nobody whom it has not asked", () => {
    const env = new Anna({ knows: everybody });
    env.receive(mallory, {
      type: "sync-digest",
      nonce: 1,
      isAnswer: false,
      isPartial: true,
      entries: [{ member: mallory, incarnation: 1, state: "alive" }],
    });
    env.receive(mallory, { type: "sync-updates", nonce: 1, updates: [recordOf(mallory)] });
    env.receive(mallory, { type: "sync-want", nonce: 1, members: everybody });
    expect(env.sent()).toEqual([]);
    expect(env.swim.size).toBe(4);
    expect(env.swim.counters.unasked).toBe(3);
  });

  test("a comparison in another's name is dropped", () => {
    const env = new Anna({ knows: everybody });
    const compare = { type: "sync-compare", nonce: 5, count: 1, fingerprint: 1 } as const;
    env.receive(mallory, { ...compare, record: recordOf(cleo, 2) });
    expect(env.sent()).toEqual([]);
    expect(env.swim.counters.forged).toBe(1);
  });
});

const base: SwimConfig = {
  role: "peer",
  introducers: [],
  incarnation: 1,
  since: 3,
  signatures: signaturesOf(anna),
};

describe("a probe", () => {
  test("is direct first, then through three others and over a stream, and ends with the interval", () => {
    const env = new Anna({ knows: everybody });
    const { nonce } = env.asks(cleo);
    env.answersAll(probeTimeoutMs - 20, [cleo]);
    expect(env.sentOf("ping-request")).toEqual([]);
    env.answersAll(30, [cleo]);
    const asked = env.sentOf("ping-request");
    expect(asked.map(({ to }) => to).sort()).toEqual([bert, dora, emil]);
    expect(asked.every((request) => request.nonce === nonce && request.target === cleo)).toBe(true);
    expect(env.onlySent("stream-ping")).toMatchObject({ to: cleo, nonce });
    env.answersAll(probeIntervalMs - probeTimeoutMs - 30, [cleo]);
    expect(env.state(cleo)).toBe("alive");
    env.answersAll(30, [cleo]);
    expect(env.state(cleo)).toBe("suspect");
    expect(env.noticesOf("member-suspected")).toEqual([
      { type: "member-suspected", peer: cleo, incarnation: 1, by: [anna] },
    ]);
  });

  test.each(["ack", "stream-ack"] as const)("is answered by a late %s of whoever is asked", (type) => {
    const env = new Anna({ knows: everybody });
    const { nonce } = env.asks(cleo);
    env.answersAll(probeTimeoutMs + 50, [cleo]);
    env.receive(cleo, { type, nonce, updates: [] });
    env.answersAll(probeIntervalMs, [cleo]);
    expect(env.sentOf("ping-request").filter(({ nonce: asked }) => asked === nonce)).toHaveLength(3);
    expect(env.noticesOf("probe-failed")).toEqual([]);
  });

  test("is answered by a helper: then the path is bad and not the member", () => {
    const env = new Anna({ knows: everybody });
    const { nonce } = env.asks(cleo);
    env.answersAll(probeTimeoutMs + 50, [cleo]);
    env.receive(dora, { type: "ack", nonce, updates: [] });
    expect(env.swim.isAnswering(cleo)).toBe(false);
    env.pass(probeIntervalMs - probeTimeoutMs);
    expect(env.noticesOf("probe-failed").filter(({ peer }) => peer === cleo)).toEqual([]);
  });

  test("is not answered by whoever was not asked", () => {
    const env = new Anna({ knows: everybody });
    const { nonce } = env.asks(cleo);
    env.receive(mallory, { type: "ack", nonce, updates: [] });
    env.receive(dora, { type: "ack", nonce, updates: [] });
    env.answersAll(probeIntervalMs + 20, [cleo]);
    expect(env.state(cleo)).toBe("suspect");
  });

  test("is answered by anything that another layer heard while nothing came for this one", () => {
    const env = new Anna({ knows: everybody });
    env.asks(cleo);
    env.answersAll(probeTimeoutMs + 50, [cleo]);
    env.swim.onHeard(cleo);
    env.answersAll(probeIntervalMs - probeTimeoutMs, [cleo]);
    expect(env.swim.counters.probeFailures).toBe(0);
  });

  test("waits longer for whoever is far away", () => {
    const env = new Anna({ knows: everybody });
    for (let i = 0; i < 40; i++) {
      const { nonce } = env.asks(cleo);
      env.pass(100).receive(cleo, { type: "ack", nonce, updates: [] });
    }
    expect(env.swim.rttMs(cleo)).toBeGreaterThan(90);
    env.answersAll(2000).clear();
    env.asks(cleo);
    env.answersAll(probeTimeoutMs + 50, [cleo]);
    expect(env.sentOf("stream-ping").filter(({ to }) => to === cleo)).toEqual([]);
    env.answersAll(100, [cleo]);
    expect(env.sentOf("stream-ping").filter(({ to }) => to === cleo)).toHaveLength(1);
  });

  test("for somebody else is answered with ack or nack, and there are only so many", () => {
    const env = new Anna({ knows: everybody });
    env.receive(bert, { type: "ping-request", nonce: 77, target: cleo, updates: [] });
    const ping = env.onlySent("ping");
    expect(ping.nonce).not.toBe(77);
    env.receive(cleo, { type: "ack", nonce: ping.nonce, updates: [] });
    expect(env.onlySent("ack")).toMatchObject({ to: bert, nonce: 77 });
    env.clear().receive(bert, { type: "ping-request", nonce: 78, target: cleo, updates: [] });
    env.answersAll(probeTimeoutMs + 10, [cleo]);
    expect(env.onlySent("nack")).toMatchObject({ to: bert, nonce: 78 });
    for (let i = 0; i < 300; i++)
      env.receive(bert, { type: "ping-request", nonce: 100 + i, target: dora, updates: [] });
    expect(env.swim.counters.refused).toBe(300 - 32);
    for (let i = 0; i < 300; i++)
      env.receive(`asker${i}@127.0.0.1:1`, { type: "ping-request", nonce: i, target: dora, updates: [] });
    expect(env.swim.counters.refused).toBe(300 - 32 + 300 - (256 - 32));
  });
});

describe("a suspicion", () => {
  const suspects = (env: Anna, accusers: readonly NodeId[]) =>
    env.tell(accusers.map((by) => doubtOf(cleo, by)));

  test("is told to the suspect at once, and again in every ping", () => {
    const env = new Anna({ knows: everybody });
    env.asks(cleo);
    env.answersAll(probeIntervalMs + 20, [cleo]);
    const [told] = env.sentOf("gossip").filter(({ to }) => to === cleo);
    expect(told!.updates).toMatchObject([{ statement: { type: "suspicion", suspect: cleo, accuser: anna } }]);
    env.clear();
    expect(env.asks(cleo).updates[0]).toEqual(told!.updates[0]);
    const laterPings = (settings: Settings) => {
      const suspecting = new Anna({ knows: everybody, ...settings });
      suspecting.asks(cleo);
      suspecting.answersAll(2500, [cleo]).clear().answersAll(3500, [cleo]);
      return suspecting.sentOf("ping").flatMap(({ to, updates }) => (to === cleo ? [updates.length] : []));
    };
    expect(new Set(laterPings({}))).toEqual(new Set([1]));
    expect(new Set(laterPings({ buddy: false }))).toEqual(new Set([0]));
  });

  test("is void when the suspect answers with a newer life, and only then", () => {
    const env = suspects(new Anna({ knows: everybody }), [bert]);
    expect(env.state(cleo)).toBe("suspect");
    env.tell([recordOf(cleo, 1)]);
    env.tell([signedBy<MemberRecord>(mallory, recordOf(cleo, 2).statement)]);
    expect(env.state(cleo)).toBe("suspect");
    env.tell([recordOf(cleo, 2)]);
    expect(env.state(cleo)).toBe("alive");
    expect(env.noticesOf("member-cleared")).toEqual([{ type: "member-cleared", peer: cleo, incarnation: 2 }]);
    env.answersAll(20_000);
    expect(env.swim.counters.failures).toBe(0);
    // What is said of the earlier life is corrected.
    env.clear().tell([doubtOf(cleo, dora)]);
    expect(env.state(cleo)).toBe("alive");
    expect(env.onlySent("gossip")).toEqual({ type: "gossip", to: bert, updates: [recordOf(cleo, 2)] });
  });

  test.each([
    [0, 6000],
    [1, 3500],
    [2, 2037],
    [3, 1000],
  ])("that %i others confirm lasts %i ms", (confirmations, expected) => {
    const { quiet, env } = quietly({ knows: [...everybody, "fred@127.0.0.1:9006"] });
    suspects(
      env,
      everybody
        .filter((node) => node !== cleo)
        .concat("fred@127.0.0.1:9006")
        .slice(0, 1 + confirmations),
    );
    const start = env.now;
    env.passUntil(() => env.state(cleo) === "failed");
    expect(env.now - start).toBe(expected);
    expect(env.noticesOf("member-failed").filter(({ peer }) => peer === cleo)).toMatchObject([
      { peer: cleo, incarnation: 1 },
    ]);
    expect(quiet).toBe(true);
  });

  test("is repeated in pings until it is cleared, and whoever knows better says so", () => {
    const env = suspects(new Anna({ knows: everybody }), [bert]);
    env.answersAll(1200, [cleo]).clear().answersAll(1500, [cleo]);
    const pings = env.sentOf("ping").filter(({ to }) => to !== cleo);
    expect(pings.length).toBeGreaterThan(0);
    for (const { updates } of pings) expect(updates).toContainEqual(doubtOf(cleo, bert));
    const informed = new Anna({ knows: everybody }).tell([recordOf(cleo, 2)]).clear();
    informed.receive(dora, { type: "ping", nonce: 3, updates: pings[0]!.updates });
    expect(informed.onlySent("ack").updates[0]).toEqual(recordOf(cleo, 2));
  });

  test("about lives that are over is answered with no more than a datagram holds", () => {
    const many = Array.from({ length: 40 }, (_, i): NodeId => `${i}@127.0.0.1:${7000 + i}`);
    const env = new Anna({ knows: [...everybody, ...many] });
    env.tell(many.map((node) => recordOf(node, 2))).clear();
    const updates = many.map((node) => doubtOf(node, bert));
    env.receive(bert, { type: "ping", nonce: 5, updates });
    env.receive(bert, { type: "gossip", updates });
    for (const answer of [env.onlySent("ack"), env.onlySent("gossip")]) {
      expect(answer.updates.length).toBeGreaterThan(2);
      expect(answer.updates.reduce((sum, update) => sum + updateBytes(update), 0)).toBeLessThanOrEqual(1100);
    }
  });

  test("signed by one who is not known, or by nobody, counts for nothing", () => {
    const env = new Anna({ knows: everybody });
    env.tell([doubtOf(cleo, mallory)]);
    env.tell([signedBy<Suspicion>(mallory, doubtOf(cleo, bert).statement)]);
    expect(env.state(cleo)).toBe("alive");
    expect(env.swim.counters.forged).toBe(1);
  });

  test("is looked at once, however often it comes", () => {
    const env = new Anna({ knows: everybody });
    const updates = [doubtOf(cleo, bert), recordOf(dora, 4)];
    for (let i = 0; i < 50; i++) env.tell(updates, i % 2 === 0 ? dora : emil);
    expect(env.verified[0]).toBe(2);
    expect(env.swim.counters.suspicions).toBe(1);
  });

  test("of more accusers than count is not kept", () => {
    const many = Array.from({ length: 40 }, (_, i) => `n${i}@127.0.0.1:${7000 + i}`);
    const env = new Anna({ knows: [...many, cleo] });
    suspects(env, many);
    expect(env.swim.counters.confirmations).toBe(3);
    expect(env.verified[0]).toBe(4);
  });

  test("with a quorum waits for others to agree, however long it takes", () => {
    const { env } = quietly({ knows: everybody, quorum: 3 });
    suspects(env, [bert, dora]);
    env.pass(60_000);
    expect(env.state(cleo)).toBe("suspect");
    expect(env.swim.why(cleo).at(-1)).toMatchObject({ kind: "awaits-quorum", detail: "2 of 3 doubt it" });
    suspects(env, [emil]);
    expect(env.state(cleo)).toBe("failed");
    expect(env.noticesOf("member-failed").find(({ peer }) => peer === cleo)!.by).toEqual([bert, dora, emil]);
  });

  test("of a helper's own, if it could not reach the suspect a moment ago either", () => {
    const env = new Anna({ knows: everybody });
    env.receive(bert, { type: "ping-request", nonce: 1, target: cleo, updates: [] });
    env.answersAll(probeTimeoutMs + 10, [cleo]);
    suspects(env, [bert]);
    env.answersAll(probeIntervalMs + 20, [cleo]);
    const own = env.swim.why(cleo).filter(({ kind, by }) => kind === "suspected" && by === anna);
    expect(own).toHaveLength(1);
    // Whoever was not asked to help waits for its turn.
    const other = suspects(new Anna({ knows: everybody }), [bert]).answersAll(200, [cleo]);
    expect(other.sentOf("ping").filter(({ to }) => to === cleo).length).toBeLessThanOrEqual(1);
  });

  test("keeps its evidence: what was missed, who doubts since when, and the verdict", () => {
    const env = new Anna({ knows: everybody });
    const { nonce } = env.asks(cleo);
    env.answersAll(probeTimeoutMs + 10, [cleo]);
    env.receive(dora, { type: "nack", nonce });
    env.receive(dora, { type: "nack", nonce });
    env.answersAll(probeIntervalMs, [cleo]);
    suspects(env, [dora]);
    env.answersAll(20_000, [cleo]);
    const chain = env.swim.why(cleo);
    expect(chain.slice(0, 3)).toMatchObject([
      { kind: "missed", by: anna, incarnation: 1 },
      { kind: "suspected", by: anna },
      { kind: "suspected", by: dora },
    ]);
    expect(chain[0]!.detail).toContain("1 of 3 helpers could not reach it either, 2 did not answer");
    expect(chain[2]!.detail).toContain("1 of 3 confirmations");
    expect(chain.at(-1)!.kind).toBe("failed");
    env.tell([recordOf(cleo, 2)]);
    expect(env.swim.why(cleo).at(-1)).toMatchObject({ kind: "alive", by: cleo, incarnation: 2 });
  });
});

/** Anna, who asks nobody by herself any more: only what she is told counts. */
function quietly(settings: Settings) {
  const env = new Anna({ probeIntervalMs: 500, syncIntervalMs: 3_600_000, ...settings });
  env.swim.onTimer = ((onTimer) => (timer: SwimTimer, world: any) => {
    if (timer.type !== "probe") onTimer.call(env.swim, timer, world);
  })(env.swim.onTimer);
  return { env, quiet: env.sentOf("ping").length === 0 };
}

describe("refuting", () => {
  test("is on disk before anybody hears of it, and then goes to the accuser and to others first of all", () => {
    const env = new Anna({ knows: everybody });
    env.persistsAtOnce = false;
    env.tell([doubtOf(anna, dora)], dora);
    expect(env.noticesOf("persist")).toEqual([
      { type: "persist", key: "incarnation", value: 2, isAwaited: true },
    ]);
    env.answersAll(1000);
    expect(env.swim.incarnation).toBe(1);
    expect(JSON.stringify(env.sent())).not.toContain('"incarnation":2');
    env.acknowledge();
    expect(env.swim.incarnation).toBe(2);
    expect(env.noticesOf("refuted")).toEqual([{ type: "refuted", incarnation: 2 }]);
    const [answer] = env
      .sentOf("gossip")
      .filter(({ to }) => to === dora)
      .slice(-1);
    expect(answer!.updates[0]!.statement).toMatchObject({ member: anna, incarnation: 2 });
    expect(env.noticesOf("local-health")[0]).toMatchObject({ score: 1, reason: "refuted a suspicion" });
    env.tell([recordOf(emil, 9)]).clear();
    env.receive(bert, { type: "ping", nonce: 1, updates: [] });
    expect(env.onlySent("ack").updates.map(({ statement }) => statement)).toMatchObject([
      { member: anna, incarnation: 2 },
      { member: emil, incarnation: 9 },
    ]);
  });

  test("happens only so often in a time, whoever says so", () => {
    const env = new Anna({ knows: everybody });
    for (let time = 0; time < 2000; time += 10) {
      env.tell([doubtOf(anna, dora, env.swim.incarnation)], dora).pass(10);
    }
    expect(env.swim.counters.refutations).toBeGreaterThan(5);
    expect(env.swim.counters.refutations).toBeLessThanOrEqual(9);
  });

  test("answers no doubt about a life that is over or has not begun, or that nobody signed", () => {
    const env = new Anna({ knows: everybody });
    env.tell([doubtOf(anna, dora, 2), doubtOf(anna, dora, 0)]);
    env.tell([signedBy<Suspicion>(mallory, doubtOf(anna, dora).statement)]);
    expect(env.noticesOf("persist")).toEqual([]);
    // Whoever is behind is told.
    expect(env.sentOf("gossip")[0]!.updates[0]!.statement).toMatchObject({ member: anna, incarnation: 1 });
  });

  test("another who runs with the same key is told of, and both insist more and more rarely", () => {
    const env = new Anna({ knows: everybody });
    const twin = "anna@10.0.0.7:9001";
    for (let time = 0; time < 600_000; time += 50) {
      env.tell([recordOf(twin, env.swim.incarnation + 1, { since: 50 })]).answersAll(50);
    }
    const lives = env.noticesOf("renewed").length;
    expect(env.noticesOf("refuted")).toEqual([]);
    expect(lives).toBeGreaterThan(8);
    expect(lives).toBeLessThan(20);
    expect(env.noticesOf("identity-shared").length).toBeGreaterThan(8);
    expect(env.noticesOf("identity-shared").length).toBeLessThan(20);
    expect(env.noticesOf("identity-shared")[0]).toEqual({ type: "identity-shared", with: twin });
    // Doubts are refuted all the same.
    env
      .clear()
      .tell([doubtOf(anna, dora, env.swim.incarnation)], dora)
      .answersAll(300);
    expect(env.noticesOf("refuted")).toHaveLength(1);
  });

  test("takes up above what it said itself in a life that the disk has forgotten", () => {
    const env = new Anna({ knows: everybody }).tell([recordOf(anna, 41)]);
    expect(env.swim.incarnation).toBe(42);
    env.tell([leaveOf(anna, 42)]).pass(suspicionMult * probeIntervalMs);
    expect(env.swim.incarnation).toBe(43);
    env.tell([signedBy<MemberRecord>(mallory, recordOf(anna, 99).statement)]);
    expect(env.swim.incarnation).toBe(43);
  });
});

describe("local health", () => {
  test("suffers from helpers that keep silent, not from those who agree; each answer mends it", () => {
    const fails = (nacks: number) => {
      const env = new Anna({ knows: everybody });
      const { nonce } = env.asks(cleo);
      env.answersAll(probeTimeoutMs + 10, [cleo]);
      for (const helper of [bert, dora, emil].slice(0, nacks)) env.receive(helper, { type: "nack", nonce });
      const before = env.swim.localHealth;
      env.pass(probeIntervalMs - probeTimeoutMs);
      return env.swim.localHealth - before;
    };
    expect(fails(3)).toBe(0);
    expect(fails(2)).toBe(1);
    expect(fails(0)).toBe(3);
  });

  test("makes probes rarer and more patient", () => {
    const env = new Anna({ knows: everybody });
    env.command({ type: "stalled", ms: 600 }).pass(pauseMs).command({ type: "stalled", ms: 400 });
    expect(env.swim.localHealth).toBe(2);
    const unasked = everybody.find((node) => !env.sentOf("ping").some(({ to }) => to === node))!;
    const { nonce } = env.asks(unasked);
    const overStream = () => env.sentOf("stream-ping").filter((ping) => ping.nonce === nonce);
    env.pass(probeTimeoutMs * 3 - 10);
    expect(overStream()).toEqual([]);
    env.pass(20);
    expect(overStream()).toHaveLength(1);
    const plain = new Anna({ knows: everybody, localHealth: false }).command({ type: "stalled", ms: 600 });
    expect(plain.swim.localHealth).toBe(0);
  });

  test("notices by its own timers that the process stood still: probes under way are void, doubts begin anew", () => {
    const env = new Anna({ knows: everybody });
    env.tell([doubtOf(cleo, bert), doubtOf(cleo, dora), doubtOf(cleo, emil)]);
    env.asks(bert);
    // The process hangs: nothing is called until now, and then everything at once.
    env.now += 30_000;
    const { failures, probeFailures } = env.swim.counters;
    env.answersAll(10, [cleo]);
    expect(env.swim.counters).toMatchObject({ failures, probeFailures, stalls: 1 });
    expect(env.state(cleo)).toBe("suspect");
    expect(env.noticesOf("local-health")[0]!.reason).toContain("stood still");
    env.answersAll(2500, [cleo]);
    expect(env.state(cleo)).toBe("failed");
    expect(env.state(bert)).toBe("alive");
  });
});

describe("the table", () => {
  test("pushes out nobody who is alive for a stranger, and the longest dead first", () => {
    const knows = Array.from({ length: 8 }, (_, i) => `n${i}@127.0.0.1:${7000 + i}`);
    const env = new Anna({ knows, maxMembers: 8 });
    env.tell([recordOf(mallory)]);
    expect(env.state(mallory)).toBe("unknown");
    expect(env.swim.counters.refused).toBe(1);
    env.tell([leaveOf(knows[3]!), leaveOf(knows[1]!)]);
    env.tell([recordOf(mallory)]);
    expect(env.state(knows[3]!)).toBe("unknown");
    expect(env.state(knows[1]!)).toBe("left");
    expect(env.swim.members).toHaveLength(8);
  });

  test("takes a member at another address for the same one", () => {
    const env = new Anna({ knows: everybody });
    const moved = "cleo@10.0.0.7:9999";
    env.tell([recordOf(moved, 2)]);
    expect(env.swim.get("cleo")).toMatchObject({ peer: moved });
    expect(env.swim.size).toBe(4);
    expect(env.noticesOf("member-up")).toEqual([
      { type: "member-up", peer: moved, incarnation: 2, since: 5 },
    ]);
    env.tell([recordOf(cleo, 1)]);
    expect(env.swim.get("cleo")).toMatchObject({ peer: moved });
    expect(env.asks(moved)).toBeDefined();
  });

  test("knows equal fingerprints for equal lives only", () => {
    const one = new Anna({ knows: [bert, cleo] });
    const other = new Anna({ knows: [cleo, bert] });
    expect(one.swim.fingerprint).toBe(other.swim.fingerprint);
    other.tell([recordOf(cleo, 2)]);
    expect(one.swim.fingerprint).not.toBe(other.swim.fingerprint);
    one.tell([recordOf(cleo, 2)]);
    expect(one.swim.fingerprint).toBe(other.swim.fingerprint);
  });

  test("believes no life that begins far beyond the clock", () => {
    const env = new Anna({ knows: everybody }).tell([recordOf(cleo, 2e12)]);
    expect(env.swim.counters.forged).toBe(1);
    expect(env.swim.members.find(({ node }) => node === cleo)!.incarnation).toBe(1);
  });

  test("a leave counts only when the one who leaves has signed it, and for that life", () => {
    const env = new Anna({ knows: everybody });
    env.tell([signedBy<LeaveNotice>(mallory, leaveOf(cleo).statement), leaveOf(cleo, 0)]);
    expect(env.state(cleo)).toBe("alive");
    env.tell([leaveOf(cleo)]);
    expect(env.noticesOf("peer-left")).toEqual([{ type: "peer-left", peer: cleo, incarnation: 1 }]);
    env.tell([recordOf(cleo, 1), doubtOf(cleo, bert)]);
    expect(env.state(cleo)).toBe("left");
    env.tell([recordOf(cleo, 2)]);
    expect(env.state(cleo)).toBe("alive");
  });
});

describe("in a network that is too large for full views", () => {
  const watched: NodeId[] = [dora, emil];
  const neighbors = { neighbors: watched, has: (node: NodeId) => watched.includes(node) };
  const strangers = ["fred", "gina", "hugo"].map((name, i) => recordOf(`${name}@127.0.0.1:${9100 + i}`));

  test("doubts about others are dropped, and new ones are not taken up: nobody here watches them", () => {
    const env = new Anna({ knows: everybody, fullViewMembers: 6, config: { neighbors } });
    env.tell([doubtOf(cleo, emil), doubtOf(bert, emil), doubtOf(dora, bert)]);
    expect([cleo, bert].map((node) => env.state(node))).toEqual(["suspect", "suspect"]);
    env.tell(strangers);
    expect(env.noticesOf("view-partial")).toEqual([{ type: "view-partial", members: 6 }]);
    expect(env.swim.members).toHaveLength(6);
    // One of them at most had to make room.
    expect(env.state(cleo)).not.toBe("suspect");
    expect(env.state(bert)).not.toBe("suspect");
    expect(env.state(dora)).toBe("suspect");
    env.tell([doubtOf(cleo, emil), doubtOf(bert, emil), doubtOf(emil, bert)]);
    env.answersAll(20_000);
    expect(
      env
        .noticesOf("member-failed")
        .map(({ peer }) => peer)
        .sort(),
    ).toEqual(watched);
    expect(new Set(env.sentOf("ping").map(({ to }) => to))).toEqual(new Set(watched));
  });

  test("a neighbor whose link broke is judged to the end, though the overlay has replaced it", () => {
    const view: NodeId[] = [dora, emil];
    const env = new Anna({
      knows: everybody,
      fullViewMembers: 6,
      config: { neighbors: { neighbors: view, has: (node: NodeId) => view.includes(node) } },
    });
    env.tell(strangers);
    expect(env.noticesOf("view-partial")).toHaveLength(1);
    env.command({ type: "unreachable", node: dora });
    view.shift();
    env.hear({ type: "neighbor-down", neighbor: dora, reason: "unreachable" } as any);
    env.answersAll(20_000, [dora]);
    expect(env.noticesOf("member-failed").map(({ peer }) => peer)).toContain(dora);
  });

  test("a seed, who knows all and watches nobody in particular, asks for itself; then others confirm", () => {
    const env = new Anna({ knows: everybody, fullViewMembers: 3, config: { role: "seed" } });
    env.tell([doubtOf(cleo, bert)]);
    expect(env.state(cleo)).toBe("alive");
    expect(env.sentOf("ping").map(({ to }) => to)).toContain(cleo);
    env.answersAll(probeIntervalMs + 20, [cleo]);
    expect(env.noticesOf("member-suspected")).toMatchObject([{ peer: cleo, by: [anna] }]);
    env.tell([doubtOf(cleo, dora), doubtOf(cleo, emil), doubtOf(cleo, bert)]);
    env.answersAll(suspicionMult * probeIntervalMs, [cleo]);
    expect(env.state(cleo)).toBe("failed");
    const answers = new Anna({ knows: everybody, fullViewMembers: 3, config: { role: "seed" } });
    answers.tell([doubtOf(cleo, bert)]);
    answers.receive(cleo, { type: "ack", nonce: answers.onlySent("ping").nonce, updates: [] });
    answers.answersAll(60_000);
    expect(answers.noticesOf("member-suspected")).toEqual([]);
  });
});

test("tags that others would refuse are refused here", () => {
  const make = (tags: MemberRecord["tags"]) => () => new Swim({ ...base, tags });
  expect(make([["zone", "b"]])).not.toThrow();
  expect(make(Array.from({ length: 17 }, (_, i) => [`t${i}`, ""]))).toThrow(UsageError);
  expect(make([["a", "x".repeat(129)]])).toThrow(/128/);
  expect(make([["a", "\u0007"]])).toThrow(/printed/);
  expect(make([["", "x"]])).toThrow(/name/);
  expect(
    make([
      ["é".repeat(128), "é".repeat(128)],
      ["n", ""],
    ]),
  ).toThrow(/512/);
});

test("somebody met by another layer is asked who it is, and is no member until it has said so", () => {
  const env = new Anna({ knows: everybody });
  env.hear({ type: "peer-met", peer: mallory, since: 1 } as any);
  env.hear({ type: "peer-met", peer: "eve@127.0.0.1:1", since: 1 } as any);
  expect(env.onlySent("sync-compare").to).toBe(mallory);
  expect(env.state(mallory)).toBe("unknown");
});

test("an update that came already is forgotten when it was passed on often enough", () => {
  const env = new Anna({ knows: everybody });
  const news: Signed<MemberRecord> = recordOf(cleo, 2);
  env.tell([news]).answersAll(20_000);
  const copies = env.sent().filter(({ message }) => "updates" in message && message.updates.includes(news));
  expect(copies).toHaveLength(4); // retransmitMult * ceil(log10(6))
});
