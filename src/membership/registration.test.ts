import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { signaturesOf, signedBy } from "../../test/support/notary.ts";
import { type NodeId, seededRandom } from "../core/index.ts";
import {
  type IntroductionMessage,
  type LeaveNotice,
  type ListEntry,
  maxRecordNeighbors,
  type Refused,
  type Register,
} from "./messages.ts";
import {
  Registration,
  type RegistrationCommand,
  type RegistrationConfig,
  type RegistrationNotice,
  type RegistrationTimer,
  registrationOptions,
} from "./registration.ts";

const anna = "anna@127.0.0.1:9001";
const bert = "bert@127.0.0.1:9002";
const cleo = "cleo@127.0.0.1:9003";
const dora = "dora@127.0.0.1:9004";
const mallory = "mallory@127.0.0.1:6666";
const answerTimeoutMs = 5000;
const refreshIntervalMs = registrationOptions.specs.refreshIntervalMs.default;

const seedsOf = (count: number): NodeId[] =>
  Array.from({ length: count }, (_, i) => `@127.0.0.1:${8001 + i}`);

/** Anna, registering. The test plays the seeds and the overlay. */
class Peer extends Alone<IntroductionMessage, RegistrationTimer, RegistrationNotice, RegistrationCommand> {
  readonly registration: Registration;
  readonly neighbors: NodeId[];

  constructor(config: Partial<RegistrationConfig> & { seed?: number; linked?: NodeId[] } = {}) {
    const neighbors = config.linked ?? [];
    const registration = new Registration({
      seeds: seedsOf(3),
      incarnation: 1,
      since: 17,
      signatures: signaturesOf(anna),
      neighbors: { neighbors, has: (node) => neighbors.includes(node) },
      ...config,
    });
    super(anna, registration, config.seed);
    this.registration = registration;
    this.neighbors = neighbors;
  }

  /** The seeds that were asked since the last `clear`. */
  get asked(): NodeId[] {
    return this.sentOf("register").map(({ to }) => to);
  }

  /** All seeds that were asked say yes. */
  registers(): this {
    for (const register of this.sentOf("register")) this.accepts(register);
    return this;
  }
  accepts({ nonce, to }: Register & { to: NodeId }): this {
    return this.receive(to, { type: "registered", nonce, listSize: 1 });
  }
  refuses({ nonce, to }: Register & { to: NodeId }, reason: Refused["reason"], incarnation = 0): this {
    return this.receive(to, { type: "refused", nonce, reason, incarnation });
  }

  /** A seed hands out its list, which has been asked for. */
  isHanded(entries: readonly ListEntry[], total = entries.length): this {
    const { nonce, to } = this.sentOf("list-request").at(-1)!;
    return this.receive(to, { type: "peer-list", nonce, total, entries });
  }

  get knows(): NodeId[] {
    return this.registration.candidates.map(({ peer }) => peer);
  }
}

const entryOf = (peer: NodeId): ListEntry => ({ peer, since: 0 });
/** Registered with two of three seeds, and nothing left to look at. */
const registered = (config: ConstructorParameters<typeof Peer>[0] = {}) =>
  new Peer(config).start().registers().isHanded([]).clear();

const settleMs = registrationOptions.specs.settleMs.default;

