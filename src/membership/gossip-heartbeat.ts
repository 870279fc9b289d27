/**
 * Failure detection by gossip (van Renesse, Minsky, Hayden 1998, "A gossip-style failure detection service"): everybody
 * has a heartbeat counter, counters travel by gossip, and a member whose counter has not grown for `failMs` has failed.
 * After `cleanupMs` more it is forgotten, and what others still pass on about that life does not bring it back.
 *
 * The gossip is another layer of the same stack, Cassandra's generations and versions: this one hears its notices
 * `endpoint-advanced`, and says what it has to say as states of its own endpoint.
 *
 *     gossip:    syn, ack, ack2  ->  endpoint-advanced(endpoint, generation, version)
 *     detector:  version grows, or does not                                     -> verdict
 *
 * Deviation: the paper sends whole lists at random; here a digest is compared first, so that only news travels.
 */

import { log } from "../core/deterministic-math.ts";
import {
  defineOptions,
  type EndpointAdvanced,
  type Environment,
  type Evidence,
  type FailureDetector,
  type Identity,
  identityOf,
  type MemberState,
  type Millis,
  type NodeId,
  type Protocol,
  type Typed,
} from "../core/index.ts";
import type { Vote } from "./ballots.ts";
import { type SilenceOptions, silenceOptionSpecs } from "./silence-options.ts";
import { type SilenceNotice, type SilenceTimer, SilenceVerdicts } from "./silence-verdicts.ts";

export interface GossipHeartbeatOptions extends SilenceOptions {
  readonly intervalMs: number;
  readonly failMs: number;
  readonly cleanupMs: number;
}

export const gossipHeartbeatOptions = defineOptions<GossipHeartbeatOptions>({
  intervalMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description: "How often the gossip below raises its heartbeat (1 s: Cassandra)",
  },
  failMs: {
    default: 0,
    min: 0,
    max: 86_400_000,
    description:
      "A counter that has not grown for so long makes a suspect; 0: log2 n + ln n + 4 intervals (push reaches all in log2 n + ln n rounds; 4: guess)",
  },
  cleanupMs: {
    default: 0,
    min: 0,
    max: 86_400_000,
    description: "Who has failed is forgotten after so much longer; 0: twice the first (van Renesse et al.)",
  },
  ...silenceOptionSpecs,
});

/** What the gossip knows of everybody, and lets us say of ourselves. */
export interface EndpointStates {
  get(endpoint: Identity, key: string): string | undefined;
  set(key: string, value: string): void;
  forget(endpoint: Identity): void;
}

export interface GossipHeartbeatConfig {
  readonly contacts: readonly NodeId[];
  readonly states: EndpointStates;
  readonly options?: Partial<GossipHeartbeatOptions>;
}

export type GossipHeartbeatTimer =
  | { readonly type: "tick"; readonly dueAt: Millis }
  | { readonly type: "cleanup"; readonly node: NodeId; readonly heardAt: Millis | undefined }
  | SilenceTimer;
export type GossipHeartbeatCommand = { readonly type: "leave" };

type GossipHeartbeatEnvironment = Environment<never, GossipHeartbeatTimer, SilenceNotice>;

/** Keys of states. */
const statusKey = "status";
const votesKey = "suspects";
/** So many fit into a value of 1024 characters: identity of 40, incarnation of up to 16, and what separates them. */
const maxVotesInState = 16;
const maxIdentityLength = 40;

