/** One protocol alone: the test plays everybody else, lets time pass, and looks at what was sent and announced. */
import {
  type Effect,
  type Millis,
  type NodeId,
  type Protocol,
  RecordingEnvironment,
  type Typed,
} from "../../src/core/index.ts";

type Of<Union, Type> = Extract<Union, { readonly type: Type }>;

export class Alone<
  Message extends Typed,
  Timer extends Typed,
  Notice extends Typed,
  Command,
> extends RecordingEnvironment<Message, Timer, Notice> {
  readonly #protocol: Protocol<Message, Timer, Notice, Command>;
  readonly #agenda: { at: Millis; timer: Timer }[] = [];
  readonly #toAcknowledge: string[] = [];
  /** Awaited `persist` notices are answered after the handler, as by a fast disk. */
  persistsAtOnce = true;

  constructor(self: NodeId, protocol: Protocol<Message, Timer, Notice, Command>, seed = 1) {
    super(self, seed);
    this.#protocol = protocol;
  }

  override schedule(after: Millis, timer: Timer): void {
    super.schedule(after, timer);
    this.#agenda.push({ at: this.now + after, timer });
  }

  override notify(notice: Notice): void {
    super.notify(notice);
    const persist = notice as { type: string; key?: string; isAwaited?: boolean };
    if (persist.type === "persist" && persist.isAwaited) this.#toAcknowledge.push(persist.key!);
  }

  start(): this {
    this.#protocol.start(this);
    return this.#settle();
  }
  receive(from: NodeId, message: Message): this {
    this.#protocol.onMessage(from, message, this);
    return this.#settle();
  }
  command(command: Command): this {
    this.#protocol.onCommand(command, this);
    return this.#settle();
  }
  hear(notice: Typed): this {
    this.#protocol.onNotice!(notice, this);
    return this.#settle();
  }

  /** Lets time pass: timers fire in order, those that they set too. */
  pass(time: Millis): this {
    const end = this.now + time;
    while (this.#fireNext(end)) {}
    this.now = end;
    return this;
  }

  /** Lets time pass from timer to timer until the condition holds; fails after an hour. */
  passUntil(condition: () => boolean): this {
    const deadline = this.now + 3_600_000;
    while (!condition()) if (!this.#fireNext(deadline)) throw new Error("not within an hour");
    return this;
  }

  /** The disk is ready with everything that it was given. */
  acknowledge(): this {
    while (this.#toAcknowledge.length > 0) {
      const key = this.#toAcknowledge.shift()!;
      this.#protocol.onCommand({ type: "persisted", key } as Command, this);
    }
    return this;
  }

  /** Timers that have not fired yet. */
  get pendingTimers(): readonly Timer[] {
    return this.#agenda.map(({ timer }) => timer);
  }

  /** Forgets what happened so far. */
  clear(): this {
    this.take();
    return this;
  }

  /** Messages of one type since the last `clear`, with their addressee. */
  sentOf<Type extends Message["type"]>(type: Type): (Of<Message, Type> & { readonly to: NodeId })[] {
    return this.sent()
      .filter(({ message }) => message.type === type)
      .map(({ to, message }) => ({ ...message, to })) as any;
  }
  /** The one message of this type since the last `clear`. */
  onlySent<Type extends Message["type"]>(type: Type): Of<Message, Type> & { readonly to: NodeId } {
    const all = this.sentOf(type);
    if (all.length !== 1) throw new Error(`${all.length} times "${type}" was sent, and not once`);
    return all[0]!;
  }
  /** Notices of one type since the last `clear`. */
  noticesOf<Type extends Notice["type"]>(type: Type): Of<Notice, Type>[] {
    return this.notices().filter((notice) => notice.type === type) as any;
  }
  /** What `act` made the protocol do. */
  effectsOf(act: () => void): Effect<Message, Timer, Notice>[] {
    const before = this.effects.length;
    act();
    return this.effects.slice(before);
  }

  #fireNext(deadline: Millis): boolean {
    let next = -1;
    for (let i = 0; i < this.#agenda.length; i++) {
      const { at } = this.#agenda[i]!;
      if (at <= deadline && (next < 0 || at < this.#agenda[next]!.at)) next = i;
    }
    if (next < 0) return false;
    const { at, timer } = this.#agenda.splice(next, 1)[0]!;
    this.now = Math.max(this.now, at);
    this.#protocol.onTimer(timer, this);
    this.#settle();
    return true;
  }

  #settle(): this {
    return this.persistsAtOnce ? this.acknowledge() : this;
  }
}