describe("the quorum", () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])("of %i seeds, %i are asked", (count, quorum) => {
    const peer = new Peer({ seeds: seedsOf(count) }).start();
    expect(peer.registration.quorum).toBe(quorum);
    expect(new Set(peer.asked).size).toBe(quorum);
    expect(peer.asked).toHaveLength(quorum);
  });

  test("the seeds are chosen at random", () => {
    const choices = Array.from({ length: 20 }, (_, seed) =>
      new Peer({ seeds: seedsOf(6), seed }).start().asked.toSorted().join(),
    );
    expect(new Set(choices).size).toBeGreaterThan(5);
  });

  test("a peer is registered when they have answered, and says how many", () => {
    const peer = new Peer().start().registers();
    expect(peer.noticesOf("registering").map(({ seed }) => seed)).toEqual(peer.asked);
    expect(peer.registration.registeredWith.toSorted()).toEqual(peer.asked.toSorted());
    expect(peer.noticesOf("registered").map(({ count, quorum }) => [count, quorum])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test("what it sends is its own signed description", () => {
    const peer = new Peer({ linked: [bert] }).start();
    const statement = {
      type: "peer-record",
      peer: anna,
      incarnation: 1,
      version: 0,
      since: 17,
      neighbors: [bert],
    };
    for (const { record } of peer.sentOf("register")) expect(record).toEqual(signedBy(anna, statement));
  });

  test("a silent seed is replaced by another", () => {
    const peer = new Peer().start();
    const [first, second] = peer.sentOf("register");
    peer.accepts(first!).clear().pass(answerTimeoutMs);
    expect(peer.noticesOf("seed-silent")).toEqual([{ type: "seed-silent", seed: second!.to }]);
    expect(peer.asked).toEqual(seedsOf(3).filter((seed) => seed !== first!.to && seed !== second!.to));
  });

  test.each(["unreachable", "full", "invalid"] as const)(
    "a seed that refuses (%s) is replaced too",
    (reason) => {
      const peer = new Peer().start();
      const [first] = peer.sentOf("register");
      peer.clear().refuses(first!, reason);
      expect(peer.noticesOf("seed-refused")).toMatchObject([{ seed: first!.to, reason }]);
      expect(peer.asked).toHaveLength(1);
      expect(peer.asked).not.toContain(first!.to);
    },
  );

  test("a seed at whose address nobody answers is replaced without waiting", () => {
    const peer = new Peer().start();
    const [first, second] = peer.asked;
    peer.clear().command({ type: "unreachable", node: first! });
    expect(peer.noticesOf("seed-silent")).toEqual([{ type: "seed-silent", seed: first }]);
    expect(peer.asked).toEqual(seedsOf(3).filter((seed) => seed !== first && seed !== second));
  });

  test("that other nodes cannot be reached, or a seed that was not asked, is no news", () => {
    const peer = registered();
    for (const node of [bert, ...seedsOf(3)]) peer.command({ type: "unreachable", node });
    expect(peer.effects).toEqual([]);
  });

  test("when too few seeds are left it tries them all again, with pauses that double up to a limit, for ever", () => {
    const peer = new Peer({ seeds: seedsOf(1) }).start();
    const pauses: number[] = [];
    for (let round = 0; round < 12; round++) {
      peer.clear().pass(answerTimeoutMs);
      const silentSince = peer.now;
      peer.passUntil(() => peer.asked.length > 0);
      pauses.push(peer.now - silentSince);
    }
    const expected = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000, 15_000, 15_000, 15_000];
    pauses.forEach((pause, i) => {
      expect(pause, `pause ${i}`).toBeGreaterThanOrEqual(expected[i]! * 0.75);
      expect(pause, `pause ${i}`).toBeLessThanOrEqual(expected[i]! * 1.25);
    });
  });

  test("after an outage the pauses begin small again", () => {
    const peer = new Peer({ seeds: seedsOf(1) }).start().pass(120_000).clear();
    peer.passUntil(() => peer.asked.length > 0);
    peer.registers().clear();
    peer.passUntil(() => peer.noticesOf("seed-silent").length > 0);
    const [wait] = peer.scheduled().filter(({ timer }) => timer.type === "retry");
    expect(wait!.after, "the renewal was not answered").toBeLessThanOrEqual(500 * 1.25);
  });

  test("without any seed it waits, and does nothing wrong", () => {
    const peer = new Peer({ seeds: [] }).start().pass(600_000);
    expect(peer.sent()).toEqual([]);
  });
});

