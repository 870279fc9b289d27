/**
 * Where each node of the network is drawn at the moment: keeps places by row, asks the worker for those that are
 * missing, and moves nodes there softly.
 */
import { compare, type LayoutJob, linksOfEach, outgrewPlace, ringPlaces, whoMoves } from "./layout.ts";

export interface LaidOutNetwork {
  /** Rows of the nodes that have links or could have; who is gone keeps its place. */
  readonly rows: Uint32Array;
  /** Name of each. */
  readonly keys: readonly string[];
  /** Pairs of indices into `rows`. */
  readonly links: Uint32Array;
  readonly weights: Float32Array;
}

export type LayoutKind = "forces" | "ring";

const glideMs = 450;

export class LayoutKeeper {
  #worker: Worker | undefined;
  #kind: LayoutKind = "forces";
  #network: LaidOutNetwork | undefined;
  /** x and y by row, as they are drawn, and where each is on its way to. Not a number: no place yet. */
  #now = new Float32Array(0);
  #from = new Float32Array(0);
  #to = new Float32Array(0);
  #glidesSince = Number.NEGATIVE_INFINITY;
  /** Links, by names, when all nodes moved last. */
  #settled: ReadonlySet<string> = new Set();
  /** By row: how many links it had when it got its place. */
  #placedWith: number[] = [];
  /** Of the job that the worker has; the answers to others come too late. */
  #number = 0;
  #isBusy = false;
  /** The network has changed while the worker was busy. */
  #isStale = false;
  /** Somebody has got a place for the first time, or all have got new ones: the view may fit anew. */
  arrangements = 0;

  get kind(): LayoutKind {
    return this.#kind;
  }

  place(row: number): readonly [number, number] | undefined {
    const x = this.#now[2 * row];
    return x === undefined || Number.isNaN(x) ? undefined : [x, this.#now[2 * row + 1]!];
  }

  close(): void {
    this.#worker?.terminate();
  }

  /** Another network begins. */
  forget(): void {
    this.#number++;
    this.#isBusy = false;
    this.#settled = new Set();
    this.#placedWith = [];
    for (const places of [this.#now, this.#from, this.#to]) places.fill(Number.NaN);
  }

  setKind(kind: LayoutKind): void {
    if (kind === this.#kind) return;
    this.#kind = kind;
    this.arrangeAgain();
  }

  /** From the beginning: the picture that this network has whatever came before. */
  arrangeAgain(): void {
    if (this.#network === undefined) return;
    if (this.#kind === "ring") return this.#ring(this.#network);
    this.#ask(this.#network, "all", true);
  }

  update(network: LaidOutNetwork): void {
    this.#network = network;
    this.#makeRoom(network);
    if (this.#kind === "ring") return this.#ring(network);
    if (this.#isBusy) {
      this.#isStale = true;
      return;
    }
    const moves = whoMoves(this.#settled, linkNames(network), this.#unplaced(network).includes(true));
    if (moves !== "nobody") this.#ask(network, moves, false);
  }

  /** The user has put it there. */
  put(row: number, x: number, y: number): void {
    this.#placedWith[row] = Number.POSITIVE_INFINITY;
    for (const places of [this.#now, this.#from, this.#to]) {
      places[2 * row] = x;
      places[2 * row + 1] = y;
    }
  }

  /** Moves everybody to where they are at that moment; whether anybody still moves. */
  glide(nowMs: number): boolean {
    const share = (nowMs - this.#glidesSince) / glideMs;
    if (share > 1.2) return false;
    const eased = share >= 1 ? 1 : 1 - (1 - Math.max(0, share)) ** 3;
    for (let i = 0; i < this.#to.length; i++) {
      const to = this.#to[i]!;
      const from = this.#from[i]!;
      this.#now[i] = Number.isNaN(from) ? to : from + (to - from) * eased;
    }
    return true;
  }

  #ring(network: LaidOutNetwork): void {
    this.#number++;
    this.#isBusy = false;
    const order = network.keys.map((_, i) => i).sort((a, b) => compare(network.keys[a]!, network.keys[b]!));
    const ring = ringPlaces(order.length);
    const places = new Float32Array(ring.length);
    order.forEach((i, position) => {
      places[2 * i] = ring[2 * position]!;
      places[2 * i + 1] = ring[2 * position + 1]!;
    });
    this.#glideTo(network, places);
    this.arrangements++;
    // Back among forces, everybody moves.
    this.#settled = new Set();
  }

  #ask(network: LaidOutNetwork, moves: LayoutJob["moves"], fromNothing: boolean): void {
    const { rows, keys, links, weights } = network;
    const places = new Float32Array(2 * rows.length).fill(Number.NaN);
    const isUnplaced = this.#unplaced(network);
    const degrees = linksOfEach(network);
    rows.forEach((row, i) => {
      const isPlaced = !fromNothing && !isUnplaced[i];
      if (isPlaced) {
        places[2 * i] = this.#to[2 * row]!;
        places[2 * i + 1] = this.#to[2 * row + 1]!;
      }
      if (!isPlaced || moves === "all") this.#placedWith[row] = degrees[i]!;
    });
    const number = ++this.#number;
    const job: LayoutJob = { keys, places, links, weights, moves };
    if (moves === "all") this.#settled = linkNames(network);
    this.#isBusy = true;
    this.#isStale = false;
    this.#worker ??= this.#hire();
    this.#asked = { number, network };
    this.#worker.postMessage({ number, job });
  }
  #asked: { readonly number: number; readonly network: LaidOutNetwork } | undefined;

  /** Of each: it has no place, or one from before it had its links. */
  #unplaced(network: LaidOutNetwork): boolean[] {
    const degrees = linksOfEach(network);
    return [...network.rows].map(
      (row, i) =>
        Number.isNaN(this.#to[2 * row]!) || outgrewPlace(this.#placedWith[row] ?? degrees[i]!, degrees[i]!),
    );
  }

  #hire(): Worker {
    const worker = new Worker(new URL("./layout-worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({
      data,
    }: MessageEvent<{
      readonly number: number;
      readonly places: Float32Array;
      readonly isLast: boolean;
    }>) => {
      if (data.number !== this.#number || this.#asked?.number !== data.number) return;
      this.#glideTo(this.#asked.network, data.places);
      this.arrangements++;
      if (!data.isLast) return;
      this.#isBusy = false;
      if (this.#isStale && this.#network !== undefined) this.update(this.#network);
    };
    return worker;
  }

  #glideTo({ rows }: LaidOutNetwork, places: Float32Array): void {
    this.#from.set(this.#now);
    rows.forEach((row, i) => {
      this.#to[2 * row] = places[2 * i]!;
      this.#to[2 * row + 1] = places[2 * i + 1]!;
    });
    this.#glidesSince = performance.now();
  }

  #makeRoom({ rows }: LaidOutNetwork): void {
    const needed = 2 * (rows.reduce((most, row) => Math.max(most, row), 0) + 1);
    if (needed <= this.#now.length) return;
    const larger = (places: Float32Array) => {
      const next = new Float32Array(needed * 2).fill(Number.NaN);
      next.set(places);
      return next;
    };
    this.#now = larger(this.#now);
    this.#from = larger(this.#from);
    this.#to = larger(this.#to);
  }
}

function linkNames({ keys, links }: LaidOutNetwork): Set<string> {
  const names = new Set<string>();
  for (let i = 0; i < links.length; i += 2) {
    const [a, b] = [keys[links[i]!]!, keys[links[i + 1]!]!];
    names.add(a < b ? `${a} ${b}` : `${b} ${a}`);
  }
  return names;
}
