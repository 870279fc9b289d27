// Draws docs/pictures/theory/*.svg from the functions of src/theory: `npm run docs:theory`.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * One picture for each formula, by its file name. Takes what `theory` and `core/deterministic-math` export (and the
 * degree laws of core), so that a test can draw them from the sources. All numbers come from there: the pictures are
 * the same on every machine, byte for byte.
 */
export function theoryPlots({ theory, math, degreeLaw }) {
  const { log, pow } = math;
  /** So many values from one to the other, both included. */
  const steps = (from, to, count = 120) =>
    Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
  const powers = (from, to, count = 120) => steps(from, to, count).map((power) => pow(10, power));
  const doublings = Array.from({ length: 12 }, (_, i) => 2 ** (i + 1));
  const whole = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const sizes = powers(2, 9).map((n) => Math.round(n));
  const curve = (label, xs, y, look = {}) => ({ label, points: xs.map((x) => [x, y(x)]), ...look });
  const rounds = (label, values, look = {}) => ({ label, points: values.map((y, i) => [i, y]), ...look });
  const modes = ["push", "pull", "push-pull"];
  const dashed = { dash: "6 4" };
  const dotted = { dash: "1.5 4" };

  const plots = {
    logistic: {
      title: "Bailey's logistic, n = 1000, b = 1",
      x: { label: "time (units of one call per person)" },
      y: { label: "people" },
      series: [
        curve("x(t): do not know it", steps(0, 14), (t) => theory.logisticSusceptible({ n: 1000, b: 1, t })),
        curve("y(t): know it", steps(0, 14), (t) => theory.logisticInfected({ n: 1000, b: 1, t })),
      ],
    },
    "logistic-times": {
      title: "Time until so many know it, b = 1",
      x: { label: "n", isLogarithmic: true },
      y: { label: "time" },
      series: [
        curve("logistic: 50 %", sizes, (n) => theory.logisticTimeToShare({ n, b: 1, share: 0.5 })),
        curve("logistic: 99 %", sizes, (n) => theory.logisticTimeToShare({ n, b: 1, share: 0.99 })),
        curve(
          "random: all, mean",
          powers(2, 5, 30).map((n) => Math.round(n)),
          (n) => theory.expectedTimeToInform({ n, b: 1 }),
          dashed,
        ),
        curve("1 % to 99 %", sizes, (n) => theory.logisticTimeBetween({ n, b: 1, from: 0.01, to: 0.99 })),
      ],
    },
    "missed-after-log-time": {
      title: "Who does not know it after c ln n, n = 1000",
      x: { label: "c b" },
      y: { label: "people", isLogarithmic: true },
      series: [
        curve("n^(2-cb)", steps(1.05, 4), (cb) => theory.missedAfterLogTime({ n: 1000, b: cb, c: 1 })),
        curve(
          "x(c ln n)",
          steps(0.2, 4),
          (cb) => theory.logisticSusceptible({ n: 1000, b: cb, t: log(1000) }),
          dashed,
        ),
      ],
    },
    "logistic-load": {
      title: "Messages per node, b = 1",
      x: { label: "n", isLogarithmic: true },
      y: { label: "messages" },
      series: [
        curve("c b ln n, c = 3", sizes, (n) => theory.logisticLoadPerNode({ n, b: 1, c: 3 })),
        curve("c b ln n, c = 2", sizes, (n) => theory.logisticLoadPerNode({ n, b: 1, c: 2 })),
      ],
    },
    push: {
      title: "Push: p' = p (1-1/n)^(b n (1-p)), n = 10^5, from 1/2 on",
      x: { label: "round" },
      y: { label: "susceptible share p", isLogarithmic: true },
      series: [
        ...[1, 2, 4].map((fanout) =>
          rounds(
            `b = ${fanout}`,
            theory
              .iterateRounds((p) => theory.pushStep({ p, n: 100_000, fanout }), 0.5, 12)
              .filter((p) => p > 1e-6),
          ),
        ),
        rounds(
          "as document 000 prints it",
          theory.iterateRounds((p) => theory.misprintedPushStep({ p, n: 100_000 }), 0.5, 12),
          dotted,
        ),
      ],
    },
    pull: {
      title: "Pull: p_i = p_0^((k+1)^i), from 1/2 on",
      x: { label: "round" },
      y: { label: "susceptible share p", isLogarithmic: true },
      series: [1, 2, 3].map((pulls) =>
        rounds(
          `k = ${pulls}`,
          whole(0, 5)
            .map((i) => theory.pullAfter({ p: 0.5, pulls, rounds: i }))
            .filter((p) => p > 1e-10),
        ),
      ),
    },
    recurrences: {
      title: "One node in 10^6 knows it: the three recurrences",
      x: { label: "round" },
      y: { label: "susceptible share p" },
      series: modes.map((mode) =>
        rounds(mode, theory.iterateRounds(theory.stepOf({ mode, n: 1e6 }), 1 - 1e-6, 34)),
      ),
    },
    rounds: {
      title: "Rounds until all know it",
      x: { label: "n", isLogarithmic: true },
      y: { label: "rounds" },
      series: [
        curve("push: log2 n + ln n", sizes, (n) => theory.pushRounds({ n })),
        curve("its bounds", sizes, (n) => theory.pushRoundsBounds({ n }).low, dotted),
        curve("", sizes, (n) => theory.pushRoundsBounds({ n }).high, { ...dotted, color: 1 }),
        curve("pull: log2 n + log2 ln n", sizes, (n) => theory.pullRounds({ n })),
        curve("push-pull: log3 n + log2 ln n", sizes, (n) => theory.pushPullRounds({ n })),
      ],
    },
    "second-half": {
      title: "From 1/2 to 1/n: the second half",
      x: { label: "n", isLogarithmic: true },
      y: { label: "rounds" },
      series: [
        curve("push: ln(n/2)", sizes, (n) => theory.pushEndRounds({ n })),
        curve("pull, k = 1: log2 log2 n", sizes, (n) => theory.pullEndRounds({ n })),
        curve("pull, k = 3: log4 log2 n", sizes, (n) => theory.pullEndRounds({ n, pulls: 3 })),
      ],
    },
    log2: {
      title: "Why log2 N is low",
      x: { label: "N", isLogarithmic: true },
      y: { label: "log2 N" },
      series: [
        curve("log2 N", powers(0, 10), (n) => theory.log2(n)),
        {
          label: "document 003's table",
          points: theory.whyLogIsLow.map(({ n, about }) => [n, about]),
          hasDots: true,
        },
      ],
    },
    "lambert-w": {
      title: "Lambert's W: w e^w = x",
      x: { label: "x" },
      y: { label: "w" },
      series: [
        curve("W0", steps(theory.lambertBranchPoint, 2, 400), theory.lambertW0),
        curve("W-1", steps(theory.lambertBranchPoint, -0.02, 200), theory.lambertWMinus1),
      ],
    },
    sir: {
      title: "SIR with feedback and coin, k = 2, from one in 10^4",
      x: { label: "time (calls of a node)" },
      y: { label: "share of nodes" },
      series: (() => {
        const solution = theory.solveSir({ k: 2, i: 1e-4, until: 30 });
        const every = whole(0, 150).map((i) => 4 * i);
        return [
          ["s", "susceptible"],
          ["i", "infected"],
          ["r", "removed"],
        ].map(([name, label]) => ({
          label,
          points: every.map((i) => [solution.t[i], solution[name][i]]),
        }));
      })(),
    },
    "sir-phase": {
      title: "i(s) = ((k+1)/k)(1-s) + (1/k) ln s, and its peaks",
      x: { label: "susceptible share s" },
      y: { label: "infected share i" },
      series: [
        ...[1, 2, 4].map((k) =>
          curve(`k = ${k}`, steps(theory.sirResidue({ k }), 1), (s) => theory.sirInfectedAt({ k, s })),
        ),
        {
          label: "peaks",
          points: [1, 2, 4].map((k) => [theory.sirPeak({ k }).s, theory.sirPeak({ k }).i]),
          isOnlyDots: true,
        },
      ],
    },
    residues: {
      title: "Residue: who never hears it",
      x: { label: "k" },
      y: { label: "s", isLogarithmic: true },
      series: [
        curve("feedback, coin: s = e^(-(k+1)(1-s))", steps(1, 8), (k) => theory.sirResidue({ k })),
        curve("blind, coin: s = e^(-k(1-s))", steps(1, 8), (k) => theory.blindCoinResidue({ k })),
      ],
    },
    "infect-and-die": {
      title: "Infect and die: delivered share 1-s, s = e^(-f(1-s))",
      x: { label: "fan-out f" },
      y: { label: "delivered share" },
      series: [curve("1 - s", steps(0, 6, 240), (fanout) => 1 - theory.infectAndDieResidue({ fanout }))],
    },
    "blind-chain": {
      title: "A blind coin of 1: how far the chain gets",
      x: { label: "n", isLogarithmic: true },
      y: { label: "nodes that know it", isLogarithmic: true },
      series: [
        curve(
          "expected",
          powers(1, 6, 60).map((n) => Math.round(n)),
          (n) => theory.blindChainReach({ n }),
        ),
      ],
    },
    "residue-of-traffic": {
      title: "What m copies per node leave",
      x: { label: "copies per node m" },
      y: { label: "residue s", isLogarithmic: true },
      series: [
        curve("push: e^-m", steps(0, 8), theory.residueOfTraffic),
        curve("connection limit 1: e^(-1.582 m)", steps(0, 8), theory.residueOfLimitedTraffic),
      ],
    },
    extinction: {
      title: "Early die-out of blind rumors",
      x: { label: "share of copies that arrive" },
      y: { label: "probability" },
      series: [
        ...[2, 3, 5].map((copies) =>
          curve(`${copies} copies`, steps(0, 1, 200), (arrival) =>
            theory.extinctionProbability(theory.binomialOffspring({ copies, arrival })),
          ),
        ),
        curve(
          "coin 1/3",
          steps(0, 1, 200),
          (arrival) => theory.extinctionProbability(theory.coinOffspring({ k: 3, arrival })),
          dashed,
        ),
        curve(
          "Poisson, 3 on average",
          steps(0, 1, 200),
          (arrival) => theory.extinctionProbability(theory.poissonOffspring(3 * arrival)),
          dotted,
        ),
      ],
    },
    faults: {
      title: "How much longer until all survivors know it, n = 10^4",
      x: { label: "share lost, or crashed" },
      y: { label: "times as long" },
      series: [
        curve("loss", steps(0, 0.8, 40), (loss) => theory.slowdown({ n: 10_000, loss })),
        curve("crashes", steps(0, 0.8, 40), (crashed) => theory.slowdown({ n: 10_000, crashed })),
        curve(
          "loss, synchronous rounds",
          steps(0, 0.8, 40),
          (loss) => theory.pushRoundsUnderFaults({ n: 10_000, loss }) / theory.pushRounds({ n: 10_000 }),
          dashed,
        ),
      ],
    },
    traffic: {
      title: "SI until all know it: copies per node",
      x: { label: "n", isLogarithmic: true },
      y: { label: "copies per node" },
      series: modes.map((mode) =>
        curve(
          mode,
          powers(1, 5, 40).map((n) => Math.round(n)),
          (n) => theory.siTraffic(mode, { n }),
        ),
      ),
    },
    "router-load": {
      title: "Two subnets of N/2: calls per round through the router",
      x: { label: "N", isLogarithmic: true },
      y: { label: "calls per round", isLogarithmic: true },
      series: ["uniform", "topology-aware"].map((rule) =>
        curve(
          rule,
          powers(1, 6, 40).map((n) => 2 * Math.round(n / 2)),
          (n) => theory.crossingsPerRound(rule, { sizes: [n / 2, n / 2] }),
        ),
      ),
    },
    flood: {
      title: "Flood of 1000 nodes: copies too many for each needed one",
      x: { label: "mean degree" },
      y: { label: "RMR" },
      series: [
        curve("2|E|/(n-1) - 2", whole(2, 20), (degree) =>
          theory.floodRedundancy({ nodes: 1000, links: 500 * degree }),
        ),
      ],
    },
    spatial: {
      title: "Calls to distance d with probability ~ d^-a: load of a link",
      x: { label: "a" },
      y: { label: "calls per round", isLogarithmic: true },
      series: [
        curve("line of 1000, the middle", steps(0, 4, 32), (exponent) =>
          theory.lineLinkCalls({ nodes: 1000, exponent }),
        ),
        curve("torus of 32 x 32, mean", steps(0, 4, 32), (exponent) => theory.torusLinkCalls({ side: 32, exponent })),
      ],
    },
    "push-sum": {
      title: "Push-sum: rounds until all know n, within epsilon",
      x: { label: "n", isLogarithmic: true },
      y: { label: "rounds" },
      series: [0.01, 0.0001, 0.000001].map((epsilon) =>
        curve(`epsilon = ${epsilon}`, sizes, (n) => theory.countingRounds({ n, epsilon })),
      ),
    },
    pbbf: {
      title: "PBBF: probability that a link is open, 1 - p + pq",
      x: { label: "p: sent at once" },
      y: { label: "open" },
      series: [
        ...[0, 0.25, 0.5, 0.75].map((q) => curve(`q = ${q}`, steps(0, 1, 20), (p) => theory.pbbfOpenLink({ p, q }))),
        curve("threshold of the square grid", [0, 1], () => theory.squareBondThreshold, dotted),
      ],
    },
    "pbbf-latency": {
      title: "PBBF: time over a link, L1 = 1 s, L2 = 5 s",
      x: { label: "p: sent at once" },
      y: { label: "seconds" },
      series: [0.25, 0.5, 1].map((q) =>
        curve(
          `q = ${q}`,
          steps(0, 1, 40),
          (p) => theory.pbbfHopLatencyMs({ p, q, immediateMs: 1000, waitMs: 5000 }) / 1000,
        ),
      ),
    },
    "degree-laws": {
      title: "Degree laws from 1 to 200",
      x: { label: "degree", isLogarithmic: true },
      y: { label: "P(degree)", isLogarithmic: true },
      series: (() => {
        const support = { minDegree: 1, maxDegree: 200 };
        const degrees = whole(1, 200);
        const of = (label, law) =>
          curve(
            label,
            degrees.filter((k) => law.probability(k) > 1e-7),
            (k) => law.probability(k),
          );
        return [
          of("document 001: 40 * 1.5^(-k/10)", degreeLaw.seedExponential(support)),
          of("power law, exponent 2.5", degreeLaw.powerLaw({ exponent: 2.5, ...support })),
          of("geometric, ratio 0.8", theory.geometric({ ratio: 0.8, ...support })),
          of("shifted Poisson, rate 8", theory.shiftedPoisson({ rate: 8, ...support })),
        ];
      })(),
    },
    "final-sizes": {
      title: "How many of 50 know it in the end: 3 calls each, 5 % lost",
      x: { label: "nodes" },
      y: { label: "probability", isLogarithmic: true },
      series: [
        (() => {
          const infections = theory.byCalls({ nodes: 50, fanouts: [3], arrival: 0.95 });
          const sizes = theory.finalSizes({ nodes: 50, infections });
          return curve("exact", whole(1, 50), (j) => sizes[j]);
        })(),
      ],
    },
    "digest-gossip": {
      title: "Gossip by digests: share that lacks it, from 1/2 on",
      x: { label: "rounds" },
      y: { label: "share", isLogarithmic: true },
      series: [
        ...[0, 0.1, 0.2].map((loss) =>
          curve(`loss ${100 * loss} %`, whole(0, 8), (rounds) => theory.digestGossipAfter({ p: 0.5, loss, rounds })),
        ),
        curve(
          "20 %, in step",
          whole(0, 8),
          (rounds) => theory.iterateRounds((p) => theory.digestGossipStep({ p, loss: 0.2 }), 0.5, rounds).at(-1),
          { ...dotted, color: 2 },
        ),
      ],
    },
    phi: {
      title: "Phi of a silence, for heartbeats each second",
      x: { label: "silence, s" },
      y: { label: "phi" },
      series: [
        ...[100, 250, 500].map((deviationMs) =>
          curve(
            `normal, deviation ${deviationMs} ms`,
            whole(0, 80).map((x) => x / 20),
            (s) => Math.min(theory.phiAfter({ model: "normal", meanMs: 1000, deviationMs, silenceMs: 1000 * s }), 12),
          ),
        ),
        curve(
          "exponential",
          whole(0, 80).map((x) => x / 20),
          (s) => theory.phiAfter({ model: "exponential", meanMs: 1000, silenceMs: 1000 * s }),
        ),
      ],
    },
    "detector-traffic": {
      title: "Bytes per node and second against n",
      x: { label: "nodes", isLogarithmic: true },
      y: { label: "bytes/s", isLogarithmic: true },
      series: [
        curve("all to all, 1 s", doublings, (n) => theory.allToAllTraffic({ n, intervalMs: 1000, heartbeatBytes: 43 }).bytes),
        curve("gossip, 1 s", doublings, (n) =>
          theory.gossipHeartbeatTraffic({ n, intervalMs: 1000, messageBytes: 33, digestBytes: 33, deltaBytes: 48, differ: 0.7 }).bytes,
        ),
        curve("SWIM, 500 ms", doublings, () =>
          theory.swimTraffic({ intervalMs: 500, helpers: 3, pingBytes: 42, ackBytes: 42 }).bytes,
        ),
        curve("pings to 6, 13 s", doublings, (n) =>
          theory.pingTraffic({ degree: Math.min(6, n - 1), intervalMs: 13_000, pingBytes: 13, replyBytes: 40 }).bytes,
        ),
      ],
    },
  };
  return Object.fromEntries(Object.entries(plots).map(([name, plot]) => [name, drawn(plot, log)]));
}

