import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  keyedNode,
  type LookupEnded,
  type NodeId,
  RecordingEnvironment,
  UsageError,
} from "../core/index.ts";
import { Pastry, type PastryConfig, type PastryNotice, type PastryTimer } from "./pastry.ts";
import type { PastryMessage, RouteMessage } from "./pastry-messages.ts";

type Env = RecordingEnvironment<PastryMessage, PastryTimer, PastryNotice>;

const keyOf = (digits: string): Key => digits.padEnd(40, "0");
/** Nodes are called by the first digits of their keys. */
const placeOf: KeyedNodeOf = (node) => ({ node, key: keyOf(String(node)) });
const places = (...nodes: readonly string[]): KeyedNode[] => nodes.map(placeOf);

function begin(self: string, config: Partial<PastryConfig> = {}) {
  const env: Env = new RecordingEnvironment(self, 7);
  const pastry = new Pastry({ self: placeOf(self), keyedNode: placeOf, ...config });
  pastry.start(env);
  return { pastry, env };
}

/** A member with these tables. */
function member(
  self: string,
  sides: { readonly below?: string[]; readonly above?: string[]; readonly entries?: string[] },
  config: Partial<PastryConfig> = {},
) {
  const { below = [], above = [], entries = [] } = sides;
  const options = { leafSetSize: 4, learnsFromRoutes: false, ...config.options };
  const world = begin(self, {
    ...config,
    options,
    restored: {
      type: "ready-table",
      below: places(...below),
      above: places(...above),
      entries: places(...entries),
    },
  });
  world.env.take();
  return world;
}

/** 50 among nodes around it, and two far away. */
const fifty = (config: Partial<PastryConfig> = {}) =>
  member("50", { below: ["4f", "4e"], above: ["51", "52"], entries: ["10", "90", "5a"] }, config);

const route = (fields: Partial<RouteMessage> = {}): RouteMessage => ({
  type: "route",
  route: 1,
  hopNonce: 2,
  origin: "a0",
  key: keyOf("93"),
  purpose: "lookup",
  hops: 1,
  isNear: false,
  isRandomised: false,
  row: 0,
  ...fields,
});

const lookup = (key: string, fields: object = {}) =>
  ({ type: "lookup", request: 1, asker: "user", key: keyOf(key), ...fields }) as const;

function sentTo<Type extends PastryMessage["type"]>(env: Env, to: NodeId, type: Type) {
  return env
    .sent()
    .flatMap((sent) => (sent.to === to && sent.message.type === type ? [sent.message] : [])) as Extract<
    PastryMessage,
    { type: Type }
  >[];
}
const routes = (env: Env) =>
  env.sent().flatMap(({ to, message }) => (message.type === "route" ? [{ to, message }] : []));
const ended = (env: Env) =>
  env.notices().flatMap((notice) => (notice.type === "lookup-ended" ? [(notice as LookupEnded).report] : []));

/** What a node that is there says to that; undefined: nothing. */
function answerTo(message: PastryMessage): PastryMessage | undefined {
  switch (message.type) {
    case "ping":
      return { type: "pong", nonce: message.nonce, isMember: true };
    case "route":
      return { type: "ack", hopNonce: message.hopNonce };
    case "ask-row":
      return { type: "row", nonce: message.nonce, row: message.row, nodes: [] };
    case "leaves": {
      const answer = { type: "leaves", isAnswer: true, version: 1, heard: 0, leaves: [] } as const;
      return message.isAnswer ? undefined : { ...answer, nonce: message.nonce };
    }
  }
  return undefined;
}

/**
 * The timers that are due within so many milliseconds fire, in their order, and those that they set, too. Nodes that are
 * `there` answer at once.
 */
