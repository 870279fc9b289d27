import { describe, expect, test } from "vitest";
import {
  compareXor,
  type Key,
  type KeyedNode,
  keyFromNumber,
  type LookupReport,
  type NodeId,
  type PeerSampler,
  RecordingEnvironment,
  type RememberedContacts,
  randomKey,
  type StoredRecord,
  seededRandom,
  UsageError,
} from "../core/index.ts";
import { Kademlia, type KademliaConfig, type KademliaNotice, type KademliaTimer } from "./kademlia.ts";
import type { KademliaMessage } from "./kademlia-messages.ts";

/** We are 0. Nodes are called by the bits that they share with us: "3.1" shares three; 1 tells it from "3.2". */
const keyedNode = (node: NodeId): KeyedNode => {
  const [bucket, rest] = String(node).split(".").map(Number) as [number, number];
  if (Number.isNaN(rest ?? Number.NaN)) return { node, key: "" };
  return { node, key: keyFromNumber((1n << BigInt(159 - bucket)) + BigInt(rest)) };
};
const self: KeyedNode = { node: "self", key: keyFromNumber(0n) };
const keyOf = (node: NodeId): Key => keyedNode(node).key;

function world(changes: Partial<KademliaConfig> = {}, options: KademliaConfig["options"] = {}) {
  const env = new RecordingEnvironment<KademliaMessage, KademliaTimer, KademliaNotice>("self");
  env.now = 1_000_000;
  const kademlia = new Kademlia({
    self,
    keyedNode: (node) => (node === "self" ? self : keyedNode(node)),
    bootstrap: [],
    options: { k: 2, maxParked: 2, maxFailures: 3, freshMs: 0, ...options },
    ...changes,
  });
  const asked = (to?: NodeId) =>
    env
      .sent()
      .filter((sent) => "nonce" in sent.message && !sent.message.type.endsWith("-reply"))
      .filter((sent) => to === undefined || sent.to === to) as {
      to: NodeId;
      message: Extract<KademliaMessage, { nonce: number }>;
    }[];
  const world = {
    env,
    kademlia,
    asked,
    start: () => {
      kademlia.start(env);
      return world;
    },
    /** It answers the last question that it was asked. */
    answer(from: NodeId, nodes: readonly NodeId[] = [], records: readonly StoredRecord[] = []) {
      const { message } = asked(from).at(-1)!;
      const { nonce, type } = message;
      if (type === "ping") kademlia.onMessage(from, { type: "ping-reply", nonce }, env);
      else if (type === "find-value")
        kademlia.onMessage(from, { type: "find-value-reply", nonce, nodes, records }, env);
      else kademlia.onMessage(from, { type: "find-node-reply", nonce, nodes }, env);
    },
    /** It stays silent about the last question that it was asked. */
    silence(from: NodeId) {
      const { nonce } = asked(from).at(-1)!.message;
      const { silences } = kademlia.roundTrips.counters;
      while (kademlia.roundTrips.counters.silences === silences) {
        const timer = env
          .scheduled()
          .map((one) => one.timer)
          .findLast((one) => one.type === "question-timeout" && one.nonce === nonce)!;
        if (timer.type !== "question-timeout") throw new Error("no timer");
        env.now = Math.max(env.now, timer.due);
        kademlia.onTimer(timer, env);
      }
    },
    hears(from: NodeId) {
      kademlia.onMessage(from, { type: "ping", nonce: 7 }, env);
    },
    looksUp(from: NodeId) {
      kademlia.onMessage(from, { type: "find-node", nonce: 7, key: keyOf(from) }, env);
    },
    /** They ask us something, and answer when we ask whether they are there. */
    meets(...nodes: NodeId[]) {
      for (const node of nodes) {
        world.hears(node);
        if (asked(node).length > 0) world.answer(node);
      }
      return world;
    },
    notices: <T extends string>(type: T) =>
      env.notices().filter((notice): notice is Extract<KademliaNotice, { type: T }> => notice.type === type),
    changes: () =>
      env.notices().flatMap((notice) => {
        if (notice.type === "contact-up") return [`+${notice.contact.node}`];
        return notice.type === "contact-down" ? [`-${notice.contact.node}`] : [];
      }),
    names: () => kademlia.contacts().map(({ node }) => node),
  };
  return world;
}

/** Two near ones, so that nobody of bucket 0 is among the k nearest, and bucket 0 full. */
const full = (options: KademliaConfig["options"] = {}) =>
  world({}, options).start().meets("9.1", "9.2", "0.1", "0.2");

