/**
 * The questions that a node has put to others and that are not answered yet: each has a nonce, and its answer counts only
 * with that nonce and from that node. Each has two limits (round-trips.ts).
 *
 *     ask(to, purpose, …)   sends it
 *     onAnswer(from, nonce) what the question was for; undefined: nobody asked that, and it is counted
 *     onTimer(timer)        what has come to its first (`slow`) or second (`silent`) limit; undefined: nothing has
 *
 * A question that was given up is remembered for as long as it took to be given up, and at most for `maxTimeoutMs`: late
 * answers count, and are good for measuring.
 */
import { type Environment, identityOf, type Millis, type NodeId, nonce, type Typed } from "../core/index.ts";
import type { RoundTrips } from "./round-trips.ts";

/** A timer of whoever has questions: hand it to `onTimer`. */
export interface QuestionTimer {
  readonly type: "question-timeout";
  readonly nonce: number;
  readonly due: Millis;
}

interface Question<Purpose> {
  readonly to: NodeId;
  readonly purpose: Purpose;
  readonly sentAt: Millis;
  readonly silentAfterMs: Millis;
  /** `open`, then `slow`, then `silent`, then forgotten. */
  state: "open" | "slow" | "silent";
}

export interface AnsweredQuestion<Purpose> {
  readonly purpose: Purpose;
  readonly sentAt: Millis;
  /** It had been given up. */
  readonly isLate: boolean;
}

export interface LimitReached<Purpose> {
  readonly type: "slow" | "silent";
  readonly purpose: Purpose;
  readonly to: NodeId;
}

/** Only what is used: environments of all protocols with these messages and timers fit. */
type AskingEnvironment<Message> = Pick<
  Environment<Message, QuestionTimer, any>,
  "now" | "random" | "send" | "schedule"
>;

export class Questions<Purpose, Message extends Typed = Typed> {
  readonly counters = {
    asked: 0,
    /** Answers that nobody waits for: of another node, for another question, or too late even to count as late. */
    unasked: 0,
    late: 0,
  };
  readonly roundTrips: RoundTrips;
  readonly #maxTimeoutMs: Millis;
  readonly #questions = new Map<number, Question<Purpose>>();

  constructor(roundTrips: RoundTrips, maxTimeoutMs: Millis) {
    this.roundTrips = roundTrips;
    this.#maxTimeoutMs = maxTimeoutMs;
  }

  /** Those that are remembered; whoever asks bounds them by bounding what it asks at once. */
  get size(): number {
    return this.#questions.size;
  }

  /** Sends what `message` makes of a fresh nonce, which is returned. */
  ask(
    to: NodeId,
    purpose: Purpose,
    message: (nonce: number) => Message,
    env: AskingEnvironment<Message>,
  ): number {
    let number = nonce(env.random);
    while (this.#questions.has(number)) number = nonce(env.random);
    const softMs = this.roundTrips.softTimeoutMs(to);
    const question: Question<Purpose> = {
      to,
      purpose,
      sentAt: env.now,
      silentAfterMs: Math.max(softMs, this.roundTrips.hardTimeoutMs(to)),
      state: "open",
    };
    this.#questions.set(number, question);
    this.counters.asked++;
    env.send(to, message(number));
    env.schedule(softMs, { type: "question-timeout", nonce: number, due: env.now + softMs });
    return number;
  }

  /** The question is answered and gone; undefined, and counted, if there was none to this node with this nonce. */
  onAnswer(from: NodeId, nonce: number, now: Millis): AnsweredQuestion<Purpose> | undefined {
    const question = this.#questions.get(nonce);
    if (question === undefined || !isSame(question.to, from)) {
      this.counters.unasked++;
      return undefined;
    }
    this.#questions.delete(nonce);
    this.roundTrips.onAnswer(from, question.sentAt, now);
    const isLate = question.state === "silent";
    if (isLate) this.counters.late++;
    return { purpose: question.purpose, sentAt: question.sentAt, isLate };
  }

  onTimer(timer: QuestionTimer, env: AskingEnvironment<Message>): LimitReached<Purpose> | undefined {
    const question = this.#questions.get(timer.nonce);
    if (question === undefined) return undefined; // answered meanwhile
    const grace = this.roundTrips.graceMs(timer.due, env.now);
    if (grace > 0) {
      env.schedule(grace, { ...timer, due: env.now + grace });
      return undefined;
    }
    const { purpose, to } = question;
    switch (question.state) {
      case "open":
        question.state = "slow";
        this.#wait(timer.nonce, question.sentAt + question.silentAfterMs - env.now, env);
        return { type: "slow", purpose, to };
      case "slow":
        question.state = "silent";
        this.roundTrips.onSilence(to, env.now);
        this.#wait(timer.nonce, Math.min(question.silentAfterMs, this.#maxTimeoutMs), env);
        return { type: "silent", purpose, to };
      case "silent":
        this.#questions.delete(timer.nonce);
        return undefined;
    }
  }

  #wait(nonce: number, after: Millis, env: AskingEnvironment<Message>): void {
    const pause = Math.max(0, after);
    env.schedule(pause, { type: "question-timeout", nonce, due: env.now + pause });
  }
}

/** Identity is the key: a node that has moved may answer from its new address, and "@host:port" is whoever answers. */
function isSame(asked: NodeId, from: NodeId): boolean {
  if (asked === from) return true;
  if (typeof asked === "string" && asked.startsWith("@")) return String(from).endsWith(asked);
  return identityOf(asked) === identityOf(from);
}