describe("answers", () => {
  test("that were not asked for are ignored", () => {
    const peer = new Peer().start().clear();
    for (const nonce of [0, 1]) {
      peer.receive(mallory, { type: "registered", nonce, listSize: 9 });
      peer.receive(mallory, { type: "refused", nonce, reason: "removed", incarnation: 50 });
      peer.receive(mallory, { type: "peer-list", nonce, total: 1, entries: [entryOf(mallory)] });
    }
    expect(peer.effects).toEqual([]);
    expect(peer.registration.registeredWith).toEqual([]);
    expect(peer.registration.incarnation).toBe(1);
    expect(peer.knows).toEqual([]);
  });

  test("that come too late are ignored: another seed was asked meanwhile", () => {
    const peer = new Peer().start();
    const late = peer.sentOf("register")[0]!;
    peer.pass(answerTimeoutMs).accepts(late);
    expect(peer.registration.registeredWith).toEqual([]);
  });

  test("count once", () => {
    const peer = new Peer().start();
    const [first] = peer.sentOf("register");
    peer.accepts(first!).accepts(first!);
    expect(peer.noticesOf("registered")).toHaveLength(1);
  });

  test("to what only a seed is asked are not given", () => {
    const peer = registered();
    peer.receive(mallory, { type: "list-request", nonce: 1 });
    peer.receive(mallory, { type: "sync-request", nonce: 1, fingerprint: 1 });
    peer.receive(mallory, { type: "sync-hint" });
    expect(peer.effects).toEqual([]);
    expect(peer.registration.counters.unasked).toBe(3);
  });
});

describe("lists", () => {
  test("are asked for as soon as a seed has registered us", () => {
    const peer = new Peer().start().registers();
    const asked = peer.sentOf("list-request").map(({ to }) => to);
    expect(asked.toSorted()).toEqual(peer.registration.registeredWith);
  });

  test("what a peer knows is the union of what seeds told it, without itself", () => {
    const peer = new Peer().start().registers();
    const [first, second] = peer.sentOf("list-request");
    peer.receive(first!.to, {
      type: "peer-list",
      nonce: first!.nonce,
      total: 9,
      entries: [bert, cleo].map(entryOf),
    });
    const entries = [cleo, dora, anna, "anna@10.0.0.9:1"].map(entryOf);
    peer.receive(second!.to, { type: "peer-list", nonce: second!.nonce, total: 9, entries });
    expect(peer.knows).toEqual([bert, cleo, dora]);
    expect(peer.registration.size).toBe(3);
  });

  test("the first is announced with its peers, later ones with their number", () => {
    const peer = new Peer().start().registers().isHanded([bert, cleo].map(entryOf)).pass(4000);
    peer.isHanded([bert, cleo, dora].map(entryOf));
    expect(peer.noticesOf("list-received")).toMatchObject([
      { total: 2, known: 2, isFirst: true, peers: [bert, cleo] },
      { total: 3, known: 3, isFirst: false, peers: [] },
    ]);
  });

  test("an answer is taken once", () => {
    const peer = new Peer()
      .start()
      .registers()
      .isHanded([entryOf(bert)]);
    peer.isHanded([entryOf(mallory)]);
    expect(peer.knows).toEqual([bert]);
  });

  test("a whole list that lacks somebody makes us forget it, unless it is our neighbor", () => {
    const peer = new Peer({ contacts: [bert, cleo].map(entryOf), linked: [cleo] }).start().registers();
    peer.isHanded([entryOf(dora)]);
    expect(peer.knows.toSorted()).toEqual([cleo, dora]);
  });

  test("a part of a list makes us forget nobody", () => {
    const peer = new Peer({ contacts: [entryOf(bert)] })
      .start()
      .registers()
      .isHanded([entryOf(dora)], 400);
    expect(peer.knows).toEqual([bert, dora]);
  });

  test("are asked for often while the network forms, and rarely later", () => {
    const peer = registered();
    const times: number[] = [];
    while (peer.now < 20 * refreshIntervalMs) {
      if (peer.clear().pass(100).sentOf("list-request").length > 0) times.push(peer.now);
      for (const register of peer.sentOf("register")) peer.accepts(register);
    }
    const gaps = times.map((time, i) => time - (times[i - 1] ?? 0));
    expect(gaps[0]).toBeLessThan(3000);
    expect(times.filter((time) => time < 30_000).length, "in the first half minute").toBeGreaterThanOrEqual(
      3,
    );
    for (const gap of gaps.slice(-5)) {
      expect(gap).toBeGreaterThanOrEqual(refreshIntervalMs * 0.75 - 100);
      expect(gap).toBeLessThanOrEqual(refreshIntervalMs * 1.25 + 100);
    }
  });

  test("what a peer remembers is bounded", () => {
    const peer = new Peer({ options: { maxKnownPeers: 8 } }).start().registers();
    peer.isHanded(Array.from({ length: 100 }, (_, i) => entryOf(`n${i}@127.0.0.1:${i}`)));
    expect(peer.registration.size).toBe(8);
  });

  test("that never come are not waited for without bound", () => {
    const peer = new Peer({ seeds: seedsOf(1) }).start().registers();
    const first = peer.onlySent("list-request");
    while (peer.now < 20 * refreshIntervalMs)
      for (const register of peer.clear().pass(5000).sentOf("register")) peer.accepts(register);
    peer.receive(first.to, { type: "peer-list", nonce: first.nonce, total: 1, entries: [entryOf(bert)] });
    expect(peer.knows).toEqual([]);
    expect(peer.registration.counters.unasked).toBe(1);
  });

  test("some of it is put on disk, and known again in the next life before a seed answers", () => {
    const peer = new Peer().start().registers().isHanded([bert, cleo].map(entryOf));
    const [persist] = peer.noticesOf("persist");
    expect(persist).toMatchObject({ key: "contacts", isAwaited: false });
    const next = new Peer({ contacts: persist!.value as ListEntry[] }).start();
    expect(next.knows.toSorted()).toEqual([bert, cleo]);
    expect(next.registration.sample(5, seededRandom(1))).toHaveLength(2);
  });

  test("who asks us for a link is somebody we know", () => {
    const peer = registered().hear({ type: "peer-met", peer: bert, since: 3 } as { type: string });
    expect(peer.registration.get("bert")).toEqual({ peer: bert, since: 3 });
  });
});