// ---- Lines on paper ---------------------------------------------------------------------------------------------

const width = 560;
const height = 320;
const frame = { left: 62, right: 14, top: 34, bottom: 46 };
/** Told apart on white and on black, also by those who see fewer colours. */
const colors = ["#3b7dd8", "#d9730d", "#2a9d6f", "#b4509e", "#8a6d1f"];

function drawn({ title, x, y, series }, log) {
  const points = series.flatMap((one) => one.points).filter(([, value]) => Number.isFinite(value));
  const across = axis({ ...x, isTight: true }, points.map(([at]) => at), [frame.left, width - frame.right], log);
  const up = axis(y, points.map(([, value]) => value), [height - frame.bottom, frame.top], log);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    "<style>text{fill:#444c56}.grid{stroke:#8b949e;stroke-opacity:.3}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>",
    `<text x="${frame.left}" y="20" font-size="13" font-weight="bold">${escaped(title)}</text>`,
  ];
  for (const { at, label } of across.ticks) {
    parts.push(`<path class="grid" d="M${at} ${frame.top}V${height - frame.bottom}"/>`);
    parts.push(`<text x="${at}" y="${height - frame.bottom + 16}" text-anchor="middle">${label}</text>`);
  }
  for (const { at, label } of up.ticks) {
    parts.push(`<path class="grid" d="M${frame.left} ${at}H${width - frame.right}"/>`);
    parts.push(`<text x="${frame.left - 6}" y="${px(at + 4)}" text-anchor="end">${label}</text>`);
  }
  const middle = { x: (frame.left + width - frame.right) / 2, y: (frame.top + height - frame.bottom) / 2 };
  parts.push(`<text x="${middle.x}" y="${height - 10}" text-anchor="middle">${escaped(x.label)}</text>`);
  parts.push(
    `<text x="14" y="${middle.y}" text-anchor="middle" transform="rotate(-90 14 ${middle.y})">${escaped(y.label)}</text>`,
  );
  const places = series.map((one) =>
    one.points
      .filter(([, value]) => Number.isFinite(value) && (!y.isLogarithmic || value > 0))
      .map(([at, value]) => [px(across.place(at)), px(up.place(value))]),
  );
  series.forEach(({ dash, color, hasDots, isOnlyDots }, i) => {
    const ink = colors[(color ?? i) % colors.length];
    const dashes = dash === undefined ? "" : ` stroke-dasharray="${dash}"`;
    if (!isOnlyDots && !hasDots)
      parts.push(
        `<polyline fill="none" stroke="${ink}" stroke-width="2"${dashes} points="${thinned(places[i]).map((place) => place.join(",")).join(" ")}"/>`,
      );
    else for (const [at, value] of places[i]) parts.push(`<circle cx="${at}" cy="${value}" r="4" fill="${ink}"/>`);
  });
  parts.push(...legend(series, places), "</svg>", "");
  return parts.join("\n");
}

