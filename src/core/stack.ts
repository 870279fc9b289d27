import type { Environment, Millis, NodeId, Protocol, Typed } from "./environment.ts";
import { UsageError } from "./errors.ts";
import type { Random } from "./random.ts";

/** A message, timer, command or notice together with the layer that it belongs to. */
export interface Tagged<Body = Typed> {
  readonly layer: string;
  readonly body: Body;
}

// The layers' own types meet only here, and the tags keep them apart.
type AnyProtocol = Protocol<any, any, any, any>;
type StackEnvironment = Environment<Tagged, Tagged, Tagged>;

/**
 * Composes layers into one protocol: tags messages and timers with their layer, hands commands to the layer that
 * they name, and offers a notice of one layer to every other layer in stack order, then to the world outside.
 *
 * Notices are offered after the handler that made them has ended (a queue, first in first out), so that no layer
 * is entered while another is half way through.
 *
 *     new Stack({ overlay, flood })   // overlay below flood
 */
export class Stack implements Protocol<Tagged, Tagged, Tagged, Tagged> {
  readonly layers: Readonly<Record<string, AnyProtocol>>;
  readonly #names: readonly string[];
  readonly #environments: Record<string, LayerEnvironment> = Object.create(null);
  readonly #queue: Tagged[] = [];
  readonly #hearing: readonly AnyProtocol[];
  #isDraining = false;

  constructor(layers: Record<string, AnyProtocol>) {
    this.layers = layers;
    this.#names = Object.keys(layers);
    this.#hearing = Object.values(layers).filter((layer) => layer.onHeard !== undefined);
    for (const name of this.#names) this.#environments[name] = new LayerEnvironment(name, this.#queue);
  }

  start(env: StackEnvironment): void {
    for (const name of this.#names) {
      this.layers[name]!.start(this.#bind(name, env)!);
      this.#drain(env);
    }
  }

  /** Throws `UsageError` if no layer has that name; nothing has changed then. */
  onCommand(command: Tagged, env: StackEnvironment): void {
    const bound = this.#bind(command.layer, env);
    if (bound === undefined)
      throw new UsageError(`layer: no layer "${command.layer}" (${this.#names.join(", ")})`);
    this.layers[command.layer]!.onCommand(command.body, bound);
    this.#drain(env);
  }

  /** A message for a layer that we do not run is somebody's newer or other profile: ignored. */
  onMessage(from: NodeId, message: Tagged, env: StackEnvironment): void {
    const bound = this.#bind(message.layer, env);
    if (bound === undefined) return;
    for (const layer of this.#hearing) layer.onHeard!(from);
    this.layers[message.layer]!.onMessage(from, message.body, bound);
    this.#drain(env);
  }

  onTimer(timer: Tagged, env: StackEnvironment): void {
    this.layers[timer.layer]!.onTimer(timer.body, this.#bind(timer.layer, env)!);
    this.#drain(env);
  }

  #bind(layer: string, env: StackEnvironment): LayerEnvironment | undefined {
    const bound = this.#environments[layer];
    if (bound !== undefined) bound.outer = env;
    return bound;
  }

  #drain(env: StackEnvironment): void {
    if (this.#isDraining || this.#queue.length === 0) return;
    this.#isDraining = true;
    let offered = 0;
    try {
      while (offered < this.#queue.length) {
        const notice = this.#queue[offered++]!;
        for (const name of this.#names) {
          if (name === notice.layer) continue;
          const layer = this.layers[name]!;
          if (layer.onNotice !== undefined) layer.onNotice(notice.body, this.#bind(name, env)!);
        }
        env.notify(notice);
      }
    } finally {
      // A layer that throws has spoilt that one notice; those behind it are offered after the next handler.
      this.#queue.splice(0, offered);
      this.#isDraining = false;
    }
  }
}

class LayerEnvironment implements Environment<Typed, Typed, Typed> {
  outer!: StackEnvironment;
  readonly #layer: string;
  readonly #queue: Tagged[];

  constructor(layer: string, queue: Tagged[]) {
    this.#layer = layer;
    this.#queue = queue;
  }

  get self(): NodeId {
    return this.outer.self;
  }
  get row(): number {
    return this.outer.row;
  }
  get now(): Millis {
    return this.outer.now;
  }
  get random(): Random {
    return this.outer.random;
  }
  send(to: NodeId, message: Typed): void {
    this.outer.send(to, { layer: this.#layer, body: message });
  }
  schedule(after: Millis, timer: Typed): void {
    this.outer.schedule(after, { layer: this.#layer, body: timer });
  }
  notify(notice: Typed): void {
    this.#queue.push({ layer: this.#layer, body: notice });
  }
}
