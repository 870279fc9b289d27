/**
 * Plays an epidemic for a page: at so many rounds a second, round by round, or as fast as it goes, and shows how
 * everybody stands, 30 times a second at most. A frame needs a buffer that the page has given back: one that cannot
 * follow is told less, not later.
 */
import { type EpidemicConfig, type EpidemicCounts, EpidemicRun, orderByInfection } from "./epidemic-run.ts";
import { Pacer } from "./pacer.ts";

export type ToEpidemic =
  | { readonly type: "start"; readonly config: EpidemicConfig }
  | { readonly type: "speed"; readonly roundsPerSecond: number }
  | { readonly type: "step" }
  /** A buffer of a frame that was drawn. */
  | { readonly type: "drawn"; readonly states: Uint8Array<ArrayBuffer> }
  | { readonly type: "order" };

export interface EpidemicFrame {
  readonly type: "frame";
  /** One byte a node: susceptible, infected, removed. */
  readonly states: Uint8Array<ArrayBuffer>;
  readonly counts: EpidemicCounts;
  /** What the curve has since the frame before. */
  readonly curve: readonly EpidemicCounts[];
  readonly traffic: number;
  readonly events: number;
  /** While it was playing. */
  readonly eventsPerSecond: number;
  readonly isOver: boolean;
}

export type FromEpidemic =
  | EpidemicFrame
  | { readonly type: "order"; readonly order: Uint32Array<ArrayBuffer> }
  | { readonly type: "failed"; readonly why: string };

export interface EpidemicHost {
  readonly tell: (message: FromEpidemic, transfer: Transferable[]) => void;
  /** Lets messages come in. */
  readonly breathe: () => Promise<void>;
  readonly wallMs?: () => number;
}

const sliceMs = 8;
const frameMs = 33;
const idleMs = 16;
const buffers = 2;
/** The pacer counts in thousandths of a round. */
const perRound = 1000;

export class EpidemicPlayer {
  readonly run: EpidemicRun;
  readonly #host: EpidemicHost;
  readonly #wallMs: () => number;
  readonly #pacer: Pacer;
  readonly #free: Uint8Array<ArrayBuffer>[];
  #told = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isChanged = true;
  #playedMs = 0;
  #wake: (() => void) | undefined;

  /** Throws `UsageError` naming what cannot be. */
  constructor(config: EpidemicConfig, host: EpidemicHost) {
    this.run = new EpidemicRun(config);
    this.#host = host;
    this.#wallMs = host.wallMs ?? (() => performance.now());
    this.#pacer = new Pacer(this.#wallMs);
    this.#free = Array.from({ length: buffers }, () => new Uint8Array(config.nodes));
  }

  get #now(): number {
    return this.run.round * perRound;
  }

  setSpeed(roundsPerSecond: number): void {
    this.#pacer.setSpeed((roundsPerSecond * perRound) / 1000, this.#now);
    this.#goOn();
  }

  /** To the end of this round. */
  step(): void {
    this.#pacer.runTo((Math.floor(this.run.round + 1e-6) + 1) * perRound);
    this.#goOn();
  }

  drawn(states: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length < buffers && states.length === this.run.rumor.rows) this.#free.push(states);
    this.#goOn();
  }

  order(): void {
    const order = orderByInfection(this.run.rumor.infectedAt);
    this.#host.tell({ type: "order", order }, [order.buffer]);
  }

  /** Resolves when nothing more will happen and all was told. */
  async play(): Promise<void> {
    while (!this.run.isOver || this.#isChanged) {
      const before = this.run.round;
      const began = this.#wallMs();
      this.run.playTo(this.#pacer.limit(this.#now) / perRound, () => this.#wallMs() - began < sliceMs);
      const hasPlayed = this.run.round > before || this.run.isOver;
      if (this.run.round > before) this.#playedMs += this.#wallMs() - began;
      this.#isChanged ||= hasPlayed;
      this.#show();
      if (hasPlayed && !this.run.isOver) await this.#host.breathe();
      else if (!this.run.isOver || this.#isChanged) await this.#woken();
    }
  }

  #show(): void {
    const wallMs = this.#wallMs();
    if (!this.#isChanged || this.#free.length === 0 || wallMs - this.#toldAt < frameMs) return;
    const { run } = this;
    const states = this.#free.pop()!;
    states.set(run.rumor.state);
    const curve = run.curve.slice(this.#told);
    this.#told = run.curve.length;
    this.#toldAt = wallMs;
    this.#isChanged = false;
    const { counts, traffic, events, isOver } = run;
    const eventsPerSecond = this.#playedMs < 1 ? 0 : Math.round((1000 * events) / this.#playedMs);
    this.#host.tell({ type: "frame", states, counts, curve, traffic, events, eventsPerSecond, isOver }, [
      states.buffer,
    ]);
  }

  /** Until somebody says something, or for a moment where it could go on by itself. */
  #woken(): Promise<void> {
    const waits = this.#isChanged && this.#free.length > 0 ? frameMs : idleMs;
    const isStill = this.#pacer.waitMs(this.#now) === Number.POSITIVE_INFINITY && !this.#isChanged;
    return new Promise((resolve) => {
      const timer = isStill ? undefined : setTimeout(() => this.#wake?.(), waits);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #goOn(): void {
    this.#wake?.();
  }
}