/** Where it hides the fewest points: in a corner, or between two. */
function legend(series, places) {
  const named = series.map((one, i) => ({ ...one, ink: colors[(one.color ?? i) % colors.length] })).filter(({ label }) => label !== "");
  const size = { width: 30 + 6.4 * Math.max(...named.map(({ label }) => label.length)), height: 17 * named.length + 4 };
  const ends = (from, to) => [from, to, (from + to) / 2];
  const lefts = ends(frame.left + 8, width - frame.right - size.width - 4);
  const tops = ends(frame.top + 4, height - frame.bottom - size.height - 4);
  const corners = tops.flatMap((top) => lefts.map((left) => ({ left, top })));
  const hidden = ({ left, top }) =>
    places.flatMap(filledIn).filter(([x, y]) => x > left - 6 && x < left + size.width + 6 && y > top - 6 && y < top + size.height + 6).length;
  const { left, top } = corners.reduce((best, corner) => (hidden(corner) < hidden(best) ? corner : best));
  return named.flatMap(({ label, dash, ink, hasDots, isOnlyDots }, i) => {
    const y = px(top + 17 * i + 9);
    const dashes = dash === undefined ? "" : ` stroke-dasharray="${dash}"`;
    const sign =
      hasDots || isOnlyDots
        ? `<circle cx="${px(left + 11)}" cy="${y}" r="4" fill="${ink}"/>`
        : `<path d="M${px(left)} ${y}h22" stroke="${ink}" stroke-width="2"${dashes}/>`;
    return [sign, `<text x="${px(left + 28)}" y="${px(y + 4)}">${escaped(label)}</text>`];
  });
}

