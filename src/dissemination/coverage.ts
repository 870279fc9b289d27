/**
 * How far has a message come? Nobody can know without asking everybody; a sample of the members says it up to an
 * interval. This is what a publisher otherwise never learns.
 *
 *     A ─ have-you(id) ─► so many members      A ◄─ have-reply(yes or no) ─ those who live
 */
import {
  type Identity,
  identityOf,
  type Millis,
  type NodeId,
  type PeerSampler,
  UsageError,
} from "../core/index.ts";
import type { HaveReply, HaveYou, MessageId } from "./messages.ts";
import type { BroadcastEnvironment, Coverage } from "./spreading.ts";

export interface CoverageOptions {
  readonly coverageTimeoutMs: Millis;
}

export interface CoverageConfig {
  readonly members: PeerSampler | undefined;
  readonly options: CoverageOptions;
  readonly counters: { unexpected: number; refusedQuestions: number };
}

interface Question {
  readonly id: MessageId;
  /** Who was asked and has not answered. */
  readonly open: Set<Identity>;
  readonly asked: number;
  answered: number;
  have: number;
}

export const maxSamples = 1000;
/** Estimates under way at a time. */
const maxQuestions = 16;
/** Each question costs its asker as much as us: enough for many askers, too little to keep a node busy. */
const maxAnswersPerSecond = 200;

export class CoverageEstimates {
  readonly #config: CoverageConfig;
  readonly #questions = new Map<number, Question>();
  #nextNonce = 0;
  #secondAt: Millis = 0;
  #answersInSecond = 0;

  constructor(config: CoverageConfig) {
    this.#config = config;
  }

  /** Throws `UsageError` where nobody can be asked; nothing was sent then. */
  estimate(id: MessageId, samples: number, env: BroadcastEnvironment): void {
    const { members, options } = this.#config;
    if (!Number.isInteger(samples) || samples < 1 || samples > maxSamples)
      throw new UsageError(`samples: ${samples} is not an integer between 1 and ${maxSamples}`);
    if (members === undefined) throw new UsageError("members: to ask a sample a node has to know members");
    if (this.#questions.size >= maxQuestions)
      throw new UsageError(`estimate-coverage: ${maxQuestions} are under way already; wait for one to end`);
    const asked = members.sample(samples, env.random);
    const { origin, incarnation, sequence } = id;
    const nonce = this.#nextNonce++;
    const question: Question = {
      id: { origin, incarnation, sequence },
      open: new Set(asked.map(({ peer }) => identityOf(peer))),
      asked: asked.length,
      answered: 0,
      have: 0,
    };
    this.#questions.set(nonce, question);
    for (const { peer } of asked) env.send(peer, { type: "have-you", nonce, origin, incarnation, sequence });
    // Nobody to wait for: it ends like all others, after the turn of whoever asked.
    env.schedule(asked.length === 0 ? 0 : options.coverageTimeoutMs, { type: "coverage", nonce });
  }

  onHaveYou(from: NodeId, { nonce }: HaveYou, has: boolean, env: BroadcastEnvironment): void {
    if (env.now - this.#secondAt >= 1000) {
      this.#secondAt = env.now;
      this.#answersInSecond = 0;
    }
    if (++this.#answersInSecond > maxAnswersPerSecond) {
      this.#config.counters.refusedQuestions++;
      return;
    }
    env.send(from, { type: "have-reply", nonce, has });
  }

  onHaveReply(from: NodeId, { nonce, has }: HaveReply, env: BroadcastEnvironment): void {
    const question = this.#questions.get(nonce);
    if (question === undefined || !question.open.delete(identityOf(from))) {
      this.#config.counters.unexpected++;
      return;
    }
    question.answered++;
    if (has) question.have++;
    if (question.open.size === 0) this.end(nonce, env);
  }

  end(nonce: number, env: BroadcastEnvironment): void {
    const question = this.#questions.get(nonce);
    if (question === undefined) return; // all have answered before
    this.#questions.delete(nonce);
    const { id, asked, answered, have } = question;
    const notice: Coverage = { type: "coverage", ...id, asked, answered, have, ...wilson(have, answered) };
    env.notify(notice);
  }
}

/**
 * The share and its interval at 95 % (Wilson 1927). Unlike the share plus or minus something it stays between 0 and 1,
 * and of ten out of ten it does not say that nobody is left.
 */
export function wilson(have: number, of: number): { share: number; low: number; high: number } {
  if (of === 0) return { share: 0, low: 0, high: 1 };
  const z = 1.959964;
  const share = have / of;
  const center = (share + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const reach = (z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of);
  return { share, low: Math.max(0, center - reach), high: Math.min(1, center + reach) };
}