function pass(pastry: Pastry, env: Env, ms: number, isThere: (node: NodeId) => boolean = () => false): void {
  const until = env.now + ms;
  const waiting: { at: number; timer: PastryTimer }[] = [];
  let seen = 0;
  const look = () => {
    for (; seen < env.effects.length; seen++) {
      const effect = env.effects[seen]!;
      if (effect.type === "schedule") waiting.push({ at: env.now + effect.after, timer: effect.timer });
      if (effect.type !== "send" || !isThere(effect.to)) continue;
      const answer = answerTo(effect.message);
      if (answer !== undefined) pastry.onMessage(effect.to, answer, env);
    }
  };
  look();
  for (;;) {
    waiting.sort((a, b) => a.at - b.at);
    const next = waiting[0];
    if (next === undefined || next.at > until) break;
    waiting.shift();
    env.now = next.at;
    pastry.onTimer(next.timer, env);
    look();
  }
  env.now = until;
  env.effects = env.effects.filter(({ type }) => type !== "schedule");
  for (const { at, timer } of waiting) env.effects.push({ type: "schedule", after: at - until, timer });
}

/** Forgets what was sent and said, but no timer. */
const forgetEffects = (env: Env) => {
  env.effects = env.effects.filter(({ type }) => type === "schedule");
};

describe("a route that comes through", () => {
  test("is acknowledged to who sent it, handed on, and its origin told where it went", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route(), env);
    expect(env.sent()[0]).toEqual({ to: "b0", message: { type: "ack", hopNonce: 2 } });
    expect(routes(env)).toMatchObject([{ to: "90", message: { hops: 2, origin: "a0", isNear: false } }]);
    expect(sentTo(env, "a0", "passed")).toEqual([
      { type: "passed", route: 1, hops: 1, next: "90", silent: [] },
    ]);
  });

  test("ends here if nobody in the leaf set is nearer: the origin gets the leaf set", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route({ key: keyOf("502"), hops: 3 }), env);
    expect(sentTo(env, "a0", "arrived")).toEqual([
      { type: "arrived", route: 1, hops: 3, leaves: ["51", "52", "4f", "4e"], silent: [] },
    ]);
  });

  test("goes on to a nearer leaf, and is marked: from there only numerically closer ones count", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route({ key: keyOf("512") }), env);
    expect(routes(env)).toMatchObject([{ to: "51", message: { isNear: true } }]);
  });

  test("is acknowledged, but goes nowhere, if it has been here before, or has come too far", () => {
    const { pastry, env } = fifty({ options: { maxHops: 5 } });
    pastry.onMessage("b0", route(), env);
    env.take();
    pastry.onMessage("b1", route({ hopNonce: 3 }), env);
    pastry.onMessage("b0", route({ route: 9, hops: 6, hopNonce: 4 }), env);
    expect(env.sent().map(({ message }) => message.type)).toEqual(["ack", "ack"]);
    expect(pastry.counters).toMatchObject({ duplicates: 1, tooFar: 1 });
    // Whoever has rule 1 may send it back to us, once: now we are the nearest.
    pastry.onMessage("b2", route({ isNear: true, key: keyOf("93"), hopNonce: 5 }), env);
    expect(pastry.counters).toMatchObject({ duplicates: 1, byLeafSet: 1 });
    env.take();
    // The same number of another origin is another route.
    pastry.onMessage("b1", route({ origin: "a1" }), env);
    expect(routes(env)).toHaveLength(1);
  });

  test("is not acknowledged by a newcomer, nor by one that has too much to wait for", () => {
    const newcomer = begin("50", { bootstrap: ["90"] });
    newcomer.env.take();
    newcomer.pastry.onMessage("b0", route(), newcomer.env);
    expect(newcomer.env.sent()).toEqual([]);
    expect(newcomer.pastry.counters.early).toBe(1);
    const busy = fifty({ options: { maxForwards: 3 } });
    for (let i = 0; i < 5; i++) busy.pastry.onMessage("b0", route({ route: i }), busy.env);
    expect(busy.pastry.counters.busy).toBe(2);
    expect(sentTo(busy.env, "b0", "ack")).toHaveLength(3);
  });
});

