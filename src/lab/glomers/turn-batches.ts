/**
 * What a protocol sends to one neighbor in one turn goes out as one message. The links of live nodes do the same with
 * frames (node/links.ts); where messages are counted, as Maelstrom counts them, it has to be said: a batch counts once.
 *
 *     turn:  send(b, m1)  send(c, m1)  send(b, m2)   ->  b: batch(m1, m2)   c: batch(m1)
 *
 * A turn is all that happens to a node in the same instant. The timer of 0 ms that ends it is set with the first
 * message, and comes after whatever was due before it.
 */
import type { Environment, Millis, NodeId, Protocol, Random } from "../../core/index.ts";

export interface Batch<Message> {
  readonly type: "batch";
  /** In the order in which they were sent; at least one. */
  readonly messages: readonly Message[];
}

export type TurnTimer<Timer> =
  | { readonly type: "end-of-turn" }
  | { readonly type: "inner"; readonly timer: Timer };

export class TurnBatches<Message, Timer, Notice, Command>
  implements Protocol<Batch<Message>, TurnTimer<Timer>, Notice, Command>
{
  readonly #inner: Protocol<Message, Timer, Notice, Command>;
  readonly #gathering: Gathering<Message, Timer, Notice>;

  constructor(inner: Protocol<Message, Timer, Notice, Command>) {
    this.#inner = inner;
    this.#gathering = new Gathering();
  }

  start(env: Environment<Batch<Message>, TurnTimer<Timer>, Notice>): void {
    this.#inner.start(this.#gathering.within(env));
  }

  onCommand(command: Command, env: Environment<Batch<Message>, TurnTimer<Timer>, Notice>): void {
    this.#inner.onCommand(command, this.#gathering.within(env));
  }

  onMessage(
    from: NodeId,
    { messages }: Batch<Message>,
    env: Environment<Batch<Message>, TurnTimer<Timer>, Notice>,
  ): void {
    for (const message of messages) this.#inner.onMessage(from, message, this.#gathering.within(env));
  }

  onTimer(timer: TurnTimer<Timer>, env: Environment<Batch<Message>, TurnTimer<Timer>, Notice>): void {
    if (timer.type === "inner") this.#inner.onTimer(timer.timer, this.#gathering.within(env));
    else this.#gathering.release(env);
  }
}

/** The environment that the inner protocol sees: what it sends is gathered. */
class Gathering<Message, Timer, Notice> implements Environment<Message, Timer, Notice> {
  #outer!: Environment<Batch<Message>, TurnTimer<Timer>, Notice>;
  /** What this turn sends, by receiver. While there is anything, the end of the turn is scheduled. */
  readonly #gathered = new Map<NodeId, Message[]>();

  within(outer: Environment<Batch<Message>, TurnTimer<Timer>, Notice>): this {
    this.#outer = outer;
    return this;
  }

  get self(): NodeId {
    return this.#outer.self;
  }
  get row(): number {
    return this.#outer.row;
  }
  get now(): Millis {
    return this.#outer.now;
  }
  get random(): Random {
    return this.#outer.random;
  }

  send(to: NodeId, message: Message): void {
    if (this.#gathered.size === 0) this.#outer.schedule(0, { type: "end-of-turn" });
    const messages = this.#gathered.get(to);
    if (messages === undefined) this.#gathered.set(to, [message]);
    else messages.push(message);
  }
  schedule(after: Millis, timer: Timer): void {
    this.#outer.schedule(after, { type: "inner", timer });
  }
  notify(notice: Notice): void {
    this.#outer.notify(notice);
  }

  release(env: Environment<Batch<Message>, TurnTimer<Timer>, Notice>): void {
    const gathered = [...this.#gathered];
    this.#gathered.clear();
    for (const [to, messages] of gathered) env.send(to, { type: "batch", messages });
  }
}
