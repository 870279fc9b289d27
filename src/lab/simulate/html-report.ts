/**
 * A batch as one HTML file that opens without a network, now or in ten years: the script and the style of the charting
 * library are in it, and its content security policy forbids every request.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type BatchReport, batchReport, namedSeeds, shownNumber, tableOf } from "./batch-report.ts";
import { type Chart, chartsOf } from "./charts.ts";
import { pageScript, pageStyle } from "./html-page.ts";
import type { SimulationResult } from "./run.ts";

export interface HtmlReportConfig {
  /** Results of one batch, or of several: each has a part of its own. */
  readonly batches: readonly (readonly SimulationResult[])[];
  /** What makes the report again. */
  readonly command: string;
  readonly version: string;
}

const mostRunsListed = 100;
const mostRowsOfData = 60;

export function htmlReport({ batches, command, version }: HtmlReportConfig): string {
  const parts = batches.map((results, i) => ({
    report: batchReport(results),
    charts: chartsOf(results).map((chart) => ({ ...chart, id: `${chart.id}-${i}` })),
  }));
  const title = parts.map(({ report }) => titleOf(report)).join("; ");
  const { script, style, licence } = chartLibrary();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>${escaped(title)} – Grapevine</title>
<style>${style}</style>
<style>${pageStyle}</style>
</head>
<body>
<main>
${parts.map(({ report, charts }) => partOf(report, charts)).join("\n")}
<section>
<h2>Run it again</h2>
<p>The same seed gives the same run, event for event, on any machine. Grapevine ${escaped(version)}.</p>
<pre tabindex="0"><code>${escaped(command)}</code></pre>
</section>
</main>
<script>
/*
uPlot, which draws the charts:
${licence}
*/
${script}</script>
<script type="application/json" id="charts">${embedded(parts.flatMap(({ charts }) => charts))}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function titleOf({ preset, nodes, parameters, engine, semantics }: BatchReport): string {
  const name = parameters.scenario?.name ?? preset;
  const how = engine === "rounds" ? `, ${semantics} rounds` : "";
  return `${name}, ${nodes.toLocaleString("en")} nodes${how}`;
}

function partOf(report: BatchReport, charts: readonly Chart[]): string {
  return `<header>
<h1>${escaped(titleOf(report))}</h1>
<p>${summaryOf(report)}</p>
</header>
<noscript><p>The charts are drawn by the script in this file; below each one are its numbers.</p></noscript>
<div class="charts">
${charts.map((chart) => figureOf(chart, report.runs)).join("\n")}
</div>
<section>
<h2>Figures</h2>
<p>${report.runs === 1 ? "One run: no intervals." : `Over ${report.runs} runs; the interval holds the true mean with a confidence of 95 % (Student’s t).`}</p>
${tableHtml(tableOf(report))}
</section>
<section>
<h2>Runs</h2>
<p>Hash of all: <code>${escaped(report.traceHash)}</code></p>
${tableHtml([["seed", "hash", "ending", "ratio"], ...runRows(report)])}
${report.runs > mostRunsListed ? `<p>The first ${mostRunsListed} of ${report.runs}.</p>` : ""}
</section>
<section>
<h2>Parameters</h2>
<pre tabindex="0"><code>${escaped(JSON.stringify(report.parameters, null, 2))}</code></pre>
</section>`;
}

function summaryOf({ runs, ok, ratio, seeds, engine, semantics }: BatchReport): string {
  const all = runs === 1 ? "The run ended as it should" : `All ${runs} runs ended as they should`;
  const verdict =
    ok === runs
      ? `<strong class="ok">${all}</strong>`
      : `<strong class="failed">${ok} of ${runs} runs ended as they should</strong>`;
  const named = namedSeeds({ runs, seeds });
  const model =
    engine === "rounds"
      ? `${semantics} rounds: what a round is decides how many there are`
      : "events in virtual time";
  return `${verdict}; lowest delivery ratio ${shownNumber(ratio)}; ${named}; ${escaped(model)}.`;
}

function runRows({ results }: BatchReport): string[][] {
  return results
    .slice(0, mostRunsListed)
    .map(({ seed, traceHash, ending, ratio }) => [
      String(seed),
      String(traceHash),
      String(ending),
      shownNumber(ratio as number),
    ]);
}

function figureOf(chart: Chart, runs: number): string {
  const { id, title, note } = chart;
  const band = runs > 1 && chart.series.some((series) => series.band !== undefined);
  return `<figure aria-labelledby="${id}-title">
<h2 id="${id}-title">${escaped(title)}</h2>
<div class="chart" id="${id}" role="img" aria-label="${escaped(`${title}: ${note}`)}"></div>
<figcaption>${escaped(note)}${band ? " Lines are means, the bands reach from the lowest run to the highest." : ""}</figcaption>
<details><summary>The numbers</summary>${tableHtml(dataRows(chart))}</details>
</figure>`;
}

/** Evenly chosen rows: what can be read in place of looking at the chart. */
function dataRows({ x, y, at, series }: Chart): string[][] {
  const stride = Math.max(1, Math.ceil(at.length / mostRowsOfData));
  const head = [x.label, ...series.map(({ label }) => `${label}, ${y.label}`)];
  const rows = at.flatMap((value, i) =>
    i % stride === 0 || i === at.length - 1
      ? [[shownNumber(value), ...series.map(({ values }) => shownNumber(values[i] ?? null))]]
      : [],
  );
  return [head, ...rows];
}

function tableHtml([head, ...rows]: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td>${escaped(cell)}</td>`))
      .join("");
  return `<div class="table" tabindex="0" role="region" aria-label="Table"><table>
<thead><tr>${head!.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${cells(row)}</tr>`).join("\n")}
</tbody></table></div>`;
}

/** The library as it is published, with the licence that it asks to be kept. */
function chartLibrary(): { readonly script: string; readonly style: string; readonly licence: string } {
  const require = createRequire(import.meta.url);
  const read = (file: string) => readFileSync(require.resolve(`uplot/${file}`), "utf8");
  return {
    script: read("dist/uPlot.iife.min.js"),
    style: read("dist/uPlot.min.css"),
    licence: read("LICENSE"),
  };
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** JSON within a script: nothing in it may end the script. */
function embedded(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