/** Where a value stands, and the ticks: round numbers, or powers of ten. It ends at a tick, or where the values do. */
function axis({ isLogarithmic = false, isTight = false }, values, [from, to], log) {
  const scale = isLogarithmic ? (value) => log(value) / log(10) : (value) => value;
  const scaled = values.filter((value) => !isLogarithmic || value > 0).map(scale);
  const [least, most] = [Math.min(...scaled), Math.max(...scaled)];
  const step = isLogarithmic ? Math.max(1, Math.ceil((most - least) / 6)) : roundStep((most - Math.min(0, least)) / 5);
  const first = isLogarithmic ? Math.floor(least + 1e-9) : step * Math.floor(Math.min(0, least) / step + 1e-9);
  const last = isLogarithmic ? Math.ceil(most - 1e-9) : step * Math.ceil(most / step - 1e-9);
  const [low, high] = isTight ? [least, most] : [first, last];
  const placeOf = (value) => from + ((value - low) / (high - low)) * (to - from);
  const ticks = [];
  for (let tick = first, i = 0; tick <= high + 1e-9; tick = first + ++i * step) {
    if (tick < low - 1e-9) continue;
    ticks.push({ at: px(placeOf(tick)), label: isLogarithmic ? powerOfTen(tick) : shown(tick) });
  }
  return { place: (value) => placeOf(scale(value)), ticks };
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function roundStep(least) {
  let unit = 1;
  while (unit > least) unit /= 10;
  while (unit * 10 <= least) unit *= 10;
  return unit * [1, 2, 5, 10].find((times) => times * unit >= least);
}

function powerOfTen(power) {
  if (power >= 0 && power <= 3) return String([1, 10, 100, 1000][power]);
  if (power < 0 && power >= -2) return ["", "0.1", "0.01"][-power];
  const superscript = [...String(power)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]));
  return `10${superscript.join("")}`;
}

