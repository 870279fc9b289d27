import { describe, expect, test } from "vitest";
import {
  type NodeId,
  RecordingEnvironment,
  type Signatures,
  trustEverybody,
  UsageError,
} from "../core/index.ts";
import type { AntiEntropyMessage, MapEntry, WriteStatement } from "./anti-entropy-messages.ts";
import { statementOf } from "./replicated-map.ts";
import {
  SharedState,
  type SharedStateNotice,
  type SharedStateOptions,
  type SharedStateTimer,
} from "./shared-state.ts";

class TestEnvironment extends RecordingEnvironment<AntiEntropyMessage, SharedStateTimer, SharedStateNotice> {
  /** What is on disk after these notices. */
  readonly disk = new Map<string, unknown>();
  takeChanges(): { key: string; value: unknown; from: NodeId | undefined }[] {
    const changes = [];
    for (const notice of this.notices()) {
      if (notice.type === "persist" && notice.value === undefined) this.disk.delete(notice.key);
      else if (notice.type === "persist") this.disk.set(notice.key, notice.value);
      if (notice.type === "state-changed")
        changes.push({ key: notice.key, value: notice.value, from: notice.from });
    }
    this.take();
    return changes;
  }
}

interface Setup {
  readonly self?: NodeId;
  readonly neighbors?: NodeId[];
  readonly options?: Partial<SharedStateOptions>;
  readonly restored?: readonly MapEntry[];
  readonly signatures?: Signatures<unknown>;
  readonly now?: number;
}

function node({ self = 1, neighbors = [2, 3, 4], now = 100_000, ...config }: Setup = {}) {
  const env = new TestEnvironment(self);
  env.now = now;
  const view = { neighbors, has: (one: NodeId) => neighbors.includes(one) };
  const state = new SharedState({ view, signatures: trustEverybody, ...config });
  state.start(env);
  return { env, state, neighbors };
}

const value = (key: string, time: number, site: NodeId = 9): MapEntry => ({
  type: "value",
  key,
  value: `of ${site} at ${time}`,
  timestamp: { time, site },
});
const entries = (...all: MapEntry[]): AntiEntropyMessage => ({
  type: "entries",
  entries: all,
  isPartial: false,
});

/** A proof is the site's name: enough to tell who has signed. */
const named = (self: NodeId): Signatures<unknown> => ({
  sign: () => new TextEncoder().encode(String(self)),
  verify: (origin, _statement, proof) => new TextDecoder().decode(proof) === String(origin),
});

describe("a node that has nothing to share", () => {
  test("neither sends nor waits, whoever comes and goes", () => {
    const { env, state } = node();
    state.onNotice({ type: "neighbor-up", neighbor: 2 } as never, env);
    state.onNotice({ type: "neighbor-down", neighbor: 2 } as never, env);
    expect(env.effects).toEqual([]);
    expect([state.size, state.get("a"), state.map]).toEqual([0, undefined, undefined]);
  });

  test("wakes when a neighbor shows that it has something, asks once, and sleeps again if nothing came", () => {
    const { env, state } = node();
    const compare = { type: "compare", mode: "pull", recent: [] } as const;
    state.onMessage(2, { ...compare, checksum: new Uint8Array(16).fill(1) }, env);
    expect(env.scheduled().map(({ timer }) => timer.type)).toEqual(["talk"]);
    env.take();
    state.onTimer({ type: "talk" }, env);
    expect(env.sent().map(({ message }) => message.type)).toEqual(["compare"]);
    expect(env.scheduled()).toEqual([]);
    env.take();
    state.onNotice({ type: "neighbor-up", neighbor: 3 } as never, env);
    expect(env.effects).toEqual([]);
  });

  test("is not waked by one that has nothing either, or that only asks", () => {
    const { env, state } = node();
    state.onMessage(2, { type: "request-all" }, env);
    const { checksum } = state.map!;
    state.onMessage(2, { type: "compare", mode: "push-pull", recent: [], checksum }, env);
    state.onMessage(2, { type: "want", ids: new Uint8Array(32) }, env);
    expect(env.effects).toEqual([]);
  });

  test("stays awake once it has something, with one timer however much comes", () => {
    const { env, state } = node();
    for (let i = 0; i < 10; i++) state.onMessage(2, entries(value(`key ${i}`, 1000 + i)), env);
    expect(env.scheduled().filter(({ timer }) => timer.type === "talk").length).toBe(1);
    env.take();
    state.onTimer({ type: "talk" }, env);
    expect(env.scheduled()).toEqual([{ after: state.options.intervalMs, timer: { type: "talk" } }]);
  });
});