describe("the document's rule for senders", () => {
  test("whoever asks us is answered, but no contact before it has answered us", () => {
    const { env, hears, answer, names, changes, asked } = world().start();
    hears("0.1");
    expect(env.sent()[0]).toEqual({ to: "0.1", message: { type: "ping-reply", nonce: 7 } });
    expect(names()).toEqual([]);
    expect(asked("0.1").map(({ message }) => message.type)).toEqual(["ping"]);
    answer("0.1");
    expect(names()).toEqual(["0.1"]);
    expect(changes()).toEqual(["+0.1"]);
  });

  test("planted bug, inserting queriers at once: whoever asks under a thousand ids and never answers is in no table", () => {
    const { kademlia, hears, names, env } = world({}, { maxUnverified: 10, maxChecks: 4 }).start();
    for (let i = 0; i < 1000; i++) hears(`${i % 40}.${i + 1}`);
    expect(names()).toEqual([]);
    expect(kademlia.counters.unverifiedDropped).toBeGreaterThan(900);
    // What it makes us send is bounded as well: one answer each, and a few questions.
    expect(env.sent().length).toBeLessThan(1000 + 10);
  });

  test("silence at an address where a contact is not is none of the contact's", () => {
    const wherever = (node: NodeId) => ({ ...keyedNode(String(node).split("@")[0]!), node });
    const { kademlia, hears, asked, silence, names } = world({ keyedNode: wherever }).start().meets("0.1");
    hears("0.1@elsewhere");
    expect(asked("0.1@elsewhere")).toHaveLength(1);
    silence("0.1@elsewhere");
    expect(kademlia.table.failuresOf(keyOf("0.1"))).toBe(0);
    expect(names()).toEqual(["0.1"]);
  });

  test("known: it goes to the tail when it asks us something", () => {
    const { kademlia, hears } = full();
    expect(kademlia.table.headOf(0)?.node).toBe("0.1");
    hears("0.1");
    expect(kademlia.table.headOf(0)?.node).toBe("0.2");
  });

  test("full: the head is asked; it answers: it goes to the tail, and the newcomer waits", () => {
    const { kademlia, hears, answer, asked, names } = full();
    hears("0.3");
    expect(asked("0.3")).toEqual([]);
    expect(asked("0.1").at(-1)?.message.type).toBe("ping");
    answer("0.1");
    expect(kademlia.table.bucket(0).map(({ node }) => node)).toEqual(["0.2", "0.1"]);
    expect(kademlia.table.isParked(keyOf("0.3"))).toBe(true);
    expect(names()).not.toContain("0.3");
  });

  test("full: the head stays silent, again and again: it is removed, and the newcomer appended when it has answered", () => {
    const { hears, silence, answer, names, changes } = full();
    hears("0.3");
    for (let i = 0; i < 3; i++) {
      expect(names()).toContain("0.1");
      silence("0.1");
    }
    expect(names()).not.toContain("0.1");
    expect(names()).not.toContain("0.3");
    answer("0.3");
    expect(names()).toContain("0.3");
    expect(changes().slice(-2)).toEqual(["-0.1", "+0.3"]);
  });

  test("at most one contact of a bucket is asked at a time, whoever else knocks", () => {
    const { hears, asked, kademlia } = full();
    for (const newcomer of ["0.3", "0.4", "0.5"]) hears(newcomer);
    expect(kademlia.counters.checks).toBe(1);
    expect(asked("0.1")).toHaveLength(2); // once when we met, once now
    expect(kademlia.table.parkedCount).toBe(2);
  });

  test("a head that was seen a short while ago is not asked", () => {
    const { env, kademlia, looksUp } = full({ freshMs: 60_000 });
    looksUp("0.3");
    expect(kademlia.counters.checks).toBe(0);
    env.now += 60_000;
    looksUp("0.3");
    expect(kademlia.counters.checks).toBe(1);
  });

  test("nor for whoever only asks whether we are there: one check would make the next, from node to node", () => {
    const { env, kademlia, hears, looksUp } = full({ freshMs: 60_000 });
    env.now += 60_000;
    hears("0.3");
    expect(kademlia.counters.checks).toBe(0);
    expect(kademlia.table.isParked(keyOf("0.3"))).toBe(true);
    looksUp("0.3");
    expect(kademlia.counters.checks).toBe(1);
  });

  test("one head of a bucket is asked within freshMs, however many knock", () => {
    const { env, kademlia, looksUp, answer } = full({ freshMs: 60_000 });
    env.now += 60_000;
    looksUp("0.3");
    answer("0.1");
    looksUp("0.4");
    expect(kademlia.counters.checks, "0.2 is the head now, and was not seen for a minute either").toBe(1);
    env.now += 60_000;
    looksUp("0.4");
    expect(kademlia.counters.checks).toBe(2);
  });

  test("who is gone makes room at once for somebody new that is named or asks", () => {
    const { hears, silence, answer, names, kademlia, env } = full();
    kademlia.onNotice({ type: "neighbor-failed", neighbor: "0.1" } as never, env);
    for (let i = 0; i < 3; i++) silence("0.1");
    expect(names(), "nobody waits for its place").toContain("0.1");
    hears("0.3");
    answer("0.3");
    expect(names()).toContain("0.3");
    expect(names()).not.toContain("0.1");
  });

  test("who is believed to be gone is asked again when another layer meets it", () => {
    const { silence, answer, asked, changes, kademlia, env } = full();
    kademlia.onNotice({ type: "neighbor-failed", neighbor: "0.1" } as never, env);
    for (let i = 0; i < 3; i++) silence("0.1");
    expect(changes().at(-1)).toBe("-0.1");
    const before = asked("0.1").length;
    kademlia.onNotice({ type: "peer-met", peer: "0.1" } as never, env);
    expect(asked("0.1")).toHaveLength(before + 1);
    answer("0.1");
    expect(changes().at(-1)).toBe("+0.1");
  });

  test("a newcomer that does not answer when its turn comes is forgotten", () => {
    const { hears, silence, names, kademlia } = full();
    hears("0.3");
    for (let i = 0; i < 3; i++) silence("0.1");
    silence("0.3");
    expect(names()).toEqual(["0.2", "9.1", "9.2"]);
    expect(kademlia.table.parkedCount).toBe(0);
  });
});