export class GossipHeartbeat
  implements Protocol<never, GossipHeartbeatTimer, SilenceNotice, GossipHeartbeatCommand>, FailureDetector
{
  readonly verdicts: SilenceVerdicts;
  readonly #options: GossipHeartbeatOptions;
  readonly #states: EndpointStates;
  #said = "";

  constructor({ contacts, states, options }: GossipHeartbeatConfig) {
    this.#options = gossipHeartbeatOptions(options);
    this.#states = states;
    this.verdicts = new SilenceVerdicts({
      contacts,
      options: this.#options,
      // By way of others it comes less regularly than it is sent (Cassandra begins with twice the interval).
      expectedMs: 2 * this.#options.intervalMs,
      limitMs: () => this.failMs,
      onFailed: (node, env) => this.#onFailed(node, env as GossipHeartbeatEnvironment),
    });
  }

  get counters() {
    return this.verdicts.counters;
  }
  stateOf(node: NodeId): MemberState {
    return this.verdicts.stateOf(node);
  }
  why(node: NodeId): readonly Evidence[] {
    return this.verdicts.why(node);
  }
  /** t_fail, for as many as are known now. */
  get failMs(): Millis {
    const { failMs, intervalMs } = this.#options;
    if (failMs > 0) return failMs;
    const n = this.verdicts.size + 1;
    return Math.ceil((log(n) / Math.LN2 + log(n) + 4) * intervalMs);
  }
  get #cleanupMs(): Millis {
    return this.#options.cleanupMs || 2 * this.failMs;
  }

  start(env: GossipHeartbeatEnvironment): void {
    this.#scheduleTick(env.random.below(this.#options.intervalMs), env);
  }

  onMessage(): void {}

  onCommand(_leave: GossipHeartbeatCommand): void {
    this.#states.set(statusKey, "left");
  }

  onNotice(notice: Typed, env: GossipHeartbeatEnvironment): void {
    if (notice.type !== "endpoint-advanced") return;
    const { endpoint, generation, version } = notice as EndpointAdvanced;
    if (this.#states.get(endpoint, statusKey) === "left")
      return this.verdicts.left(endpoint, generation, env);
    if (this.verdicts.heard(endpoint, generation, version, env)) return this.#readVotes(endpoint, env);
    // Somebody still passes on what we have forgotten.
    if (this.verdicts.has(endpoint) && this.stateOf(endpoint) === "unknown") this.#states.forget(endpoint);
  }

  onTimer(timer: GossipHeartbeatTimer, env: GossipHeartbeatEnvironment): void {
    switch (timer.type) {
      case "silence":
        return this.verdicts.onTimer(timer, env);
      case "tick":
        this.verdicts.checkAwake(timer.dueAt, env);
        this.#sayVotes();
        return this.#scheduleTick(this.#options.intervalMs, env);
      case "cleanup":
        if (this.verdicts.heardAt(timer.node) !== timer.heardAt) return; // it came back meanwhile
        this.verdicts.forget(timer.node);
        return this.#states.forget(identityOf(timer.node));
    }
  }

  /** In each interval, so that a pause is noticed before it makes anybody silent. */
  #scheduleTick(after: Millis, env: GossipHeartbeatEnvironment): void {
    env.schedule(after, { type: "tick", dueAt: env.now + after });
  }

  #onFailed(node: NodeId, env: GossipHeartbeatEnvironment): void {
    env.schedule(this.#cleanupMs, { type: "cleanup", node, heardAt: this.verdicts.heardAt(node) });
  }

  // ---- Quorum ----

  /** As a state, `total;identity:incarnation;…`: it spreads as heartbeats do. */
  #sayVotes(): void {
    const { votes, total } = this.verdicts.votes(maxVotesInState);
    // Gossip takes any text for an endpoint; ours has to fit.
    const short = votes.filter(({ node }) => String(node).length <= maxIdentityLength);
    const said = [total, ...short.map(({ node, incarnation }) => `${node}:${incarnation}`)].join(";");
    if (said === this.#said || (total === 0 && this.#said === "")) return;
    this.#said = said;
    this.#states.set(votesKey, said);
  }

  #readVotes(voter: Identity, env: GossipHeartbeatEnvironment): void {
    const [total, ...texts] = this.#states.get(voter, votesKey)?.split(";") ?? [];
    if (total === undefined) return;
    const votes = texts.map((text): Vote => {
      const colon = text.lastIndexOf(":");
      const node = text.slice(0, colon);
      // Simulated identities are numbers.
      return {
        node: this.verdicts.has(node) ? node : Number(node),
        incarnation: Number(text.slice(colon + 1)),
      };
    });
    this.verdicts.onVotes(voter, votes, Number(total), env);
  }
}
