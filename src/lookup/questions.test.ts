import { describe, expect, test } from "vitest";
import { RecordingEnvironment } from "../core/index.ts";
import { lookupOptions } from "./lookup-options.ts";
import { Questions, type QuestionTimer } from "./questions.ts";
import { RoundTrips } from "./round-trips.ts";

interface Message {
  readonly type: "ping";
  readonly nonce: number;
}

function world() {
  const settings = lookupOptions();
  const env = new RecordingEnvironment<Message, QuestionTimer, never>("me");
  const questions = new Questions<string, Message>(new RoundTrips({ settings }), settings.maxTimeoutMs);
  const ask = (to: string, purpose = "why") =>
    questions.ask(to, purpose, (nonce) => ({ type: "ping", nonce }), env);
  /** The timer that was set last, when it is due. */
  const fire = (lateMs = 0) => {
    const { timer } = env.scheduled().at(-1)!;
    env.now = timer.due + lateMs;
    return questions.onTimer(timer, env);
  };
  return { env, questions, ask, fire };
}

describe("an answer", () => {
  test("counts with its nonce and from the node that was asked", () => {
    const { env, questions, ask } = world();
    const nonce = ask("b");
    expect(env.sent()).toEqual([{ to: "b", message: { type: "ping", nonce } }]);
    expect(questions.onAnswer("b", nonce + 1, 10)).toBeUndefined();
    expect(questions.onAnswer("c", nonce, 10)).toBeUndefined();
    expect(questions.counters.unasked).toBe(2);
    expect(questions.onAnswer("b", nonce, 10)).toEqual({ purpose: "why", sentAt: 0, isLate: false });
    expect(questions.roundTrips.rttMs("b")).toBe(10);
  });

  test("counts once", () => {
    const { questions, ask } = world();
    const nonce = ask("b");
    expect(questions.onAnswer("b", nonce, 10)).toBeDefined();
    expect(questions.onAnswer("b", nonce, 11)).toBeUndefined();
  });

  test("may come from another address of the same identity, and from whoever answers at one", () => {
    const { questions, ask } = world();
    const id = "0f".repeat(20);
    expect(questions.onAnswer(`${id}@10.0.0.2:2`, ask(`${id}@10.0.0.1:1`), 10)).toBeDefined();
    expect(questions.onAnswer(`${id}@10.0.0.1:1`, ask("@10.0.0.1:1"), 10)).toBeDefined();
    expect(questions.onAnswer(`${id}@10.0.0.1:2`, ask("@10.0.0.1:1"), 10)).toBeUndefined();
  });
});

describe("a question without an answer", () => {
  test("is slow, then silent, then forgotten", () => {
    const { env, questions, ask, fire } = world();
    const nonce = ask("b");
    expect(fire()).toEqual({ type: "slow", purpose: "why", to: "b" });
    expect(env.now).toBe(500);
    expect(fire()).toEqual({ type: "silent", purpose: "why", to: "b" });
    expect(env.now).toBe(1000);
    expect(questions.roundTrips.counters.silences).toBe(1);
    expect(fire()).toBeUndefined();
    expect(questions.size).toBe(0);
    expect(questions.onAnswer("b", nonce, env.now)).toBeUndefined();
  });

  test("may still be answered after that, late, and the answer is measured", () => {
    const { env, questions, ask, fire } = world();
    const nonce = ask("b");
    fire();
    fire();
    expect(questions.onAnswer("b", nonce, env.now + 100)).toMatchObject({ isLate: true });
    expect(questions.roundTrips.rttMs("b")).toBe(1100);
    expect(questions.counters.late).toBe(1);
  });

  test("is judged later if it is our own process that was late", () => {
    const { env, questions, ask, fire } = world();
    const nonce = ask("b");
    expect(fire(3000)).toBeUndefined();
    // What was in our sockets is read now.
    expect(questions.onAnswer("b", nonce, env.now + 1)).toMatchObject({ isLate: false });
    expect(questions.roundTrips.counters.silences).toBe(0);
  });
});