describe("contacts that are silent", () => {
  test("stay where nobody waits for their place, but are believed to be gone and named to nobody", () => {
    const { kademlia, env, silence, answer, names, changes, notices } = world().start().meets("0.1", "0.2");
    kademlia.onCommand({ type: "verify-connectivity", node: "0.1" }, env);
    silence("0.1"); // and then it is checked
    silence("0.1");
    silence("0.1");
    expect(notices("connectivity-verified")).toMatchObject([{ node: "0.1", isThere: false }]);
    expect(changes()).toEqual(["+0.1", "+0.2", "-0.1"]);
    expect(names()).toContain("0.1");
    expect(kademlia.findClosestNodes(keyOf("0.1")).map(({ node }) => node)).toEqual(["0.2"]);
    expect(kademlia.replicas(keyOf("0.1"), 5).map(({ node }) => node)).toEqual(["0.2", "self"]);
    // It comes back.
    kademlia.onCommand({ type: "verify-connectivity", node: "0.1" }, env);
    answer("0.1");
    expect(changes().at(-1)).toBe("+0.1");
  });

  test("of those that were silent once, one after the other is checked", () => {
    const { kademlia, env, silence, answer, asked } = world().start().meets("0.1", "0.2");
    for (const node of ["0.1", "0.2"]) kademlia.onCommand({ type: "verify-connectivity", node }, env);
    const before = [asked("0.1").length, asked("0.2").length];
    silence("0.1");
    silence("0.2");
    expect([asked("0.1").length, asked("0.2").length]).toEqual([before[0]! + 1, before[1]]);
    answer("0.1");
    expect(asked("0.2").length).toBe(before[1]! + 1);
  });

  test("one that says that it leaves makes room at once", () => {
    const { kademlia, env, names, hears, changes } = full({ freshMs: 60_000 });
    hears("0.3");
    kademlia.onMessage("0.1", { type: "leaving" }, env);
    expect(names()).not.toContain("0.1");
    expect(changes().at(-1)).toBe("-0.1");
    // Of somebody else nobody can say so.
    kademlia.onMessage("7.7", { type: "leaving" }, env);
    expect(names()).toHaveLength(3);
  });

  test("a failure that another layer is sure of is looked into", () => {
    const { kademlia, env, asked } = world().start().meets("0.1");
    const before = asked("0.1").length;
    kademlia.onNotice({ type: "neighbor-failed", neighbor: "0.1" } as never, env);
    expect(asked("0.1").length).toBe(before + 1);
  });
});

