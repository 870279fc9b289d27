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
  readonly #places = new Map<string, Place>();
  /** Those that listen to notices, and those that hear who sent something: most events concern all of them. */
  readonly #listening: readonly Place[];
  readonly #hearing: readonly AnyProtocol[];
  readonly #queue: Tagged[] = [];
  #isDraining = false;

  constructor(layers: Record<string, AnyProtocol>) {
    this.layers = layers;
    for (const [name, layer] of Object.entries(layers))
      this.#places.set(name, { name, layer, env: new LayerEnvironment(name, this.#queue) });
    this.#listening = [...this.#places.values()].filter(({ layer }) => layer.onNotice !== undefined);
    this.#hearing = Object.values(layers).filter((layer) => layer.onHeard !== undefined);
  }

  start(env: StackEnvironment): void {
    for (const place of this.#places.values()) {
      place.layer.start(place.env.within(env));
      this.#drain(env);
    }
  }

  /** Throws `UsageError` if no layer has that name; nothing has changed then. */
  onCommand(command: Tagged, env: StackEnvironment): void {
    const place = this.#places.get(command.layer);
    if (place === undefined)
      throw new UsageError(`layer: no layer "${command.layer}" (${[...this.#places.keys()].join(", ")})`);
    place.layer.onCommand(command.body, place.env.within(env));
    this.#drain(env);
  }

  /** A message for a layer that we do not run is somebody's newer or other profile: ignored. */
  onMessage(from: NodeId, message: Tagged, env: StackEnvironment): void {
    const place = this.#places.get(message.layer);
    if (place === undefined) return;
    for (const layer of this.#hearing) layer.onHeard!(from);
    place.layer.onMessage(from, message.body, place.env.within(env));
    this.#drain(env);
  }

  onTimer(timer: Tagged, env: StackEnvironment): void {
    const place = this.#places.get(timer.layer)!;
    place.layer.onTimer(timer.body, place.env.within(env));
    this.#drain(env);
  }

  #drain(env: StackEnvironment): void {
    if (this.#isDraining || this.#queue.length === 0) return;
    this.#isDraining = true;
    let offered = 0;
    try {
      while (offered < this.#queue.length) {
        const notice = this.#queue[offered++]!;
        for (const { name, layer, env: own } of this.#listening) {
          if (name !== notice.layer) layer.onNotice!(notice.body, own.within(env));
        }
        env.notify(notice);
      }
    } finally {
      // A layer that throws has spoilt that one notice; those behind it are offered after the next handler.
      if (offered === this.#queue.length) this.#queue.length = 0;
      else this.#queue.splice(0, offered);
      this.#isDraining = false;
    }
  }
}

/** A layer's place in the stack. */
interface Place {
  readonly name: string;
  readonly layer: AnyProtocol;
  readonly env: LayerEnvironment;
}

class LayerEnvironment implements Environment<Typed, Typed, Typed> {
  #outer!: StackEnvironment;
  readonly #layer: string;
  readonly #queue: Tagged[];
  /** The last message: what goes to many neighbors is tagged once, and so the codec can know it again. */
  #sent: Tagged | undefined;

  constructor(layer: string, queue: Tagged[]) {
    this.#layer = layer;
    this.#queue = queue;
  }

  within(outer: StackEnvironment): this {
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
  send(to: NodeId, message: Typed): void {
    if (this.#sent?.body !== message) this.#sent = { layer: this.#layer, body: message };
    this.#outer.send(to, this.#sent);
  }
  schedule(after: Millis, timer: Typed): void {
    this.#outer.schedule(after, { layer: this.#layer, body: timer });
  }
  notify(notice: Typed): void {
    this.#queue.push({ layer: this.#layer, body: notice });
  }
}
