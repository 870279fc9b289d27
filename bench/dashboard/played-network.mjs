// A network that is played back: what the real stacks said in the simulator while messages spread among them, said
// again in real time by nodes that do nothing else, as often a second as is asked for.
//
// 10,000 nodes that hear 100 messages a second make a million deliveries a second. That is the cost of the
// protocols, which other benchmarks measure; what a dashboard costs shows as well when they are only announced.
import { portOf } from "../../dist/core/index.js";
import { contactOf, SimulatedNetwork } from "../../dist/simulated/index.js";
import { isStructure } from "../../dist/trace/sampler.js";

const seedCount = 5;
/** What the nodes say beside messages is played again and again: the pings of a whole interval. */
const idleMs = 13_000;
const spreadMs = 3000;
const tickMs = 4;
/** Messages that could not begin in time are left out: a process that cannot keep up would never end. */
const mostLateMs = 500;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets the real network form, publishes `messages` one after the other, and writes down everything that is said. */
export function recordNetwork({ peers, messages }) {
  let heard = () => {};
  const network = new SimulatedNetwork({
    seed: 1,
    seeds: seedCount,
    maxPeers: peers,
    options: { source: { waitsForCommand: true } },
    onNotice: (at, row, layer, notice) => heard(at, row, layer, notice),
  });
  network.startSeeds();
  for (let i = 1; i <= peers; i++) {
    network.addPeer();
    if (i % 10 === 0) network.simulation.run(network.time + 10);
  }
  if (!network.runUntil(() => network.isFormed, 300_000, 1000)) throw new Error("the network does not form");

  const spreads = [];
  const idle = [];
  const isMessage = new Set(["published", "delivered", "forwarded", "removed"]);
  const listen = (startedAt, spoken, wants) => {
    heard = (at, row, layer, notice) => {
      if (wants(layer, notice.type))
        spoken.push({ afterMs: at - startedAt, row, layer, notice: named(notice) });
    };
  };
  for (let i = 0; i < messages; i++) {
    const spread = [];
    listen(network.time, spread, (_, type) => isMessage.has(type));
    network.publish(seedCount + Math.floor(((i + 0.5) * peers) / messages), [
      "a message of some forty characters, no. 1",
    ]);
    network.simulation.run(network.time + spreadMs);
    spreads.push(spread);
  }
  // A link that comes and goes once cannot be said again and again; pings and their like can.
  listen(
    network.time,
    idle,
    (layer, type) => !isMessage.has(type) && type !== "persist" && !isStructure(layer, type),
  );
  network.simulation.run(network.time + idleMs);
  heard = () => {};

  const nodes = Array.from({ length: seedCount + peers }, (_, row) => {
    const peer = network.peers.get(row);
    const common = { name: network.nameOf(row), contact: contactOf(row) };
    if (peer === undefined)
      return {
        ...common,
        list: network.seeds.get(row).registry.list.map(({ peer }) => ({ peer: contactOf(peer) })),
      };
    const { neighbors, wantedDegree } = peer.overlay;
    const { registeredWith, quorum, incarnation, size } = peer.registration;
    return {
      ...common,
      overlay: { neighbors: neighbors.map(contactOf), wantedDegree },
      registration: { registeredWith: registeredWith.map(contactOf), quorum, incarnation, size },
    };
  });
  return { nodes, spreads, idle };
}

/** In the simulator nodes are numbers; elsewhere they are contacts. */
function named(notice) {
  const { origin, from, to, neighbor, peer } = notice;
  const renamed = { ...notice };
  for (const [field, value] of Object.entries({ origin, from, neighbor, peer }))
    if (typeof value === "number") renamed[field] = contactOf(value);
  if (Array.isArray(to)) renamed.to = to.map(contactOf);
  return renamed;
}

/** As much of a node as a control API looks at. */
class PlayedNode {
  role;
  isRunning = true;
  isPaused = false;
  startedAt = Date.now();
  options = {};
  datagrams = undefined;
  counters = { published: 0, delivered: 0, duplicates: 0, sends: 0 };
  peer;
  seed;
  sequence = 0;
  #listeners = new Set();