describe("news", () => {
  test("of one turn go to all neighbors together, and those of a neighbor not back to it", () => {
    const { env, state } = node();
    state.onCommand({ type: "set", key: "a", value: "1" }, env);
    state.onCommand({ type: "set", key: "b", value: "2" }, env);
    state.onMessage(3, entries(value("c", 99_999)), env);
    expect(env.scheduled().filter(({ timer }) => timer.type === "news")).toEqual([
      { after: 0, timer: { type: "news" } },
    ]);
    env.take();
    state.onTimer({ type: "news" }, env);
    const told = env
      .sent()
      .map(({ to, message }) => [
        to,
        message.type === "entries" ? message.entries.map(({ key }) => key).join() : message.type,
      ]);
    expect(told).toEqual([
      [2, "a,b"],
      [3, "a,b"],
      [4, "a,b"],
      [2, "c"],
      [4, "c"],
    ]);
    env.take();
    state.onMessage(4, entries(value("c", 99_999)), env);
    expect(env.effects, "what was known is no news").toEqual([]);
  });

  test("are no more bytes than one answer may have", () => {
    const { env, state } = node({ neighbors: [2], options: { maxAnswerBytes: 100_000 } });
    for (let i = 0; i < 20; i++)
      state.onCommand({ type: "set", key: `key ${i}`, value: "x".repeat(30_000) }, env);
    env.take();
    state.onTimer({ type: "news" }, env);
    const told = env.sent().flatMap(({ message }) => (message.type === "entries" ? message.entries : []));
    expect(told.map(({ key }) => key)).toEqual(["key 0", "key 1"]);
    expect(state.size).toBe(20);
  });

  test("are neither what is old nor what is too much at once", () => {
    const { env, state } = node({ options: { recentMs: 1000, maxNews: 5 } });
    state.onMessage(2, entries(value("old", 98_000)), env);
    env.take();
    state.onTimer({ type: "news" }, env);
    expect(env.sent()).toEqual([]);
    state.onMessage(2, entries(...[1, 2, 3, 4, 5, 6].map((i) => value(`key ${i}`, 99_990))), env);
    expect(env.scheduled()).toEqual([]);
    expect(state.size).toBe(7);
  });
});

describe("changes", () => {
  test("are told and go to disk, with who said so", () => {
    const { env, state } = node();
    state.onCommand({ type: "set", key: "a", value: "1" }, env);
    expect(env.takeChanges()).toEqual([{ key: "a", value: "1", from: undefined }]);
    expect([...env.disk.keys()]).toEqual(["entry/a"]);
    state.onMessage(2, entries(value("a", 100_001)), env);
    expect(env.takeChanges()).toEqual([{ key: "a", value: "of 9 at 100001", from: 2 }]);
    state.onMessage(3, entries(value("a", 99_000), value("a", 100_001)), env);
    expect(env.takeChanges(), "older or the same").toEqual([]);
    state.onCommand({ type: "delete", key: "a" }, env);
    expect(env.takeChanges()).toEqual([{ key: "a", value: undefined, from: undefined }]);
    expect(env.disk.get("entry/a")).toMatchObject({ type: "death-certificate", key: "a" });
    state.onCommand({ type: "delete", key: "a" }, env);
    expect(env.effects, "there is nothing to delete").toEqual([]);
  });

  test("are none when somebody tells us of a deletion of what we never had", () => {
    const { env, state } = node();
    const timestamp = { time: 99_000, site: 9 };
    state.onMessage(
      2,
      entries({ type: "death-certificate", key: "a", timestamp, activation: timestamp, retention: [9] }),
      env,
    );
    expect(env.takeChanges()).toEqual([]);
    expect(env.disk.get("entry/a")).toMatchObject({ type: "death-certificate" });
  });

  test("come back from the disk: values, certificates, dormant ones; what is past its time is removed there", () => {
    const first = node({ options: { tau1Ms: 10_000, tau2Ms: 20_000 } });
    for (const key of ["kept", "deleted", "dormant", "dead"])
      first.state.onCommand({ type: "set", key, value: key }, first.env);
    first.state.onCommand({ type: "delete", key: "dead" }, first.env);
    first.env.now += 20_000;
    first.state.onCommand({ type: "delete", key: "dormant" }, first.env);
    first.env.now += 12_000;
    first.state.onCommand({ type: "delete", key: "deleted" }, first.env);
    first.env.takeChanges();
    const { env, state } = node({
      restored: [...first.env.disk.values()] as MapEntry[],
      now: first.env.now + 1000,
      options: { tau1Ms: 10_000, tau2Ms: 20_000 },
    });
    expect([state.get("kept"), state.get("deleted"), state.size]).toEqual(["kept", undefined, 1]);
    expect([state.map!.size, state.map!.dormant]).toEqual([2, 1]);
    expect(env.notices()).toEqual([
      { type: "persist", key: "entry/dead", value: undefined, isAwaited: false },
    ]);
    expect(env.scheduled().map(({ timer }) => timer.type)).toEqual(["talk"]);
    env.take();
    state.onMessage(2, entries(value("dormant", 1000)), env);
    expect(state.get("dormant")).toBeUndefined();
    expect(env.notices().map(({ type }) => type)).toContain("certificate-awakened");
    // The next write is later than all of an earlier life.
    state.onCommand({ type: "set", key: "kept", value: "new" }, env);
    expect(state.map!.entry("kept")!.timestamp.time).toBeGreaterThanOrEqual(env.now);
  });

  test("expire on disk too: a certificate becomes dormant, and goes", () => {
    const { env, state } = node({ options: { tau1Ms: 10_000, tau2Ms: 20_000 } });
    state.onCommand({ type: "set", key: "a", value: "1" }, env);
    state.onCommand({ type: "delete", key: "a" }, env);
    env.takeChanges();
    env.now += 15_000;
    state.onTimer({ type: "talk" }, env);
    expect(env.takeChanges()).toEqual([]);
    expect([state.map!.size, state.map!.dormant, env.disk.size]).toEqual([0, 1, 1]);
    env.now += 20_000;
    state.onTimer({ type: "talk" }, env);
    env.takeChanges();
    expect([state.map!.dormant, env.disk.size]).toEqual([0, 0]);
    state.onTimer({ type: "talk" }, env);
    expect(env.scheduled(), "and it is asleep").toEqual([]);
  });
});

