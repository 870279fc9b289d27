/** Experiments as one HTML page: what was published, what theory says and what was measured, drawn and in a table. */
import type { Chart } from "../simulate/charts.ts";
import { escaped, figureOf, pageOf, tableHtml, withoutScript } from "../simulate/html-parts.ts";
import {
  cellsOf,
  commandOf,
  type ExperimentReport,
  experimentReport,
  reasonsOf,
  rowHead,
  verdictOf,
} from "./report.ts";
import type { ReproductionOutcome } from "./run.ts";

export interface ReproductionPageConfig {
  readonly outcomes: readonly ReproductionOutcome[];
  /** What makes the page again. */
  readonly command: string;
  readonly version: string;
}

interface Part {
  readonly report: ExperimentReport;
  readonly charts: readonly Chart[];
  readonly command: string;
}

export function reproductionPage({ outcomes, command, version }: ReproductionPageConfig): string {
  const parts: Part[] = outcomes.map((outcome) => {
    const report = experimentReport(outcome);
    // Each experiment names its charts without a thought of the others.
    const charts = report.charts.map((chart, i) => ({ ...chart, id: `${report.name}-${i}-${chart.id}` }));
    return { report, charts, command: commandOf(outcome) };
  });
  const [only] = parts;
  const isOne = parts.length === 1;
  return pageOf({
    title: isOne ? `${only!.report.name}, reproduced` : "Published results, measured again",
    charts: parts.flatMap(({ charts }) => charts),
    body: `${isOne ? "" : contentsOf(parts)}
${withoutScript}
${parts.map((part) => partOf(part, isOne ? "h1" : "h2")).join("\n")}
<section>
<h2>Make this page again</h2>
<p>The same seed measures the same, on any machine and with any number of threads. Grapevine ${escaped(version)}.</p>
<pre tabindex="0"><code>${escaped(command)}</code></pre>
</section>`,
  });
}

function contentsOf(parts: readonly Part[]): string {
  const isHeld = parts.every(({ report }) => report.ok);
  const left = parts.filter(({ report }) => !report.ok).length;
  const verdict = isHeld
    ? `<strong class="ok">Every figure that must match does</strong>`
    : `<strong class="failed">${left} of ${parts.length} experiments have figures that must match and do not</strong>`;
  return `<header>
<h1>Published results, measured again</h1>
<p>${verdict}. The protocols that run live were simulated; lines are theory, points are measurements, and their whiskers
are intervals that hold the true mean with a confidence of 95 % (Student’s t).</p>
</header>
<nav aria-label="Contents"><ul class="contents">
${parts
  .map(
    ({ report }) =>
      `<li><a href="#${escaped(report.name)}">${escaped(report.name)}</a> ${escaped(report.description)}: ${verdictHtml(report)}</li>`,
  )
  .join("\n")}
</ul></nav>`;
}

function partOf({ report, charts, command }: Part, heading: "h1" | "h2"): string {
  const { name, description, source, runs, seed, rows, notes } = report;
  const reasons = reasonsOf(report);
  return `<section class="experiment" id="${escaped(name)}">
<${heading}>${escaped(name)}</${heading}>
<p>${escaped(description)}. ${verdictHtml(report)}.</p>
<p class="source">${escaped(source)}. ${runs.toLocaleString("en")} ${runs === 1 ? "run" : "runs"} of each configuration, seed ${seed}.</p>
<div class="charts">
${charts.map((chart) => figureOf(chart, chart.series.some(({ interval }) => interval !== undefined) ? "Whiskers are 95 % intervals of the mean." : "")).join("\n")}
</div>
${tableHtml([rowHead, ...rows.map(cellsOf)].map(verdictFirst), { texts: 2, failed: rows.flatMap(({ ok }, i) => (ok ? [] : [i])) })}
${listHtml("What must lie where, and why", reasons)}
${listHtml("Notes", notes)}
<pre tabindex="0"><code>npx ${escaped(command)}</code></pre>
</section>`;
}

/** A wide table is cut off on the right: there the verdict would be missed. */
function verdictFirst(cells: readonly string[]): string[] {
  const [of = "", figure = "", ...rest] = cells;
  return [of, figure, rest.at(-1)!, ...rest.slice(0, -1)];
}

function verdictHtml(report: ExperimentReport): string {
  const isGated = report.rows.some(({ gate }) => gate !== undefined);
  const text = escaped(verdictOf(report));
  return isGated ? `<strong class="${report.ok ? "ok" : "failed"}">${text}</strong>` : text;
}

function listHtml(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return `<h3>${escaped(title)}</h3>
<ul>
${lines.map((line) => `<li>${escaped(line)}</li>`).join("\n")}
</ul>`;
}
