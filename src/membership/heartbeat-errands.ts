/**
 * The side of the witness: pings on somebody else's behalf. Who asks is told at once if the suspect answers, and, if it
 * wants to know that too, that it did not.
 */
import { type Environment, type Millis, type NodeId, nonce } from "../core/index.ts";
import type { HeartbeatMessage, ProbeRequest } from "./messages.ts";

export type ErrandTimer = {
  readonly type: "errand-timeout";
  readonly nonce: number;
  readonly dueAt: Millis;
};

type ErrandEnvironment = Environment<HeartbeatMessage, ErrandTimer, never>;

interface Errand {
  readonly asker: NodeId;
  readonly nonce: number;
  readonly suspect: NodeId;
}

const maxErrands = 256;

export class HeartbeatErrands {
  readonly #timeoutMs: Millis;
  /** By the nonce of our own ping. */
  readonly #errands = new Map<number, Errand>();

  constructor(timeoutMs: Millis) {
    this.#timeoutMs = timeoutMs;
  }

  take(asker: NodeId, { nonce: asked, suspect, wantsMiss }: ProbeRequest, env: ErrandEnvironment): void {
    const own = nonce(env.random);
    this.#errands.set(own, { asker, nonce: asked, suspect });
    if (this.#errands.size > maxErrands) this.#errands.delete(this.#errands.keys().next().value!);
    env.send(suspect, { type: "ping", nonce: own });
    if (wantsMiss)
      env.schedule(this.#timeoutMs, { type: "errand-timeout", nonce: own, dueAt: env.now + this.#timeoutMs });
  }

  /** False if the answer is to no errand. */
  answered(from: NodeId, answered: number, env: ErrandEnvironment): boolean {
    const errand = this.#errands.get(answered);
    if (errand === undefined || errand.suspect !== from) return false;
    this.#errands.delete(answered);
    env.send(errand.asker, { type: "probe-reply", nonce: errand.nonce });
    return true;
  }

  /** The suspect is silent for us, too. Whoever was away meanwhile does not know that, and says nothing. */
  onTimeout(timer: ErrandTimer, env: ErrandEnvironment): void {
    const errand = this.#errands.get(timer.nonce);
    if (errand === undefined) return; // answered
    this.#errands.delete(timer.nonce);
    if (env.now - timer.dueAt > this.#timeoutMs / 2) return;
    env.send(errand.asker, { type: "probe-miss", nonce: errand.nonce });
  }
}
