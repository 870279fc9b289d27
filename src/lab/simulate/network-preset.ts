/** A network of a profile: seeds and peers form an overlay, some peers publish, everybody hears everything. */
import { Histogram, type Millis, sample, seededRandom, traceEvent, UsageError } from "../../core/index.ts";
import { broadcastOptions, gossipSourceOptions } from "../../dissemination/index.ts";
import { sharedStateOptions } from "../../dissemination/shared-state.ts";
import { chordOptions } from "../../lookup/chord-options.ts";
import { kademliaOptions } from "../../lookup/kademlia-options.ts";
import { lookupOptions } from "../../lookup/lookup-options.ts";
import { pastryOptions } from "../../lookup/pastry-options.ts";
import {
  heartbeatOptions,
  hyParViewOptions,
  overlayOptions,
  registrationOptions,
  seedRegistryOptions,
  swimOptions,
} from "../../membership/index.ts";
import { mergeOptions, type NodeOptions } from "../../node/index.ts";
import { degreeLawOf, type ProfileName, stackOptions } from "../../profiles/index.ts";
import { SimulatedNetwork } from "../../simulated/index.ts";
import { linkSettings } from "../../simulator/index.ts";
import { storeOptions } from "../../storage/store-options.ts";
import { describeDegrees } from "../../theory/degree-report.ts";
import { spreadingReport } from "../spreading-report.ts";
import { wireCodec } from "../wire-codec.ts";
import { countsOf, DeliveryCount, rounded } from "./delivery-count.ts";
import { MachineClock, memoryMiB } from "./machine.ts";
import { checkCount, type Preset } from "./preset.ts";
import type { Ending, ProfileResult, RunWatch, SimulationInput, SimulationParameters } from "./run.ts";

const defaultSeeds = 6;
const defaultPublishers = 10;
/** A peer each millisecond: 10^4 are there after 10 s, a flash crowd that the seeds still answer. */
const defaultJoinEveryMs = 1;
/** For the last message, after the last was published: history repairs what was lost in some rounds of 10 s. */
const patienceMs = 120_000;
/** What was under way when the last one lost interest has arrived after so long. */
const silenceMs = 5000;
const formingPatienceMs = 60_000;
const stepMs = 100;
/** Whether the overlay stands costs a look at every link. */
const formedEveryMs = 500;

// Of the time that a run takes: joining, forming, and the rest is spreading.
const joinedShare = 0.3;
const formedShare = 0.4;

/** Measured at 3,000 peers with 0, 100 and 1,000 messages; a guess elsewhere. */
const bytesPerPeer = 70_000;
const bytesPerKeptMessage = 400;

const validators: Readonly<Record<string, (options: any) => unknown>> = {
  stack: stackOptions,
  swim: swimOptions,
  hyparview: hyParViewOptions,
  source: gossipSourceOptions,
  heartbeat: heartbeatOptions,
  overlay: overlayOptions,
  broadcast: broadcastOptions,
  state: sharedStateOptions,
  registration: registrationOptions,
  registry: seedRegistryOptions,
  lookup: lookupOptions,
  kademlia: kademliaOptions,
  chord: chordOptions,
  pastry: pastryOptions,
  store: storeOptions,
};

const descriptions: Readonly<Record<ProfileName, string>> = {
  classic: "seeds and peers of the classic network: registration, overlay, heartbeat, flood",
  modern: "the modern profile: SWIM with Lifeguard, HyParView, Plumtree",
};

/** Called as its profile is. */
export function networkPreset(profile: ProfileName): Preset {
  return {
    name: profile,
    description: descriptions[profile],
    defaultNodes: 1000,
    takes: ["links", "limitMs", "isWireTrue", "seeds", "publishers", "joinEveryMs", "options"],
    complete: (nodes, parameters) => complete(profile, nodes, parameters),
    memoryBytes(nodes, { publishers = defaultPublishers, options }) {
      const { messages } = gossipSourceOptions(options?.source);
      const { retainMessages } = broadcastOptions(options?.broadcast);
      return nodes * (bytesPerPeer + Math.min(publishers * messages, retainMessages) * bytesPerKeptMessage);
    },
    run: (input, watch) => new NetworkRun(input, watch).run(),
  };
}