describe("renewing", () => {
  test("tells every seed that has our entry, now and then", () => {
    const peer = registered();
    peer.passUntil(() => peer.asked.length > 0);
    expect(peer.asked).toEqual(peer.registration.registeredWith);
    expect(Math.abs(peer.now / refreshIntervalMs - 1)).toBeLessThanOrEqual(0.25);
    peer.registers();
    expect(peer.noticesOf("registering"), "a renewal is no news").toEqual([]);
    expect(peer.noticesOf("registered")).toEqual([]);
    expect(peer.sentOf("list-request").length, "and asks for no list of its own").toBeLessThanOrEqual(5);
    const first = peer.now;
    peer.clear().passUntil(() => peer.asked.length > 0);
    expect(peer.now - first, "again and again").toBe(refreshIntervalMs);
  });

  test("a seed that has gone silent is noticed by it, and replaced", () => {
    const peer = registered();
    peer.passUntil(() => peer.asked.length > 0);
    const [first, second] = peer.sentOf("register");
    peer.accepts(first!).clear().pass(answerTimeoutMs);
    expect(peer.noticesOf("seed-silent")).toEqual([{ type: "seed-silent", seed: second!.to }]);
    expect(peer.registration.registeredWith).toEqual([first!.to]);
    expect(peer.asked).toEqual(seedsOf(3).filter((seed) => seed !== first!.to && seed !== second!.to));
  });

  test("neighbor changes are gathered and told to one seed as one new version", () => {
    const peer = registered();
    for (const neighbor of [bert, cleo]) {
      peer.neighbors.push(neighbor);
      peer.hear({ type: "neighbor-up", neighbor, incarnation: 1 } as { type: string });
    }
    expect(peer.asked).toEqual([]);
    peer.pass(settleMs);
    const statements = peer.sentOf("register").map(({ record }) => record.statement);
    expect(statements).toHaveLength(1);
    expect(statements[0]!.version).toBe(1);
    expect(statements[0]!.neighbors.toSorted()).toEqual([bert, cleo]);
    peer
      .registers()
      .clear()
      .hear({ type: "neighbor-down", neighbor: bert, reason: "left" } as { type: string });
    expect(peer.pass(settleMs).sentOf("register")[0]!.record.statement.version).toBe(2);
  });

  test("a hub names as many neighbors as a record may have", () => {
    const linked = Array.from({ length: 50 }, (_, i) => `n${i}@127.0.0.1:${i}`);
    const { neighbors } = new Peer({ linked }).start().sentOf("register")[0]!.record.statement;
    expect(neighbors).toHaveLength(maxRecordNeighbors);
    expect(new Set(neighbors).size).toBe(maxRecordNeighbors);
  });
});