describe("a hop that does not acknowledge", () => {
  test("is a suspect, the next best gets the route, and only the origin hears of it", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route(), env);
    forgetEffects(env);
    pass(pastry, env, 500);
    // Nobody else shares a digit with 93: 5a is the numerically closest that we know.
    expect(routes(env)).toMatchObject([{ to: "5a", message: { hops: 2 } }]);
    expect(sentTo(env, "a0", "passed")).toMatchObject([{ next: "5a", silent: ["90"] }]);
    expect(new Set(env.sent().map(({ to }) => to))).toEqual(new Set(["5a", "a0", "90"]));
    expect(sentTo(env, "90", "ping")).toHaveLength(1);
    expect(pastry.suspects).toBe(1);
    env.take();
    // As long as it is a suspect no other route goes there.
    pastry.onMessage("b0", route({ route: 2 }), env);
    expect(routes(env)).toMatchObject([{ to: "5a" }]);
  });

  test("is trusted again as soon as it answers, be it late", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route(), env);
    const { hopNonce } = routes(env)[0]!.message;
    pass(pastry, env, 600);
    expect(pastry.suspects).toBe(1);
    pastry.onMessage("90", { type: "ack", hopNonce }, env);
    expect(pastry.suspects).toBe(0);
    env.take();
    pastry.onMessage("b0", route({ route: 2 }), env);
    expect(routes(env)).toMatchObject([{ to: "90" }]);
  });

  test("is dead after pings, too, have failed: not before, and then it is replaced", () => {
    const { pastry, env } = fifty();
    // To the leaf 51.
    pastry.onMessage("b0", route({ key: keyOf("512") }), env);
    pass(pastry, env, 900);
    expect(pastry.contacts().map(({ node }) => node)).toContain("51");
    expect(env.notices()).toEqual([]);
    forgetEffects(env);
    pass(pastry, env, 20_000, (node) => node !== "51");
    expect(pastry.contacts().map(({ node }) => node)).not.toContain("51");
    expect(env.notices()).toContainEqual({ type: "contact-down", contact: placeOf("51") });
    // The farthest live leaf of that side is asked for its leaf set.
    expect(sentTo(env, "52", "leaves")).toContainEqual(
      expect.objectContaining({ isAnswer: false, heard: 0 }),
    );
    expect(pastry.size).toBe(6);
  });

  test("comes back when it says so itself, and only then", () => {
    const { pastry, env } = fifty({ options: { leafIntervalMs: 0, forgetGoneMs: 60_000 } });
    pastry.onMessage("b0", route({ key: keyOf("512") }), env);
    pass(pastry, env, 20_000, (node) => node !== "51");
    expect(pastry.leaves.get(keyOf("51"))).toBeUndefined();
    env.take();
    const hearsay = { type: "leaves", nonce: 1, isAnswer: false, version: 1, heard: 0 } as const;
    pastry.onMessage("52", { ...hearsay, leaves: ["51"] }, env);
    expect(env.sent().map(({ to }) => to)).toEqual(["52"]);
    pastry.onMessage("51", { ...hearsay, leaves: [] }, env);
    const [asked] = sentTo(env, "51", "leaves").filter(({ isAnswer }) => !isAnswer);
    expect(asked).toBeDefined();
    expect(pastry.leaves.get(keyOf("51"))).toBeUndefined();
    const { nonce } = asked!;
    pastry.onMessage("51", { ...hearsay, nonce, isAnswer: true, leaves: ["52"] }, env);
    expect(pastry.leaves.get(keyOf("51"))).toBeDefined();
    expect(env.notices()).toContainEqual({ type: "contact-up", contact: placeOf("51") });
  });
});

