import type { Random } from "./random.ts";

/**
 * Names a node. Opaque to protocols: only `===` and use as a key. Simulated nodes are small integers; a live node
 * is a contact `"id@host:port"` (see contact.ts for the little that protocols may ask of it).
 */
export type NodeId = string | number;

/** Integer milliseconds. */
export type Millis = number;

/**
 * The world as a protocol sees it. It is an argument of every handler and never a field, so that one shared
 * object serves all simulated nodes and a test can hand in its own.
 */
export interface Environment<Message = unknown, Timer = unknown, Notice = unknown> {
  readonly self: NodeId;
  /** This node's row in the columns of a protocol that serves many nodes; 0 live. */
  readonly row: number;
  readonly now: Millis;
  /** The only die. */
  readonly random: Random;
  /** Best effort: the message may be lost, delayed or reordered. */
  send(to: NodeId, message: Message): void;
  /** A letter to our future self: it always fires and is never cancelled; stale timers are recognised and ignored. */
  schedule(after: Millis, timer: Timer): void;
  /** Tells the layer above, the user, or the trace. */
  notify(notice: Notice): void;
}

/** Anything discriminated by `type`: messages, timers, commands and notices all are. */
export interface Typed {
  readonly type: string;
}

/**
 * A protocol: a pure state machine. No handler waits, throws on a peer's nonsense, or looks at anything but its
 * arguments and its own state.
 */
export interface Protocol<Message = unknown, Timer = unknown, Notice = unknown, Command = unknown> {
  start(env: Environment<Message, Timer, Notice>): void;
  onCommand(command: Command, env: Environment<Message, Timer, Notice>): void;
  onMessage(from: NodeId, message: Message, env: Environment<Message, Timer, Notice>): void;
  onTimer(timer: Timer, env: Environment<Message, Timer, Notice>): void;
  /** Somebody sent us something, for whichever layer: called before that layer's `onMessage`. */
  onHeard?(from: NodeId): void;
  /** What another layer of the same stack announced; a layer ignores the types that it does not know. */
  onNotice?(notice: Typed, env: Environment<Message, Timer, Notice>): void;
}