describe("dead-node reports", () => {
  const failed = { type: "neighbor-failed", neighbor: bert, incarnation: 4, misses: 3 } as { type: string };

  test("go to every seed, registered with it or not, signed, with the incarnation that fell silent", () => {
    const peer = registered();
    peer.now = 70;
    peer.hear(failed);
    const statement = { type: "dead-report", suspect: bert, incarnation: 4, at: 70, reporter: anna };
    expect(peer.sentOf("dead-report").map(({ to }) => to)).toEqual(seedsOf(3));
    for (const { report } of peer.sentOf("dead-report")) expect(report).toEqual(signedBy(anna, statement));
    expect(peer.noticesOf("dead-node")).toEqual([
      { type: "dead-node", suspect: bert, at: 70, reporter: anna, misses: 3 },
    ]);
  });

  test("are repeated unchanged, in case one was lost, a few times", () => {
    const peer = registered().hear(failed).clear().pass(answerTimeoutMs);
    expect(peer.sentOf("dead-report")).toHaveLength(3);
    peer.pass(50_000);
    expect(peer.sentOf("dead-report")).toHaveLength(6);
    expect(new Set(peer.sentOf("dead-report").map(({ report }) => report)).size).toBe(1);
  });

  test("make us forget the suspect", () => {
    const peer = new Peer({ contacts: [entryOf(bert)] }).start().hear(failed);
    expect(peer.knows).toEqual([]);
  });
});