describe("a lookup", () => {
  test("of a node that knows nobody ends with itself", () => {
    const { pastry, env } = begin("50");
    expect(pastry.hasJoined).toBe(true);
    expect(env.notices()).toMatchObject([{ type: "router-joined", through: undefined }]);
    pastry.onCommand(lookup("93"), env);
    expect(ended(env)).toMatchObject([{ outcome: "alone", hops: 0, closest: [placeOf("50")] }]);
  });

  test("for a key of our own needs nobody", () => {
    const { pastry, env } = fifty();
    pastry.onCommand(lookup("502", { count: 3 }), env);
    expect(env.sent()).toEqual([]);
    expect(ended(env)).toMatchObject([
      { outcome: "found", hops: 0, asked: 0, closest: places("50", "51", "4f") },
    ]);
    expect(pastry.lookups).toBe(0);
  });

  test("is reported hop by hop, with the silent ones", () => {
    const { pastry, env } = fifty();
    pastry.onCommand(lookup("93", { count: 2 }), env);
    const [{ to, message }] = routes(env) as [{ to: NodeId; message: RouteMessage }];
    expect(to).toBe("90");
    env.now = 10;
    pastry.onMessage("90", { type: "ack", hopNonce: message.hopNonce }, env);
    env.now = 20;
    pastry.onMessage("90", { type: "passed", route: message.route, hops: 1, next: "95", silent: [] }, env);
    env.now = 30;
    pastry.onMessage(
      "90",
      { type: "passed", route: message.route, hops: 1, next: "94", silent: ["95"] },
      env,
    );
    env.now = 40;
    const arrived = { type: "arrived", route: message.route, hops: 2, silent: [] } as const;
    pastry.onMessage("94", { ...arrived, leaves: ["92", "96"] }, env);
    const [report] = ended(env);
    expect(report).toMatchObject({
      outcome: "found",
      hops: 2,
      asked: 3,
      answered: 2,
      silent: 1,
      startedAt: 0,
      endedAt: 40,
      closest: places("92", "94"),
    });
    expect(
      report!.path.map(({ node, referrer, depth, outcome, sentAt, answeredAt }) => [
        node,
        referrer,
        depth,
        outcome,
        sentAt,
        answeredAt,
      ]),
    ).toEqual([
      ["90", -1, 1, "answered", 0, 10],
      ["95", 0, 2, "silent", 20, undefined],
      ["94", 0, 2, "answered", 30, 40],
    ]);
    const steps = env.notices().filter(({ type }) => type === "lookup-step");
    expect(steps.length).toBeGreaterThan(4);
    // What comes later belongs to nobody.
    pastry.onMessage("94", { ...arrived, leaves: [] }, env);
    expect(pastry.counters.unasked).toBe(1);
  });

  test("whose answer is lost is sent again, randomised, and not for ever", () => {
    const { pastry, env } = fifty({ options: { maxAttempts: 3 }, settings: { deadlineMs: 60_000 } });
    pastry.onCommand(lookup("93"), env);
    const answerAll = () => {
      for (const { to, message } of routes(env))
        if (message.hopNonce !== 0) pastry.onMessage(to, { type: "ack", hopNonce: message.hopNonce }, env);
    };
    const attempts = new Set<number>();
    for (let i = 0; i < 200; i++) {
      answerAll();
      for (const { message } of routes(env)) {
        expect(message.isRandomised).toBe(
          attempts.size > 0 && !attempts.has(message.route) ? true : message.isRandomised,
        );
        attempts.add(message.route);
      }
      pass(pastry, env, 100);
    }
    expect(attempts.size).toBe(3);
    expect(routes(env).filter(({ message }) => message.isRandomised).length).toBeGreaterThan(0);
    expect(ended(env)).toMatchObject([{ outcome: "exhausted" }]);
    expect(pastry.counters.repeated).toBe(2);
  });

  test("ends at its deadline with those that answered on the way, and at its budget", () => {
    const { pastry, env } = fifty();
    pastry.onCommand(lookup("93", { deadlineMs: 300 }), env);
    const { message } = routes(env)[0]!;
    pastry.onMessage("90", { type: "passed", route: message.route, hops: 1, next: "95", silent: [] }, env);
    pass(pastry, env, 300);
    expect(ended(env)).toMatchObject([{ outcome: "deadline", closest: places("90") }]);
    const spent = fifty();
    spent.pastry.onCommand(lookup("93", { budget: 1 }), spent.env);
    const first = routes(spent.env)[0]!.message;
    spent.pastry.onMessage(
      "90",
      { type: "passed", route: first.route, hops: 1, next: "95", silent: [] },
      spent.env,
    );
    expect(ended(spent.env)).toMatchObject([{ outcome: "budget", asked: 1 }]);
  });

  test("is forgotten when it is cancelled, and refused when there are too many", () => {
    const { pastry, env } = fifty({ settings: { maxLookups: 2 } });
    pastry.onCommand(lookup("93"), env);
    pastry.onCommand({ type: "cancel-lookup", request: 1, asker: "user" }, env);
    expect(pastry.lookups).toBe(0);
    for (let request = 2; request < 5; request++) pastry.onCommand(lookup("93", { request }), env);
    expect(ended(env)).toMatchObject([{ outcome: "budget" }]);
    expect(pastry.counters.refused).toBe(1);
    pass(pastry, env, 20_000);
    expect(ended(env)).toHaveLength(3);
  });

  test("serves the store's notice like a command", () => {
    const { pastry, env } = fifty();
    pastry.onNotice({ ...lookup("502"), type: "find-nodes", asker: "store" } as any, env);
    expect(env.notices()).toMatchObject([{ type: "lookup-ended", asker: "store", request: 1 }]);
  });

  test.each([
    [{ key: "xyz" }, "40 hexadecimal digits"],
    [{ budget: 0 }, "budget: 0"],
    [{ count: 1.5 }, "count: 1.5"],
    [{ deadlineMs: -1 }, "deadlineMs: -1"],
  ])("with %j is the caller's mistake, and changes nothing", (fields, words) => {
    const { pastry, env } = fifty();
    expect(() => pastry.onCommand({ ...lookup("93"), ...fields }, env)).toThrow(UsageError);
    expect(() => pastry.onCommand({ ...lookup("93"), ...fields }, env)).toThrow(words);
    expect(pastry.lookups).toBe(0);
    expect(env.effects).toEqual([]);
  });

  test("waits while we are still joining", () => {
    const { pastry, env } = begin("50", { bootstrap: ["90"] });
    pastry.onCommand(lookup("93"), env);
    expect(routes(env)).toEqual([]);
    expect(ended(env)).toEqual([]);
    pass(pastry, env, 5000); // nobody answers at all
    expect(pastry.hasJoined).toBe(true);
    expect(ended(env)).toMatchObject([{ outcome: "alone" }]);
  });
});

