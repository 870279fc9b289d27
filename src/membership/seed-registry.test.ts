import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { signaturesOf, signedBy } from "../../test/support/notary.ts";
import { identityOf, type NodeId, type Signed } from "../core/index.ts";
import {
  type DeadReport,
  type DeltaEntry,
  type DigestEntry,
  type IntroductionMessage,
  type LeaveNotice,
  maxDeltaEntries,
  maxDigestEntries,
  maxListEntries,
  maxRecordNeighbors,
  maxReportsPerSuspect,
  type PeerRecord,
} from "./messages.ts";
import {
  SeedRegistry,
  type SeedRegistryCommand,
  type SeedRegistryConfig,
  type SeedRegistryNotice,
  type SeedRegistryTimer,
  seedRegistryOptions,
} from "./seed-registry.ts";
import { isElder } from "./seniority.ts";

// Everybody on one host, as in the documents: only the key tells them apart.
const anna = "anna@127.0.0.1:9001";
const bert = "bert@127.0.0.1:9002";
const cleo = "cleo@127.0.0.1:9003";
const dora = "dora@127.0.0.1:9004";
const emil = "emil@127.0.0.1:9005";
const mallory = "mallory@127.0.0.1:6666";
const self = "s1@127.0.0.1:8001";
/** As a seed is configured, and as it introduces itself. */
const secondSeed = "@127.0.0.1:8002";
const thirdSeed = "@127.0.0.1:8003";
const secondSeedInPerson = "s2@127.0.0.1:8002";

class Seed extends Alone<IntroductionMessage, SeedRegistryTimer, SeedRegistryNotice, SeedRegistryCommand> {
  readonly registry: SeedRegistry;
  #nonce = 1000;

  constructor(config: Partial<SeedRegistryConfig> = {}) {
    const registry = new SeedRegistry({
      otherSeeds: [secondSeed, thirdSeed],
      signatures: signaturesOf(self),
      ...config,
    });
    super(self, registry);
    this.registry = registry;
    this.start();
    for (const { nonce } of this.sentOf("sync-request"))
      this.receive(secondSeedInPerson, { type: "sync-same", nonce });
    this.clear();
  }

  /** Sends a registration and returns its nonce. */
  register(record: Signed<PeerRecord>, from: NodeId = record.statement.peer): number {
    const nonce = this.#nonce++;
    this.receive(from, { type: "register", nonce, record });
    return nonce;
  }

  /** The peer answers every call-back that was sent to it. */
  answers(peer: NodeId): this {
    for (const { to, nonce } of this.sentOf("call-back")) {
      if (to === peer) this.receive(peer, { type: "call-back-reply", nonce });
    }
    return this;
  }

  /** A whole registration, and nothing left to look at. */
  lists(...records: Signed<PeerRecord>[]): this {
    for (const record of records) {
      this.register(record);
      this.answers(record.statement.peer).clear();
      expect(this.registry.has(record.statement.peer)).toBe(true);
    }
    return this;
  }

  reports(...reports: Signed<DeadReport>[]): this {
    for (const report of reports) this.receive(report.statement.reporter, { type: "dead-report", report });
    return this;
  }

  /** Everything that a pull from the other seed brings, asked for by a hint. */
  pulls(digest: readonly DigestEntry[], delta: readonly DeltaEntry[]): this {
    this.clear().receive(secondSeedInPerson, { type: "sync-hint" });
    // An earlier question may have got no answer yet.
    this.passUntil(() => this.sentOf("sync-request").some(({ to }) => to === secondSeed));
    const { nonce } = this.sentOf("sync-request").find(({ to }) => to === secondSeed)!;
    this.receive(secondSeedInPerson, { type: "sync-digest", nonce, entries: digest });
    return this.receive(secondSeedInPerson, { type: "sync-delta", nonce, entries: delta });
  }
}

function recordOf(peer: NodeId, fields: Partial<PeerRecord> = {}, signer: NodeId = peer): Signed<PeerRecord> {
  return signedBy(signer, {
    type: "peer-record",
    peer,
    incarnation: 1,
    version: 0,
    since: 0,
    neighbors: [],
    ...fields,
  });
}

function reportOf(
  suspect: NodeId,
  reporter: NodeId,
  fields: Partial<DeadReport> = {},
  signer: NodeId = reporter,
): Signed<DeadReport> {
  return signedBy(signer, { type: "dead-report", suspect, incarnation: 1, at: 0, reporter, ...fields });
}

function leaveOf(peer: NodeId, incarnation = 1, signer: NodeId = peer): Signed<LeaveNotice> {
  return signedBy(signer, { type: "leave", peer, incarnation, at: 0 });
}

function digestOf(record: Signed<PeerRecord>, state: DigestEntry["state"] = "listed"): DigestEntry {
  const { peer, incarnation, version } = record.statement;
  return { peer, incarnation, version, state };
}

/** Peers that are linked with Anna and with each other. */
const linkedWithAnna = (peers: readonly NodeId[]) =>
  peers.map((peer) => {
    const others = peers.filter((other) => other !== peer).slice(0, 8);
    return recordOf(peer, { neighbors: [anna, ...others] });
  });

/** Anna with four neighbors who are in the list. */
function seedWithNeighborsOfAnna(config: Partial<SeedRegistryConfig> = {}): Seed {
  const neighbors = [bert, cleo, dora, emil];
  return new Seed(config).lists(...linkedWithAnna(neighbors), recordOf(anna, { neighbors }));
}

const callBackTimeoutMs = 2000;
const hintDelayMs = seedRegistryOptions.specs.hintDelayMs.default;