describe("being called back", () => {
  test("is answered to whoever asks: that shows that we live", () => {
    const peer = registered().receive(mallory, { type: "call-back", nonce: 5, accused: 0 });
    expect(peer.effects).toEqual([
      { type: "send", to: mallory, message: { type: "call-back-reply", nonce: 5 } },
    ]);
  });

  test("with an accusation makes us refute it by a higher incarnation, which is on disk before anybody hears it", () => {
    const peer = registered();
    peer.persistsAtOnce = false;
    peer.receive("s1@127.0.0.1:8001", { type: "call-back", nonce: 5, accused: 1 });
    expect(peer.sentOf("call-back-reply")).toHaveLength(1);
    expect(peer.noticesOf("persist")).toEqual([
      { type: "persist", key: "incarnation", value: 2, isAwaited: true },
    ]);
    expect(peer.asked).toEqual([]);
    expect(peer.registration.incarnation, "pings tell it to everybody").toBe(1);

    peer.acknowledge();
    expect(peer.registration.incarnation).toBe(2);
    expect(peer.noticesOf("refuted")).toEqual([{ type: "refuted", incarnation: 2 }]);
    expect(peer.sentOf("register").map(({ to }) => to)).toEqual(peer.registration.registeredWith);
    for (const { record } of peer.sentOf("register")) {
      expect(record.statement).toMatchObject({ incarnation: 2, version: 0 });
    }
  });

  test("several seeds that accuse at once cost one new incarnation", () => {
    const peer = registered();
    peer.persistsAtOnce = false;
    for (let nonce = 0; nonce < 4; nonce++)
      peer.receive(`s${nonce}@127.0.0.1:1`, { type: "call-back", nonce, accused: 1 });
    peer.acknowledge();
    for (let nonce = 4; nonce < 8; nonce++)
      peer.receive(`s${nonce}@127.0.0.1:1`, { type: "call-back", nonce, accused: 1 });
    expect(peer.registration.incarnation).toBe(2);
    expect(peer.registration.counters.refutations).toBe(1);
  });

  test("with an accusation of another life changes nothing", () => {
    const peer = registered({ incarnation: 5 });
    for (const accused of [4, 6, 1e15]) peer.receive(mallory, { type: "call-back", nonce: 5, accused });
    expect(peer.registration.incarnation).toBe(5);
    expect(peer.noticesOf("persist")).toEqual([]);
  });

  test("only the disk's word for the incarnation counts, and the new life counts its versions from 0", () => {
    const peer = registered();
    peer
      .hear({ type: "neighbor-up", neighbor: bert, incarnation: 1 } as { type: string })
      .pass(500)
      .registers();
    peer.persistsAtOnce = false;
    peer.clear().receive(mallory, { type: "call-back", nonce: 5, accused: 1 });
    peer.command({ type: "persisted", key: "contacts" });
    expect(peer.asked).toEqual([]);
    peer.acknowledge();
    expect(peer.sentOf("register")[0]!.record.statement).toMatchObject({ incarnation: 2, version: 0 });
  });

  test("with one accusation after the other costs one new incarnation in the time of an answer", () => {
    const peer = registered();
    const accuse = () => {
      const { incarnation } = peer.registration;
      peer.receive(mallory, { type: "call-back", nonce: 5, accused: incarnation });
    };
    for (let i = 0; i < 100; i++) accuse();
    expect(peer.registration.incarnation).toBe(2);
    expect(peer.sentOf("call-back-reply"), "each is answered").toHaveLength(100);
    peer.pass(answerTimeoutMs);
    accuse();
    expect(peer.registration.incarnation).toBe(3);
  });

  test("nothing else is registered while the refutation is not on disk", () => {
    const peer = registered();
    peer.persistsAtOnce = false;
    peer.receive(mallory, { type: "call-back", nonce: 5, accused: 1 });
    peer.hear({ type: "neighbor-up", neighbor: bert, incarnation: 1 } as { type: string }).pass(90_000);
    expect(peer.asked).toEqual([]);
    peer.acknowledge();
    expect(peer.sentOf("register").map(({ record }) => record.statement.incarnation)).toEqual([2, 2]);
  });
});

describe("having been removed", () => {
  test("a peer comes back by itself, above the incarnation that was removed, with all its seeds", () => {
    const peer = registered();
    const seeds = peer.registration.registeredWith;
    peer.passUntil(() => peer.asked.length > 0);
    const [first] = peer.sentOf("register");
    peer.clear().refuses(first!, "removed", 7);
    expect(peer.sentOf("register").map(({ record }) => record.statement.incarnation)).toEqual([8, 8]);
    expect(peer.asked).toEqual(seeds);
    expect(peer.registers().registration.registeredWith).toEqual(seeds);
  });

  test("an entry of a later life, from before a disk was lost, is exceeded too", () => {
    const peer = new Peer().start();
    const [first] = peer.sentOf("register");
    peer.clear().refuses(first!, "stale", 3);
    expect(peer.registration.incarnation).toBe(4);
  });

  test("two seeds that removed us cost one new life", () => {
    const peer = new Peer().start();
    peer.persistsAtOnce = false;
    const [first, second] = peer.sentOf("register");
    peer.clear().refuses(first!, "removed", 1).refuses(second!, "removed", 1);
    expect(peer.asked, "not before it is on disk").toEqual([]);
    peer.acknowledge();
    expect(peer.registration.incarnation).toBe(2);
    expect(peer.asked.toSorted()).toEqual([first!.to, second!.to].toSorted());
  });

  test("if one asks for more while the disk writes, only the highest life is lived, when it is on disk", () => {
    const peer = new Peer().start();
    peer.persistsAtOnce = false;
    const [first, second] = peer.sentOf("register");
    peer.clear().refuses(first!, "removed", 1).refuses(second!, "removed", 5);
    expect(peer.noticesOf("persist").map(({ value }) => value)).toEqual([2, 6]);
    peer.command({ type: "persisted", key: "incarnation" });
    expect(peer.asked, "6 is not on disk").toEqual([]);
    peer.command({ type: "persisted", key: "incarnation" });
    expect(peer.sentOf("register").map(({ record }) => record.statement.incarnation)).toEqual([6, 6]);
    expect(peer.noticesOf("refuted")).toHaveLength(1);
  });

  test("a refusal of a life that is over is answered with the present one", () => {
    const peer = new Peer({ incarnation: 9 }).start();
    const [first] = peer.sentOf("register");
    peer.clear().refuses(first!, "removed", 7);
    expect(peer.registration.incarnation).toBe(9);
    expect(peer.asked).toEqual([first!.to]);
  });

  test("a seed cannot push us to the end of the numbers", () => {
    const peer = new Peer().start();
    const [first] = peer.sentOf("register");
    peer.clear().refuses(first!, "removed", Number.MAX_SAFE_INTEGER - 1);
    expect(peer.registration.incarnation).toBe(1);
    expect(peer.asked, "it is replaced instead").not.toContain(first!.to);
  });

  test("nor step by step", () => {
    const peer = new Peer({ seeds: seedsOf(1) }).start();
    for (let i = 0; i < 20; i++) {
      const [register] = peer.sentOf("register");
      if (register === undefined) break;
      peer.clear().refuses(register, "removed", peer.registration.incarnation + 9e11);
    }
    expect(peer.registration.incarnation).toBeLessThan(2e12);
  });

  test("a `persisted` that nobody waits for changes nothing", () => {
    const peer = registered()
      .command({ type: "persisted", key: "incarnation" })
      .command({ type: "persisted", key: "contacts" });
    expect(peer.effects).toEqual([]);
  });
});