  constructor({ name, contact, overlay, registration, list }) {
    this.name = name;
    this.contact = contact;
    this.role = list === undefined ? "peer" : "seed";
    this.links = {
      queuedBytes: 0,
      linkCount: overlay?.neighbors.length ?? 0,
      counters: {},
      drops: {},
      traffic: { layers: new Map() },
    };
    if (list === undefined)
      this.peer = {
        overlay,
        registration,
        broadcast: { counters: this.counters, retainedCount: 0 },
        state: { size: 0 },
      };
    else
      this.seed = {
        registry: { list, size: list.length, fingerprint: "", counters: { registrations: 0, removals: 0 } },
      };
    this.port = portOf(contact);
  }

  neighbors() {
    return this.peer?.overlay.neighbors.map((peer) => ({ peer })) ?? [];
  }
  onNotice(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  say(at, layer, notice) {
    for (const listener of this.#listeners) listener(at, layer, notice, this);
  }
}

export class PlayedNetwork {
  nodes;
  /** Notices and deliveries that were said, and messages that were left out because the process was too late. */
  counters = { notices: 0, deliveries: 0, messages: 0, leftOut: 0 };
  #recording;
  #messagesPerSecond;
  #underWay = [];
  #isStopped = false;

  constructor(recording, messagesPerSecond) {
    this.#recording = recording;
    this.#messagesPerSecond = messagesPerSecond;
    this.nodes = recording.nodes.map((node) => new PlayedNode(node));
  }

  async start() {
    const { spreads, idle } = this.#recording;
    const startedAt = performance.now();
    let begun = 0;
    let rounds = 0;
    void (async () => {
      while (!this.#isStopped) {
        const now = performance.now() - startedAt;
        for (; (begun * 1000) / this.#messagesPerSecond <= now; begun++) {
          const at = (begun * 1000) / this.#messagesPerSecond;
          if (now - at > mostLateMs) this.counters.leftOut++;
          else this.#begin(startedAt + at, spreads[begun % spreads.length]);
        }
        if (rounds * idleMs <= now)
          this.#underWay.push({ at: startedAt + rounds++ * idleMs, spoken: idle, next: 0 });
        this.#play(performance.now());
        await sleep(tickMs);
      }
    })();
  }

  stop() {
    this.#isStopped = true;
  }

  #begin(at, spoken) {
    const origin = this.nodes[spoken[0].row];
    this.counters.messages++;
    this.#underWay.push({ at, spoken, next: 0, statedAt: Date.now(), sequence: origin.sequence++ });
  }

  #play(now) {
    const at = Date.now();
    for (const playing of this.#underWay) {
      const { spoken } = playing;
      const dueMs = now - playing.at;
      for (; playing.next < spoken.length && spoken[playing.next].afterMs <= dueMs; playing.next++)
        this.#say(at, spoken[playing.next], playing);
    }
    this.#underWay = this.#underWay.filter(({ next, spoken }) => next < spoken.length);
  }

  /** A new notice each time, as a protocol makes one. */
  #say(at, { row, layer, notice }, { statedAt, sequence }) {
    const node = this.nodes[row];
    const { counters } = node;
    const { type, origin, incarnation } = notice;
    this.counters.notices++;
    switch (type) {
      case "published":
        counters.published++;
        node.say(at, layer, { type, origin, incarnation, sequence, at: statedAt, payload: notice.payload });
        return;
      case "delivered":
        counters.delivered++;
        this.counters.deliveries++;
        node.say(at, layer, {
          type,
          origin,
          incarnation,
          sequence,
          at: statedAt,
          payload: notice.payload,
          from: notice.from,
        });
        return;
      case "forwarded":
        counters.sends += notice.to.length;
        node.say(at, layer, { type, origin, incarnation, sequence, count: 1, to: notice.to });
        return;
      default:
        node.say(at, layer, notice);
    }
  }
}
