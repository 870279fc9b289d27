/** A comparison as one HTML file. */
import { formatDuration } from "../../../node/index.ts";
import { escaped, figureOf, pageOf, tableHtml, withoutScript } from "../../simulate/html-parts.ts";
import type { Conditions } from "./comparison.ts";
import { type ComparisonReport, comparisonTable } from "./report.ts";

export interface ComparisonPageConfig {
  readonly report: ComparisonReport;
  /** What makes the page again. */
  readonly command: string;
  readonly version: string;
}

export function comparisonPage({ report, command, version }: ComparisonPageConfig): string {
  const { conditions, routers, charts } = report;
  const names = routers.map(({ router }) => router).join(", ");
  const title = `Lookup: ${names}, ${conditions.nodes.toLocaleString("en")} nodes`;
  return pageOf({
    title,
    charts,
    body: `<header>
<h1>${escaped(title)}</h1>
<p>${escaped(sentenceOf(report))}</p>
</header>
${withoutScript}
${tableHtml(comparisonTable(report))}
<p>± is 1.96 standard errors over the lookups. Hops count messages on the way from the asker to the node that decided;
upkeep is what nodes send while nobody asks for anything.</p>
<div class="charts">
${charts.map((chart) => figureOf(chart)).join("\n")}
</div>
<section>
<h2>Conditions</h2>
<pre tabindex="0"><code>${escaped(JSON.stringify(conditions, null, 2))}</code></pre>
</section>
<section>
<h2>Run it again</h2>
<p>The same seed gives the same runs, event for event, on any machine. Grapevine ${escaped(version)}.</p>
<pre tabindex="0"><code>${escaped(command)}</code></pre>
</section>`,
  });
}

/** The conditions in a sentence. */
export function sentenceOf({ conditions, runs, churned }: ComparisonReport): string {
  const { nodes, failShare, links, seed } = conditions;
  const parts = [
    `${nodes.toLocaleString("en")} nodes`,
    churnWords(conditions, churned),
    `${percent(links.loss ?? 0)} loss`,
    ...(failShare > 0 ? [`${percent(failShare)} of the nodes crash just before the lookups`] : []),
    runs === 1 ? `seed ${seed}` : `${runs} runs from seed ${seed} on`,
  ];
  return `${parts.join(", ")}. The same keys, links, comings and goings, and lookups for each.`;
}

function churnWords({ churn }: Conditions, { joins, ends }: ComparisonReport["churned"]): string {
  if (churn === undefined) return "nobody comes or goes";
  const sessions = formatDuration(churn.meanSessionMs);
  return `mean sessions of ${sessions} (${Math.round(joins)} came and ${Math.round(ends)} went)`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