describe("answers", () => {
  test("name the k nearest that are known, without the asker, and never more", () => {
    const { kademlia, env } = world({}, { k: 4 }).start().meets("0.1", "0.2", "0.3", "1.1", "1.2", "2.1");
    env.take();
    kademlia.onMessage("0.2", { type: "find-node", nonce: 5, key: keyOf("0.1") }, env);
    const [{ to, message }] = env.sent() as unknown as [{ to: NodeId; message: { nodes: NodeId[] } }];
    expect(to).toBe("0.2");
    expect(message).toMatchObject({ type: "find-node-reply", nonce: 5 });
    expect(message.nodes).toHaveLength(4);
    expect(message.nodes.slice(0, 2)).toEqual(["0.1", "0.3"]);
    expect(message.nodes).not.toContain("0.2");
  });

  test("to FIND_VALUE bring the records, bounded in number and bytes, and the nodes beside them", () => {
    const record = (bytes: number): StoredRecord => ({
      statement: {
        type: "record",
        kind: "shared",
        key: keyOf("3.3"),
        name: "",
        value: new Uint8Array(bytes),
        sequence: 0,
        writer: "w",
        writtenAt: 0,
        lifetimeMs: 1,
      },
      proof: new Uint8Array(0),
    });
    let kept = [record(10), record(20)];
    const { kademlia, env } = world({ records: { recordsOf: () => kept } }, { maxReplyBytes: 100 })
      .start()
      .meets("0.1", "0.2");
    env.take();
    kademlia.onMessage("0.2", { type: "find-value", nonce: 5, key: keyOf("3.3") }, env);
    expect(env.sent()[0]!.message).toMatchObject({ nodes: ["0.1"], records: kept });
    kept = Array.from({ length: 9 }, () => record(1));
    expect(kademlia.retrieveValue(keyOf("3.3"))).toHaveLength(4);
    kept = [record(60), record(60)];
    expect(kademlia.retrieveValue(keyOf("3.3"))).toHaveLength(1);
  });

  test("that nobody asked for, with another's nonce, or from ourselves change nothing and are counted", () => {
    const { kademlia, env, names, hears, asked } = world().start();
    hears("0.1");
    const { nonce } = asked("0.1")[0]!.message;
    kademlia.onMessage("0.2", { type: "ping-reply", nonce }, env);
    kademlia.onMessage("0.1", { type: "find-node-reply", nonce: nonce + 1, nodes: ["3.1"] }, env);
    kademlia.onMessage("self", { type: "ping", nonce: 1 }, env);
    expect(names()).toEqual([]);
    expect(kademlia.questionCounters.unasked).toBe(2);
  });

  test("with more nodes than k, or with nodes that have no id, are cut and counted", () => {
    const { kademlia, env, asked, answer } = world().start().meets("0.1");
    kademlia.onCommand({ type: "lookup", asker: "user", request: 1, key: keyOf("5.5") }, env);
    answer("0.1", ["5.1", "nobody", "5.2", "5.3"]);
    expect(kademlia.counters.malformed).toBe(1);
    expect(asked().map(({ to }) => to)).toContain("5.1");
    expect(asked().map(({ to }) => to)).not.toContain("5.2");
  });

  test("make whoever answered in a lookup a contact, and nobody who was only named", () => {
    const { kademlia, env, names, answer } = world({}, { k: 4 }).start().meets("0.1");
    kademlia.onCommand({ type: "lookup", asker: "user", request: 1, key: keyOf("5.5") }, env);
    answer("0.1", ["5.1", "5.2"]);
    answer("5.1");
    expect(names().sort()).toEqual(["0.1", "5.1"]);
  });
});

