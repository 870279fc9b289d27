/** What a user wants of a network, as numbers; and how people write such numbers. */
import { formatDuration, type Millis, UsageError } from "../../core/index.ts";

export interface Wish {
  readonly nodes: number;
  /** Share of packets that get lost, the same for all and independent of each other. */
  readonly loss: number;
  readonly rttMs: Millis;
  /** From a crash until everybody who watches the node has given it up, in 99 of 100 crashes. */
  readonly detectWithinMs: Millis;
  /** Living nodes given up by somebody, per node and day. */
  readonly falsePositivesPerNodeDay: number;
  /** Share of (message, living node) that has it in time. */
  readonly deliver: number;
  readonly withinMs: Millis;
  /** What a node sends on average. */
  readonly budgetBytesPerSecond: number;
  /** Messages that the whole cluster publishes in a second. */
  readonly messagesPerSecond: number;
  /** Nodes that publish, equally often. */
  readonly publishers: number;
  readonly messageBytes: number;
  readonly profile: "auto" | "classic" | "modern";
}

/** Of all that is not said. Guesses: a local network, and what most who ask would be content with. */
export const usualWish: Omit<Wish, "nodes"> = Object.freeze({
  loss: 0,
  rttMs: 2,
  detectWithinMs: 5000,
  falsePositivesPerNodeDay: 0.01,
  deliver: 0.999,
  withinMs: 2000,
  budgetBytesPerSecond: 10_000,
  messagesPerSecond: 1,
  publishers: 8,
  messageBytes: 256,
  profile: "auto",
});

export const leastNodes = 3;
export const mostNodes = 100_000;

interface Rule {
  readonly option: string;
  readonly least: number;
  readonly most: number;
  readonly why?: string;
}

const rules: Readonly<Record<Exclude<keyof Wish, "profile">, Rule>> = {
  nodes: { option: "--nodes", least: leastNodes, most: mostNodes },
  loss: { option: "--loss", least: 0, most: 0.5, why: "more loses whole connections" },
  rttMs: { option: "--rtt", least: 1, most: 10_000 },
  detectWithinMs: { option: "--detect-within", least: 1, most: 86_400_000 },
  falsePositivesPerNodeDay: {
    option: "--false-positives",
    least: 1e-12,
    most: 1e6,
    why: "nobody can promise that there will be none",
  },
  deliver: { option: "--deliver", least: 0, most: 1 - 1e-9, why: "nobody can promise all of them in time" },
  withinMs: { option: "--within", least: 1, most: 3_600_000 },
  budgetBytesPerSecond: { option: "--budget", least: 1, most: 1e10 },
  messagesPerSecond: { option: "--rate", least: 0, most: 100_000 },
  publishers: { option: "--publishers", least: 1, most: mostNodes },
  messageBytes: { option: "--message-bytes", least: 1, most: 65_536 },
};

/** The wish with all that was not said. Throws `UsageError` naming the option, the value and the rule. */
export function wishOf(given: Partial<Wish> & Pick<Wish, "nodes">): Wish {
  const wish = { ...usualWish, ...withoutUndefined(given) } as Wish;
  for (const [name, { option, least, most, why }] of Object.entries(rules)) {
    const value = wish[name as keyof typeof rules];
    if (Number.isFinite(value) && value >= least && value <= most) continue;
    throw new UsageError(
      `${option}: ${value} is not from ${least} to ${most}${why === undefined ? "" : `: ${why}`}`,
    );
  }
  for (const name of ["nodes", "publishers", "messageBytes"] as const)
    if (!Number.isSafeInteger(wish[name]))
      throw new UsageError(`${rules[name].option}: ${wish[name]} is not a whole number`);
  return Object.freeze({ ...wish, publishers: Math.min(wish.publishers, wish.nodes) });
}

function withoutUndefined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const days: Readonly<Record<string, number>> = { h: 1 / 24, d: 1, w: 7, y: 365.25 };

/** `1/1000d`: one in a thousand days of a node. Returns how many per node and day. Throws `UsageError`. */
export function parseFalsePositives(text: string): number {
  const match = /^(\d+(?:\.\d+)?(?:e-?\d+)?)\/(\d+(?:\.\d+)?)?([hdwy])$/.exec(text.trim());
  const per = match === null ? 0 : Number(match[2] ?? 1) * days[match[3]!]!;
  if (match === null || per === 0)
    throw new UsageError(
      `--false-positives: "${text}" is no rate; write 1/1000d: one in a thousand days of a node (or h, w, y)`,
    );
  return Number(match[1]) / per;
}

const byteUnits: Readonly<Record<string, number>> = { "": 1, k: 1000, m: 1e6, ki: 1024, mi: 1024 * 1024 };

/** `2KB/s`, `500B/s`, `1.5MiB/s`; a plain number is bytes in a second. Throws `UsageError`. */
export function parseBudget(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:(k|m|ki|mi)?b(?:\/s)?)?$/i.exec(text.trim());
  if (match === null) throw new UsageError(`--budget: "${text}" is no rate; write 500B/s, 2KB/s or 1.5MB/s`);
  return Number(match[1]) * byteUnits[(match[2] ?? "").toLowerCase()]!;
}

/**
 * As `parseFalsePositives` reads it, to three digits: 0.001 gives `1/1000d`. Rounded to what is easier: a rate that is
 * written so is not less.
 */
export function formatFalsePositives(perNodeDay: number): string {
  if (perNodeDay >= 1) return `${roundedUp(perNodeDay)}/d`;
  // Beyond that it is in nobody's life, and days would need powers of ten.
  if (perNodeDay < 1e-12) return "0/d";
  const days = 1 / perNodeDay;
  const unit = unitOf(days);
  return `1/${plain(Math.floor(days / unit + 1e-9) * unit)}d`;
}

/** As `parseBudget` reads it, to three digits and not less: 2000 gives `2KB/s`. */
export function formatBudget(bytesPerSecond: number): string {
  if (bytesPerSecond < 1000) return `${roundedUp(bytesPerSecond)}B/s`;
  return bytesPerSecond < 1e6
    ? `${roundedUp(bytesPerSecond / 1000)}KB/s`
    : `${roundedUp(bytesPerSecond / 1e6)}MB/s`;
}

function roundedUp(value: number): string {
  const unit = unitOf(value);
  return plain(Math.ceil(value / unit - 1e-9) * unit);
}

/** Of the third digit. */
function unitOf(value: number): number {
  return value === 0 ? 1 : 10 ** (Math.floor(Math.log10(value)) - 2);
}

/** Without the noise of the last bits, and without powers of ten. */
function plain(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(6)));
}

/** The wish as options of the command, every digit of it: what repeats a plan must not round. */
export function wordsOf(wish: Wish): string[] {
  const { falsePositivesPerNodeDay: rate, budgetBytesPerSecond: budget } = wish;
  const perDays = Math.round(1 / rate);
  return [
    ...["--nodes", String(wish.nodes), "--loss", String(wish.loss), "--rtt", `${wish.rttMs}ms`],
    ...["--detect-within", formatDuration(wish.detectWithinMs)],
    ...["--false-positives", 1 / perDays === rate ? `1/${perDays}d` : `${rate}/d`],
    ...["--deliver", String(wish.deliver), "--within", formatDuration(wish.withinMs)],
    ...["--budget", budget % 1000 === 0 ? `${budget / 1000}KB/s` : `${budget}B/s`],
    ...["--rate", String(wish.messagesPerSecond), "--publishers", String(wish.publishers)],
    ...["--message-bytes", String(wish.messageBytes)],
    ...(wish.profile === "auto" ? [] : ["--profile", wish.profile]),
  ];
}
