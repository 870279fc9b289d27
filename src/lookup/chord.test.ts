import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type KeyedNode,
  keyFromNumber,
  type LookupEnded,
  type NodeId,
  RecordingEnvironment,
} from "../core/index.ts";
import { Chord, type ChordTimer } from "./chord.ts";
import type { ChordMessage } from "./chord-messages.ts";
import type { BuiltChordTable, ChordConfig } from "./chord-options.ts";

const keyedNode = (node: NodeId): KeyedNode => ({ node, key: keyFromNumber(BigInt(node)) });
const settings = { minTimeoutMs: 50, firstTimeoutMs: 100, maxTimeoutMs: 200 };

interface World {
  readonly chord: Chord;
  readonly env: RecordingEnvironment<ChordMessage, ChordTimer, any>;
  hear(from: number, message: ChordMessage): void;
  /** All timers that are due by then fire, in order. */
  pass(ms: number): void;
  sent(type?: ChordMessage["type"]): { to: NodeId; message: any }[];
  /** The nonce of the last question of this type. */
  nonce(type: ChordMessage["type"]): number;
}

function worldOf(config: Partial<ChordConfig> = {}): World {
  const chord = new Chord({ self: keyedNode(50), keyedNode, bootstrap: [], settings, ...config });
  const env = new RecordingEnvironment<ChordMessage, ChordTimer, any>(50);
  const waiting: { at: number; timer: ChordTimer }[] = [];
  let seen = 0;
  const collect = () => {
    for (; seen < env.effects.length; seen++) {
      const effect = env.effects[seen]!;
      if (effect.type === "schedule") waiting.push({ at: env.now + effect.after, timer: effect.timer });
    }
  };
  chord.start(env);
  collect();
  const sent = (type?: string) =>
    env.sent().filter(({ message }) => type === undefined || message.type === type);
  return {
    chord,
    env,
    hear(from, message) {
      chord.onMessage(from, message, env);
      collect();
    },
    pass(ms) {
      const until = env.now + ms;
      for (;;) {
        waiting.sort((a, b) => a.at - b.at);
        if (waiting.length === 0 || waiting[0]!.at > until) break;
        const { at, timer } = waiting.shift()!;
        env.now = at;
        chord.onTimer(timer, env);
        collect();
      }
      env.now = until;
    },
    sent,
    nonce: (type) => (sent(type).at(-1)!.message as { nonce: number }).nonce,
  };
}

const options = { successors: 3, stabilizeMs: 500, minStabilizeMs: 500, minSilenceMs: 0 };

/** A member between 40 and 60, which has begun to stabilise. */
function member(more: Partial<ChordConfig> = {}): World {
  const restored: BuiltChordTable = {
    type: "built-chord-table",
    predecessor: keyedNode(40),
    successors: [60, 70, 80].map(keyedNode),
    fingers: [60].map(keyedNode),
  };
  const world = worldOf({ restored, options, ...more });
  for (let ms = 0; ms < 500 && world.sent("ask-state").length === 0; ms++) world.pass(1);
  return world;
}

const list = (world: World) => world.chord.successors.map(({ node }) => node);
const state = (nonce: number, predecessor: number | undefined, ...successors: number[]): ChordMessage => {
  return { type: "state", nonce, predecessor, successors };
};

describe("stabilise", () => {
  test("takes over the successor's list behind the successor, and notifies it", () => {
    const world = member();
    world.hear(60, state(world.nonce("ask-state"), 50, 75, 80, 90));
    expect(list(world)).toEqual([60, 75, 80]);
    expect(world.sent("notify")).toEqual([{ to: 60, message: { type: "notify" } }]);
  });

  test("takes over the node before the successor only when that has answered itself", () => {
    const world = member();
    world.hear(60, state(world.nonce("ask-state"), 55, 70, 80, 90));
    expect(list(world)).toEqual([60, 70, 80]);
    expect(world.sent("ask-state").at(-1)!.to).toBe(55);
    expect(world.sent("notify")).toEqual([]);
    world.hear(55, state(world.nonce("ask-state"), 50, 60, 70, 80));
    expect(list(world)).toEqual([55, 60, 70]);
    expect(world.sent("notify").map(({ to }) => to)).toEqual([55]);
  });

  test("leaves a silent node before the successor where it is, and notifies all the same", () => {
    const world = member();
    world.hear(60, state(world.nonce("ask-state"), 55, 70, 80, 90));
    world.pass(1000);
    expect(list(world)).toEqual([60, 70, 80]);
    expect(world.sent("notify").map(({ to }) => to)).toContain(60);
  });

  test("asks a silent successor several times, drops it, and goes on with the next", () => {
    const world = member();
    world.pass(2000);
    const asked = world.sent("ask-state").map(({ to }) => to);
    expect(asked.filter((to) => to === 60)).toHaveLength(world.chord.options.attempts);
    expect(asked.indexOf(70)).toBe(3);
    expect(world.chord.successors.some(({ node }) => node === 60)).toBe(false);
    expect(world.env.notices()).toContainEqual({ type: "contact-down", contact: keyedNode(60) });
  });

  test("asks on until a neighbor was silent for long enough, however short its time-outs are", () => {
    const world = member({ options: { ...options, minSilenceMs: 3000 } });
    world.pass(2900);
    expect(list(world)).toEqual([60, 70, 80]);
    world.pass(1000);
    expect(list(world)).toEqual([70, 80]);
  });

  test("drops a successor that is on no ring: it was started anew", () => {
    const world = member();
    world.hear(60, state(world.nonce("ask-state"), undefined));
    expect(list(world)).toEqual([70, 80]);
  });

  test("hints at the former successor where a ring is found that does not know it", () => {
    const world = member();
    world.hear(60, state(world.nonce("ask-state"), 55, 70, 80));
    world.hear(55, state(world.nonce("ask-state"), 30, 90, 10));
    expect(list(world)).toEqual([55, 90, 10]);
    expect(world.sent("hint")).toContainEqual({ to: 55, message: { type: "hint", node: 60 } });
  });
});

