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
 *     new Stack({ overlay, broadcast })   // overlay below flood
 */
export class Stack implements Protocol<Tagged, Tagged, Tagged, Tagged> {
  readonly layers: Readonly<Record<string, AnyProtocol>>;
  readonly #names: readonly string[];
  /** In the order of #names: a handful, which is looked through quicker than a table is asked. */
  readonly #places: readonly Place[];
  /** Those that listen to notices, and those that hear who sent something. */
  readonly #listening: readonly Place[];
  readonly #hearing: readonly AnyProtocol[];
  readonly #queue: Tagged[] = [];
  #isDraining = false;

  constructor(layers: Record<string, AnyProtocol>) {
    this.layers = layers;
    this.#names = Object.keys(layers);
    this.#places = this.#names.map((name) => new Place(name, layers[name]!, this.#queue));
    this.#listening = this.#places.filter(({ protocol }) => protocol.onNotice !== undefined);
    this.#hearing = Object.values(layers).filter((layer) => layer.onHeard !== undefined);
  }

  start(env: StackEnvironment): void {
    for (const place of this.#places) {
      place.protocol.start(place.within(env));
      this.#drain(env);
    }
  }

  /** Throws `UsageError` if no layer has that name; nothing has changed then. */
  onCommand(command: Tagged, env: StackEnvironment): void {
    const place = this.#placeOf(command.layer);
    if (place === undefined)
      throw new UsageError(`layer: no layer "${command.layer}" (${this.#names.join(", ")})`);
    place.protocol.onCommand(command.body, place.within(env));
    this.#drain(env);
  }

  /** A message for a layer that we do not run is somebody's newer or other profile: ignored. */
  onMessage(from: NodeId, message: Tagged, env: StackEnvironment): void {
    const place = this.#placeOf(message.layer);
    if (place === undefined) return;
    for (const layer of this.#hearing) layer.onHeard!(from);
    place.protocol.onMessage(from, message.body, place.within(env));
    this.#drain(env);
  }

  onTimer(timer: Tagged, env: StackEnvironment): void {
    const place = this.#placeOf(timer.layer)!;
    place.protocol.onTimer(timer.body, place.within(env));
    this.#drain(env);
  }

  #placeOf(layer: string): Place | undefined {
    const names = this.#names;
    for (let i = 0; i < names.length; i++) if (names[i] === layer) return this.#places[i];
    return undefined;
  }

  #drain(env: StackEnvironment): void {
    if (this.#isDraining || this.#queue.length === 0) return;
    this.#isDraining = true;
    let offered = 0;
    try {
      while (offered < this.#queue.length) {
        const notice = this.#queue[offered++]!;
        for (const place of this.#listening) {
          if (place.name !== notice.layer) place.protocol.onNotice!(notice.body, place.within(env));
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

/** A layer in the stack, and the environment that it sees: it tags whatever the layer sends, schedules and notifies. */
class Place implements Environment<Typed, Typed, Typed> {
  readonly name: string;
  readonly protocol: AnyProtocol;
  readonly #queue: Tagged[];
  #outer!: StackEnvironment;
  /** The last message: what goes to many neighbors is tagged once. */
  #sent: Tagged | undefined;

  constructor(name: string, protocol: AnyProtocol, queue: Tagged[]) {
    this.name = name;
    this.protocol = protocol;
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
    if (this.#sent?.body !== message) this.#sent = { layer: this.name, body: message };
    this.#outer.send(to, this.#sent);
  }
  schedule(after: Millis, timer: Typed): void {
    this.#outer.schedule(after, { layer: this.name, body: timer });
  }
  notify(notice: Typed): void {
    this.#queue.push({ layer: this.name, body: notice });
  }
}
