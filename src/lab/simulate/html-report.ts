/** A batch as one HTML file. */
import { type BatchReport, batchReport, namedSeeds, shownNumber, tableOf } from "./batch-report.ts";
import { type Chart, chartsOf } from "./charts.ts";
import { escaped, figureOf, pageOf, tableHtml, withoutScript } from "./html-parts.ts";
import type { SimulationResult } from "./run.ts";

export interface HtmlReportConfig {
  /** Results of one batch, or of several: each has a part of its own. */
  readonly batches: readonly (readonly SimulationResult[])[];
  /** What makes the report again. */
  readonly command: string;
  readonly version: string;
}

const mostRunsListed = 100;

export function htmlReport({ batches, command, version }: HtmlReportConfig): string {
  const parts = batches.map((results, i) => ({
    report: batchReport(results),
    charts: chartsOf(results).map((chart) => ({ ...chart, id: `${chart.id}-${i}` })),
  }));
  const title = parts.map(({ report }) => titleOf(report)).join("; ");
  return pageOf({
    title,
    charts: parts.flatMap(({ charts }) => charts),
    body: `${parts.map(({ report, charts }) => partOf(report, charts)).join("\n")}
<section>
<h2>Run it again</h2>
<p>The same seed gives the same run, event for event, on any machine. Grapevine ${escaped(version)}.</p>
<pre tabindex="0"><code>${escaped(command)}</code></pre>
</section>`,
  });
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
${withoutScript}
<div class="charts">
${charts.map((chart) => figureOf(chart, remarkOn(chart, report.runs))).join("\n")}
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

function remarkOn({ series }: Chart, runs: number): string {
  const hasBand = runs > 1 && series.some(({ band }) => band !== undefined);
  return hasBand ? "Lines are means, the bands reach from the lowest run to the highest." : "";
}