describe("a query is atomic", () => {
  test("while one is open, whoever asks is told busy, and the state when it has ended", () => {
    const world = member();
    world.hear(30, { type: "ask-state", nonce: 7 });
    expect(world.sent("busy")).toEqual([{ to: 30, message: { type: "busy", nonce: 7 } }]);
    expect(world.sent("state")).toEqual([]);
    world.hear(60, state(world.nonce("ask-state"), 50, 75, 80, 90));
    expect(world.sent("state")).toEqual([{ to: 30, message: state(7, 40, 60, 75, 80) }]);
  });

  test("a ping is answered at once all the same", () => {
    const world = member();
    world.hear(30, { type: "ping", nonce: 7 });
    expect(world.sent("pong")).toEqual([{ to: 30, message: { type: "pong", nonce: 7 } }]);
  });

  test("a busy node is waited for, but not for ever: nothing is concluded then", () => {
    const world = member();
    const nonce = world.nonce("ask-state");
    world.hear(60, { type: "busy", nonce });
    world.pass(world.chord.options.busyMs - 1);
    expect(world.sent("ask-state")).toHaveLength(1);
    world.pass(1);
    expect(world.chord.counters.abandoned).toBe(1);
    expect(list(world)).toEqual([60, 70, 80]);
    const other = member();
    other.hear(60, { type: "busy", nonce: other.nonce("ask-state") });
    other.pass(other.chord.options.busyMs - 1);
    other.hear(60, state(other.nonce("ask-state"), 50, 65, 70, 80));
    expect(list(other)).toEqual([60, 65, 70]);
  });

  test("of two that ask each other the one with the larger key gives way", () => {
    const larger = worldOf({ self: keyedNode(65), bootstrap: [60] });
    // 65 joins between 60 and 70.
    larger.pass(1);
    larger.hear(60, { type: "routed", nonce: larger.nonce("route"), closer: [], owners: [70] });
    larger.hear(60, { type: "ask-state", nonce: 9 });
    expect(larger.sent("state")).toHaveLength(1);
    const smaller = member();
    smaller.hear(60, { type: "ask-state", nonce: 9 });
    expect(smaller.sent("state")).toHaveLength(0);
    expect(smaller.sent("busy")).toHaveLength(1);
  });

  test("only so many wait", () => {
    const world = member();
    for (let nonce = 0; nonce < 100; nonce++) world.hear(1000 + nonce, { type: "ask-state", nonce });
    expect(world.chord.counters.overflowed).toBe(36);
    world.hear(60, state(world.nonce("ask-state"), 50, 70));
    expect(world.sent("state")).toHaveLength(64);
  });
});