describe("writers sign", () => {
  const signedBy = (signer: NodeId, entry: MapEntry): MapEntry => ({
    ...entry,
    proof: named(signer).sign(statementOf(entry)),
  });

  test("and what another one has signed for them is dropped, with all that came with it", () => {
    const { env, state } = node({ signatures: named(1) });
    const forged = signedBy(8, value("b", 99_000, 9));
    state.onMessage(
      2,
      entries(signedBy(9, value("a", 99_000)), forged, signedBy(9, value("c", 99_000))),
      env,
    );
    expect([state.get("a"), state.get("b"), state.get("c")]).toEqual(["of 9 at 99000", undefined, undefined]);
    expect(env.notices()).toContainEqual({ type: "forged-entry", key: "b", from: 2 });
    expect(state.map!.counters).toMatchObject({ newer: 1, forged: 1 });
    state.onMessage(2, entries(value("b", 99_000)), env);
    expect(state.get("b"), "no proof at all").toBeUndefined();
  });

  test("for what they wrote, when, and at which key; a certificate may be awakened by others", () => {
    const statements: WriteStatement[] = [];
    const signatures: Signatures<unknown> = {
      sign: (statement) => {
        statements.push(statement as WriteStatement);
        return new Uint8Array([statements.length]);
      },
      verify: () => true,
    };
    const { env, state } = node({ signatures });
    state.onCommand({ type: "set", key: "a", value: "1" }, env);
    state.onCommand({ type: "delete", key: "a" }, env);
    expect(statements).toMatchObject([
      { type: "write", key: "a", value: "1", timestamp: { time: 100_000, site: 1 }, retention: [] },
      { type: "write", key: "a", value: undefined, timestamp: { time: 100_001, site: 1 } },
    ]);
    const certificate = state.map!.entry("a")!;
    expect(certificate.proof).toEqual(new Uint8Array([2]));
    const awakened = { ...certificate, activation: { time: 200_000, site: 5 } } as MapEntry;
    expect(statementOf(awakened)).toEqual(statements[1]);
  });

  test("and an obsolete value that nobody has signed awakens nothing", () => {
    const first = node({ options: { tau1Ms: 1000, tau2Ms: 50_000 }, signatures: named(1) });
    first.state.onCommand({ type: "set", key: "a", value: "1" }, first.env);
    first.state.onCommand({ type: "delete", key: "a" }, first.env);
    first.env.now += 2000;
    first.state.onTimer({ type: "talk" }, first.env);
    first.env.take();
    first.state.onMessage(2, entries(value("a", 5)), first.env);
    expect(first.env.notices().map(({ type }) => type)).toEqual(["forged-entry"]);
    expect(first.state.map!.dormant).toBe(1);
  });
});