describe("joining", () => {
  test("takes five steps: a door, a route to our own key, rows from the way, the leaf set, and then everybody is told", () => {
    const { pastry, env } = begin("50", { bootstrap: ["90", "10"] });
    const ping = sentTo(env, "90", "ping")[0]!;
    expect(ping.isMember).toBe(false);
    pastry.onMessage("90", { type: "pong", nonce: ping.nonce, isMember: true }, env);
    const [{ to, message }] = routes(env) as [{ to: NodeId; message: RouteMessage }];
    expect([to, message.purpose, message.key, message.row]).toEqual(["90", "join", keyOf("50"), 0]);
    env.take();
    const state = { type: "state", route: message.route } as const;
    pastry.onMessage("90", { ...state, hops: 1, nodes: ["10", "c0"], isRoot: false }, env);
    pastry.onMessage("51", { ...state, hops: 2, nodes: ["4f", "52"], isRoot: true }, env);
    expect(pastry.hasJoined).toBe(false);
    // Who was only named is asked first; nobody is told yet that we take part.
    const pinged = env.sent().map(({ to, message: { type } }) => `${type} ${to}`);
    expect(new Set(pinged)).toEqual(new Set(["ping 10", "ping c0", "ping 4f", "ping 52"]));
    const pings = env.sent();
    env.take();
    for (const { to, message } of pings)
      if (message.type === "ping")
        pastry.onMessage(to, { type: "pong", nonce: message.nonce, isMember: true }, env);
    expect(pastry.hasJoined).toBe(true);
    expect(env.notices()).toContainEqual({ type: "router-joined", through: "90", afterMs: 0 });
    expect(env.notices().filter(({ type }) => type === "contact-up")).toHaveLength(6);
    for (const leaf of ["51", "52", "4f"]) expect(sentTo(env, leaf, "leaves")).toHaveLength(1);
  });

  test("a node on the way sends the rows that the newcomer lacks; the first M, the last its leaf set", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route({ purpose: "join", key: keyOf("93"), origin: "93", hops: 1 }), env);
    expect(sentTo(env, "93", "state")).toMatchObject([{ isRoot: false, nodes: ["10", "90"], hops: 1 }]);
    expect(routes(env)).toMatchObject([{ to: "90", message: { row: 1, purpose: "join" } }]);
    env.take();
    pastry.onMessage(
      "b0",
      route({ route: 2, purpose: "join", key: keyOf("503"), origin: "503", row: 1 }),
      env,
    );
    const { nodes, isRoot } = sentTo(env, "503", "state")[0]!;
    expect(isRoot).toBe(true);
    expect(new Set(nodes)).toEqual(new Set(["51", "52", "4f", "4e", "5a"]));
    expect(routes(env)).toEqual([]);
  });

  test("a newcomer is no hop of its own join, though it is still in the tables", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("b0", route({ purpose: "join", key: keyOf("90"), origin: "90" }), env);
    expect(routes(env)).toMatchObject([{ to: "5a" }]);
  });

  test("whoever finds nobody is the first after two tries; a smaller one that waits, too, goes first", () => {
    const alone = begin("50", { bootstrap: ["90"] });
    pass(alone.pastry, alone.env, 900);
    expect(alone.pastry.hasJoined).toBe(false);
    pass(alone.pastry, alone.env, 200);
    expect(alone.pastry.hasJoined).toBe(true);
    const waits = begin("50", { bootstrap: ["40"] });
    for (let i = 0; i < 12; i++) {
      for (const message of sentTo(waits.env, "40", "ping"))
        waits.pastry.onMessage("40", { type: "pong", nonce: message.nonce, isMember: false }, waits.env);
      pass(waits.pastry, waits.env, 100);
    }
    expect(waits.pastry.hasJoined).toBe(false);
  });

  test("what was on disk is asked before it is believed, and needs no bootstrap", () => {
    const before = fifty();
    before.pastry.onCommand({ type: "leave" }, before.env);
    const persisted = before.env.notices().find(({ type }) => type === "persist") as any;
    expect(persisted).toMatchObject({ key: "table", isAwaited: false });
    expect(sentTo(before.env, "51", "leave")).toHaveLength(1);
    const { pastry, env } = begin("50", { restored: persisted.value });
    expect(pastry.size).toBe(0);
    expect(pastry.hasJoined).toBe(false);
    const [first] = env.sent();
    pastry.onMessage(first!.to, { type: "pong", nonce: (first!.message as any).nonce, isMember: true }, env);
    expect(pastry.size).toBe(1);
    const join = routes(env)[0]!;
    pastry.onMessage(
      join.to,
      { type: "state", route: join.message.route, hops: 1, nodes: [], isRoot: true },
      env,
    );
    expect(env.notices()).toContainEqual({ type: "router-joined", through: undefined, afterMs: 0 });
  });

  test("goes through whoever answers at an address", () => {
    const id = (digit: string) => `${digit.repeat(40)}@10.0.0.${digit}:9000`;
    const env: Env = new RecordingEnvironment(id("5"), 1);
    const pastry = new Pastry({ self: keyedNode(id("5")), keyedNode, bootstrap: ["@10.0.0.9:9000"] });
    pastry.start(env);
    const ping = sentTo(env, "@10.0.0.9:9000", "ping")[0]!;
    pastry.onMessage(id("9"), { type: "pong", nonce: ping.nonce, isMember: true }, env);
    expect(routes(env)).toMatchObject([{ to: id("9") }]);
  });
});

