/** A plan, its certificate and the wish, side by side: what is printed, and what programs read. */
import { stringify } from "yaml";
import { formatDuration } from "../../core/index.ts";
import { profileOptionSpecs } from "../../profiles/index.ts";
import { quoted } from "../shell-words.ts";
import { atMost, type Certificate, mostCertifiedNodes, type Thoroughness } from "./certify.ts";
import { isEnough, type Plan, predicted, type Refusal, type SearchResult, type WishName } from "./search.ts";
import { formatBudget, formatFalsePositives, type Wish, wordsOf } from "./wish.ts";

/** What a measurement says of a wish. `unrefuted`: too rare to be counted in so short a time, and nothing speaks against it. */
export type Verdict = "held" | "missed" | "unrefuted";

export interface PlanLine {
  readonly wish: WishName;
  readonly wished: number;
  readonly predicted: number;
  /** Null without a certificate, and where nothing happened that could be measured. */
  readonly measured: number | null;
  /** Null without a certificate. */
  readonly verdict: Verdict | null;
}

export interface PlanReport {
  readonly wish: Wish;
  /** Null where the wish cannot be met. */
  readonly plan: Plan | null;
  readonly hasMargin: boolean;
  readonly candidates: number;
  /** Null where there is a plan. */
  readonly refusal: Refusal | null;
  readonly lines: readonly PlanLine[];
  readonly certificate: Certificate | null;
  /** All that was measured holds; false without a certificate. */
  readonly certified: boolean;
  /** Repeats this run, to the figure. */
  readonly command: string;
  /** For `--config` of `grapevine up` and `grapevine peer`. */
  readonly config: string | null;
}

export interface PlanReportInput {
  readonly wish: Wish;
  readonly seed: number;
  readonly thoroughness: Thoroughness | "none";
  readonly result: SearchResult;
  readonly certificate: Certificate | undefined;
}

export function planReport({ wish, seed, thoroughness, result, certificate }: PlanReportInput): PlanReport {
  const { plan, hasMargin, candidates, refusal } = result;
  const lines = plan === undefined ? [] : linesOf(wish, plan, certificate);
  return {
    wish,
    plan: plan ?? null,
    hasMargin,
    candidates,
    refusal: refusal ?? null,
    lines,
    certificate: certificate ?? null,
    certified: certificate?.formed === true && lines.every(({ verdict }) => verdict !== "missed"),
    command: ["npx grapevine plan", ...wordsOf(wish), "--certify", thoroughness, "--seed", String(seed)]
      .map((word, i) => (i === 0 ? word : quoted(word)))
      .join(" "),
    config: plan === undefined ? null : configOf(plan),
  };
}

function linesOf(wish: Wish, plan: Plan, certificate: Certificate | undefined): PlanLine[] {
  const line = (name: WishName, measured?: number, verdict?: Verdict): PlanLine => ({
    wish: name,
    wished: wish[name],
    predicted: predicted(name, plan.prediction),
    measured: measured ?? null,
    verdict: verdict ?? null,
  });
  if (certificate === undefined)
    return [
      line("detectWithinMs"),
      line("falsePositivesPerNodeDay"),
      line("deliver"),
      line("budgetBytesPerSecond"),
    ];
  const { detection, falsePositives, delivery, bytesPerSecond } = certificate;
  const held = (isHeld: boolean): Verdict => (isHeld ? "held" : "missed");
  const { silent } = detection;
  return [
    line("detectWithinMs", silent.crashes === 0 ? undefined : silent.allP99Ms, detected(certificate)),
    line(
      "falsePositivesPerNodeDay",
      falsePositives.count / falsePositives.nodeDays,
      falseAlarms(wish, certificate),
    ),
    delivery.expected === 0
      ? line("deliver", undefined, "unrefuted")
      : line("deliver", delivery.share, held(isEnough(wish, "deliver", delivery.share))),
    line(
      "budgetBytesPerSecond",
      bytesPerSecond.mean,
      held(isEnough(wish, "budgetBytesPerSecond", bytesPerSecond.mean)),
    ),
  ];
}

/** One in a hundred may be late. Missed where so many would be a great coincidence; of a few, or none, nobody can say. */
function detected({ detection: { silent } }: Certificate): Verdict {
  if (silent.crashes === 0) return "unrefuted";
  if (silent.late <= silent.crashes / 100) return "held";
  return 1 - atMost(silent.late - 1, silent.crashes / 100) < 0.05 ? "missed" : "unrefuted";
}

/** Held where the time was long enough to say so; missed where so many would be a great coincidence. */
function falseAlarms(
  { falsePositivesPerNodeDay: wished }: Wish,
  { falsePositives: { count, nodeDays, upperPerNodeDay, accelerated } }: Certificate,
): Verdict {
  const tooMany = (events: number, mean: number) => events > 0 && 1 - atMost(events - 1, mean) < 0.05;
  if (tooMany(count, wished * nodeDays)) return "missed";
  if (upperPerNodeDay <= wished) return "held";
  // The model is what the rest rests on: where it can be counted, it has to be right or on the safe side.
  if (accelerated !== undefined && tooMany(accelerated.falsePositives, accelerated.predictedFalsePositives))
    return "missed";
  return "unrefuted";
}

// ---- The config to paste -------------------------------------------------------------------------------------------