describe("what others send is bounded", () => {
  test("strangers are not answered", () => {
    const { env, state } = node();
    state.onMessage(7, entries(value("a", 1)), env);
    state.onMessage(7, { type: "request-all" }, env);
    expect(env.effects).toEqual([]);
    expect([state.size, state.counters.strangers]).toEqual([0, 2]);
  });

  test("entries from the future, with long keys or long values are dropped and counted", () => {
    const { env, state } = node({ options: { maxAheadMs: 1000, maxValueBytes: 10, maxKeys: 2 } });
    const short = (key: string, time: number): MapEntry => ({ ...value(key, time), value: "x" }) as MapEntry;
    state.onMessage(2, entries(short("a", 101_001)), env);
    state.onMessage(2, entries(short("k".repeat(257), 1)), env);
    state.onMessage(2, entries({ ...value("a", 1), value: "x".repeat(6) } as MapEntry), env);
    state.onMessage(2, entries(short("a", 101_000), short("b", 1), short("c", 1)), env);
    expect(state.size).toBe(2);
    expect(state.map!.counters).toMatchObject({ ahead: 1, malformed: 1, "too-large": 1, newer: 2, full: 1 });
  });

  test("ranges that overlap, run backwards or end too soon, and ids out of order, are dropped and counted", () => {
    const { env, state } = node();
    state.onCommand({ type: "set", key: "a", value: "1" }, env);
    env.take();
    const at = (byte: number) => new Uint8Array([byte]);
    const ids = (...firsts: number[]) => {
      const packed = new Uint8Array(32 * firsts.length);
      for (const [i, first] of firsts.entries()) packed[32 * i] = first;
      return packed;
    };
    const skip = (to: Uint8Array | undefined) => ({ type: "skip", to }) as const;
    const wrong = [
      [],
      [skip(at(5)), skip(at(5)), skip(undefined)],
      [skip(at(5)), skip(at(4)), skip(undefined)],
      [skip(at(5))],
      [skip(undefined), skip(at(5))],
      [{ type: "ids", to: undefined, ids: ids(2, 1) } as const],
      [{ type: "ids", to: undefined, ids: ids(1, 1) } as const],
      [skip(at(5)), { type: "ids", to: undefined, ids: ids(4) } as const],
    ];
    for (const ranges of wrong)
      state.onMessage(2, { type: "ranges", mode: "push-pull", isFromCaller: true, round: 1, ranges }, env);
    expect(state.exchangeCounters!.malformed).toBe(wrong.length);
    expect(env.sent()).toEqual([]);
  });

  test("a flood of wanted ids is answered so often in an interval, and no more", () => {
    const { env, state } = node();
    state.onCommand({ type: "set", key: "a", value: "1" }, env);
    const id = state.map!.ids.idAt(0);
    env.take();
    for (let i = 0; i < 5000; i++) state.onMessage(2, { type: "want", ids: id }, env);
    expect(env.sent().length).toBe(4096);
    expect(state.exchangeCounters!.unsolicited).toBe(904);
    env.take();
    state.onTimer({ type: "talk" }, env);
    env.take();
    state.onMessage(2, { type: "want", ids: id }, env);
    expect(env.sent().length).toBe(1);
  });

  test("an answer has so many bytes, and says that there is more", () => {
    const { env, state } = node({ options: { maxAnswerBytes: 100_000 } });
    for (let i = 0; i < 40; i++)
      state.onCommand({ type: "set", key: `key ${i}`, value: "x".repeat(30_000) }, env);
    env.take();
    state.onMessage(2, { type: "request-all" }, env);
    const sent = env.sent().map(({ message }) => message);
    expect(sent.map((message) => message.type === "entries" && message.isPartial)).toEqual([true]);
  });
});

describe("what a user gives is checked before anything changes", () => {
  test.each<[string, string, string | Uint8Array, string]>([
    ["an empty key", "", "v", "key: 0 characters is not between 1 and 256"],
    ["a long key", "k".repeat(257), "v", "key: 257 characters is not between 1 and 256"],
    ["a broken key", "\ud800", "v", "key: it has half a surrogate pair"],
    ["a broken value", "k", "\udfff", "half a surrogate pair"],
    ["a long value", "k", new Uint8Array(65_537), "65537 bytes is more than 65536"],
    [
      "a value longer than the option says",
      "k",
      "x".repeat(501),
      "1002 bytes, two for each character; at most 1000",
    ],
  ])("%s", (_name, key, long, rule) => {
    const { env, state } = node({ options: { maxValueBytes: 1000 } });
    const set = () => state.onCommand({ type: "set", key, value: long }, env);
    expect(set).toThrow(UsageError);
    expect(set).toThrow(rule);
    expect(env.effects).toEqual([]);
    expect(state.size).toBe(0);
  });
});
