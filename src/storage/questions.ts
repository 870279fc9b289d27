/**
 * Questions to replicas that wait for an answer: asked again while they are silent, given up at last. Answers count only
 * from the node that was asked. A question to ourselves takes the same way, without the network.
 */
import { type Environment, identityOf, type Millis, type NodeId, nonce } from "../core/index.ts";
import type { StoreAnswer, StoreMessage, StoreQuestion } from "./store-messages.ts";
import type { StoreOptions } from "./store-options.ts";

/** `ask-again`: a question has waited. `to-self`: one of our own messages arrives. */
export type QuestionTimer =
  | { readonly type: "ask-again"; readonly nonce: number; readonly pauseMs: Millis }
  | { readonly type: "to-self"; readonly message: StoreMessage };

type Unasked<Question> = Question extends { readonly nonce: number } ? Omit<Question, "nonce"> : never;
/** A question without its nonce. */
export type UnaskedQuestion = Unasked<StoreQuestion>;

/** `answer`: undefined if there was none in time. */
export type OnAnswer<Env> = (answer: StoreAnswer | undefined, roundTripMs: Millis, env: Env) => void;

interface Question<Env> {
  readonly to: NodeId;
  readonly message: StoreQuestion;
  readonly askedAt: Millis;
  readonly onAnswer: OnAnswer<Env>;
}

const answers: Readonly<Record<StoreQuestion["type"], readonly StoreAnswer["type"][]>> = {
  store: ["stored", "refused"],
  fetch: ["fetched"],
  reserve: ["reserved"],
  offer: ["offered"],
};

export class Questions<Env extends Environment<StoreMessage, QuestionTimer, any>> {
  readonly counters = {
    /** Answers to nothing that we asked, or from somebody else. */
    unasked: 0,
    /** Questions that were sent more than once. */
    resent: 0,
    silent: 0,
  };
  readonly #options: Pick<StoreOptions, "resendMs" | "answerTimeoutMs">;
  readonly #open = new Map<number, Question<Env>>();

  constructor(options: Pick<StoreOptions, "resendMs" | "answerTimeoutMs">) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  ask(to: NodeId, question: UnaskedQuestion, onAnswer: OnAnswer<Env>, env: Env): void {
    const message = { ...question, nonce: nonce(env.random) } as StoreQuestion;
    this.#open.set(message.nonce, { to, message, askedAt: env.now, onAnswer });
    deliver(to, message, env);
    const pauseMs = Math.min(this.#options.resendMs, this.#options.answerTimeoutMs);
    env.schedule(pauseMs, { type: "ask-again", nonce: message.nonce, pauseMs });
  }

  onAnswer(from: NodeId, answer: StoreAnswer, env: Env): void {
    const question = this.#open.get(answer.nonce);
    if (
      question === undefined ||
      identityOf(question.to) !== identityOf(from) ||
      !answers[question.message.type].includes(answer.type)
    ) {
      this.counters.unasked++;
      return;
    }
    this.#open.delete(answer.nonce);
    question.onAnswer(answer, env.now - question.askedAt, env);
  }

  onAskAgain({ nonce, pauseMs }: Extract<QuestionTimer, { type: "ask-again" }>, env: Env): void {
    const question = this.#open.get(nonce);
    if (question === undefined) return; // answered meanwhile
    const left = question.askedAt + this.#options.answerTimeoutMs - env.now;
    if (left <= 0) {
      this.#open.delete(nonce);
      this.counters.silent++;
      question.onAnswer(undefined, env.now - question.askedAt, env);
      return;
    }
    const next = Math.min(left, 2 * pauseMs);
    this.counters.resent++;
    deliver(question.to, question.message, env);
    env.schedule(next, { type: "ask-again", nonce, pauseMs: next });
  }
}

/** Nobody sends to himself over a network, and nobody is entered while he is in the middle of something. */
export function deliver(
  to: NodeId,
  message: StoreMessage,
  env: Environment<StoreMessage, QuestionTimer, any>,
): void {
  if (identityOf(to) === identityOf(env.self)) env.schedule(0, { type: "to-self", message });
  else env.send(to, message);
}