describe("leaving", () => {
  test("is told to every seed and every neighbor, signed", () => {
    const peer = registered({ linked: [bert, cleo] }).command({ type: "leave" });
    const notice = signedBy(anna, { type: "leave", peer: anna, incarnation: 1, at: 0 });
    expect(peer.sentOf("leave").map(({ to }) => to)).toEqual([...seedsOf(3), bert, cleo]);
    for (const message of peer.sentOf("leave")) expect(message.notice).toEqual(notice);
    expect(peer.noticesOf("left")).toHaveLength(1);
  });

  test("is for good: no call-back is answered, nothing is renewed, and no refutation brings us back", () => {
    const peer = registered();
    peer.persistsAtOnce = false;
    peer.receive(mallory, { type: "call-back", nonce: 4, accused: 1 });
    peer.command({ type: "leave" }).clear().acknowledge();
    peer.receive(mallory, { type: "call-back", nonce: 5, accused: 1 });
    peer.hear({ type: "neighbor-down", neighbor: bert, reason: "left" } as { type: string });
    peer.command({ type: "leave" }).pass(600_000);
    expect(peer.effects).toEqual([]);
  });
});

describe("a peer that leaves", () => {
  const leaveOf = (incarnation: number, signer: NodeId = bert) =>
    signedBy<LeaveNotice>(signer, { type: "leave", peer: bert, incarnation, at: 0 });

  test("is forgotten, and the other layers hear which life it left", () => {
    const peer = registered({ contacts: [entryOf(bert)] });
    peer.hear({ type: "peer-met", peer: bert, since: 0 } as { type: string });
    peer.receive(bert, { type: "leave", notice: leaveOf(3) });
    expect(peer.knows).toEqual([]);
    expect(peer.noticesOf("peer-left")).toEqual([{ type: "peer-left", peer: bert, incarnation: 3 }]);
  });

  test("must have signed that itself", () => {
    const peer = new Peer({ contacts: [entryOf(bert)] }).start().clear();
    peer.receive(bert, { type: "leave", notice: leaveOf(1, mallory) });
    expect(peer.knows).toEqual([bert]);
    expect(peer.effects).toEqual([]);
  });

  test("and whom we do not know is none of our business", () => {
    const peer = registered().receive(bert, { type: "leave", notice: leaveOf(1) });
    expect(peer.effects).toEqual([]);
  });
});