describe("registering", () => {
  test("a peer is in the list when it has answered at the address that it claims, and is told once that is on disk", () => {
    const seed = new Seed();
    seed.persistsAtOnce = false;
    const nonce = seed.register(recordOf(anna));
    expect(seed.sentOf("call-back")).toEqual([
      { type: "call-back", to: anna, nonce: expect.any(Number), accused: 0 },
    ]);
    expect(seed.registry.size).toBe(0);

    seed.answers(anna);
    expect(seed.registry.list).toEqual([recordOf(anna).statement]);
    expect(seed.noticesOf("persist")).toEqual([
      { type: "persist", key: "peer/anna", value: { record: recordOf(anna) }, isAwaited: true },
    ]);
    expect(seed.sentOf("registered"), "not yet on disk").toEqual([]);

    seed.acknowledge();
    expect(seed.sentOf("registered")).toEqual([{ type: "registered", to: anna, nonce, listSize: 1 }]);
    expect(seed.noticesOf("peer-listed")).toEqual([
      { type: "peer-listed", peer: anna, incarnation: 1, by: "registration", size: 1 },
    ]);
  });

  test("a registration whose sender is not the record's peer is refused", () => {
    const seed = new Seed();
    const nonce = seed.register(recordOf(anna), mallory);
    expect(seed.sentOf("refused")).toEqual([
      { type: "refused", to: mallory, nonce, reason: "invalid", incarnation: 0 },
    ]);
    expect(seed.sentOf("call-back")).toEqual([]);
    expect(seed.registry.counters.refusedInvalid).toBe(1);
  });

  test("a registration that somebody else signed is refused", () => {
    const seed = new Seed();
    seed.register(recordOf(anna, {}, mallory));
    expect(seed.sentOf("refused")).toMatchObject([{ to: anna, reason: "invalid" }]);
    expect(seed.registry.counters.refusedInvalid).toBe(1);
  });

  test("a record whose words were changed on the way is refused", () => {
    const seed = new Seed();
    const { statement, proof } = recordOf(anna, { since: 500 });
    seed.register({ statement: { ...statement, since: 0 }, proof });
    expect(seed.sentOf("refused")).toMatchObject([{ reason: "invalid" }]);
  });

  test("a forged renewal neither changes the entry nor keeps it alive", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    seed.register(recordOf(anna, { version: 7 }, mallory));
    seed.register(recordOf(anna, { version: 7 }), mallory);
    seed.pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("a claimed address that does not answer is not listed", () => {
    const seed = new Seed();
    const nonce = seed.register(recordOf(anna));
    seed.pass(callBackTimeoutMs);
    expect(seed.sentOf("refused")).toEqual([
      { type: "refused", to: anna, nonce, reason: "unreachable", incarnation: 0 },
    ]);
    expect(seed.registry.size).toBe(0);
    expect(seed.registry.counters.refusedUnreachable).toBe(1);
  });

  test("somebody else's answer to the call-back does not count, nor does a guessed one, nor a late one", () => {
    const seed = new Seed();
    seed.register(recordOf(anna));
    const { nonce } = seed.onlySent("call-back");
    seed.receive(mallory, { type: "call-back-reply", nonce });
    seed.receive(anna, { type: "call-back-reply", nonce: nonce + 1 });
    seed.pass(callBackTimeoutMs).receive(anna, { type: "call-back-reply", nonce });
    expect(seed.registry.size).toBe(0);
    expect(seed.registry.counters.unasked).toBe(3);
  });

  test("a refusal is announced with its reason, and a renewal is no news", () => {
    const seed = new Seed().lists(recordOf(anna));
    seed.register(recordOf(anna, { version: 1 }));
    expect(seed.notices().filter(({ type }) => type !== "persist")).toEqual([]);
    seed.register(recordOf(bert, {}, mallory));
    expect(seed.notices()).toEqual([
      expect.objectContaining({ type: "persist" }),
      { type: "registration-requested", peer: bert },
      { type: "registration-refused", peer: bert, reason: "invalid" },
    ]);
  });

  test("a new life of a listed peer is news, and so is a new address", () => {
    const moved = "anna@10.0.0.1:9001";
    const seed = new Seed().lists(recordOf(anna));
    seed.register(recordOf(anna, { incarnation: 2 }));
    seed.answers(anna).register(recordOf(moved, { incarnation: 2 }));
    seed.answers(moved);
    expect(seed.noticesOf("peer-listed").map(({ peer, incarnation }) => [peer, incarnation])).toEqual([
      [anna, 2],
      [moved, 2],
    ]);
    expect(seed.registry.counters.registrations).toBe(3);
  });

  test("a renewal is answered at once, without a call-back and without the disk", () => {
    const seed = new Seed().lists(recordOf(anna));
    const nonce = seed.register(recordOf(anna));
    expect(seed.sent()).toEqual([{ to: anna, message: { type: "registered", nonce, listSize: 1 } }]);
    expect(seed.noticesOf("persist")).toEqual([]);
    expect(seed.registry.counters.renewals).toBe(1);
  });

  test("a renewal with new neighbors replaces the record; an older version of it changes nothing", () => {
    const seed = new Seed().lists(recordOf(anna));
    seed.register(recordOf(anna, { version: 2, neighbors: [bert] }));
    seed.register(recordOf(anna, { version: 1, neighbors: [cleo] }));
    expect(seed.registry.list).toMatchObject([{ version: 2, neighbors: [bert] }]);
    expect(seed.sentOf("registered")).toHaveLength(2);
  });

  test("a new life and a new address are called back before they replace the old entry", () => {
    const moved = "anna@10.0.0.1:9001";
    const seed = new Seed().lists(recordOf(anna));
    seed.register(recordOf(moved, { incarnation: 2 }));
    expect(seed.sentOf("call-back")).toMatchObject([{ to: moved }]);
    expect(seed.registry.list).toMatchObject([{ peer: anna, incarnation: 1 }]);
    seed.answers(moved);
    expect(seed.registry.list).toMatchObject([{ peer: moved, incarnation: 2 }]);
  });

  test("a registration in an earlier life is stale, and is told which incarnation is the latest", () => {
    const seed = new Seed().lists(recordOf(anna, { incarnation: 3 }));
    seed.register(recordOf(anna, { incarnation: 2 }));
    expect(seed.sentOf("refused")).toMatchObject([{ reason: "stale", incarnation: 3 }]);
    expect(seed.registry.list).toMatchObject([{ incarnation: 3 }]);
  });

  test("of two registrations under way the later life wins, whichever answer comes first", () => {
    const seed = new Seed();
    seed.register(recordOf(anna, { incarnation: 1 }));
    seed.register(recordOf(anna, { incarnation: 2 }));
    const [first, second] = seed.sentOf("call-back");
    seed.receive(anna, { type: "call-back-reply", nonce: second!.nonce });
    seed.receive(anna, { type: "call-back-reply", nonce: first!.nonce });
    expect(seed.registry.list).toMatchObject([{ incarnation: 2 }]);
  });

  test("of two versions under way the later one stays, whichever answer comes first", () => {
    const seed = new Seed();
    seed.register(recordOf(anna, { version: 0 }));
    seed.register(recordOf(anna, { version: 1, neighbors: [bert] }));
    const [first, second] = seed.sentOf("call-back");
    seed.receive(anna, { type: "call-back-reply", nonce: second!.nonce });
    seed.receive(anna, { type: "call-back-reply", nonce: first!.nonce });
    expect(seed.registry.list).toMatchObject([{ version: 1, neighbors: [bert] }]);
  });

  test("a version that another seed knew already stays, though an older one is called back meanwhile", () => {
    const seed = new Seed();
    const nonce = seed.register(recordOf(anna, { version: 0 }));
    const { nonce: asked } = seed.onlySent("call-back");
    const record = recordOf(anna, { version: 1 });
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    seed.receive(anna, { type: "call-back-reply", nonce: asked });
    expect(seed.registry.list).toMatchObject([{ version: 1 }]);
    expect(seed.sentOf("registered")).toMatchObject([{ nonce }]);
  });

  test("a renewal that overtakes the disk is not answered before the disk is ready", () => {
    const seed = new Seed();
    seed.persistsAtOnce = false;
    seed.register(recordOf(anna));
    seed.answers(anna);
    const nonce = seed.register(recordOf(anna));
    expect(seed.sentOf("registered")).toEqual([]);
    seed.acknowledge();
    expect(seed.sentOf("registered")).toMatchObject([{ nonce }]);
  });

  test("a peer behind the same IP address as another is another peer", () => {
    const seed = new Seed().lists(recordOf(anna), recordOf(bert));
    expect(seed.registry.size).toBe(2);
  });

  test("the list is in order of registration", () => {
    const seed = new Seed().lists(recordOf(cleo), recordOf(anna), recordOf(bert));
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([cleo, anna, bert]);
  });
});

describe("bounds", () => {
  test("a full list takes nobody in, and still renews", () => {
    const seed = new Seed({ options: { maxPeers: 1 } }).lists(recordOf(anna));
    seed.register(recordOf(bert));
    seed.register(recordOf(anna));
    expect(seed.sentOf("refused")).toMatchObject([{ to: bert, reason: "full" }]);
    expect(seed.sentOf("registered")).toMatchObject([{ to: anna }]);
    expect(seed.registry.counters.refusedFull).toBe(1);
  });

  test("those who were called back while there was room do not make the list longer than its bound", () => {
    const seed = new Seed({ options: { maxPeers: 1 } });
    seed.register(recordOf(anna));
    seed.register(recordOf(bert));
    seed.answers(anna).answers(bert);
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([anna]);
    expect(seed.sentOf("refused")).toMatchObject([{ to: bert, reason: "full" }]);
  });

  test("what another seed lists does not make the list longer than its bound either", () => {
    const seed = new Seed({ options: { maxPeers: 1 } }).lists(recordOf(anna));
    const record = recordOf(bert);
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([anna]);
  });

  test("an earlier life's list is read up to the bound", () => {
    const restored = [anna, bert, cleo].map((peer) => ({ record: recordOf(peer) }));
    expect(new Seed({ restored, options: { maxPeers: 2 } }).registry.size).toBe(2);
  });

  test("call-backs under way are bounded", () => {
    const seed = new Seed({ options: { maxPendingCallBacks: 2 } });
    for (const peer of [anna, bert, cleo]) seed.register(recordOf(peer));
    expect(seed.sentOf("call-back").map(({ to }) => to)).toEqual([anna, bert]);
    expect(seed.sentOf("refused")).toMatchObject([{ to: cleo, reason: "full" }]);
    seed.pass(callBackTimeoutMs).clear();
    seed.register(recordOf(cleo));
    expect(seed.sentOf("call-back"), "there is room again").toMatchObject([{ to: cleo }]);
  });

  test("one peer that registers over and over has one call-back under way: it does not keep others out", () => {
    const seed = new Seed({ options: { maxPendingCallBacks: 2 } });
    for (let i = 0; i < 10; i++) seed.register(recordOf(mallory, { incarnation: i }));
    seed.clear().register(recordOf(anna));
    expect(seed.sentOf("call-back")).toMatchObject([{ to: anna }]);
  });

  test("one that waits for the disk waits once, however often it asks", () => {
    const seed = new Seed();
    seed.persistsAtOnce = false;
    seed.register(recordOf(anna));
    seed.answers(anna);
    let last = 0;
    for (let version = 1; version <= 100; version++) last = seed.register(recordOf(anna, { version }));
    seed.acknowledge();
    expect(seed.sentOf("registered")).toMatchObject([{ nonce: last }]);
  });

  test("reports of one suspect are bounded", () => {
    const others = Array.from({ length: maxReportsPerSuspect + 8 }, (_, i) => `n${i}@127.0.0.1:${7000 + i}`);
    const seed = new Seed({ options: { confirmations: maxReportsPerSuspect } });
    seed.lists(...linkedWithAnna(others), recordOf(anna, { neighbors: others }));
    seed.reports(...others.map((reporter) => reportOf(anna, reporter)));
    const counts = seed.noticesOf("dead-report-received").map(({ reports }) => reports);
    expect(Math.max(...counts)).toBe(maxReportsPerSuspect);
  });

  test("removals that are remembered are bounded by the bound of the list", () => {
    const seed = new Seed({ options: { maxPeers: 2 } });
    for (const peer of [anna, bert, cleo]) {
      seed.lists(recordOf(peer));
      seed.receive(peer, { type: "leave", notice: leaveOf(peer) });
    }
    seed.clear().receive(secondSeedInPerson, { type: "sync-request", nonce: 1, fingerprint: 99 });
    expect(
      seed.sentOf("sync-digest")[0]!.entries.map(({ peer }) => peer),
      "the oldest is forgotten",
    ).toEqual([bert, cleo]);
  });
});

describe("handing out the list", () => {
  test("a short list is handed out whole, without the asker", () => {
    const seed = new Seed().lists(recordOf(anna, { since: 5 }), recordOf(bert), recordOf(cleo));
    seed.receive("bert@10.0.0.1:1", { type: "list-request", nonce: 7 });
    const entries = [
      { peer: anna, since: 5 },
      { peer: cleo, since: 0 },
    ];
    expect(seed.sent()).toEqual([
      { to: "bert@10.0.0.1:1", message: { type: "peer-list", nonce: 7, total: 2, entries } },
    ]);
  });

  test("a long list is handed out in part: bounded, no peer twice, the eldest included", () => {
    const peers = Array.from({ length: 4001 }, (_, i) => ({
      peer: `n${i}@127.0.0.1:${i}`,
      since: (i * 37) % 4001,
    }));
    const restored = peers.map(({ peer, since }) => ({ record: recordOf(peer, { since }) }));
    const seed = new Seed({ restored });
    const eldest = peers.toSorted((a, b) => (isElder(a, b) ? -1 : 1)).slice(0, 8);
    for (let nonce = 0; nonce < 5; nonce++) {
      seed.clear().receive(anna, { type: "list-request", nonce });
      const [list] = seed.sentOf("peer-list");
      expect(list!.total).toBe(4001);
      expect(seed.noticesOf("list-handed-out")).toEqual([
        { type: "list-handed-out", to: anna, entries: list!.entries.length, total: 4001 },
      ]);
      expect(list!.entries.length).toBeLessThanOrEqual(maxListEntries);
      expect(list!.entries.length, "and not much less").toBeGreaterThan(maxListEntries - 9);
      expect(new Set(list!.entries.map(({ peer }) => peer)).size).toBe(list!.entries.length);
      for (const elder of eldest) expect(list!.entries).toContainEqual(elder);
    }
  });

  test("two hand-outs of a long list are different parts of it: nobody is never handed out", () => {
    const peers = Array.from({ length: 300 }, (_, i) => `n${i}@127.0.0.1:${i}`);
    const seed = new Seed({ restored: peers.map((peer) => ({ record: recordOf(peer) })) });
    const seen = new Set<NodeId>();
    for (let nonce = 0; nonce < 20; nonce++) {
      seed.clear().receive(anna, { type: "list-request", nonce });
      for (const { peer } of seed.sentOf("peer-list")[0]!.entries) seen.add(peer);
    }
    expect(seen.size).toBe(300);
  });
});

describe("dead-node reports", () => {
  test("enough neighbors' reports and the suspect's silence remove it", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    expect(seed.registry.has(anna), "the seed looks for itself first").toBe(true);
    seed.pass(callBackTimeoutMs);
    expect(seed.noticesOf("peer-removed")).toEqual([
      { type: "peer-removed", peer: anna, reason: "dead", reporters: [bert, cleo, dora], size: 4 },
    ]);
    expect(seed.noticesOf("persist")).toContainEqual({
      type: "persist",
      key: "peer/anna",
      value: undefined,
      isAwaited: false,
    });
  });

  test("the first report makes the seed call the suspect, accusing it", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert), reportOf(anna, cleo));
    expect(seed.sentOf("call-back")).toMatchObject([{ to: anna, accused: 1 }]);
  });

  test("silence alone does not remove: the reports must come too, before or after it", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert), reportOf(anna, cleo));
    seed.pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
    seed.reports(reportOf(anna, dora));
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("if the suspect answers the seed's own call, nothing happens, whoever reports", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    seed.answers(anna).pass(10 * callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
    expect(seed.noticesOf("suspect-answered")).toEqual([{ type: "suspect-answered", peer: anna }]);
    expect(seed.noticesOf("peer-removed")).toEqual([]);
  });

  test("an answer wipes out what was reported before it: the count begins anew", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo)).answers(anna);
    seed.reports(reportOf(anna, dora)).pass(callBackTimeoutMs);
    expect(seed.noticesOf("dead-report-received").at(-1)).toMatchObject({ reports: 1, required: 3 });
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a renewal wipes it out too", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    seed.register(recordOf(anna));
    seed.pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a call from before a renewal says nothing about the suspicion after it", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert)).pass(callBackTimeoutMs - 100);
    seed.register(recordOf(anna));
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)).pass(100);
    expect(seed.registry.has(anna), "the second call is still under way").toBe(true);
    seed.answers(anna).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a forged report counts for nothing", () => {
    const seed = seedWithNeighborsOfAnna();
    for (const name of [bert, cleo, dora]) {
      const report = reportOf(anna, name, {}, mallory);
      seed.receive(mallory, { type: "dead-report", report });
    }
    expect(seed.noticesOf("dead-report-ignored")).toHaveLength(3);
    expect(seed.noticesOf("dead-report-ignored")[0]).toMatchObject({ reporter: bert, reason: "forged" });
    expect(seed.sentOf("call-back"), "it does not even bother the accused").toEqual([]);
    expect(seed.registry.counters.forgedReports).toBe(3);
  });

  test("whoever is not its neighbor cannot testify, in the list or not", () => {
    const seed = seedWithNeighborsOfAnna().lists(recordOf(mallory, { neighbors: [anna] }));
    seed.reports(reportOf(anna, mallory), reportOf(anna, "stranger@127.0.0.1:1"));
    expect(seed.noticesOf("dead-report-ignored")).toMatchObject([
      { reporter: mallory, reason: "not a neighbor" },
      { reason: "not a neighbor" },
    ]);
    expect(seed.sentOf("call-back")).toEqual([]);
    expect(seed.registry.counters.strangersReports).toBe(2);
  });

  test("a neighbor that is not in the list cannot testify either", () => {
    const seed = new Seed().lists(recordOf(bert), recordOf(anna, { neighbors: [bert, mallory] }));
    seed.reports(reportOf(anna, mallory));
    expect(seed.noticesOf("dead-report-ignored")).toMatchObject([{ reason: "not a neighbor" }]);
  });

  test("nobody testifies against itself", () => {
    const seed = new Seed().lists(recordOf(anna, { neighbors: [anna, bert] }));
    seed.reports(reportOf(anna, anna));
    expect(seed.noticesOf("dead-report-ignored")).toMatchObject([{ reason: "not a neighbor" }]);
  });

  test("one neighbor that reports three times is one witness, from whatever address", () => {
    const seed = seedWithNeighborsOfAnna();
    for (const reporter of [bert, bert, "bert@10.9.9.9:1", "bert@10.9.9.9:2"]) {
      seed.reports(reportOf(anna, reporter));
    }
    seed.reports(reportOf(anna, bert, { at: 1 })).pass(callBackTimeoutMs);
    expect(seed.noticesOf("dead-report-received").map(({ reports }) => reports)).toEqual([1]);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("neighbors behind one IP address are different witnesses", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("a report of an earlier incarnation is void: it was refuted", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.lists(recordOf(anna, { incarnation: 2, neighbors: [bert, cleo, dora, emil] }));
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)).pass(callBackTimeoutMs);
    expect(seed.noticesOf("dead-report-ignored").map(({ reason }) => reason)).toEqual(
      Array(3).fill("refuted"),
    );
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a new life makes the reports of the old one void, also those that were counted already", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo));
    seed.register(recordOf(anna, { incarnation: 2, neighbors: [bert, cleo, dora] }));
    seed.answers(anna);
    seed.reports(reportOf(anna, dora, { incarnation: 2 })).pass(callBackTimeoutMs);
    expect(seed.noticesOf("dead-report-received").at(-1)).toMatchObject({ reports: 1 });
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("old reports that are played back after a removal and a return change nothing", () => {
    const seed = seedWithNeighborsOfAnna();
    const reports = [reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)];
    seed.reports(...reports).pass(callBackTimeoutMs);
    seed.clear().lists(recordOf(anna, { incarnation: 2, neighbors: [bert, cleo, dora] }));
    for (const report of reports) seed.receive(mallory, { type: "dead-report", report });
    seed.pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
    expect(seed.sentOf("call-back")).toEqual([]);
  });

  test("a report of somebody who is not in the list is not even counted", () => {
    const seed = new Seed().reports(reportOf(anna, bert));
    expect(seed.effects).toEqual([]);
  });

  test.each([
    { named: 4, confirmations: 3, required: 3 },
    { named: 2, confirmations: 3, required: 2 },
    { named: 1, confirmations: 3, required: 1 },
    { named: 4, confirmations: 1, required: 1 },
    { named: 4, confirmations: 9, required: 4 },
  ])("of $named neighbors, $required must report where $confirmations are asked for", (example) => {
    const { named, confirmations, required } = example;
    const neighbors = [bert, cleo, dora, emil].slice(0, named);
    const seed = new Seed({ options: { confirmations } });
    seed.lists(...linkedWithAnna(neighbors), recordOf(anna, { neighbors }));
    const reports = neighbors.map((reporter) => reportOf(anna, reporter));
    seed.reports(...reports.slice(0, required - 1)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna), "one too few").toBe(true);
    seed.reports(reports[required - 1]!).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
    expect(seed.noticesOf("dead-report-received")[0]).toMatchObject({ required });
  });

  test("neighbors that left cannot testify and are not waited for", () => {
    const seed = seedWithNeighborsOfAnna();
    for (const peer of [cleo, dora, emil]) seed.receive(peer, { type: "leave", notice: leaveOf(peer) });
    seed.reports(reportOf(anna, bert)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("a neighbor that falls silent makes the quorum smaller, and settles cases that waited for its report", () => {
    const seed = new Seed().lists(
      ...[cleo, dora, emil].map((peer) => recordOf(peer, { neighbors: [anna, bert] })),
      recordOf(bert, { neighbors: [cleo, dora, emil, anna] }),
      recordOf(anna, { neighbors: [bert, cleo] }),
    );
    seed.reports(reportOf(anna, cleo)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna), "bert has not reported").toBe(true);
    seed.reports(reportOf(bert, cleo)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna), "nor can he, it seems").toBe(false);
    expect(seed.registry.has(bert), "of whom too few have reported").toBe(true);
  });

  test("a neighbor that has given its link to the suspect away is not waited for", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert), reportOf(anna, cleo));
    seed.pass(callBackTimeoutMs).register(recordOf(dora, { version: 1, neighbors: [emil] }));
    expect(seed.registry.has(anna), "emil still holds one").toBe(true);
    seed.register(recordOf(emil, { version: 1, neighbors: [dora] }));
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("nor where another seed says so, with the neighbor's own record", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert), reportOf(anna, cleo));
    const parted = [dora, emil].map((peer) => recordOf(peer, { version: 1 }));
    seed.pass(callBackTimeoutMs).pulls(
      parted.map((record) => digestOf(record)),
      parted.map((record) => ({ record, reports: [], leave: undefined })),
    );
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("but one that reports and then parts has its place among the witnesses: no quorum shrinks by its voters", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert), reportOf(anna, cleo));
    for (const peer of [bert, cleo]) seed.register(recordOf(peer, { version: 1 }));
    seed.pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a neighbor of whose link we have not heard yet, as its record is older, is waited for", () => {
    const seed = new Seed().lists(...[bert, cleo].map((peer) => recordOf(peer)));
    seed.now += 1;
    seed.lists(recordOf(anna, { neighbors: [bert, cleo] }));
    seed.reports(reportOf(anna, bert)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("so is a hub, whose record has room for a part of its neighbors only", () => {
    const others = Array.from({ length: maxRecordNeighbors }, (_, i) => `n${i}@127.0.0.1:${i}`);
    const seed = new Seed().lists(
      recordOf(bert, { neighbors: [anna] }),
      recordOf(anna, { neighbors: [bert, cleo] }),
    );
    seed.lists(recordOf(cleo, { neighbors: others }));
    seed.reports(reportOf(anna, bert)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a suspect that leaves while it is called, and then answers, is gone", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert));
    seed.receive(anna, { type: "leave", notice: leaveOf(anna) });
    seed.answers(anna).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("a leave that makes the quorum smaller settles cases that waited for it", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo)).pass(callBackTimeoutMs);
    seed.receive(dora, { type: "leave", notice: leaveOf(dora) });
    expect(seed.registry.has(anna)).toBe(true);
    seed.receive(emil, { type: "leave", notice: leaveOf(emil) });
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("two linked peers that die together do not protect each other", () => {
    const seed = new Seed().lists(
      recordOf(cleo, { neighbors: [anna, bert] }),
      recordOf(anna, { neighbors: [bert, cleo] }),
      recordOf(bert, { neighbors: [anna, cleo] }),
    );
    seed.reports(reportOf(anna, cleo), reportOf(bert, cleo)).pass(callBackTimeoutMs);
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([cleo]);
  });

  test("whose neighbors are all gone is looked after by the seed itself", () => {
    const seed = new Seed().lists(recordOf(bert), recordOf(anna, { neighbors: [bert] }));
    seed.receive(bert, { type: "leave", notice: leaveOf(bert) });
    expect(seed.sentOf("call-back")).toMatchObject([{ to: anna, accused: 0 }]);
    seed.pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("whose neighbors are all silent, too: a dead clique is not protected by those of whom nobody tells", () => {
    const seed = new Seed().lists(
      recordOf(anna, { neighbors: [bert, cleo] }),
      recordOf(bert, { neighbors: [anna, cleo, dora] }),
      recordOf(cleo, { neighbors: [anna, bert, dora] }),
      recordOf(dora, { neighbors: [bert, cleo] }),
    );
    seed.reports(reportOf(bert, dora), reportOf(cleo, dora)).pass(callBackTimeoutMs);
    seed.answers(dora).pass(callBackTimeoutMs);
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([dora]);
  });

  test("an orphan that answers stays", () => {
    const seed = new Seed().lists(recordOf(bert), recordOf(anna, { neighbors: [bert] }));
    seed.receive(bert, { type: "leave", notice: leaveOf(bert) });
    seed.answers(anna).pass(10 * callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("who never named a neighbor can be reported by nobody: only its silence at the seed's own looks ends its entry", () => {
    const seed = new Seed().lists(recordOf(bert), recordOf(anna));
    seed.reports(reportOf(anna, bert)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("thousands that depended on one silent hub are removed with it, without a stack of calls", () => {
    const hub = "hub@127.0.0.1:1";
    const leaves = Array.from({ length: 5000 }, (_, i) => `n${i}@127.0.0.1:${i}`);
    const restored = [
      ...leaves.map((peer) => ({ record: recordOf(peer, { neighbors: [hub] }) })),
      { record: recordOf(hub, { neighbors: leaves.slice(0, 2) }) },
    ];
    const seed = new Seed({ restored, options: { leaseMs: 100_000, maxPendingCallBacks: 20_000 } });
    seed.pass(104_000);
    expect(seed.registry.size).toBe(0);
  });
});

describe("the seed's own trouble", () => {
  test("a call-back's time-out that fires late condemns nobody: the answer may be waiting unread", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    const timer = seed.pendingTimers.findLast(({ type }) => type === "call-back-timeout")!;
    seed.now += 60_000;
    seed.registry.onTimer(timer, seed);
    expect(seed.registry.has(anna)).toBe(true);
    seed.answers(anna).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("it condemns later if the silence lasts", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    const timer = seed.pendingTimers.findLast(({ type }) => type === "call-back-timeout")!;
    seed.now += 60_000;
    seed.registry.onTimer(timer, seed);
    expect(seed.pass(callBackTimeoutMs).registry.has(anna)).toBe(false);
  });
});

describe("a removed peer that lives", () => {
  test("is told which incarnation it must exceed, and comes back with a higher one", () => {
    const seed = seedWithNeighborsOfAnna();
    seed
      .reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora))
      .pass(callBackTimeoutMs)
      .clear();
    seed.register(recordOf(anna));
    expect(seed.sentOf("refused")).toMatchObject([{ to: anna, reason: "removed", incarnation: 1 }]);
    seed.clear().register(recordOf(anna, { incarnation: 2 }));
    seed.answers(anna);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("is not brought back by an old record from another seed", () => {
    const seed = seedWithNeighborsOfAnna();
    const record = recordOf(anna, { version: 9, neighbors: [bert] });
    seed.receive(anna, { type: "leave", notice: leaveOf(anna) });
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(seed.sentOf("sync-want")).toEqual([]);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("may come back in its old life once the removal is forgotten", () => {
    const seed = new Seed({ options: { removalRetentionMs: 1000, leaseMs: 2000 } }).lists(recordOf(anna));
    seed.receive(anna, { type: "leave", notice: leaveOf(anna) });
    seed.pass(2000).clear();
    seed.register(recordOf(anna));
    expect(seed.sentOf("call-back")).toMatchObject([{ to: anna }]);
  });
});

describe("leaving", () => {
  test("a peer's own signed word removes it at once, whoever hands it in", () => {
    const seed = new Seed().lists(recordOf(anna), recordOf(bert));
    seed.receive(bert, { type: "leave", notice: leaveOf(anna) });
    expect(seed.noticesOf("peer-removed")).toMatchObject([{ peer: anna, reason: "left", reporters: [] }]);
    expect(seed.registry.size).toBe(1);
  });

  test("a leave that somebody else signed removes nobody", () => {
    const seed = new Seed().lists(recordOf(anna));
    seed.receive(anna, { type: "leave", notice: leaveOf(anna, 1, mallory) });
    expect(seed.registry.has(anna)).toBe(true);
    expect(seed.registry.counters.forgedReports).toBe(1);
  });

  test("the leave of an earlier life, played back, removes nobody", () => {
    const seed = new Seed().lists(recordOf(anna, { incarnation: 2 }));
    seed.receive(mallory, { type: "leave", notice: leaveOf(anna, 1) });
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("a leave of a life that this seed has not heard of yet rules that life out too", () => {
    const seed = new Seed().lists(recordOf(anna, { incarnation: 1 }));
    seed.receive(anna, { type: "leave", notice: leaveOf(anna, 3) });
    seed.register(recordOf(anna, { incarnation: 3 }));
    expect(seed.sentOf("refused")).toMatchObject([{ reason: "removed", incarnation: 3 }]);
  });
});

describe("the lease", () => {
  const options = { leaseMs: 8000, callBackTimeoutMs: 500 };

  /** Anna, whose neighbor Bert is heard of all the time: he could report her, and does not. */
  const seedWithAnnaAndBert = () =>
    new Seed({ options }).lists(...linkedWithAnna([bert]), recordOf(anna, { neighbors: [bert] }));
  const passWithBert = (seed: Seed, time: number) => {
    for (let passed = 0; passed < time; passed += 500) {
      seed.register(recordOf(bert));
      seed.pass(Math.min(500, time - passed));
    }
    return seed;
  };

  test("who was not heard of for a lease is called, without an accusation, and stays if it answers", () => {
    const seed = passWithBert(seedWithAnnaAndBert(), 8000);
    expect(seed.sentOf("call-back")).toMatchObject([{ to: anna, accused: 0 }]);
    passWithBert(seed.answers(anna).clear(), 7999);
    expect(seed.registry.has(anna)).toBe(true);
    expect(seed.sentOf("call-back"), "a lease runs from when it was last heard of").toEqual([]);
  });

  test("it is removed if it is silent", () => {
    const seed = passWithBert(seedWithAnnaAndBert(), 12_000);
    expect(seed.noticesOf("peer-removed")).toMatchObject([{ peer: anna, reason: "expired" }]);
  });

  test("a renewal extends it", () => {
    const seed = seedWithAnnaAndBert();
    for (let i = 0; i < 5; i++) {
      passWithBert(seed, 6000);
      seed.register(recordOf(anna));
    }
    expect(seed.sentOf("call-back")).toEqual([]);
  });

  test("who has a case that too few reported is removed at its end", () => {
    const neighbors = [bert, cleo];
    const seed = new Seed({ options }).lists(...linkedWithAnna(neighbors), recordOf(anna, { neighbors }));
    seed.reports(reportOf(anna, bert)).pass(7000);
    expect(seed.registry.has(anna)).toBe(true);
    for (const peer of neighbors) seed.register(recordOf(peer));
    seed.pass(1000);
    expect(seed.noticesOf("peer-removed")).toMatchObject([{ peer: anna, reason: "expired" }]);
  });

  test("who named no neighbors, whom nobody can report, is called after a tenth of it", () => {
    const seed = new Seed({ options }).lists(recordOf(anna)).pass(799);
    expect(seed.sentOf("call-back")).toEqual([]);
    expect(seed.pass(1).sentOf("call-back")).toMatchObject([{ to: anna, accused: 0 }]);
  });

  test("and is removed at the next look after it was silent, a twentieth of the lease later", () => {
    const seed = new Seed({ options: { ...options, callBackTimeoutMs: 300 } })
      .lists(recordOf(anna))
      .pass(1199);
    expect(seed.registry.has(anna)).toBe(true);
    seed.pass(1);
    expect(seed.noticesOf("peer-removed")).toMatchObject([{ peer: anna, reason: "expired", reporters: [] }]);
  });

  test("unless it answers: who is alone stays, however long", () => {
    const seed = new Seed({ options }).lists(recordOf(anna));
    for (let i = 0; i < 100; i++) seed.clear().pass(200).answers(anna);
    expect(seed.clear().pass(800).sentOf("call-back").length, "it is still looked after").toBe(1);
    expect(seed.registry.has(anna)).toBe(true);
    expect(seed.registry.counters.removals).toBe(0);
  });

  test("or renews before the next look, though its answer was lost", () => {
    const seed = new Seed({ options }).lists(recordOf(anna)).pass(1500);
    seed.register(recordOf(anna));
    expect(seed.pass(700).registry.has(anna)).toBe(true);
  });

  test("or names a neighbor meanwhile: then it is the neighbor's to report, and it has the whole lease", () => {
    const seed = new Seed({ options }).lists(recordOf(anna), ...linkedWithAnna([bert])).pass(700);
    seed.register(recordOf(anna, { version: 1, neighbors: [bert] }));
    passWithBert(seed.clear(), 7000);
    expect(seed.sentOf("call-back")).toEqual([]);
  });

  test("however many are due at once, half of the call-backs stay free for newcomers, and all get their turn", () => {
    const names = Array.from({ length: 10 }, (_, i) => `n${i}@h:1`);
    const restored = names.map((name) => ({ record: recordOf(name) }));
    const seed = new Seed({ restored, options: { ...options, maxPendingCallBacks: 8 } });
    seed.pass(800);
    expect(
      seed.sentOf("call-back").map(({ to }) => to),
      "half the call-backs",
    ).toEqual(names.slice(0, 4));
    seed.clear().register(recordOf(anna));
    expect(seed.sentOf("refused"), "the other half is for newcomers").toEqual([]);
    seed.answers(anna).clear().pass(400);
    expect(seed.sentOf("call-back"), "the first are still being waited for").toEqual([]);
    seed.pass(6000);
    expect(seed.noticesOf("peer-removed").map(({ peer }) => peer)).toEqual(expect.arrayContaining(names));
  });

  test("a seed that found a peer silent a little earlier than another does not take it back from that one's list", () => {
    const early = new Seed({ options }).lists(recordOf(anna)).pass(1600);
    expect(early.registry.has(anna)).toBe(false);
    const record = recordOf(anna);
    early.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(early.sentOf("sync-want")).toEqual([]);
    expect(early.pass(800).registry.has(anna)).toBe(false);
  });

  test("a seed that cannot reach a living peer takes it from its own list only, and back when it answers", () => {
    const record = recordOf(anna);
    const cutOff = new Seed({ options }).lists(record).pass(1600);
    const other = new Seed({ options }).lists(record);
    expect(cutOff.registry.has(anna)).toBe(false);
    cutOff.clear().receive(secondSeedInPerson, { type: "sync-request", nonce: 5, fingerprint: 1 });
    const { entries } = cutOff.onlySent("sync-digest");
    expect(entries, "it tells nobody what it cannot prove").toEqual([]);
    other.pulls(entries, []);
    expect(other.registry.has(anna)).toBe(true);
    cutOff.pass(options.leaseMs / 4);
    cutOff.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]).answers(anna);
    expect(cutOff.registry.has(anna)).toBe(true);
  });
});

describe("agreement among seeds", () => {
  test("a seed that starts asks all others at once", () => {
    const registry = new SeedRegistry({
      otherSeeds: [secondSeed, thirdSeed],
      signatures: signaturesOf(self),
    });
    const seed = new Alone(self, registry).start();
    expect(seed.sent().map(({ to, message }) => [to, message.type])).toEqual([
      [secondSeed, "sync-request"],
      [thirdSeed, "sync-request"],
    ]);
  });

  test("a change is hinted to the others, once for all changes of a moment, and carries nothing to believe", () => {
    const seed = new Seed().lists(recordOf(anna), recordOf(bert), recordOf(cleo)).clear().pass(hintDelayMs);
    expect(seed.sent()).toEqual([
      { to: secondSeed, message: { type: "sync-hint" } },
      { to: thirdSeed, message: { type: "sync-hint" } },
    ]);
  });

  test("reports, removals and what was taken over are hinted too, each time anew", () => {
    const seed = seedWithNeighborsOfAnna().pass(hintDelayMs);
    const hints = () => seed.clear().pass(hintDelayMs).sentOf("sync-hint").length;
    expect(hints()).toBe(0);
    seed.reports(reportOf(anna, bert));
    expect(hints()).toBe(2);
    seed.receive(emil, { type: "leave", notice: leaveOf(emil) });
    expect(hints()).toBe(2);
    const record = recordOf(mallory);
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(hints()).toBe(2);
  });

  test("without any hint it asks a random other seed now and then", () => {
    const seed = new Seed().pass(100_000);
    const asked = seed.sentOf("sync-request").map(({ to }) => to);
    expect(asked.length).toBeGreaterThanOrEqual(15);
    expect(asked.length).toBeLessThanOrEqual(27);
    expect(new Set(asked)).toEqual(new Set([secondSeed, thirdSeed]));
  });

  test("a hint makes the seed ask the configured address, and not the one that hints", () => {
    const seed = new Seed().receive(secondSeedInPerson, { type: "sync-hint" });
    expect(seed.sent()).toMatchObject([{ to: secondSeed, message: { type: "sync-request" } }]);
  });

  test("a hint of somebody who is no seed is ignored", () => {
    const seed = new Seed().receive(mallory, { type: "sync-hint" });
    expect(seed.effects).toEqual([]);
    expect(seed.registry.counters.unasked).toBe(1);
  });

  test("equal lists have equal fingerprints, in whatever order they came to be", () => {
    const one = new Seed().lists(recordOf(anna), recordOf(bert), recordOf(cleo));
    const other = new Seed().lists(recordOf(cleo), recordOf(anna, { incarnation: 0 }), recordOf(dora));
    expect(other.registry.fingerprint).not.toBe(one.registry.fingerprint);
    other.receive(dora, { type: "leave", notice: leaveOf(dora) });
    other.lists(recordOf(bert), recordOf(anna));
    expect(other.registry.fingerprint).toBe(one.registry.fingerprint);
  });

  test("equal fingerprints end the exchange with one word", () => {
    const seed = new Seed().lists(recordOf(anna));
    const { fingerprint } = seed.registry;
    seed.receive(secondSeedInPerson, { type: "sync-request", nonce: 5, fingerprint });
    expect(seed.sent()).toEqual([{ to: secondSeedInPerson, message: { type: "sync-same", nonce: 5 } }]);
  });

  test("a digest has every entry and every removal that others can judge", () => {
    const seed = seedWithNeighborsOfAnna({ options: { leaseMs: 86_400_000 } });
    seed.receive(emil, { type: "leave", notice: leaveOf(emil) });
    seed.reports(reportOf(anna, bert)).clear();
    seed.receive(secondSeedInPerson, { type: "sync-request", nonce: 5, fingerprint: 0 });
    const [digest] = seed.sentOf("sync-digest");
    expect(Object.fromEntries(digest!.entries.map(({ peer, state }) => [identityOf(peer), state]))).toEqual({
      bert: "listed",
      cleo: "listed",
      dora: "listed",
      anna: "accused",
      emil: "removed",
    });
  });

  test("a removal that nobody but this seed can know of is not in it, nor one that was taken back", () => {
    const seed = new Seed({ options: { leaseMs: 8000 } }).lists(recordOf(anna)).pass(12_000);
    seed.lists(recordOf(bert)).receive(bert, { type: "leave", notice: leaveOf(bert) });
    seed.lists(recordOf(bert, { incarnation: 2 })).clear();
    expect(seed.registry.has(anna)).toBe(false);
    seed.receive(secondSeedInPerson, { type: "sync-request", nonce: 5, fingerprint: 0 });
    expect(seed.onlySent("sync-digest").entries).toEqual([
      { peer: bert, incarnation: 2, version: 0, state: "listed" },
    ]);
  });

  test("a digest is bounded, however long the list and however many were removed", () => {
    const restored = Array.from({ length: maxDigestEntries }, (_, i) => ({ record: recordOf(`n${i}@h:1`) }));
    const seed = new Seed({ restored });
    for (const name of ["n0@h:1", "n1@h:1"]) seed.receive(name, { type: "leave", notice: leaveOf(name) });
    seed.lists(recordOf(anna));
    seed.receive(secondSeedInPerson, { type: "sync-request", nonce: 5, fingerprint: 0 });
    expect(seed.onlySent("sync-digest").entries).toHaveLength(maxDigestEntries);
  });

  test("an open case is worth an exchange though the lists are equal", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert)).clear();
    const { fingerprint } = seed.registry;
    seed.receive(secondSeedInPerson, { type: "sync-request", nonce: 5, fingerprint });
    expect(seed.sentOf("sync-digest")).toHaveLength(1);
  });

  test("a seed asks only for what it lacks, and gets the records as their peers signed them", () => {
    const seed = new Seed().lists(recordOf(anna, { version: 2 }), recordOf(bert));
    const [newer, same, other] = [
      recordOf(bert, { version: 1 }),
      recordOf(anna, { version: 2 }),
      recordOf(cleo),
    ];
    seed.pulls(
      [newer, same, other].map((record) => digestOf(record)),
      [],
    );
    expect(seed.sentOf("sync-want")).toMatchObject([{ to: secondSeed, peers: [bert, cleo] }]);
    seed.clear().receive(thirdSeed, { type: "sync-want", nonce: 6, peers: [anna, dora] });
    expect(seed.sentOf("sync-delta")).toMatchObject([
      { nonce: 6, entries: [{ record: recordOf(anna, { version: 2 }), reports: [], leave: undefined }] },
    ]);
  });

  test("large differences are asked for and answered in bounded pieces", () => {
    const restored = Array.from({ length: 300 }, (_, i) => ({ record: recordOf(`n${i}@127.0.0.1:${i}`) }));
    const giver = new Seed({ restored });
    giver.receive(secondSeedInPerson, { type: "sync-request", nonce: 1, fingerprint: 0 });
    const taker = new Seed().pulls(giver.sentOf("sync-digest")[0]!.entries, []);
    expect(taker.sentOf("sync-want").map(({ peers }) => peers.length)).toEqual([
      maxDeltaEntries,
      maxDeltaEntries,
      44,
    ]);
    const even = new Seed().pulls(giver.onlySent("sync-digest").entries.slice(0, maxDeltaEntries), []);
    expect(even.sentOf("sync-want").map(({ peers }) => peers.length)).toEqual([maxDeltaEntries]);
    const greedy = restored.map(({ record }) => record.statement.peer);
    giver.receive(mallory, { type: "sync-want", nonce: 2, peers: greedy });
    expect(giver.sentOf("sync-delta")[0]!.entries).toHaveLength(maxDeltaEntries);
  });

  test("an entry of another seed is taken over on the peer's own word, and kept on disk", () => {
    const record = recordOf(anna, { neighbors: [bert] });
    const seed = new Seed().pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(seed.registry.list).toEqual([record.statement]);
    expect(seed.noticesOf("peer-listed")).toMatchObject([{ peer: anna, by: "agreement" }]);
    expect(seed.noticesOf("persist")).toMatchObject([{ key: "peer/anna", value: { record } }]);
  });

  test("a peer whom another seed told us of is told that it is registered when its entry is on disk here", () => {
    const seed = new Seed();
    seed.persistsAtOnce = false;
    const record = recordOf(anna);
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]).clear();
    const nonce = seed.register(record);
    expect(seed.sentOf("registered")).toEqual([]);
    seed.acknowledge();
    expect(seed.onlySent("registered")).toMatchObject({ to: anna, nonce });
  });

  test("an entry that the peer did not sign is not taken over, whichever seed says so", () => {
    const record = recordOf(anna, {}, mallory);
    const seed = new Seed().pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(seed.registry.size).toBe(0);
    expect(seed.registry.counters.refusedInvalid).toBe(1);
  });

  test("a later version of a listed record is taken over, and is no news", () => {
    const record = recordOf(anna, { version: 1, neighbors: [bert] });
    const seed = new Seed().lists(recordOf(anna));
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(seed.registry.list).toEqual([record.statement]);
    expect(seed.noticesOf("peer-listed")).toEqual([]);
  });

  test.each([
    { mine: { incarnation: 2, version: 0 }, theirs: { incarnation: 1, version: 9 }, lacks: false },
    { mine: { incarnation: 1, version: 9 }, theirs: { incarnation: 2, version: 0 }, lacks: true },
    { mine: { incarnation: 1, version: 2 }, theirs: { incarnation: 1, version: 3 }, lacks: true },
    { mine: { incarnation: 1, version: 3 }, theirs: { incarnation: 1, version: 2 }, lacks: false },
  ])("who has $mine asks for $theirs: $lacks", ({ mine, theirs, lacks }) => {
    const seed = new Seed().lists(recordOf(anna, mine)).pulls([digestOf(recordOf(anna, theirs))], []);
    expect(seed.sentOf("sync-want")).toHaveLength(lacks ? 1 : 0);
    expect(seed.noticesOf("seeds-reconciled")).toEqual([
      { type: "seeds-reconciled", seed: secondSeed, asked: lacks ? 1 : 0, size: 1 },
    ]);
  });

  test("who has no case against a peer that is accused elsewhere asks for the reports; who has enough does not", () => {
    const record = recordOf(anna, { neighbors: [bert, cleo, dora, emil] });
    const seed = seedWithNeighborsOfAnna().pulls([digestOf(record, "accused")], []);
    expect(seed.sentOf("sync-want")).toMatchObject([{ peers: [anna] }]);
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora));
    expect(seed.pulls([digestOf(record, "accused")], []).sentOf("sync-want")).toEqual([]);
  });

  test("who asks for a removed peer gets the evidence", () => {
    const seed = seedWithNeighborsOfAnna();
    const reports = [reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)];
    seed.reports(...reports).pass(callBackTimeoutMs);
    seed.receive(emil, { type: "leave", notice: leaveOf(emil) }).clear();
    seed.receive(secondSeedInPerson, { type: "sync-want", nonce: 6, peers: [anna, emil] });
    expect(seed.onlySent("sync-delta").entries).toEqual([
      { record: undefined, reports, leave: undefined },
      { record: undefined, reports: [], leave: leaveOf(emil) },
    ]);
  });

  test("an older record does not replace a newer one", () => {
    const seed = new Seed().lists(recordOf(anna, { incarnation: 2, version: 3 }));
    const older = [
      recordOf(anna, { incarnation: 2, version: 2 }),
      recordOf(anna, { incarnation: 1, version: 9 }),
    ];
    for (const record of older) {
      seed.pulls([digestOf(recordOf(bert))], [{ record, reports: [], leave: undefined }]);
    }
    expect(seed.registry.list).toMatchObject([{ incarnation: 2, version: 3 }]);
  });

  test("answers that were not asked for are ignored", () => {
    const seed = new Seed().lists(recordOf(bert)).clear();
    const record = recordOf(anna);
    seed.receive(secondSeedInPerson, { type: "sync-same", nonce: 1 });
    seed.receive(secondSeedInPerson, { type: "sync-digest", nonce: 1, entries: [digestOf(record)] });
    seed.receive(secondSeedInPerson, {
      type: "sync-delta",
      nonce: 1,
      entries: [{ record, reports: [], leave: leaveOf(bert) }],
    });
    expect(seed.effects).toEqual([]);
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([bert]);
    expect(seed.registry.counters.unasked).toBe(3);
  });

  test("of two questions to one seed only the later may be answered", () => {
    const seed = new Seed().receive(secondSeedInPerson, { type: "sync-hint" }).pass(callBackTimeoutMs);
    seed.receive(secondSeedInPerson, { type: "sync-hint" });
    const [earlier, later] = seed.sentOf("sync-request");
    seed.receive(secondSeedInPerson, { type: "sync-same", nonce: earlier!.nonce });
    expect(seed.noticesOf("seeds-agree")).toEqual([]);
    seed.receive(secondSeedInPerson, { type: "sync-same", nonce: later!.nonce });
    seed.receive(secondSeedInPerson, { type: "sync-same", nonce: later!.nonce });
    expect(seed.noticesOf("seeds-agree"), "and once").toHaveLength(1);
  });

  test("an exchange that brought nothing is over: what comes after it was not asked for", () => {
    const record = recordOf(anna);
    const seed = new Seed().pulls([], [{ record, reports: [], leave: undefined }]);
    expect(seed.registry.size).toBe(0);
    expect(seed.registry.counters.unasked).toBe(1);
  });

  test("hints that come quicker than answers do not cut the exchange short, and are not forgotten", () => {
    const seed = new Seed();
    const hints = () => {
      for (let i = 0; i < 100; i++) seed.receive(secondSeedInPerson, { type: "sync-hint" });
    };
    const record = recordOf(anna);
    hints();
    const { nonce } = seed.onlySent("sync-request");
    hints();
    seed.receive(secondSeedInPerson, { type: "sync-digest", nonce, entries: [digestOf(record)] });
    hints();
    seed.receive(secondSeedInPerson, {
      type: "sync-delta",
      nonce,
      entries: [{ record, reports: [], leave: undefined }],
    });
    expect(seed.registry.has(anna)).toBe(true);
    expect(seed.sentOf("sync-request")).toHaveLength(1);
    seed.clear().pass(1000);
    expect(seed.onlySent("sync-request").to, "once more for all of them").toBe(secondSeed);
  });

  test("a removal travels as the reports behind it, and the other seed judges for itself", () => {
    const reports = [reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)];
    const record = recordOf(anna, { neighbors: [bert, cleo, dora, emil] });
    const told = () =>
      seedWithNeighborsOfAnna().pulls(
        [digestOf(record, "removed")],
        [{ record: undefined, reports, leave: undefined }],
      );

    expect(told().pass(callBackTimeoutMs).registry.has(anna), "silent here too").toBe(false);
    expect(told().answers(anna).pass(callBackTimeoutMs).registry.has(anna), "it answers here").toBe(true);
  });

  test("too few reports, forged reports and strangers' reports convince no other seed", () => {
    const record = recordOf(anna);
    const unconvincing: Signed<DeadReport>[][] = [
      [],
      [reportOf(anna, bert), reportOf(anna, cleo)],
      [bert, cleo, dora].map((name) => reportOf(anna, name, {}, mallory)),
      [1, 2, 3].map((i) => reportOf(anna, `m${i}@127.0.0.1:${i}`)),
    ];
    for (const reports of unconvincing) {
      const seed = seedWithNeighborsOfAnna();
      seed.pulls([digestOf(record, "removed")], [{ record: undefined, reports, leave: undefined }]);
      expect(seed.pass(callBackTimeoutMs).registry.has(anna)).toBe(true);
    }
  });

  test("a leave travels as the peer's own word", () => {
    const record = recordOf(anna);
    const told = (leave: Signed<LeaveNotice>) =>
      seedWithNeighborsOfAnna().pulls(
        [digestOf(record, "removed")],
        [{ record: undefined, reports: [], leave }],
      );
    expect(told(leaveOf(anna)).registry.has(anna)).toBe(false);
    expect(told(leaveOf(anna, 1, mallory)).registry.has(anna)).toBe(true);
  });

  test("seeds that have too few reports each put them together", () => {
    const seed = seedWithNeighborsOfAnna().reports(reportOf(anna, bert)).pass(callBackTimeoutMs);
    const reports = [reportOf(anna, cleo), reportOf(anna, dora)];
    const record = recordOf(anna, { neighbors: [bert, cleo, dora, emil] });
    seed.pulls([digestOf(record, "accused")], [{ record, reports, leave: undefined }]);
    expect(seed.sentOf("sync-want")).toMatchObject([{ peers: [anna] }]);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("a seed that was down reads its own list, and then learns what it missed", () => {
    const seed = new Seed({ restored: [{ record: recordOf(anna) }, { record: recordOf(bert) }] });
    expect(seed.registry.size).toBe(2);
    const [left, came] = [recordOf(anna), recordOf(cleo)];
    seed.pulls(
      [digestOf(left, "removed"), digestOf(recordOf(bert)), digestOf(came)],
      [
        { record: undefined, reports: [], leave: leaveOf(anna) },
        { record: came, reports: [], leave: undefined },
      ],
    );
    expect(seed.registry.list.map(({ peer }) => peer)).toEqual([bert, cleo]);
  });

  test("a seed that took everybody for dead while it was cut off takes back those whom the others list", () => {
    const seed = new Seed({ options: { leaseMs: 8000 } }).lists(recordOf(anna)).pass(12_000);
    expect(seed.registry.has(anna), "unheard of and silent").toBe(false);
    const record = recordOf(anna);
    const told = () => seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    seed.pass(2000);
    told();
    expect(seed.sentOf("call-back")).toMatchObject([{ to: anna }]);
    expect(seed.registry.has(anna), "not before it has answered").toBe(false);
    told();
    expect(seed.sentOf("call-back"), "only now and then").toEqual([]);
    seed.pass(2000);
    told().answers(anna);
    expect(seed.registry.has(anna)).toBe(true);
  });

  test("also those with whose neighbors it lost touch as well", () => {
    const records = [recordOf(anna, { neighbors: [bert] }), recordOf(bert, { neighbors: [anna] })];
    const seed = new Seed({ options: { leaseMs: 8000 } }).lists(...records).pass(20_000);
    expect(seed.registry.size).toBe(0);
    seed.pulls(
      records.map((record) => digestOf(record)),
      records.map((record) => ({ record, reports: [], leave: undefined })),
    );
    seed.answers(anna).answers(bert);
    expect(seed.registry.size).toBe(2);
  });

  test("and leaves out whom it finds silent again", () => {
    const seed = new Seed({ options: { leaseMs: 8000 } }).lists(recordOf(anna)).pass(14_000);
    const record = recordOf(anna);
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
  });

  test("also those who were reported dead by others who were cut off with it: they are accused, and may refute", () => {
    const seed = seedWithNeighborsOfAnna();
    seed.reports(reportOf(anna, bert), reportOf(anna, cleo), reportOf(anna, dora)).pass(callBackTimeoutMs);
    expect(seed.registry.has(anna)).toBe(false);
    // The others list her with other neighbors by now, so they do not take those reports.
    const record = recordOf(anna, { version: 1, neighbors: [emil] });
    const told = () => seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(told().sentOf("call-back"), "not at once").toEqual([]);
    seed.pass(seedRegistryOptions.specs.leaseMs.default / 4);
    expect(told().sentOf("call-back")).toMatchObject([{ to: anna, accused: 1 }]);
    expect(seed.registry.has(anna), "not before she has answered").toBe(false);
    expect(seed.answers(anna).registry.has(anna)).toBe(true);
  });

  test("it makes no such exception for those who left", () => {
    const seed = new Seed({ options: { leaseMs: 8000 } }).lists(recordOf(anna));
    seed.receive(anna, { type: "leave", notice: leaveOf(anna) }).pass(20_000);
    const record = recordOf(anna);
    seed.pulls([digestOf(record)], [{ record, reports: [], leave: undefined }]);
    expect(seed.sentOf("call-back")).toEqual([]);
  });

  test("a seed by itself keeps working", () => {
    const seed = new Seed({ otherSeeds: [] }).lists(recordOf(anna)).pass(59_000);
    expect(seed.sent().map(({ message }) => message.type)).toEqual([]);
    expect(seed.registry.size).toBe(1);
  });
});

describe("messages that are not for a seed", () => {
  test("are counted and ignored", () => {
    const seed = new Seed();
    seed.receive(anna, { type: "registered", nonce: 1, listSize: 1 });
    seed.receive(anna, { type: "peer-list", nonce: 1, total: 0, entries: [] });
    seed.receive(anna, { type: "call-back", nonce: 1, accused: 0 });
    expect(seed.effects).toEqual([]);
    expect(seed.registry.counters.unasked).toBe(3);
  });
});