describe("rectify", () => {
  test("a nearer node becomes the predecessor at once, and the old one is told", () => {
    const world = member();
    world.hear(45, { type: "notify" });
    expect(world.chord.predecessor).toEqual(keyedNode(45));
    expect(world.sent("hint")).toEqual([{ to: 40, message: { type: "hint", node: 45 } }]);
    const contacts = world.env.notices().filter(({ type }) => type.startsWith("contact"));
    expect(contacts).toEqual([
      { type: "contact-down", contact: keyedNode(40) },
      { type: "contact-up", contact: keyedNode(45) },
    ]);
  });

  test("one farther away becomes it only if the predecessor is dead, and is told of that one", () => {
    const world = member();
    world.hear(30, { type: "notify" });
    expect(world.sent("hint")).toEqual([{ to: 30, message: { type: "hint", node: 40 } }]);
    expect(world.sent("ping").map(({ to }) => to)).toEqual([40]);
    world.hear(35, { type: "notify" });
    world.hear(20, { type: "notify" });
    expect(world.chord.predecessor).toEqual(keyedNode(40));
    world.pass(600);
    expect(world.chord.predecessor).toEqual(keyedNode(35));
    const alive = member();
    alive.hear(30, { type: "notify" });
    alive.hear(40, { type: "pong", nonce: alive.nonce("ping") });
    alive.pass(600);
    expect(alive.chord.predecessor).toEqual(keyedNode(40));
  });

  test("a dead predecessor stays a pointer, but no contact, until somebody notifies", () => {
    const world = member({ options: { ...options, checkPredecessorMs: 10 } });
    world.pass(600);
    expect(world.chord.predecessor).toEqual(keyedNode(40));
    expect(world.env.notices()).toContainEqual({ type: "contact-down", contact: keyedNode(40) });
    expect(world.chord.contacts()).not.toContainEqual(keyedNode(40));
  });
});

describe("a hint", () => {
  test("makes a node ask whoever lies before its successor, when it has no other query open", () => {
    const world = member();
    world.hear(99, { type: "hint", node: 52 });
    world.hear(99, { type: "hint", node: 65 });
    expect(world.sent("ask-state").map(({ to }) => to)).toEqual([60]);
    world.hear(60, state(world.nonce("ask-state"), 50, 70, 80));
    expect(world.sent("ask-state").map(({ to }) => to)).toEqual([60, 52]);
    expect(list(world)).toEqual([60, 70, 80]);
  });

  test("is no more than that: a few are remembered, however many come", () => {
    const many = worldOf({
      restored: {
        type: "built-chord-table",
        predecessor: keyedNode(40),
        successors: [keyedNode(5000)],
        fingers: [],
      },
    });
    many.pass(0);
    for (let node = 100; node < 200; node++) many.hear(99, { type: "hint", node });
    // One is being asked, sixteen wait.
    expect(many.chord.counters.hintsDropped).toBe(100 - 17);
    expect(many.sent("ask-state")).toHaveLength(1);
  });
});

describe("starting", () => {
  test("whoever knows nobody is alone, says so, and is its own owner", () => {
    const { chord, env } = worldOf();
    chord.onCommand({ type: "lookup", asker: "user", request: 1, key: keyFromNumber(3n) }, env);
    const { report } = env.notices()[0] as LookupEnded;
    expect(report).toMatchObject({ outcome: "alone", closest: [chord.self], hops: 0 });
    expect(chord.hasJoined).toBe(false);
  });

  test("joining asks towards the own key, adopts the list of the node before, and announces nothing", () => {
    const world = worldOf({ bootstrap: [10] });
    world.pass(1);
    world.hear(10, { type: "routed", nonce: world.nonce("route"), closer: [40, 30], owners: [] });
    world.hear(40, { type: "routed", nonce: world.nonce("route"), closer: [], owners: [60, 70] });
    expect(world.sent("ask-state").map(({ to }) => to)).toEqual([40]);
    world.hear(40, state(world.nonce("ask-state"), 30, 60, 70));
    expect(list(world)).toEqual([60, 70]);
    expect(world.chord.predecessor).toBeUndefined();
    expect(world.sent("notify")).toEqual([]);
    expect(world.env.notices()).toContainEqual({ type: "router-joined", through: 40, afterMs: 1 });
  });

  test("of two that are on no ring the one with the larger key joins the other", () => {
    const larger = worldOf({ bootstrap: [10] });
    larger.pass(1);
    larger.hear(10, { type: "routed", nonce: larger.nonce("route"), closer: [], owners: [] });
    larger.hear(10, state(larger.nonce("ask-state"), undefined));
    expect(list(larger)).toEqual([10]);
    expect(larger.sent("found-ring").map(({ to }) => to)).toEqual([10]);
    const smaller = worldOf({ bootstrap: [90] });
    smaller.pass(1);
    smaller.hear(90, { type: "routed", nonce: smaller.nonce("route"), closer: [], owners: [] });
    expect(smaller.sent("ask-state")).toEqual([]);
    smaller.hear(90, { type: "found-ring" });
    expect(list(smaller)).toEqual([90]);
    expect(smaller.chord.predecessor).toEqual(keyedNode(90));
  });

  test("whoever believes that we are on its ring does not make us believe it", () => {
    const world = worldOf({ bootstrap: [10] });
    world.hear(40, { type: "notify" });
    expect(world.chord.hasJoined).toBe(false);
    world.hear(40, { type: "ask-state", nonce: 3 });
    expect(world.sent("state")).toEqual([{ to: 40, message: state(3, undefined) }]);
  });

  test("what was on disk is asked, and not believed", () => {
    const contacts = [60, 70].map((node) => ({ node, ageMs: 5 }));
    const world = worldOf({ restored: { type: "remembered-contacts", savedAt: 0, contacts } });
    expect(world.chord.hasJoined).toBe(false);
    expect(world.chord.contacts()).toEqual([]);
    world.pass(1);
    expect([60, 70]).toContain(world.sent("route")[0]!.to);
    const old = worldOf({
      restored: { type: "remembered-contacts", savedAt: 0, contacts: [{ node: 60, ageMs: 1e11 }] },
    });
    old.pass(1);
    expect(old.sent()).toEqual([]);
  });

  test("leaving tells the neighbors, writes the table with ages, and nothing happens afterwards", () => {
    const world = member();
    world.hear(60, state(world.nonce("ask-state"), 50, 70, 80));
    world.pass(100);
    world.chord.onCommand({ type: "leave" }, world.env);
    expect(world.sent("goodbye").map(({ to }) => to)).toEqual([60, 70, 80, 40]);
    const [{ key, value }] = world.env.notices().filter(({ type }) => type === "persist");
    expect(key).toBe("table");
    expect(value.contacts[0]).toEqual({ node: 60, ageMs: 100 });
    const before = world.env.effects.length;
    world.pass(100_000);
    world.hear(60, { type: "ping", nonce: 1 });
    expect(world.env.effects.length).toBe(before);
  });

  test("a goodbye is as good as a death", () => {
    const world = member();
    world.hear(40, { type: "goodbye" });
    world.hear(70, { type: "goodbye" });
    expect(list(world)).toEqual([60, 80]);
    expect(world.env.notices()).toContainEqual({ type: "contact-down", contact: keyedNode(40) });
  });
});

