import type { Environment, Millis, NodeId } from "./environment.ts";
import { type Random, seededRandom } from "./random.ts";

export type Effect<Message, Timer, Notice> =
  | { readonly type: "send"; readonly to: NodeId; readonly message: Message }
  | { readonly type: "schedule"; readonly after: Millis; readonly timer: Timer }
  | { readonly type: "notify"; readonly notice: Notice };

/**
 * Turns calls into a list of effects: for tests, and for people who prefer `step(event) -> effects`.
 *
 *     const env = new RecordingEnvironment<Message, Timer, Notice>("a");
 *     protocol.onMessage("b", message, env);
 *     expect(env.sent()).toEqual([{ to: "c", message }]);
 */
export class RecordingEnvironment<Message, Timer, Notice> implements Environment<Message, Timer, Notice> {
  readonly self: NodeId;
  readonly row = 0;
  readonly random: Random;
  now: Millis = 0;
  effects: Effect<Message, Timer, Notice>[] = [];

  constructor(self: NodeId, seed = 1) {
    this.self = self;
    this.random = seededRandom(seed);
  }

  send(to: NodeId, message: Message): void {
    this.effects.push({ type: "send", to, message });
  }
  schedule(after: Millis, timer: Timer): void {
    this.effects.push({ type: "schedule", after, timer });
  }
  notify(notice: Notice): void {
    this.effects.push({ type: "notify", notice });
  }

  /** All effects since the last `take`, which are forgotten. */
  take(): Effect<Message, Timer, Notice>[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }
  sent(): { to: NodeId; message: Message }[] {
    return this.effects.flatMap((e) => (e.type === "send" ? [{ to: e.to, message: e.message }] : []));
  }
  scheduled(): { after: Millis; timer: Timer }[] {
    return this.effects.flatMap((e) => (e.type === "schedule" ? [{ after: e.after, timer: e.timer }] : []));
  }
  notices(): Notice[] {
    return this.effects.flatMap((e) => (e.type === "notify" ? [e.notice] : []));
  }
}
