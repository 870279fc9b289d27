/** A comparison of failure detectors as one HTML file. */
import { formatDuration } from "../../core/index.ts";
import { escaped, figureOf, pageOf, tableHtml, withoutScript } from "../simulate/html-parts.ts";
import { type DetectionReport, detectionTables } from "./detection-report.ts";
import type { DetectorComparison } from "./detector-comparison.ts";

export interface DetectionPageConfig {
  readonly report: DetectionReport;
  /** What makes the page again. */
  readonly command: string;
  readonly version: string;
}

export function detectionPage({ report, command, version }: DetectionPageConfig): string {
  const { comparison, results, charts } = report;
  const title = "Failure detectors side by side";
  const tables = detectionTables(results).map(
    ([name, rows]) => `<h2>${escaped(name)}</h2>\n${tableHtml(rows)}`,
  );
  return pageOf({
    title,
    charts,
    body: `<header>
<h1>${escaped(title)}</h1>
<p>${escaped(sentenceOfDetection(comparison))}</p>
</header>
${withoutScript}
<div class="charts">
${charts.map((chart) => figureOf(chart)).join("\n")}
</div>
${tables.join("\n")}
<p>First and last: from a crash to the first and to the last of those who watch, ± half of the 95 % interval of the mean.
False: living nodes that nothing ails, given up; doubts: suspected by somebody's own experience. Where none was seen, how
many there may be at most (95 %).</p>
<section>
<h2>Conditions</h2>
<pre tabindex="0"><code>${escaped(JSON.stringify(comparison, null, 2))}</code></pre>
</section>
<section>
<h2>Run it again</h2>
<p>The same seed gives the same runs, event for event, on any machine. Grapevine ${escaped(version)}.</p>
<pre tabindex="0"><code>${escaped(command)}</code></pre>
</section>`,
  });
}

/** The conditions in a sentence or two. */
export function sentenceOfDetection(comparison: DetectorComparison): string {
  const { conditions, runs, paused, pauseMs, pauseGapMs } = comparison;
  const { calmMs, crashes, crashShare, deadlineMs, cuts, quorum, seed } = conditions;
  const victims =
    crashShare === 0 ? "one node" : `${Number((100 * crashShare).toPrecision(3))} % of the nodes`;
  const parts = [
    `${formatDuration(calmMs)} in which nobody crashes, then ${crashes} ${crashes === 1 ? "crash" : "crashes"} of ${victims} with ${formatDuration(deadlineMs)} to notice`,
    ...(paused.some((count) => count > 0)
      ? [`pauses of ${formatDuration(pauseMs)} with ${formatDuration(pauseGapMs)} between them`]
      : []),
    ...conditions.troubles.map((trouble) =>
      trouble.kind === "slow"
        ? `slow nodes: ${trouble.nodes}, ${formatDuration(trouble.perEventMs)} for each event`
        : `nodes whose messages wait for ${formatDuration(trouble.lengthMs)} over and over: ${trouble.nodes}`,
    ),
    ...(cuts > 0 ? [`${cuts} pairs cut one way`] : []),
    ...(quorum > 1 ? [`${quorum} have to doubt before a node is given up`] : []),
    runs === 1 ? `seed ${seed}` : `${runs} runs from seed ${seed} on`,
  ];
  return `${parts.join("; ")}. The same fate for each detector.`;
}
