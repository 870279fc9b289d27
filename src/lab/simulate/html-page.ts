/** Style and script of the report's page: browsers run them, so that they are texts here. */

export const pageStyle = `
:root {
  --ground: #ffffff; --text: #1b1f24; --faint: #57606a; --line: #d0d7de; --grid: #e6e9ed;
  --ok: #116329; --failed: #b42318;
  --series-0: #0550ae; --series-1: #b35900; --series-2: #57606a; --series-3: #1a7f37;
  --series-4: #8250df; --series-5: #c11c28; --series-6: #1b7c83; --series-7: #7d5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161b; --text: #e6edf3; --faint: #9aa5b1; --line: #39424d; --grid: #242b33;
    --ok: #57d364; --failed: #ff8078;
    --series-0: #6cb6ff; --series-1: #f0a04b; --series-2: #adbac7; --series-3: #57d364;
    --series-4: #d2a8ff; --series-5: #ff8078; --series-6: #4fd1d9; --series-7: #e3c04a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 92rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 0.5rem; }
h2 { font-size: 1.15rem; margin: 0 0 0.5rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.3rem; }
a { color: var(--series-0); }
section { margin-top: 2rem; }
.experiment { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
noscript:first-child + .experiment { margin-top: 0; padding-top: 0; border-top: 0; }
.experiment > h2 { font-size: 1.4rem; }
.experiment > .table { margin-top: 1.5rem; }
.experiment ul { margin: 0.3rem 0 1rem; padding-left: 1.3rem; max-width: 60rem; }
.source { color: var(--faint); }
.contents { padding-left: 1.3rem; }
.contents li { margin: 0.2rem 0; }
.ok { color: var(--ok); }
.failed { color: var(--failed); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; margin-top: 1.5rem; }
figure { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: 6px; min-width: 0; }
figcaption { color: var(--faint); font-size: 0.9rem; margin: 0.5rem 0; }
summary { cursor: pointer; }
:focus-visible { outline: 2px solid var(--series-0); outline-offset: 2px; }
.table { overflow: auto; }
details .table { max-height: 24rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.9rem 0.2rem 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th[scope="row"], thead th:first-child { text-align: left; font-weight: 500; }
th.text, td.text { text-align: left; }
tr.failed th, tr.failed td { color: var(--failed); }
thead th { position: sticky; top: 0; background: var(--ground); color: var(--faint); font-weight: 600; }
pre { overflow: auto; padding: 0.8rem 1rem; border: 1px solid var(--line); border-radius: 6px; font-size: 0.85rem; }
.u-legend { color: var(--text); font-size: 0.85rem; text-align: left; }
.u-legend .edge { display: none; }
.u-legend .u-marker { border-width: 3px !important; }
@media print { details, .u-legend { display: none; } }
`;