describe("hearsay", () => {
  test("of a contact at an address where it is not, does the contact no harm", () => {
    const keyedNode: KeyedNodeOf = (node) => ({ node, key: keyOf(String(node).split("@")[0]!) });
    const tables = { below: ["4f"], above: ["51"], entries: ["90"] };
    const { pastry, env } = member("50", tables, { keyedNode });
    const leaves = { type: "leaves", nonce: 1, isAnswer: false, version: 1, heard: 0 } as const;
    pastry.onMessage("51", { ...leaves, leaves: ["90@elsewhere"] }, env);
    const asked = () => env.sent().filter(({ to }) => to === "90@elsewhere");
    expect(asked()).toHaveLength(1);
    pass(pastry, env, 60_000, (node) => node !== "90@elsewhere");
    expect(asked()).toHaveLength(2);
    expect(pastry.contacts().map(({ node }) => node)).toContain("90");
    expect(pastry.counters).toMatchObject({ suspected: 0, dead: 0 });
  });

  test("makes candidates, of which so many are asked at once; who is silent is forgotten", () => {
    const { pastry, env } = fifty({
      options: { maxProbes: 4, leafSetSize: 16, leafIntervalMs: 0, tableIntervalMs: 0 },
    });
    const nodes = Array.from({ length: 64 }, (_, i) => (0x500 + 4 * i).toString(16));
    pastry.onMessage(
      "51",
      { type: "leaves", nonce: 1, isAnswer: false, version: 1, heard: 0, leaves: nodes },
      env,
    );
    const asked = () =>
      env.sent().filter(({ message }) => message.type === "leaves" && !message.isAnswer).length;
    expect(asked()).toBe(4);
    const before = pastry.size;
    const others = pastry.contacts().map(({ node }) => node);
    pass(pastry, env, 200_000, (node) => others.includes(placeOf(node).node));
    expect(asked()).toBeGreaterThan(10);
    expect(pastry.size).toBe(before);
    expect(pastry.suspects).toBe(0);
  });

  test("the nearest of all that fit gets the place, when both were measured", () => {
    const { pastry, env } = fifty({ options: { leafIntervalMs: 0, tableIntervalMs: 0 } });
    const measure = (node: string, rtt: number) => {
      env.take();
      pastry.onNotice({ type: "neighbor-failed", neighbor: node } as any, env);
      const ping = sentTo(env, node, "ping")[0]!;
      env.now += rtt;
      pastry.onMessage(node, { type: "pong", nonce: ping.nonce, isMember: true }, env);
    };
    measure("90", 80);
    env.take();
    pastry.onMessage("10", { type: "row", nonce: 0, row: 0, nodes: ["95"] }, env);
    expect(env.sent()).toEqual([]); // its place is taken
    // A row that we asked for may bring somebody nearer.
    pastry.onTimer({ type: "tune-table" }, env);
    const ask = env.sent().find(({ message }) => message.type === "ask-row")!;
    for (let i = 0; i < 20 && sentTo(env, "95", "ping").length === 0; i++) {
      pastry.onTimer({ type: "tune-table" }, env);
      for (const { to, message } of env.sent())
        if (message.type === "ask-row")
          pastry.onMessage(to, { type: "row", nonce: message.nonce, row: 0, nodes: ["95"] }, env);
    }
    expect(ask).toBeDefined();
    const ping = sentTo(env, "95", "ping")[0]!;
    env.now += 20;
    pastry.onMessage("95", { type: "pong", nonce: ping.nonce, isMember: true }, env);
    expect(pastry.table.at(0, 9)?.node).toBe("95");
    expect(pastry.neighborhood.nodes.map(({ node }) => node)).toEqual(["95", "90"]);
  });
});

