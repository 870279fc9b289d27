import { expect, test } from "vitest";
import { RecordingEnvironment } from "../core/index.ts";
import { Simulation } from "../simulator/index.ts";
import {
  HeartbeatGossip,
  type HeartbeatGossipMessage,
  type HeartbeatGossipNotice,
  type HeartbeatGossipTimer,
  heartbeatGossipBytes,
} from "./heartbeat-gossip.ts";
import { HeartbeatState } from "./heartbeat-state.ts";

const nodes = 30;
const all = Array.from({ length: nodes }, (_, row) => row);

function world(loss: number) {
  const notices: { row: number; notice: HeartbeatGossipNotice }[] = [];
  const simulation = new Simulation({
    seed: 5,
    rows: nodes,
    links: { latency: { model: "uniform", fromMs: 5, toMs: 80 }, loss },
    onNotice: (row, notice) => notices.push({ row, notice }),
  });
  const host = (row: number, generation: number) => {
    const peers = {
      sample: (_: number, random: { below(bound: number): number }) => {
        const other = random.below(nodes - 1);
        return [{ peer: other < row ? other : other + 1, since: 0 }];
      },
    };
    const gossip = new HeartbeatGossip({ state: new HeartbeatState(row, generation), peers });
    simulation.host(row, gossip);
    return gossip.state;
  };
  const states = all.map((row) => host(row, 1));
  return { simulation, notices, states, host };
}

test("everybody knows everybody's heartbeat of a few rounds ago, though a fifth of the messages is lost", () => {
  const { simulation, states } = world(0.2);
  simulation.run(60_000);
  for (const state of states)
    for (const other of states) {
      const [own, known] = [other.digestOf(other.self).version, state.digestOf(other.self).version];
      expect(own).toBeGreaterThanOrEqual(60);
      expect(known).toBeLessThanOrEqual(own);
      // log2 30 + ln 30 rounds are 8.3 without loss.
      expect(own - known).toBeLessThan(20);
    }
});

test("a state that is set spreads, and a node that restarts is a new life to everybody", () => {
  const { simulation, notices, states, host } = world(0);
  simulation.command(3, { type: "set-state", key: "role", value: "printer" }, 100);
  simulation.run(15_000);
  expect(states.map((state) => state.get(3, "role"))).toEqual(new Array(nodes).fill("printer"));
  simulation.crash(3);
  simulation.run(16_000);
  states[3] = host(3, 2);
  notices.length = 0;
  simulation.run(30_000);
  const newLives = notices.filter(({ notice }) => notice.endpoint === 3 && notice.isNewLife);
  expect(new Set(newLives.map(({ row }) => row)).size).toBe(nodes - 1);
  expect(newLives).toHaveLength(nodes - 1);
  expect(states.map((state) => state.get(3, "role"))).toEqual(new Array(nodes).fill(undefined));
});

test("messages with too many deltas, or of no known type, are counted and dropped", () => {
  const env = new RecordingEnvironment<HeartbeatGossipMessage, HeartbeatGossipTimer, HeartbeatGossipNotice>(
    "a",
  );
  const gossip = new HeartbeatGossip({ state: new HeartbeatState("a", 1), peers: { sample: () => [] } });
  const states = [{ key: "k", value: "v", version: 1 }];
  const deltas = Array.from({ length: 1025 }, (_, i) => ({
    endpoint: `e${i}`,
    generation: 1,
    since: 0,
    states,
  }));
  gossip.onMessage("b", { type: "ack2", deltas }, env);
  gossip.onMessage("b", { type: "nonsense" } as never, env);
  expect(gossip.counters.malformed).toBe(2);
  expect(gossip.state.size).toBe(1);
  expect(env.effects).toEqual([]);
});

test("messages have the size that docs/wire.md gives their parts: 33 bytes for a digest, 15 more for a heartbeat", () => {
  const digest = { endpoint: "e", generation: 1, version: 5 };
  const delta = {
    endpoint: "e",
    generation: 1,
    since: 4,
    states: [{ key: "heartbeat", value: "", version: 5 }],
  };
  const around = 32 + 1;
  expect(heartbeatGossipBytes({ type: "syn", digests: [] })).toBe(around);
  expect(heartbeatGossipBytes({ type: "syn", digests: [digest] })).toBe(around + 33);
  expect(heartbeatGossipBytes({ type: "ack2", deltas: [delta] })).toBe(around + 33 + 15);
  expect(heartbeatGossipBytes({ type: "ack", wanted: [digest], deltas: [delta] })).toBe(
    around + 33 + 33 + 15,
  );
  const many = new Array(100).fill(digest);
  expect(heartbeatGossipBytes({ type: "syn", digests: many }), "three datagrams").toBe(3 * 32 + 1 + 3300);
});
