/** What the figures of an overlay mean, in words that claim no more than they show. */
import type { AskedOverlay, FitFigures, OverlayMeasures } from "./overlay-measures.ts";

/** Share of the peers that have the same number of links, where that says more than any law. */
const nearlyAll = 0.8;

const lawNames: Readonly<Record<string, string>> = {
  "power-law": "power law",
  geometric: "geometric law",
  "shifted-poisson": "shifted Poisson law",
  "seed-exponential": "exponential law of the seed report",
  preferential: "preferential attachment",
  uniform: "equal degrees",
};

export function lawName(law: string): string {
  return lawNames[law] ?? law;
}

export function askedText(asked: AskedOverlay | undefined): string {
  if (asked === undefined) return "Nothing is known of the law that was asked for.";
  const { law, exponent, minDegree, maxDegree } = asked;
  switch (law) {
    case "power-law":
      return `Asked for: power law, exponent ${exponent}, degrees ${minDegree} to ${maxDegree}.`;
    case "seed-exponential":
      return `Asked for: exponential law of the seed report, degrees ${minDegree} to ${maxDegree}.`;
    case "uniform":
      return `Asked for: ${minDegree} links for everybody.`;
    case "preferential":
      return `Asked for: preferential attachment, ${minDegree} links of each newcomer.`;
    default:
      return `Asked for: ${law}.`;
  }
}

/** Does it follow the law that was asked for? */
export function agreementText({
  askedPValue,
}: OverlayMeasures): { agrees: boolean; text: string } | undefined {
  if (askedPValue === undefined) return undefined;
  const p = pText(askedPValue);
  return askedPValue >= 0.05
    ? { agrees: true, text: `the degrees do not differ from that law (Kolmogorov–Smirnov, ${p})` }
    : { agrees: false, text: `the degrees differ from that law (Kolmogorov–Smirnov, ${p})` };
}

/** Which law explains the degrees best, and whether a power law may be called one. */
export function fitText(measures: OverlayMeasures): string {
  const { nodes, fit, degrees } = measures;
  if (nodes === 0) return "There is no peer.";
  if (degrees.links === 0) return "Nobody is linked.";
  if (fit === undefined) return `${nodes} ${nodes === 1 ? "peer is" : "peers are"} too few to fit any law.`;
  // No law is needed to tell what nearly everybody has.
  const { histogram } = degrees;
  const most = histogram.reduce((best, count, degree) => (count > (histogram[best] ?? 0) ? degree : best), 0);
  const usual = histogram[most] ?? 0;
  if (usual >= nearlyAll * nodes)
    return usual === nodes
      ? `Everybody has ${most} links.`
      : `${usual} of ${nodes} peers have ${most} links.`;
  const { leftOut, minDegree } = fit;
  const rest =
    leftOut === 0
      ? ""
      : ` ${leftOut} ${leftOut === 1 ? "peer" : "peers"} with fewer than ${minDegree} links left out.`;
  return verdictText(nodes, fit) + rest;
}

function verdictText(nodes: number, fit: FitFigures): string {
  const { exponent, exponentError, against, best, verdict } = fit;
  const power = `power law of exponent ${exponent.toFixed(2)} ± ${exponentError.toFixed(2)}`;
  switch (verdict) {
    case "power law":
      return `A ${power} explains the degrees better than every alternative.`;
    case "not a power law": {
      const better = against
        .filter(({ ratio, pValue }) => ratio < 0 && pValue < 0.1)
        .map(({ name, pValue }) => `the ${lawName(name)} (${pText(pValue)})`);
      return `Not a power law: ${listed(better, "and")} ${better.length === 1 ? "explains" : "explain"} the degrees better.`;
    }
    case "undecided": {
      const rivals = against.filter(({ pValue }) => pValue >= 0.1).map(({ name }) => `the ${lawName(name)}`);
      const open = `${nodes} peers are too few to tell a power law from ${listed(rivals, "or")}`;
      return `${open}; best so far: ${lawName(best)}.`;
    }
  }
}

export function removalText({ nodes, removal }: OverlayMeasures): string {
  if (nodes < 2) return "";
  // Of those that are left: whoever is gone hangs together with nobody anyhow.
  const { removed } = removal;
  const half = (shares: readonly number[]) =>
    removed[shares.findIndex((share, i) => share < (1 - removed[i]!) / 2)] ?? 1;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const theory =
    Number.isFinite(removal.criticalShare) && removal.criticalShare > 0
      ? ` A large random network with these degrees falls apart at ${percent(removal.criticalShare)} at random (Cohen et al. 2000).`
      : "";
  return `Less than half of the others hang together when ${percent(half(removal.byHubs))} went, hubs first, or ${percent(half(removal.atRandom))} at random.${theory}`;
}

function pText(pValue: number): string {
  return pValue < 0.001 ? "p < 0.001" : `p = ${pValue.toPrecision(2)}`;
}

/** `a, b or c`. */
function listed(words: readonly string[], last: string): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
