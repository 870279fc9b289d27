import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import type { Identity } from "../core/index.ts";
import {
  GossipHeartbeat,
  type GossipHeartbeatCommand,
  type GossipHeartbeatOptions,
  type GossipHeartbeatTimer,
} from "./gossip-heartbeat.ts";
import type { SilenceNotice } from "./silence-verdicts.ts";

/** Node 1 with a gossip below it that the test plays. */
class Node extends Alone<never, GossipHeartbeatTimer, SilenceNotice, GossipHeartbeatCommand> {
  readonly detector: GossipHeartbeat;
  /** What others have said, and we. */
  readonly states: Map<string, string>;
  readonly said: Map<string, string>;
  readonly forgotten: Identity[];
  #version = 0;

  constructor(options: Partial<GossipHeartbeatOptions> = {}) {
    const states = new Map<string, string>();
    const said = new Map<string, string>();
    const forgotten: Identity[] = [];
    const detector = new GossipHeartbeat({
      contacts: [2, 3, "ab@10.0.0.4:9000"],
      states: {
        get: (endpoint, key) => states.get(`${endpoint} ${key}`),
        set: (key, value) => said.set(key, value),
        forget: (endpoint) => forgotten.push(endpoint),
      },
      options: { failMs: 5000, ...options },
    });
    super(1, detector);
    this.detector = detector;
    this.states = states;
    this.said = said;
    this.forgotten = forgotten;
    this.start();
  }

  advances(endpoint: Identity, version = ++this.#version, generation = 1): this {
    return this.hear({ type: "endpoint-advanced", endpoint, generation, version, isNewLife: false } as {
      type: string;
    });
  }
  hears(seconds: number, ...endpoints: Identity[]): this {
    for (let i = 0; i < seconds; i++) {
      for (const endpoint of endpoints) this.advances(endpoint);
      this.pass(1000);
    }
    return this;
  }
}

describe("a counter", () => {
  test("that has not grown for t_fail makes its node failed; that of others is no matter", () => {
    const node = new Node().hears(3, 2, 3).hears(4, 3).pass(1);
    expect(node.noticesOf("member-failed")).toMatchObject([{ peer: 2, by: [1] }]);
    expect(node.detector.stateOf(3)).toBe("alive");
  });

  test("is known by identity, its node by the contact that we were given", () => {
    const node = new Node().hears(1, "ab");
    expect(node.noticesOf("member-up")).toMatchObject([{ peer: "ab@10.0.0.4:9000" }]);
    expect(node.detector.stateOf("ab@10.0.0.9:1")).toBe("alive");
  });

  test("by default may stand still for as long as gossip takes to reach all, and a bit", () => {
    // Four nodes: 2 + 1.39 + 4 intervals.
    expect(new Node({ failMs: 0 }).detector.failMs).toBe(7387);
    expect(new Node({ failMs: 0, intervalMs: 100 }).detector.failMs).toBe(739);
  });
});

describe("whoever has failed", () => {
  test("is forgotten after t_cleanup, and what others pass on about that life does not bring it back", () => {
    const node = new Node().hears(2, 2);
    const last = 2;
    node.pass(5000);
    expect(node.detector.stateOf(2)).toBe("failed");
    expect(node.forgotten).toEqual([]);
    node.pass(10_000);
    expect(node.forgotten).toEqual([2]);
    expect(node.detector.stateOf(2)).toBe("unknown");
    expect(node.detector.why(2).at(-1), "but why is remembered").toMatchObject({ kind: "failed" });
    node
      .clear()
      .advances(2, last)
      .advances(2, last - 1);
    expect(node.notices()).toEqual([]);
    expect(node.forgotten, "and is forgotten again").toEqual([2, 2, 2]);
    node.advances(2, last + 1);
    expect(node.noticesOf("member-up")).toMatchObject([{ peer: 2, incarnation: 1 }]);
  });

  test("and comes back before that is not forgotten", () => {
    const node = new Node().hears(2, 2).pass(6000).hears(20, 2);
    expect(node.forgotten).toEqual([]);
    expect(node.detector.stateOf(2)).toBe("alive");
  });

  test("comes back with a new generation, whatever its version", () => {
    const node = new Node().hears(9, 2).pass(30_000).clear().advances(2, 1, 2);
    expect(node.noticesOf("member-up")).toMatchObject([{ incarnation: 2 }]);
  });
});

describe("what a node says of itself", () => {
  test("a goodbye is a state: whoever has it has left, and is not missed", () => {
    const node = new Node().hears(2, 2);
    node.states.set("2 status", "left");
    node.advances(2).pass(20_000);
    expect(node.noticesOf("peer-left")).toEqual([{ type: "peer-left", peer: 2, incarnation: 1 }]);
    expect(node.noticesOf("member-failed")).toEqual([]);
    expect(new Node().command({ type: "leave" }).said.get("status")).toBe("left");
  });

  test("are its votes, too: a quorum of two needs one of another", () => {
    const node = new Node({ quorum: 2 }).hears(3, 2, 3).hears(6, 3);
    expect(node.detector.stateOf(2)).toBe("suspect");
    expect(node.said.get("suspects")).toBe("1;2:1");
    node.states.set("3 suspects", "1;2:1");
    node.advances(3);
    expect(node.noticesOf("member-failed")).toMatchObject([{ peer: 2, by: [1, 3] }]);
    node.advances(2).pass(1000);
    expect(node.said.get("suspects")).toBe("0");
  });

  test("nothing is said of suspects where nobody counts votes", () => {
    const node = new Node().hears(3, 2).pass(20_000);
    expect(node.detector.counters.failures).toBe(1);
    expect(node.said.size).toBe(0);
  });

  test.each(["", ";", "1", "x;2:1", "1;2:-1", "1;2", "1;2:1e999", "0;2:1", `99;${"2:1;".repeat(200)}`])(
    "a vote like %j counts for nothing",
    (text) => {
      const node = new Node({ quorum: 2 }).hears(3, 2, 3).hears(6, 3);
      node.states.set("3 suspects", text);
      node.advances(3);
      expect(node.noticesOf("member-failed")).toEqual([]);
    },
  );

  test("an endpoint with an endless name is no vote: the state that we say has a bound", () => {
    const node = new Node({ quorum: 2 }).hears(3, "x".repeat(5000), 2).pass(20_000);
    expect(node.detector.counters.suspicions).toBe(2);
    expect(node.said.get("suspects")).toBe("2;2:1");
  });

  test("as many votes as fit are said, by turns", () => {
    const many = Array.from({ length: 40 }, (_, i) => i + 10);
    const node = new Node({ quorum: 2 }).hears(1, ...many).pass(6000);
    const heard = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const [total, ...votes] = node.pass(1000).said.get("suspects")!.split(";");
      expect([total, votes.length]).toEqual(["40", 16]);
      for (const vote of votes) heard.add(vote);
    }
    expect(heard.size).toBe(40);
  });
});

test("a pause is noticed by the next tick, though hardly any timer is under way: nobody is blamed", () => {
  const node = new Node().hears(3, 2).pass(2500);
  // The timer for 2 is due 100 ms before we go on.
  node.now = 7100;
  node.pass(100);
  expect(node.detector.counters.stalls).toBe(1);
  expect(node.noticesOf("member-suspected")).toEqual([]);
});

test("other notices of the stack are passed over", () => {
  const node = new Node().clear().hear({ type: "neighbor-up" });
  expect(node.effects).toEqual([]);
});
