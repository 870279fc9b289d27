/**
 * Pages that open without a network, now or in ten years: the script and the style of the charting library are in
 * them, and their content security policy forbids every request.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { shownNumber } from "./batch-report.ts";
import type { Chart, Series } from "./charts.ts";
import { pageScript, pageStyle } from "./html-page.ts";

export interface Page {
  readonly title: string;
  /** HTML within `main`; each chart has its place there, as `figureOf` makes it. */
  readonly body: string;
  readonly charts: readonly Chart[];
}

const mostRowsOfData = 60;

export function pageOf({ title, body, charts }: Page): string {
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
${body}
</main>
<script>
/*
uPlot, which draws the charts:
${licence}
*/
${script}</script>
<script type="application/json" id="charts">${embedded(charts)}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

export const withoutScript =
  "<noscript><p>The charts are drawn by the script in this file; below each one are its numbers.</p></noscript>";

/** `remark` is added to the chart's own note. */
export function figureOf(chart: Chart, remark = ""): string {
  const { id, title, note } = chart;
  return `<figure aria-labelledby="${id}-title">
<h2 id="${id}-title">${escaped(title)}</h2>
<div class="chart" id="${id}" role="img" aria-label="${escaped(`${title}: ${note}`)}"></div>
<figcaption>${escaped(note)}${remark === "" ? "" : ` ${escaped(remark)}`}</figcaption>
<details><summary>The numbers</summary>${tableHtml(dataRows(chart))}</details>
</figure>`;
}

/** Evenly chosen rows: what can be read in place of looking at the chart. */
function dataRows({ x, y, at, series }: Chart): string[][] {
  const stride = Math.max(1, Math.ceil(at.length / mostRowsOfData));
  const head = [x.label, ...series.map(({ label }) => `${label}, ${y.label}`)];
  const rows = at.flatMap((value, i) =>
    i % stride === 0 || i === at.length - 1
      ? [[shownNumber(value), ...series.map((one) => shownValue(one, i))]]
      : [],
  );
  return [head, ...rows];
}

function shownValue({ values, interval }: Series, i: number): string {
  const value = shownNumber(values[i] ?? null);
  const [low, high] = [interval?.low[i] ?? null, interval?.high[i] ?? null];
  return low === null || high === null ? value : `${value} (${shownNumber(low)} to ${shownNumber(high)})`;
}

export interface TableLook {
  /** So many columns are texts; the others are numbers. Default: 1. */
  readonly texts?: number;
  /** Rows below the head whose last cell says that something is not as it should be. */
  readonly failed?: readonly number[];
}

export function tableHtml(
  [head, ...rows]: readonly (readonly string[])[],
  { texts = 1, failed = [] }: TableLook = {},
): string {
  const isText = (column: number) => (column > 0 && column < texts ? ' class="text"' : "");
  const cells = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        i === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td${isText(i)}>${escaped(cell)}</td>`,
      )
      .join("");
  return `<div class="table" tabindex="0" role="region" aria-label="Table"><table>
<thead><tr>${head!.map((cell, i) => `<th scope="col"${isText(i)}>${escaped(cell)}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((row, i) => `<tr${failed.includes(i) ? ' class="failed"' : ""}>${cells(row)}</tr>`).join("\n")}
</tbody></table></div>`;
}

export function escaped(text: string): string {
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
