/**
 * Gossip of heartbeat states, as Cassandra does it: each second a node raises its heartbeat and brings its knowledge and
 * that of a random other node up to date.
 *
 *     A -> syn: how much A knows of whom           -> B
 *     B -> ack: what A lacks, and what B wants      -> A
 *     A -> ack2: what B wanted                      -> B
 *
 * What it says of the living is for whoever counts heartbeats: the notices are the input of a failure detector. Nothing
 * is signed here: whoever takes part can say what it likes of others, until they hear of it and begin a new generation.
 */
import {
  datagramBytes,
  defineOptions,
  type EndpointAdvanced,
  type Environment,
  identityBytes,
  incarnationBytes,
  type NodeId,
  nestedBytes,
  type PeerSampler,
  type Protocol,
  tagBytes,
  varintBytes,
} from "../core/index.ts";
import {
  type EndpointDelta,
  type EndpointDigest,
  type HeartbeatState,
  maxDeltasPerMessage,
} from "./heartbeat-state.ts";

export interface HeartbeatGossipOptions {
  readonly intervalMs: number;
}

export const heartbeatGossipOptions = defineOptions<HeartbeatGossipOptions>({
  intervalMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description: "How often a node raises its heartbeat and talks to another one (1 s: Cassandra)",
  },
});

export type HeartbeatGossipMessage =
  /** At most `maxDigestsPerMessage`. */
  | { readonly type: "syn"; readonly digests: readonly EndpointDigest[] }
  /** At most `maxDigestsPerMessage` and `maxDeltasPerMessage`. */
  | {
      readonly type: "ack";
      readonly wanted: readonly EndpointDigest[];
      readonly deltas: readonly EndpointDelta[];
    }
  | { readonly type: "ack2"; readonly deltas: readonly EndpointDelta[] };

export type HeartbeatGossipTimer = { readonly type: "gossip" };
export type HeartbeatGossipCommand = {
  readonly type: "set-state";
  readonly key: string;
  readonly value: string;
};
export type HeartbeatGossipNotice = EndpointAdvanced;

export interface HeartbeatGossipConfig {
  readonly state: HeartbeatState;
  readonly peers: Pick<PeerSampler, "sample">;
  readonly options?: Partial<HeartbeatGossipOptions>;
}

type GossipEnvironment = Environment<HeartbeatGossipMessage, HeartbeatGossipTimer, HeartbeatGossipNotice>;

export class HeartbeatGossip
  implements
    Protocol<HeartbeatGossipMessage, HeartbeatGossipTimer, HeartbeatGossipNotice, HeartbeatGossipCommand>
{
  readonly state: HeartbeatState;
  readonly counters = { malformed: 0 };
  readonly #peers: Pick<PeerSampler, "sample">;
  readonly #options: HeartbeatGossipOptions;

  constructor(config: HeartbeatGossipConfig) {
    this.state = config.state;
    this.#peers = config.peers;
    this.#options = heartbeatGossipOptions(config.options);
  }

  start(env: GossipEnvironment): void {
    env.schedule(env.random.below(this.#options.intervalMs), { type: "gossip" });
  }

  onCommand({ key, value }: HeartbeatGossipCommand): void {
    this.state.set(key, value);
  }

  onTimer(_gossip: HeartbeatGossipTimer, env: GossipEnvironment): void {
    this.state.beat();
    const [partner] = this.#peers.sample(1, env.random);
    if (partner !== undefined)
      env.send(partner.peer, { type: "syn", digests: this.state.digests(env.random) });
    env.schedule(this.#options.intervalMs, { type: "gossip" });
  }

  onMessage(from: NodeId, message: HeartbeatGossipMessage, env: GossipEnvironment): void {
    switch (message.type) {
      case "syn": {
        const answer = this.state.examine(message.digests, env.random);
        if (answer !== undefined) env.send(from, { type: "ack", ...answer });
        return;
      }
      case "ack": {
        this.#apply(message.deltas, env);
        const deltas = this.state.deltasFor(message.wanted, env.random);
        if (deltas !== undefined && deltas.length > 0) env.send(from, { type: "ack2", deltas });
        return;
      }
      case "ack2":
        return this.#apply(message.deltas, env);
      default:
        message satisfies never;
        this.counters.malformed++;
    }
  }

  #apply(deltas: readonly EndpointDelta[], env: GossipEnvironment): void {
    if (deltas.length > maxDeltasPerMessage) {
      this.counters.malformed++;
      return;
    }
    for (const delta of deltas) {
      const before = this.state.digestOf(delta.endpoint).generation;
      if (this.state.apply(delta) !== "newer") continue;
      const digest = this.state.digestOf(delta.endpoint);
      env.notify({ type: "endpoint-advanced", ...digest, isNewLife: digest.generation > before });
    }
  }
}

/** Bytes of a message as a sealed datagram, by the rules of docs/wire.md. */
export function heartbeatGossipBytes(message: HeartbeatGossipMessage): number {
  const digests = message.type === "syn" ? message.digests : message.type === "ack" ? message.wanted : [];
  const deltas = message.type === "syn" ? [] : message.deltas;
  let body = 0;
  for (const digest of digests) body += nestedBytes(digestBytes(digest));
  for (const delta of deltas) body += nestedBytes(deltaBytes(delta));
  return datagramBytes(body);
}

/** Endpoint, generation, version. */
function digestBytes({ version }: { readonly version: number }): number {
  return nestedBytes(identityBytes) + tagBytes + incarnationBytes + tagBytes + varintBytes(version);
}

function deltaBytes({ since, states }: EndpointDelta): number {
  let bytes = digestBytes({ version: since });
  for (const { key, value, version } of states)
    bytes += nestedBytes(
      nestedBytes(key.length) +
        (value === "" ? 0 : nestedBytes(value.length)) +
        tagBytes +
        varintBytes(version),
    );
  return bytes;
}