function complete(
  profile: ProfileName,
  nodes: number,
  parameters: SimulationParameters,
): SimulationParameters {
  const { seeds = defaultSeeds, joinEveryMs = defaultJoinEveryMs, isWireTrue = false } = parameters;
  const { publishers = Math.min(defaultPublishers, nodes) } = parameters;
  checkCount("seeds", seeds, 1, 1000);
  checkCount("publishers", publishers, 0, nodes);
  checkCount("joinEveryMs", joinEveryMs, 0);
  const asked = parameters.options?.stack?.profile ?? profile;
  if (asked !== profile)
    throw new UsageError(`profile: ${profile} is a profile itself; leave it out, or simulate ${asked}`);
  const stack = profile === "classic" ? {} : { stack: { profile } };
  const options = mergeOptions(parameters.options, { source: { waitsForCommand: true }, ...stack });
  checkOptions(options);
  const { messages, intervalMs } = gossipSourceOptions(options.source);
  const limitMs = parameters.limitMs ?? messages * intervalMs + patienceMs;
  checkCount("limitMs", limitMs, 1);
  const links = linkSettings({ kind: "stream", ...parameters.links });
  return { seeds, publishers, joinEveryMs, isWireTrue, limitMs, links, options };
}

function checkOptions(options: NodeOptions): void {
  for (const [section, values] of Object.entries(options)) {
    const validate = validators[section];
    if (validate === undefined)
      throw new UsageError(
        `${section}: is about live networks; a simulation has ${Object.keys(validators).join(", ")}`,
      );
    validate(values);
  }
  if (options.lookup?.over === "udp")
    throw new UsageError(
      "over: udp is about live networks; in a simulation --transport datagram carries everything",
    );
}

type Completed = Required<Omit<SimulationParameters, "rumor" | "rounds" | "scenario">>;

class NetworkRun {
  readonly #input: SimulationInput;
  readonly #parameters: Completed;
  readonly #watch: RunWatch;
  readonly #clock = new MachineClock();
  readonly #network: SimulatedNetwork;
  readonly #count: DeliveryCount;

  constructor(input: SimulationInput, watch: RunWatch) {
    this.#input = input;
    this.#watch = watch;
    this.#parameters = input.parameters as Completed;
    const { seeds, isWireTrue, links, options } = this.#parameters;
    const { trace } = watch;
    const { nodes, seed } = input;
    this.#network = new SimulatedNetwork({
      seed,
      seeds,
      maxPeers: nodes,
      links,
      codec: isWireTrue ? wireCodec() : undefined,
      options,
      onNotice: (at, row, layer, notice) => {
        this.#count.onNotice(at, row, notice);
        if (trace !== undefined && notice.type !== "persist")
          trace.event(traceEvent(at, this.#network.simulation.idOf(row), layer, notice));
      },
    });
    const { simulation } = this.#network;
    this.#count = new DeliveryCount(simulation.rows, (id) => simulation.rowOf(id));
  }

  run(): ProfileResult {
    const formedAfterMs = this.#form();
    const formed = !this.#watch.isStopped() && this.#network.isFormed;
    const ending = this.#spread();
    return this.#result(ending, formed, formedAfterMs);
  }

  // ---- Forming ----