describe("lookups", () => {
  const ended = (reports: readonly { report: LookupReport }[]) => reports.map(({ report }) => report);

  test("end with the nearest that answered, ourselves among them, and tell each step twice", () => {
    const { kademlia, env, answer, notices } = world({}, { k: 2 }).start().meets("0.1");
    env.take();
    kademlia.onCommand({ type: "lookup", asker: "user", request: 9, key: keyOf("2.5") }, env);
    answer("0.1", ["2.1"]);
    answer("2.1", ["0.1"]);
    const [report] = ended(notices("lookup-ended")) as [LookupReport];
    expect(report).toMatchObject({ outcome: "found", asked: 2, hops: 2 });
    expect(report.closest.map(({ node }) => node)).toEqual(["2.1", "self"]);
    expect(notices("lookup-step").map(({ index, step }) => [index, step.outcome])).toEqual([
      [0, "asked"],
      [0, "answered"],
      [1, "asked"],
      [1, "answered"],
    ]);
    expect(notices("lookup-step").every(({ asker, request }) => asker === "user" && request === 9)).toBe(
      true,
    );
  });

  test("of other layers come as notices, those for values ask for values", () => {
    const { kademlia, env, asked } = world().start().meets("0.1");
    kademlia.onNotice(
      { type: "find-nodes", asker: "store", request: 1, key: keyOf("2.5"), records: "first" } as never,
      env,
    );
    expect(asked("0.1").at(-1)?.message).toMatchObject({ type: "find-value", key: keyOf("2.5") });
  });

  test("of somebody alone find nobody but itself, at once", () => {
    const { kademlia, env, notices } = world().start();
    kademlia.onCommand({ type: "lookup", asker: "user", request: 1, key: keyOf("2.5") }, env);
    expect(ended(notices("lookup-ended"))).toMatchObject([{ outcome: "alone", closest: [self], asked: 0 }]);
  });

  test("that are cancelled are told no more of", () => {
    const { kademlia, env, answer, notices } = world().start().meets("0.1");
    kademlia.onCommand({ type: "lookup", asker: "user", request: 1, key: keyOf("2.5") }, env);
    kademlia.onCommand({ type: "cancel-lookup", asker: "user", request: 1 }, env);
    answer("0.1");
    expect(notices("lookup-ended")).toEqual([]);
    expect(kademlia.lookupCounters).toMatchObject({ started: 1, cancelled: 1, ended: 0 });
  });

  test("end at their deadline with what they have", () => {
    const { kademlia, env, notices } = world().start().meets("0.1");
    kademlia.onCommand(
      { type: "lookup", asker: "user", request: 1, key: keyOf("2.5"), deadlineMs: 300 },
      env,
    );
    const { timer } = env.scheduled().findLast((one) => one.timer.type === "lookup-deadline")!;
    env.now += 300;
    kademlia.onTimer(timer, env);
    kademlia.onTimer(timer, env); // of an ended lookup: nothing
    expect(ended(notices("lookup-ended"))).toMatchObject([{ outcome: "deadline", closest: [self] }]);
  });

  test("under a number that was used before are not ended by the deadline of the first", () => {
    const { kademlia, env, answer, notices } = world().start().meets("0.1");
    const lookup = { type: "lookup", asker: "user", request: 1, key: keyOf("2.5"), deadlineMs: 300 } as const;
    kademlia.onCommand(lookup, env);
    const { timer } = env.scheduled().findLast((one) => one.timer.type === "lookup-deadline")!;
    answer("0.1");
    kademlia.onCommand(lookup, env);
    kademlia.onTimer(timer, env);
    expect(ended(notices("lookup-ended")).map(({ outcome }) => outcome)).toEqual(["found"]);
  });

  test("that are too many at once are refused", () => {
    const { kademlia, env, notices } = world({ settings: { maxLookups: 2 } })
      .start()
      .meets("0.1");
    for (let request = 1; request <= 3; request++)
      kademlia.onCommand({ type: "lookup", asker: "user", request, key: keyOf(`2.${request}`) }, env);
    expect(ended(notices("lookup-ended"))).toMatchObject([{ outcome: "budget", asked: 0 }]);
    expect(kademlia.lookupCounters.refused).toBe(1);
  });

  test("that cannot be are refused by name", () => {
    const { kademlia, env } = world().start().meets("0.1");
    const lookup = { type: "lookup", asker: "user", request: 1, key: keyOf("2.5") } as const;
    expect(() => kademlia.onCommand({ ...lookup, key: "xyz" }, env)).toThrow(/key: "xyz" is not 40/);
    expect(() => kademlia.onCommand({ ...lookup, budget: 0 }, env)).toThrow(/budget: 0/);
    expect(() => kademlia.onCommand({ ...lookup, disjointPaths: 65 }, env)).toThrow(UsageError);
    kademlia.onCommand(lookup, env);
    expect(() => kademlia.onCommand(lookup, env)).toThrow(/user 1 is under way/);
  });
});