/** Only what is not the default anyway, but for the profile; durations with their units. */
function configOf({ options }: Plan): string {
  const sections = Object.entries(options as Record<string, Record<string, unknown>>).flatMap(
    ([section, values]) => {
      const specs = profileOptionSpecs[section as keyof typeof profileOptionSpecs] as Record<
        string,
        { readonly default: unknown }
      >;
      const kept = Object.entries(values).filter(
        ([name, value]) => section === "stack" || specs[name]!.default !== value,
      );
      const written = kept.map(([name, value]) => [
        name,
        name.endsWith("Ms") ? formatDuration(value as number) : value,
      ]);
      return written.length === 0 ? [] : [[section, Object.fromEntries(written)]];
    },
  );
  return stringify(Object.fromEntries(sections));
}

// ---- Words ---------------------------------------------------------------------------------------------------------

export const wishWords: Readonly<Record<WishName, { readonly option: string; readonly what: string }>> = {
  detectWithinMs: { option: "--detect-within", what: "a crash is noticed by all who watch (p99)" },
  falsePositivesPerNodeDay: { option: "--false-positives", what: "living nodes given up, per node" },
  deliver: { option: "--deliver", what: "delivered in time" },
  budgetBytesPerSecond: { option: "--budget", what: "sent by a node (mean)" },
};

/** A value as the option of its wish has it; rounded so that a shortfall that is written so is granted. */
export function wordOf(name: WishName, value: number): string {
  switch (name) {
    case "detectWithinMs":
      return Number.isFinite(value) ? readableMs(value) : "never";
    case "falsePositivesPerNodeDay":
      // Twenty thousand years: smaller figures say something of the model and nothing of the network.
      return value > 0 && value < 1e-7 ? "<1/10000000d" : formatFalsePositives(value);
    case "deliver":
      return shareOf(value);
    case "budgetBytesPerSecond":
      return formatBudget(value);
  }
}

function readableMs(ms: number): string {
  return ms < 1000 ? `${Math.ceil(ms)}ms` : `${Math.ceil(ms / 10) / 100}s`;
}

/** As many digits as it takes to tell it from 1, and one more. */
function shareOf(share: number): string {
  if (share >= 1) return "1";
  const digits = Math.min(9, Math.max(2, 1 + Math.ceil(-Math.log10(1 - share))));
  return (Math.floor(share * 10 ** digits) / 10 ** digits).toFixed(digits).replace(/0+$/, "");
}

/** What the certificate has to say beside the table. */
export function remarksOf({ certificate, wish, plan, hasMargin }: PlanReport): string[] {
  const remarks: string[] = [];
  if (plan !== null && !hasMargin)
    remarks.push("tight: predicted as wished, without room for what the model leaves out");
  if (plan !== null)
    remarks.push(
      `a process may stand still for ${readableMs(plan.prediction.detection.patienceMs)} without being given up (predicted)`,
    );
  if (certificate === null) return remarks;
  const { nodes, formed, detection, falsePositives, delivery, bytesPerSecond, virtualMs } = certificate;
  const { silent, killed } = detection;
  if (!formed)
    remarks.push("the network had not come together within its time: all figures are of what there was");
  if (nodes < wish.nodes)
    remarks.push(
      `certified with ${nodes.toLocaleString("en")} nodes, of which 8 GiB hold ${mostCertifiedNodes.toLocaleString("en")}`,
    );
  if (silent.crashes > 0)
    remarks.push(
      `${silent.crashes} nodes fell silent: the first to notice took ${readableMs(silent.firstP50Ms)} (median), all who watch ${readableMs(silent.allP50Ms)}; late were ${silent.late}`,
    );
  if (killed.crashes > 0)
    remarks.push(
      `${killed.crashes} processes were killed on machines that go on: ${readableMs(killed.firstP50Ms)} and ${readableMs(killed.allP50Ms)}; late were ${killed.late}`,
    );
  remarks.push(...falseAlarmRemarks(wish, falsePositives));
  if (delivery.expected > 0)
    remarks.push(
      `${delivery.published} messages, ${delivery.expected.toLocaleString("en")} receipts due: half after ${readableMs(delivery.p50Ms)}, 99 % after ${readableMs(delivery.p99Ms)}, 99.99 % after ${readableMs(delivery.p9999Ms)}; sooner or later ${shareOf(delivery.eventually)}`,
    );
  remarks.push(
    `the node that sends most: ${formatBudget(bytesPerSecond.greatest)}`,
    `${readableMs(virtualMs)} of virtual time, ${certificate.events.toLocaleString("en")} events, trace hash ${certificate.traceHash}`,
  );
  return remarks;
}

function falseAlarmRemarks(
  { loss, falsePositivesPerNodeDay }: Wish,
  { count, nodeDays, suspicions, upperPerNodeDay, accelerated }: Certificate["falsePositives"],
): string[] {
  const observed = `false alarms: ${count} in ${nodeDays.toFixed(2)} node-days, of ${suspicions} suspicions; so at most ${formatFalsePositives(upperPerNodeDay)} per node at 95 %`;
  if (upperPerNodeDay <= falsePositivesPerNodeDay) return [observed];
  const hope = `to count ${formatFalsePositives(falsePositivesPerNodeDay)} would take ${Math.ceil(3 / falsePositivesPerNodeDay).toLocaleString("en")} node-days without one: that it is no more is the model's word`;
  if (accelerated === undefined) return [observed, hope];
  const { nodes, predictedSuspicions, predictedFalsePositives } = accelerated;
  return [
    observed,
    hope,
    `where it can be counted, ${nodes} nodes at ${percent(accelerated.loss)} loss instead of ${percent(loss)}, ${accelerated.nodeDays.toFixed(2)} node-days: suspicions ${accelerated.suspicions} (predicted ${predictedSuspicions.toFixed(0)}), false alarms ${accelerated.falsePositives} (predicted ${predictedFalsePositives.toPrecision(2)})`,
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
