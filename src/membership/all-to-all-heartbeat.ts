/**
 * The simplest detector of failures: every interval everybody says to everybody that it lives, and counts (the
 * all-to-all heartbeating to which SWIM compares itself). Nobody is asked and nobody relays; so it costs n-1 messages
 * per node and interval, and one bad link makes a suspect.
 */
import {
  datagramBytes,
  defineOptions,
  type Environment,
  type Evidence,
  type FailureDetector,
  identityBytes,
  incarnationBytes,
  type MemberState,
  type Millis,
  type NodeId,
  nestedBytes,
  type Protocol,
  type Standing,
  tagBytes,
  varintBytes,
} from "../core/index.ts";
import type { Vote } from "./ballots.ts";
import { type SilenceOptions, silenceOptionSpecs } from "./silence-options.ts";
import { type SilenceNotice, type SilenceTimer, SilenceVerdicts } from "./silence-verdicts.ts";

export interface AllToAllOptions extends SilenceOptions {
  readonly intervalMs: number;
  readonly misses: number;
}

export const allToAllOptions = defineOptions<AllToAllOptions>({
  intervalMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description: "How often everybody is told that we live (1 s: memberlist's probe interval)",
  },
  misses: {
    default: 3,
    min: 1,
    max: 1000,
    description:
      "Heartbeats in a row that do not come, and half an interval for the way, make a suspect (3: the seed report)",
  },
  ...silenceOptionSpecs,
});

export interface AllToAllConfig {
  /** Everybody else, as far as known. Who calls us is told, too. */
  readonly contacts: readonly NodeId[];
  readonly standing: Standing;
  readonly options?: Partial<AllToAllOptions>;
}

export type AllToAllMessage =
  | {
      readonly type: "heartbeat";
      readonly incarnation: number;
      readonly sequence: number;
      /** At most `maxVotes`, by turns if `suspects` is more. */
      readonly votes: readonly Vote[];
      readonly suspects: number;
    }
  | { readonly type: "leave"; readonly incarnation: number };
export type AllToAllTimer = { readonly type: "beat"; readonly dueAt: Millis } | SilenceTimer;
export type AllToAllCommand = { readonly type: "leave" };

type AllToAllEnvironment = Environment<AllToAllMessage, AllToAllTimer, SilenceNotice>;

export class AllToAllHeartbeat
  implements Protocol<AllToAllMessage, AllToAllTimer, SilenceNotice, AllToAllCommand>, FailureDetector
{
  readonly verdicts: SilenceVerdicts;
  readonly #options: AllToAllOptions;
  readonly #standing: Standing;
  #sequence = 0;
  #hasLeft = false;

  constructor({ contacts, standing, options }: AllToAllConfig) {
    this.#options = allToAllOptions(options);
    this.#standing = standing;
    const { intervalMs, misses } = this.#options;
    const limitMs = Math.ceil((misses + 0.5) * intervalMs);
    this.verdicts = new SilenceVerdicts({
      contacts,
      options: this.#options,
      expectedMs: intervalMs,
      limitMs: () => limitMs,
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

  start(env: AllToAllEnvironment): void {
    this.#schedule(env.random.below(this.#options.intervalMs), env);
  }

  onCommand(_leave: AllToAllCommand, env: AllToAllEnvironment): void {
    this.#hasLeft = true;
    this.#tellAll({ type: "leave", incarnation: this.#standing.incarnation }, env);
  }

  onTimer(timer: AllToAllTimer, env: AllToAllEnvironment): void {
    if (timer.type === "silence") return this.verdicts.onTimer(timer, env);
    if (this.#hasLeft) return;
    this.verdicts.checkAwake(timer.dueAt, env);
    const { votes, total: suspects } = this.verdicts.votes();
    const { incarnation } = this.#standing;
    this.#tellAll({ type: "heartbeat", incarnation, sequence: ++this.#sequence, votes, suspects }, env);
    this.#schedule(this.#options.intervalMs, env);
  }

  #schedule(after: Millis, env: AllToAllEnvironment): void {
    env.schedule(after, { type: "beat", dueAt: env.now + after });
  }

  /** The dead, too: they may only have been cut off. Whoever left calls us when it is back. */
  #tellAll(message: AllToAllMessage, env: AllToAllEnvironment): void {
    for (const { node, state } of this.verdicts.members) if (state !== "left") env.send(node, message);
  }

  onMessage(from: NodeId, message: AllToAllMessage, env: AllToAllEnvironment): void {
    const { incarnation } = message;
    if (!isCount(incarnation)) {
      this.counters.malformed++;
      return;
    }
    switch (message.type) {
      case "heartbeat":
        if (!isCount(message.sequence)) this.counters.malformed++;
        else if (this.verdicts.heard(from, incarnation, message.sequence, env))
          this.verdicts.onVotes(from, message.votes, message.suspects, env);
        return;
      case "leave":
        return this.verdicts.left(from, incarnation, env);
      default:
        message satisfies never;
        this.counters.malformed++;
    }
  }
}

const isCount = (value: number) => Number.isSafeInteger(value) && value > 0;

/** Bytes of a message as a sealed datagram, by the rules of docs/wire.md. */
export function allToAllBytes(message: AllToAllMessage): number {
  let body = tagBytes + incarnationBytes;
  if (message.type === "heartbeat") {
    const { sequence, suspects, votes } = message;
    body += tagBytes + varintBytes(sequence);
    if (suspects > 0) body += tagBytes + varintBytes(suspects);
    body += votes.length * nestedBytes(nestedBytes(identityBytes) + tagBytes + incarnationBytes);
  }
  return datagramBytes(body);
}