describe("joining", () => {
  const samplerOf = (...peers: NodeId[]): PeerSampler => ({
    size: peers.length,
    sample: (count, _, accept = () => true) =>
      peers
        .map((peer) => ({ peer, since: 0 }))
        .filter(accept)
        .slice(0, count),
    get: () => undefined,
  });

  test("without anybody to ask a node is the first, and says so", () => {
    const { kademlia, notices } = world().start();
    expect(kademlia.hasJoined).toBe(true);
    expect(notices("router-joined")).toEqual([{ type: "router-joined", through: undefined, afterMs: 0 }]);
  });

  test("asks the bootstrap nodes for its own key, looks itself up, then refreshes the buckets farther away", () => {
    const { kademlia, env, asked, answer, notices } = world({ bootstrap: ["0.1", "0.9"] }).start();
    expect(kademlia.hasJoined).toBe(false);
    expect(asked().map(({ to, message }) => [to, message.type])).toEqual([
      ["0.1", "find-node"],
      ["0.9", "find-node"],
    ]);
    env.now += 40;
    answer("0.1");
    for (const node of ["0.1", "1.1", "2.1"]) {
      expect(asked(node).at(-1)?.message).toMatchObject({ type: "find-node", key: self.key });
      env.now += 1;
      answer(node, ["1.1", "2.1"]);
    }
    expect(notices("router-joined")).toMatchObject([{ through: "0.1", afterMs: 43 }]);
    expect(kademlia.hasJoined).toBe(true);
    expect(kademlia.counters.refreshes).toBe(1);
  });

  test("is tried again, with others of the membership, as long as nobody has answered", () => {
    const { kademlia, env, asked, silence } = world({
      bootstrap: ["0.1"],
      sampler: samplerOf("3.1", "3.2"),
    }).start();
    expect(asked().map(({ to }) => to)).toEqual(["0.1", "3.1", "3.2"]);
    for (const { to } of asked()) silence(to);
    expect(kademlia.hasJoined).toBe(false);
    env.take();
    kademlia.onTimer({ type: "upkeep" }, env);
    expect(asked().map(({ to }) => to)).toEqual(["0.1", "3.1", "3.2"]);
  });

  test("a bootstrap node without an id is whoever answers there", () => {
    const id = "0f".repeat(20);
    const { kademlia, env, asked } = world({
      bootstrap: ["@10.0.0.1:9000"],
      keyedNode: (node) => ({ node, key: String(node).startsWith(id) ? id : "" }),
    }).start();
    const { nonce } = asked("@10.0.0.1:9000")[0]!.message;
    kademlia.onMessage(`${id}@10.0.0.1:9000`, { type: "find-node-reply", nonce, nodes: [] }, env);
    expect(kademlia.contacts().map(({ key }) => key)).toEqual([id]);
  });

  test("the first learns of others by command and by the notices of a stack, and asks them", () => {
    const { kademlia, env, asked } = world().start();
    kademlia.onCommand({ type: "learn-of", nodes: ["1.1", "self"] }, env);
    kademlia.onNotice({ type: "neighbor-up", neighbor: "1.2", incarnation: 1 } as never, env);
    kademlia.onNotice({ type: "peer-met", peer: "1.3", since: 0 } as never, env);
    expect(asked().map(({ to }) => to)).toEqual(["1.1", "1.2", "1.3"]);
    expect(kademlia.size).toBe(0);
  });
});

