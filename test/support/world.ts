/** A little deterministic world for tests of several nodes: one agenda, links with latency and loss, faults. */
import {
  type Environment,
  type NodeId,
  type Protocol,
  type Random,
  seededRandom,
  type Tagged,
  type Typed,
} from "../../src/core/index.ts";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly node: NodeId;
  readonly run: () => void;
}

type Inhabitant = Protocol<any, any, any, any>;

export class World {
  now = 0;
  readonly nodes = new Map<NodeId, Inhabitant>();
  readonly notices: { at: number; node: NodeId; layer: string; notice: Typed & Record<string, any> }[] = [];
  readonly random: Random;
  sends = 0;
  /** Messages for which this returns false are lost. */
  delivers: (from: NodeId, to: NodeId, message: Tagged) => boolean = () => true;
  latencyMs = () => 5 + this.random.below(20);
  /** A `persist` notice is answered at once unless a test takes this away. */
  persistsAtOnce = true;
  readonly #heap: Event[] = [];
  readonly #lives = new Map<NodeId, number>();
  #order = 0;

  constructor(seed = 1) {
    this.random = seededRandom(seed);
  }

  add(node: NodeId, protocol: Inhabitant): void {
    this.nodes.set(node, protocol);
    this.#lives.set(node, (this.#lives.get(node) ?? 0) + 1);
    protocol.start(this.env(node));
  }

  /** Stops without a word; timers of this life never fire. */
  crash(node: NodeId): void {
    this.nodes.delete(node);
    this.#lives.set(node, (this.#lives.get(node) ?? 0) + 1);
  }

  command(node: NodeId, layer: string, body: Typed): void {
    this.nodes.get(node)!.onCommand({ layer, body }, this.env(node));
  }

  env(node: NodeId): Environment<any, any, any> {
    const world = this;
    const life = this.#lives.get(node);
    return {
      self: node,
      row: 0,
      random: this.random,
      get now() {
        return world.now;
      },
      send(to, message) {
        world.sends++;
        if (!world.delivers(node, to, message)) return;
        world.#at(world.now + world.latencyMs(), to, () =>
          world.nodes.get(to)?.onMessage(node, message, world.env(to)),
        );
      },
      schedule(after, timer) {
        world.#at(world.now + after, node, () => {
          if (world.#lives.get(node) === life) world.nodes.get(node)?.onTimer(timer, world.env(node));
        });
      },
      notify({ layer, body }) {
        world.notices.push({ at: world.now, node, layer, notice: body });
        if (body.type === "persist" && body.isAwaited && world.persistsAtOnce) {
          const done = { layer, body: { type: "persisted", key: body.key } };
          world.#at(world.now, node, () => world.nodes.get(node)?.onCommand(done, world.env(node)));
        }
      },
    };
  }

  runUntil(time: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= time) {
      const event = this.#pop();
      this.now = event.at;
      event.run();
    }
    this.now = time;
  }

  /** Runs on until the condition holds; fails at the deadline. */
  runUntilTrue(condition: () => boolean, deadline: number, step = 100): void {
    while (!condition()) {
      if (this.now >= deadline) throw new Error(`not true by ${deadline} ms of the world's time`);
      this.runUntil(Math.min(deadline, this.now + step));
    }
  }

  of(type: string, node?: NodeId) {
    return this.notices.filter(
      (entry) => entry.notice.type === type && (node === undefined || entry.node === node),
    );
  }

  #at(at: number, node: NodeId, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#order++, node, run });
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #pop(): Event {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left;
      if (right < heap.length && before(heap[right]!, heap[least]!)) least = right;
      if (least === i) return top;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
