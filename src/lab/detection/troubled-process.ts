/** A process that stands still at times, or whose messages wait: around the protocol, which does not know of it. */
import type { Environment, Millis, NodeId, Protocol, Random } from "../../core/index.ts";
import type { Trouble } from "./conditions.ts";

type AnyProtocol = Protocol<any, any, any, any>;
type AnyEnvironment = Environment<any, any, any>;

/** Told of all that a node sends, before it leaves. */
export type SendTap = (row: number, to: NodeId, message: unknown) => void;

/** What a socket keeps for a process that does not read (guess: 200 KiB of small datagrams). */
const maxHeld = 4096;

export class TroubledProcess implements AnyProtocol {
  readonly #inner: AnyProtocol;
  readonly #kind: Trouble["kind"] | undefined;
  readonly #outbox: Outbox;
  #isTroubled = false;
  #timers: unknown[] = [];
  #commands: unknown[] = [];
  #messages: { readonly from: NodeId; readonly message: unknown }[] = [];

  constructor(inner: AnyProtocol, kind: Trouble["kind"] | undefined, onSend?: SendTap) {
    this.#inner = inner;
    this.#kind = kind;
    this.#outbox = new Outbox(onSend);
  }

  start(env: AnyEnvironment): void {
    this.#inner.start(this.#outbox.within(env));
  }

  onCommand(command: any, env: AnyEnvironment): void {
    if (command.type === "trouble-begins") this.#begin();
    else if (command.type === "trouble-ends") this.#end(env);
    else if (this.#isPaused) this.#commands.push(command);
    else this.#inner.onCommand(command, this.#outbox.within(env));
  }

  onTimer(timer: unknown, env: AnyEnvironment): void {
    if (this.#isPaused) this.#timers.push(timer);
    else this.#inner.onTimer(timer, this.#outbox.within(env));
  }

  onMessage(from: NodeId, message: unknown, env: AnyEnvironment): void {
    if (!this.#isTroubled) this.#inner.onMessage(from, message, this.#outbox.within(env));
    else if (this.#messages.length < maxHeld) this.#messages.push({ from, message });
  }

  get #isPaused(): boolean {
    return this.#isTroubled && this.#kind === "pause";
  }

  #begin(): void {
    this.#isTroubled = true;
    this.#outbox.isOpen = this.#kind === "pause";
  }

  #end(env: AnyEnvironment): void {
    this.#isTroubled = false;
    this.#outbox.isOpen = true;
    const inner = this.#outbox.within(env);
    this.#outbox.flush();
    const [timers, commands, messages] = [this.#timers, this.#commands, this.#messages];
    [this.#timers, this.#commands, this.#messages] = [[], [], []];
    for (const timer of timers) this.#inner.onTimer(timer, inner);
    for (const command of commands) this.#inner.onCommand(command, inner);
    for (const { from, message } of messages) this.#inner.onMessage(from, message, inner);
  }
}

/** The environment, but for messages, which may have to wait. */
class Outbox implements AnyEnvironment {
  isOpen = true;
  readonly #onSend: SendTap | undefined;
  #outer!: AnyEnvironment;
  #waiting: { readonly to: NodeId; readonly message: unknown }[] = [];

  constructor(onSend: SendTap | undefined) {
    this.#onSend = onSend;
  }

  within(outer: AnyEnvironment): this {
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
  send(to: NodeId, message: unknown): void {
    this.#onSend?.(this.#outer.row, to, message);
    if (this.isOpen) this.#outer.send(to, message);
    else if (this.#waiting.length < maxHeld) this.#waiting.push({ to, message });
  }
  schedule(after: Millis, timer: unknown): void {
    this.#outer.schedule(after, timer);
  }
  notify(notice: unknown): void {
    this.#outer.notify(notice);
  }
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { to, message } of waiting) this.#outer.send(to, message);
  }
}