describe("upkeep", () => {
  const upkeep = ({ kademlia, env }: ReturnType<typeof world>) => kademlia.onTimer({ type: "upkeep" }, env);

  test("a bucket in which nobody was looked up for refreshMs is refreshed, one after the other, by random keys of it", () => {
    const place = full({ freshMs: 86_400_000, refreshMs: 10_000 }).meets("3.1", "3.2", "5.1", "5.2");
    const { kademlia, env, asked } = place;
    /** The buckets of the keys that are looked up now, which everybody answers. */
    const refreshed = () => {
      env.take();
      upkeep(place);
      const buckets = new Set<number>();
      for (let done = 0; done < asked().length; done++) {
        const { to, message } = asked()[done]!;
        if (message.type !== "find-node") continue;
        if (message.key !== self.key) buckets.add(kademlia.table.bucketOf(message.key));
        kademlia.onMessage(to, { type: "find-node-reply", nonce: message.nonce, nodes: [] }, env);
      }
      return [...buckets];
    };
    const all = Array.from({ length: kademlia.table.bucketCount - 1 }, (_, bucket) => bucket);
    env.now += 10_000;
    expect(all.length).toBeGreaterThan(3);
    expect(refreshed()).toEqual(all);
    env.now += 9_999;
    expect(refreshed()).toEqual([]);
    env.now += 1;
    expect(refreshed()).toEqual(all);
  });

  test("a small network that grows looks itself up soon again, however long it was alone", () => {
    const place = world({}, { upkeepMs: 5000, k: 4 }).start();
    const { kademlia, env, asked } = place;
    const looksItselfUp = () => {
      env.take();
      upkeep(place);
      return asked().some(({ message }) => message.type === "find-node" && message.key === self.key);
    };
    for (let hours = 0; hours < 50; hours++) {
      env.now += 3_600_000;
      upkeep(place);
    }
    place.meets("0.1");
    expect(looksItselfUp()).toBe(false);
    env.now += 5000;
    expect(looksItselfUp()).toBe(true);
    expect(kademlia.size).toBe(1);
  });

  test("whoever was not seen for longest is asked whether it is there", () => {
    const place = full({ freshMs: 1000 });
    place.env.now += 500;
    place.hears("0.1");
    place.env.now += 700;
    place.env.take();
    upkeep(place);
    const pinged = place.asked().filter(({ message }) => message.type === "ping");
    expect(pinged.map(({ to }) => to)).toContain("0.2");
    expect(pinged.map(({ to }) => to)).not.toContain("0.1");
  });

  test("whoever is believed to be gone and named by one of a lost part is asked, too", () => {
    // Upkeep comes only when we say so, and no lookup of our own with it.
    const place = world({}, { rejoinMs: 1000, upkeepMs: 600_000 }).start().meets("0.1", "0.2");
    const { kademlia, env, silence, asked, answer, changes } = place;
    for (const gone of ["0.1", "0.2"]) {
      kademlia.onNotice({ type: "neighbor-failed", neighbor: gone } as never, env);
      for (let i = 0; i < 3; i++) silence(gone);
    }
    expect(changes().slice(-2)).toEqual(["-0.1", "-0.2"]);
    env.now += 10_000;
    env.take();
    upkeep(place);
    const [back] = asked()
      .filter(({ message }) => message.type === "find-node")
      .map(({ to }) => to);
    const other = back === "0.1" ? "0.2" : "0.1";
    answer(back!, [other]);
    expect(asked(other).map(({ message }) => message.type)).toContain("ping");
    answer(other);
    expect(changes().slice(-2)).toEqual([`+${back}`, `+${other}`]);
  });

  test("contacts that are still there are asked less and less often, and more often where some are gone", () => {
    // Nobody is near, so that all are asked as far ones; time passes until somebody is asked.
    const place = world({}, { freshMs: 1000, staleMs: 8000, rejoinMs: 86_400_000 })
      .start()
      .meets("9.1", "9.2", "0.1", "0.2");
    const { kademlia, env, asked, answer, silence } = place;
    const far = () => asked().filter(({ to, message }) => message.type === "ping" && String(to)[0] === "0");
    /** How long the far ones are left alone, if the near ones always answer. */
    const pause = () => {
      const began = env.now;
      env.take();
      while (far().length === 0) {
        env.take();
        env.now += 100;
        for (const near of ["9.1", "9.2"]) place.hears(near);
        upkeep(place);
      }
      return env.now - began;
    };
    const pauses = Array.from({ length: 40 }, () => {
      const after = pause();
      answer(far()[0]!.to);
      return after;
    });
    const all = (from: number, to: number) => pauses.slice(from, to).reduce((sum, one) => sum + one, 0);
    expect(all(0, 2)).toBeLessThanOrEqual(1500);
    // Two contacts, each after eight seconds.
    expect(all(38, 40)).toBeGreaterThanOrEqual(7500);
    expect(all(38, 40)).toBeLessThanOrEqual(8500);
    pause();
    const lost = far()[0]!.to;
    for (let i = 0; i < 3; i++) silence(lost);
    expect(kademlia.table.isBelievedGone(keyOf(lost))).toBe(true);
    const seenAt = Math.max(...["0.1", "0.2"].map((node) => kademlia.table.seenAt(keyOf(node))!));
    pause();
    expect(env.now - seenAt).toBeLessThan(8000);
  });

  test("whoever is believed to be gone is asked now and then, and so a lost part of the network is found again", () => {
    const place = world({}, { rejoinMs: 1000 }).start().meets("0.1", "0.2");
    const { kademlia, env, silence, asked, answer, changes } = place;
    for (let i = 0; i < 3; i++) {
      if (i === 0) kademlia.onCommand({ type: "verify-connectivity", node: "0.1" }, env);
      silence("0.1");
    }
    expect(changes().at(-1)).toBe("-0.1");
    env.now += 10_000;
    env.take();
    upkeep(place);
    expect(asked("0.1").map(({ message }) => message.type)).toContain("find-node");
    answer("0.1", ["4.4"]);
    expect(changes().at(-1)).toBe("+0.1");
    expect(asked("4.4").map(({ message }) => message.type)).toContain("ping");
  });

  test("none is done where it is switched off", () => {
    const { env } = world({}, { upkeepMs: 0 }).start();
    expect(env.scheduled()).toEqual([]);
  });
});