  #form(): Millis {
    const network = this.#network;
    const { nodes } = this.#input;
    const { seeds, joinEveryMs } = this.#parameters;
    for (let row = 0; row < seeds; row++) this.#name(row, "seed");
    network.startSeeds();
    for (let i = 0; i < nodes && !this.#watch.isStopped(); i++) {
      const row = network.reserve();
      this.#name(row, "peer");
      network.startPeer(row);
      if (joinEveryMs > 0) network.simulation.run(network.time + joinEveryMs);
      if (i % 64 === 0) this.#progress((joinedShare * i) / nodes);
    }
    const joinedAt = network.time;
    const limitMs = formingPatienceMs + nodes;
    while (!this.#watch.isStopped() && !network.isFormed && network.time < joinedAt + limitMs) {
      const waitedMs = network.time - joinedAt;
      this.#progress(joinedShare + (formedShare - joinedShare) * (waitedMs / (waitedMs + 10_000)));
      network.simulation.run(network.time + formedEveryMs);
    }
    return network.time;
  }

  #name(row: number, role: "seed" | "peer"): void {
    const { simulation } = this.#network;
    this.#watch.trace?.name(simulation.idOf(row), this.#network.nameOf(row), role);
  }

  // ---- Spreading ----

  #spread(): Ending {
    const network = this.#network;
    const count = this.#count;
    const { seed, nodes } = this.#input;
    const { publishers, options, limitMs } = this.#parameters;
    const random = seededRandom(seed);
    network.begin(sample([...network.peers.keys()], publishers, random));
    const planned = publishers * gossipSourceOptions(options.source).messages;
    const deadline = network.time + limitMs;
    let delivered = 0;
    let deliveredAt = network.time;
    while (!this.#watch.isStopped()) {
      if (count.deliveries > delivered) {
        delivered = count.deliveries;
        deliveredAt = network.time;
      }
      if (count.published >= planned) {
        if (count.deliveries >= this.#expected) return "complete";
        if (this.#isCold && network.time - deliveredAt >= silenceMs) return "quiet";
      }
      if (network.time >= deadline) return "limit";
      network.simulation.run(Math.min(deadline, network.time + stepMs));
      this.#progress(formedShare + (1 - formedShare) * (count.deliveries / (planned * (nodes - 1))));
    }
    return "stopped";
  }

  /** Nobody spreads anything, and no history will bring what was left out. */
  get #isCold(): boolean {
    if (this.#parameters.options.broadcast?.repairs !== false) return false;
    for (const { broadcast } of this.#network.peers.values()) if (broadcast.hotCount > 0) return false;
    return true;
  }

  get #expected(): number {
    return this.#count.published * (this.#network.peers.size - 1);
  }

  #progress(share: number): void {
    const { simulation } = this.#network;
    this.#watch.onProgress(share, simulation.counters.events, simulation.time);
  }

  // ---- The result ----

  #result(ending: Ending, formed: boolean, formedAfterMs: Millis): ProfileResult {
    const { simulation } = this.#network;
    // Before the prediction, which is not part of the run.
    const eventsPerSecond = this.#clock.rate(simulation.counters.events);
    const { wallMs } = this.#clock;
    const { preset, nodes, seed, parameters } = this.#input;
    const { seeds, options, isWireTrue } = this.#parameters;
    const count = this.#count;
    const { published, deliveries, deliveredTwice, deliveredFromNowhere } = count;
    const { events, messages, bytes } = simulation.counters;
    const expected = this.#expected;
    const ratio = expected === 0 ? 1 : deliveries / expected;
    const adjacency = this.#network.adjacency();
    const connected = this.#network.isConnected;
    const traffic = new Histogram();
    let copies = 0;
    for (const { broadcast } of this.#network.peers.values()) {
      traffic.add(broadcast.counters.sends);
      copies += broadcast.counters.sends;
    }
    const spreading = spreadingReport({
      options: options.broadcast,
      adjacency,
      messages: published,
      deliveries,
      expected,
      counters: [...this.#network.peers.values()].map(({ broadcast }) => broadcast.counters),
    });
    const isTrue = deliveredTwice === 0 && deliveredFromNowhere === 0;
    return {
      preset,
      engine: "events",
      nodes,
      seed,
      ok: ending === "complete" && connected && isTrue,
      ending,
      ratio,
      published,
      deliveries,
      expected,
      deliveredTwice,
      deliveredFromNowhere,
      events,
      eventsPerSecond,
      virtualMs: simulation.time,
      wallMs,
      traceHash: simulation.hash,
      delayMs: count.delayMs,
      rmr: count.rmr,
      rmrWithHistory: count.rmrWithHistory,
      ldh: count.ldh,
      copiesPerNode: rounded(copies / nodes),
      ...(spreading === undefined ? {} : { spreading }),
      messagesPerNode: rounded(messages / (nodes + seeds)),
      ...(isWireTrue ? { bytes } : {}),
      connected,
      seeds,
      formed,
      formedAfterMs,
      memoryMiB: memoryMiB(),
      degrees: describeDegrees(
        adjacency.map((neighbors) => neighbors.length),
        degreeLawOf(options),
      ),
      parameters,
      delays: count.delays,
      traffic: countsOf(traffic),
    };
  }
}