export const pageScript = `
"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const mostTicks = 9;
  const dashes = { dashed: [8, 5], dotted: [2, 4] };
  let drawn = [];

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = (value) => value === null || value === undefined ? "" :
    Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
  const tick = (value) => value === null ? "" :
    value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(0) : value.toLocaleString("en", { maximumFractionDigits: 6 });

  const wholeSteps = [1, 2, 5].flatMap((lead) => [0, 1, 2, 3, 4, 5, 6, 7].map((power) => lead * 10 ** power)).sort((a, b) => a - b);

  function axis({ label, isLogarithmic }, isVertical, isWhole) {
    return {
      ...(isWhole && !isLogarithmic ? { incrs: wholeSteps } : {}),
      label, labelSize: 24, size: isVertical ? 58 : 34, font: "12px system-ui, sans-serif",
      labelFont: "13px system-ui, sans-serif", stroke: color("--text"),
      grid: { stroke: color("--grid"), width: 1 }, ticks: { stroke: color("--line"), width: 1 },
      ...(isLogarithmic ? { filter: (_, splits) => splits } : {}),
      values: (_, splits) => {
        const leads = splits.filter((value) => isPlain(value, [1, 2, 5])).length > mostTicks ? [1] : [1, 2, 5];
        return splits.map((value) => isLogarithmic && !isPlain(value, leads) ? "" : tick(value));
      },
    };
  }

  /** On logarithmic paper there is room for 1, 2, 5, 10, 20 …, or, over many decades, for 1, 10, 100 … */
  function isPlain(value, leads) {
    const lead = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
    return leads.some((plain) => Math.abs(lead - plain) < 1e-6);
  }

  /** Rounded down: lines on logarithmic paper are counted from its edge. */
  function oneDigit(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return Number((Math.floor(value / power) * power).toPrecision(1));
  }

  /** From zero, unless that would leave half of the paper empty. */
  function heights(low, high, isBars, reachesTo) {
    if (low === null) return [0, 1];
    if (isBars) return [0, high * 1.05];
    if (reachesTo !== undefined) return [0, Math.max(high, reachesTo)];
    const margin = 0.08 * (high - low || Math.abs(high) || 1);
    return [low >= 0 && low < high / 2 ? 0 : low - margin, high + margin];
  }

  function drawWhiskers(plot, at, { low, high, stroke, of }) {
    if (!plot.series[of].show) return;
    const { ctx, bbox } = plot;
    const pixel = devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 1.5 * pixel;
    ctx.beginPath();
    at.forEach((place, i) => {
      if (low[i] === null || high[i] === null) return;
      const x = Math.round(plot.valToPos(place, "x", true));
      const [top, bottom] = [high[i], low[i]].map((value) => {
        const y = plot.valToPos(value, "y", true);
        return Number.isFinite(y) ? Math.min(y, bbox.top + bbox.height) : bbox.top + bbox.height;
      });
      ctx.moveTo(x, top);
      ctx.lineTo(x, bottom);
      for (const y of [top, bottom]) {
        ctx.moveTo(x - 4 * pixel, y);
        ctx.lineTo(x + 4 * pixel, y);
      }
    });
    ctx.stroke();
    ctx.restore();
  }

  function draw(chart) {
    const place = document.getElementById(chart.id);
    const data = [chart.at];
    const series = [{ label: chart.x.label, value: (_, value) => text(value) }];
    const bands = [];
    const whiskers = [];
    // Logarithmic paper has no place for zero.
    const shown = (values) => chart.y.isLogarithmic ? values.map((value) => value > 0 ? value : null) : values;
    for (const { label, style, color: number, values, band, interval } of chart.series) {
      const stroke = color("--series-" + number % 8);
      data.push(shown(values));
      series.push({
        label, stroke, color: stroke, look: style, width: style === "points" ? 0 : 2, dash: dashes[style],
        points: { show: style === "points", size: 6, fill: stroke, stroke },
        paths: style === "bars" ? uPlot.paths.bars({ size: [0.9, 100], align: 0 }) :
          style === "points" ? () => null : uPlot.paths.linear(),
        fill: style === "bars" ? stroke + "99" : undefined,
        spanGaps: true, value: (_, value) => text(value),
      });
      if (interval !== undefined) whiskers.push({ ...interval, stroke, of: series.length - 1 });
      // Series nobody sees: they make room for the edges, and hold the band.
      for (const edges of [band, interval]) {
        if (edges === undefined) continue;
        for (const edge of [edges.high, edges.low]) {
          data.push(shown(edge));
          series.push({ label: label + (edge === edges.high ? ", highest" : ", lowest"), class: "edge", width: 0, stroke,
            points: { show: false }, paths: edges === band ? undefined : () => null, value: (_, value) => text(value) });
        }
        if (edges === band) bands.push({ series: [series.length - 2, series.length - 1], fill: stroke + "33" });
      }
    }
    const scale = ({ isLogarithmic }) => isLogarithmic ? { distr: 3, log: 10 } : {};
    const isBars = chart.series.some(({ style }) => style === "bars");
    const last = chart.at.at(-1);
    const half = chart.at.length > 1 ? (chart.at[1] - chart.at[0]) / 2 : 0.5;
    const x = { time: false, ...scale(chart.x) };
    // A whisker at the edge is half outside.
    const margin = whiskers.length > 0 ? 0.03 * (last - chart.at[0]) : 0;
    if (isBars) x.range = [chart.at[0] - half, last + half];
    else if (!chart.x.isLogarithmic) x.range = [chart.at[0] - margin, last === chart.at[0] ? last + 1 : last + margin];
    else if (whiskers.length > 0) x.range = [oneDigit(chart.at[0] / 1.2), last * 1.2];
    const y = scale(chart.y);
    if (!chart.y.isLogarithmic) y.range = (_, low, high) => heights(low, high, isBars, chart.y.reachesTo);
    // In the legend points are full, and lines are drawn as they are.
    const style = (of) => series[of].look;
    const marks = {
      fill: (_, of) => style(of) === "points" || style(of) === "bars" ? series[of].color : null,
      stroke: (_, of) => series[of].color,
      dash: (_, of) => style(of) in dashes ? style(of) : "solid",
    };
    const size = () => ({ width: place.clientWidth, height: 320 });
    const plot = new uPlot({
      ...size(), series, bands, scales: { x, y }, axes: [axis(chart.x, false, chart.at.every(Number.isInteger)), axis(chart.y, true, false)],
      legend: { live: true, markers: marks }, cursor: { points: { size: 7 } },
      hooks: { draw: [(plot) => { for (const one of whiskers) drawWhiskers(plot, chart.at, one); }] },
    }, data, place);
    return { plot, resize: () => plot.setSize(size()) };
  }

  function drawAll() {
    for (const { plot } of drawn) plot.destroy();
    drawn = charts.map(draw);
  }

  drawAll();
  addEventListener("resize", () => { for (const { resize } of drawn) resize(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
`;