describe("the table on disk", () => {
  test("is written when it has changed, with ages, and when we leave", () => {
    const place = world({}, { persistMs: 1000 }).start().meets("0.1");
    const { kademlia, env, notices } = place;
    env.now += 5000;
    kademlia.onTimer({ type: "upkeep" }, env);
    const contacts = [{ node: "0.1", ageMs: 5000 }];
    const value = { type: "remembered-contacts", savedAt: env.now, contacts };
    expect(notices("persist")).toEqual([{ type: "persist", key: "table", value, isAwaited: false }]);
    env.take();
    kademlia.onTimer({ type: "upkeep" }, env);
    expect(notices("persist")).toEqual([]);
    place.hears("0.1");
    env.take();
    kademlia.onCommand({ type: "leave" }, env);
    expect(notices("persist")).toMatchObject([{ value: { contacts: [{ ageMs: 0 }] } }]);
    expect(env.sent()).toEqual([{ to: "0.1", message: { type: "leaving" } }]);
    // Whoever leaves answers no more.
    env.take();
    place.hears("0.1");
    expect(env.effects).toEqual([]);
  });

  test("restored contacts are asked before they are believed, the youngest first, and needs no bootstrap node", () => {
    const nodes = Array.from({ length: 20 }, (_, i) => `1.${i + 1}`);
    const contacts = nodes.map((node, i) => ({ node, ageMs: 1000 * (20 - i) }));
    const restored: RememberedContacts = { type: "remembered-contacts", savedAt: 0, contacts };
    const { kademlia, asked, answer, notices, names } = world({ restored }).start();
    expect(kademlia.size).toBe(0);
    expect(
      asked()
        .slice(0, 7)
        .map(({ to }) => to),
    ).toEqual(nodes.slice(-7).reverse());
    expect(asked()).toHaveLength(8);
    answer("1.20");
    answer("1.20");
    expect(names()).toEqual(["1.20"]);
    expect(notices("router-joined")).toMatchObject([{ through: undefined }]);
  });

  test("a table that is made for an ideal network is believed as it is", () => {
    const restored = {
      type: "built-kademlia-table",
      buckets: [[keyedNode("0.1")], [keyedNode("1.1")]],
    } as const;
    const { kademlia, env } = world({ restored }, { upkeepMs: 0 }).start();
    expect(kademlia.hasJoined).toBe(true);
    expect(kademlia.contacts().map(({ node }) => node)).toEqual(["0.1", "1.1"]);
    expect(env.effects).toEqual([]);
  });
});

test("limits for each host refuse who has many ids and one address", () => {
  const { kademlia, meets, names } = world({ hostOf: () => "one" }, { maxPerHost: 2, k: 8 }).start();
  meets("0.1", "1.1", "2.1", "3.1");
  expect(names()).toHaveLength(2);
  expect(kademlia.counters.hostsRefused).toBe(2);
});

test("the number of nodes is estimated from how close together the nearest lie", () => {
  const estimates = Array.from({ length: 200 }, (_, seed) => {
    const random = seededRandom(seed);
    const everybody = Array.from({ length: 1000 }, (_, node) => ({ node, key: randomKey(random) }));
    const own = { node: "own", key: randomKey(random) };
    const env = new RecordingEnvironment<KademliaMessage, KademliaTimer, KademliaNotice>("own");
    const kademlia = new Kademlia({
      self: own,
      keyedNode: (node) => everybody[node as number]!,
      bootstrap: [],
      restored: {
        type: "built-kademlia-table",
        buckets: [everybody.toSorted((a, b) => compareXor(own.key, a.key, b.key)).slice(0, 8)],
      },
      options: { upkeepMs: 0 },
    });
    kademlia.start(env);
    return kademlia.estimatedSize();
  }).sort((a, b) => a - b);
  // Its median is right; nine in ten are within a factor of two.
  expect(estimates[100]).toBeGreaterThan(900);
  expect(estimates[100]).toBeLessThan(1200);
  expect(estimates[10]).toBeGreaterThan(450);
  expect(estimates[190]).toBeLessThan(2400);
});