describe("leaf sets that are compared", () => {
  test("are sent only where the other lacks the newest", () => {
    const { pastry, env } = fifty({ options: { leafIntervalMs: 0 } });
    const compare = (heard: number) => {
      env.take();
      pastry.onMessage(
        "51",
        { type: "leaves", nonce: 9, isAnswer: false, version: 5, heard, leaves: ["52"] },
        env,
      );
      return sentTo(env, "51", "leaves")[0]!;
    };
    const first = compare(0);
    expect(first).toMatchObject({ isAnswer: true, nonce: 9, heard: 5, leaves: ["51", "52", "4f", "4e"] });
    expect(compare(first.version).leaves).toEqual([]);
    // A newcomer next to us: another version.
    pastry.onMessage(
      "501",
      { type: "leaves", nonce: 1, isAnswer: false, version: 1, heard: 0, leaves: [] },
      env,
    );
    const changed = compare(first.version);
    expect(changed.version).not.toBe(first.version);
    expect(changed.leaves).toContain("501");
  });

  test("a node that leaves is forgotten at once, and its leaves are asked", () => {
    const { pastry, env } = fifty();
    pastry.onMessage("51", { type: "leave", leaves: ["52", "53"] }, env);
    expect(env.notices()).toContainEqual({ type: "contact-down", contact: placeOf("51") });
    expect(sentTo(env, "53", "leaves")).toHaveLength(1);
    // Nobody can make us forget another.
    pastry.onMessage("77", { type: "leave", leaves: [] }, env);
    expect(pastry.size).toBe(6);
  });
});