function shown(value) {
  return String(Number(value.toFixed(6)));
}

/** Tenths of a pixel. */
function px(value) {
  return Math.round(value * 10) / 10;
}

/** With points between them, for lines of few points hide behind a legend as others do. */
function filledIn(places) {
  return places.flatMap(([x, y], i) => {
    const [toX, toY] = places[i + 1] ?? [x, y];
    return Array.from({ length: 12 }, (_, part) => [x + ((toX - x) * part) / 12, y + ((toY - y) * part) / 12]);
  });
}

/** Without the points that lie on the line between their neighbors anyway: a level line has two. */
function thinned(places) {
  return places.filter(([, y], i) => i === 0 || i === places.length - 1 || y !== places[i - 1][1] || y !== places[i + 1][1]);
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = (file) => import(new URL(`../dist/${file}.js`, import.meta.url));
  const plots = theoryPlots({
    theory: await dist("theory/index"),
    math: await dist("core/deterministic-math"),
    degreeLaw: await dist("core/degree-law"),
  });
  const folder = process.argv[2];
  if (folder === undefined) throw new Error("which folder? node scripts/theory-plots.mjs docs/pictures/theory");
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith(".svg")) rmSync(join(folder, file));
  for (const [name, picture] of Object.entries(plots)) writeFileSync(join(folder, `${name}.svg`), picture);
}
