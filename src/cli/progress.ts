/** How far something long has got: a bar drawn in place on a terminal, a line every two seconds elsewhere. */
import { logUpdateStderr } from "log-update";
import pc from "picocolors";

const barWidth = 20;
const lineEveryMs = 2000;
const drawEveryMs = 100;
/** What the first runs take says nothing: code is still being compiled, and threads are starting. */
const shareBeforeGuess = 0.01;
const patienceBeforeGuessMs = 10_000;

export interface ProgressConfig {
  /** False draws on standard error only, and only if that is a terminal: standard output is for the result. */
  readonly isOn: boolean;
  readonly whole: number;
  /** What of the whole there is; default: `3 of 10`. */
  readonly shown?: (value: number) => string;
}

export class Progress {
  readonly #config: ProgressConfig;
  readonly #startedAt = performance.now();
  readonly #isTerminal = process.stderr.isTTY === true;
  #drawnAt = 0;
  #hasDrawn = false;

  constructor(config: ProgressConfig) {
    this.#config = config;
  }

  /** `note` says what is special about it: events per second, failures. */
  draw(value: number, note = ""): void {
    const { isOn, whole, shown = (part) => count(part, whole) } = this.#config;
    if (!isOn && !this.#isTerminal) return;
    const now = performance.now();
    const pause = this.#isTerminal ? drawEveryMs : lineEveryMs;
    if (now - Math.max(this.#drawnAt, this.#isTerminal ? 0 : this.#startedAt) < pause) return;
    this.#drawnAt = now;
    const elapsed = now - this.#startedAt;
    const isTold = value > 0 && (value >= whole * shareBeforeGuess || elapsed > patienceBeforeGuessMs);
    const left = isTold ? `, ${duration((elapsed / value) * (whole - value))} left` : "";
    const text = `${shown(value)}${left}${note === "" ? "" : `, ${note}`}`;
    if (this.#isTerminal) {
      this.#hasDrawn = true;
      logUpdateStderr(`  ${bar(value, whole)} ${text}`);
    } else process.stderr.write(`${text}\n`);
  }

  end(): void {
    if (this.#hasDrawn) logUpdateStderr.clear();
  }
}

export function bar(value: number, whole: number): string {
  const share = whole === 0 ? 1 : Math.min(1, value / whole);
  const filled = Math.floor(share * barWidth);
  return pc.green("█".repeat(filled)) + pc.dim("░".repeat(barWidth - filled));
}

function count(value: number, whole: number): string {
  return `${Math.floor(value).toLocaleString("en")} of ${whole.toLocaleString("en")}`;
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