describe("whatever peers say", () => {
  const node = fc.constantFrom("50", "51", "4f", "90", "10", "5a", "93", "505", "a0", "b0", "00", "ff");
  const number = fc.oneof(fc.nat(3), fc.maxSafeNat());
  const nodes = fc.array(node, { maxLength: 20 });
  const message: fc.Arbitrary<PastryMessage> = fc.oneof(
    fc.record({
      type: fc.constant("route" as const),
      route: number,
      hopNonce: number,
      origin: node,
      key: node.map(keyOf),
      purpose: fc.constantFrom("lookup" as const, "join" as const),
      hops: fc.integer({ min: 1, max: 128 }),
      isNear: fc.boolean(),
      isRandomised: fc.boolean(),
      row: fc.nat(160),
    }),
    fc.record({ type: fc.constant("ack" as const), hopNonce: number }),
    fc.record({
      type: fc.constant("passed" as const),
      route: number,
      hops: fc.nat(128),
      next: node,
      silent: nodes,
    }),
    fc.record({
      type: fc.constant("arrived" as const),
      route: number,
      hops: fc.nat(128),
      leaves: nodes,
      silent: nodes,
    }),
    fc.record({
      type: fc.constant("state" as const),
      route: number,
      hops: fc.nat(128),
      nodes,
      isRoot: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("leaves" as const),
      nonce: number,
      isAnswer: fc.boolean(),
      version: number,
      heard: number,
      leaves: nodes,
    }),
    fc.record({ type: fc.constant("ask-row" as const), nonce: number, row: fc.nat(160) }),
    fc.record({ type: fc.constant("row" as const), nonce: number, row: fc.nat(160), nodes }),
    fc.record({ type: fc.constant("ping" as const), nonce: number, isMember: fc.boolean() }),
    fc.record({ type: fc.constant("pong" as const), nonce: number, isMember: fc.boolean() }),
    fc.record({ type: fc.constant("leave" as const), leaves: nodes }),
  );
  const event = fc.oneof(
    fc.record({ from: node, message }),
    fc.record({ wait: fc.nat(5000) }),
    fc.record({ ask: node }),
  );

  test("nothing breaks, all lookups end, and all that is remembered is bounded", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, isJoining) => {
        const { pastry, env } = isJoining ? begin("50", { bootstrap: ["90"] }) : fifty();
        let asked = 0;
        for (const one of events) {
          if ("message" in one) {
            // Nonces that we have used are answered now and then.
            const used = env.sent().at(-1)?.message as
              | { nonce?: number; hopNonce?: number; route?: number }
              | undefined;
            const known = { nonce: used?.nonce ?? 1, hopNonce: used?.hopNonce ?? 1, route: used?.route ?? 1 };
            const isKnown = (one.from.charCodeAt(0) + events.length) % 2 === 0;
            pastry.onMessage(
              one.from,
              isKnown ? ({ ...one.message, ...known } as PastryMessage) : one.message,
              env,
            );
          } else if ("wait" in one) pass(pastry, env, one.wait);
          else pastry.onCommand(lookup(one.ask, { request: ++asked }), env);
        }
        pass(pastry, env, 60_000);
        expect(ended(env)).toHaveLength(asked);
        expect(pastry.lookups).toBe(0);
        expect(pastry.leaves.above.length).toBeLessThanOrEqual(pastry.leaves.sideSize);
        expect(pastry.contacts().map(({ node }) => node)).not.toContain("50");
      }),
      { numRuns: 150 },
    );
  });
});