describe("hostile messages", () => {
  const node = fc.integer({ min: 1, max: 120 });
  const nonce = fc.integer({ min: 0, max: 3 });
  const nodes = fc.array(node, { maxLength: 20 });
  const message: fc.Arbitrary<ChordMessage> = fc.oneof(
    fc.record({ type: fc.constantFrom("ask-state", "busy", "ping", "pong"), nonce }),
    fc.record({ type: fc.constantFrom("notify", "found-ring", "goodbye") }),
    fc.record({ type: fc.constant("hint"), node }),
    fc.record({ type: fc.constant("route"), nonce, key: node.map((at) => keyFromNumber(BigInt(at))) }),
    fc.record({
      type: fc.constant("state"),
      nonce,
      predecessor: fc.option(node, { nil: undefined }),
      successors: nodes,
    }),
    fc.record({ type: fc.constant("routed"), nonce, closer: nodes, owners: nodes }),
  ) as fc.Arbitrary<ChordMessage>;

  test("answers that nobody asked for change no pointer, and are counted", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(node, message), { maxLength: 40 }), (messages) => {
        const world = member();
        let answers = 0;
        for (const [from, one] of messages) {
          if (!["state", "busy", "pong", "routed"].includes(one.type)) continue;
          if (one.type === "state" || one.type === "routed") answers++;
          world.hear(from, one);
        }
        expect(list(world)).toEqual([60, 70, 80]);
        expect(world.chord.predecessor).toEqual(keyedNode(40));
        expect(world.chord.counters.unasked).toBe(answers);
      }),
    );
  });

  test("nothing throws, nobody comes before the successor unheard, and the list stays in order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(node, message, fc.nat(300)), { maxLength: 60 }), (messages) => {
        const world = member();
        const heard = new Set<NodeId>([60, 70, 80]);
        for (const [from, one, ms] of messages) {
          // Half of the answers have the nonce of an open question.
          const open = world.sent().at(-1)?.message;
          const guessed = "nonce" in one && open?.nonce !== undefined && ms % 2 === 0;
          heard.add(from);
          // Those behind a successor that dies follow it; they are asked next.
          const listed = new Set(list(world));
          const mayBeHead = () => {
            const [head] = list(world);
            if (head !== undefined) expect(heard.has(head) || listed.has(head)).toBe(true);
            for (const node of list(world)) listed.add(node);
          };
          world.hear(from, guessed ? ({ ...one, nonce: open.nonce } as ChordMessage) : one);
          mayBeHead();
          world.pass(ms);
          mayBeHead();
          const up = world.chord.successors.map(({ key }) => (Number(`0x${key}`) - 50 + 1000) % 1000);
          expect(up).toEqual([...up].sort((a, b) => a - b));
          expect(up.length).toBeLessThanOrEqual(3);
        }
      }),
      { numRuns: 300 },
    );
  });
});
