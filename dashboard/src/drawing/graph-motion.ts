/**
 * What moves over the graph for a while: copies on their way as dots, new links that glow. Its clock is the one of
 * whoever looks, and stands while the timeline does.
 *
 * Bounded: beyond `maxDots` and `maxGlows` what comes is left out, and counted.
 */
export interface Moving {
  /** Rows of the nodes at both ends. */
  readonly from: number;
  readonly to: number;
  readonly begins: number;
  readonly lastsMs: number;
}

const maxDots = 3000;
const maxGlows = 400;
const glowMs = 1500;
/** A hop takes less than a frame on many networks: one sees nothing that is shorter. */
const leastVisibleMs = 450;
const longestMs = 20_000;

export class GraphMotion {
  #nowMs = 0;
  #dots: Moving[] = [];
  #glows: Moving[] = [];
  leftOut = 0;

  get nowMs(): number {
    return this.#nowMs;
  }
  get dots(): readonly Moving[] {
    return this.#dots;
  }
  get glows(): readonly Moving[] {
    return this.#glows;
  }
  get isMoving(): boolean {
    return this.#dots.length + this.#glows.length > 0;
  }

  /** A copy leaves. It arrives after so many ms of the run, where that is known; `speed` is ms of the run for each of ours. */
  send(from: number, to: number, tookMs: number | undefined, speed: number): void {
    if (this.#dots.length >= maxDots) {
      this.leftOut++;
      return;
    }
    const lastsMs = Math.min(longestMs, Math.max(leastVisibleMs, (tookMs ?? 0) / speed));
    this.#dots.push({ from, to, begins: this.#nowMs, lastsMs });
  }

  glow(from: number, to: number): void {
    if (this.#glows.length >= maxGlows) return;
    this.#glows.push({ from, to, begins: this.#nowMs, lastsMs: glowMs });
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
    const isOn = ({ begins, lastsMs }: Moving) => begins + lastsMs > this.#nowMs;
    if (this.#dots.some((dot) => !isOn(dot))) this.#dots = this.#dots.filter(isOn);
    if (this.#glows.some((glow) => !isOn(glow))) this.#glows = this.#glows.filter(isOn);
  }

  /** The cursor has jumped: nothing is on its way from there. */
  clear(): void {
    this.#dots = [];
    this.#glows = [];
  }

  /** From 0 where it begins to 1 where it ends. */
  shareOf({ begins, lastsMs }: Moving): number {
    return Math.min(1, Math.max(0, (this.#nowMs - begins) / lastsMs));
  }
}
