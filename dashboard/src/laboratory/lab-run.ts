/** What is asked of the laboratory, as a scenario that it can run. */
import { UsageError } from "../../../src/core/index.ts";
import {
  type Scenario,
  type Step,
  scenarioOptions,
  scenarios,
  withOverrides,
} from "../../../src/scenario/index.ts";
import type { FeedAbout } from "../../../src/trace/feed.ts";
import { withDefaults } from "../sources/trace-about.ts";
import { labOf, type NetworkLab, optionsOf, type ScenarioLab } from "./lab-address.ts";
import { profileOfLab } from "./lab-profile.ts";
import type { NetworkRunConfig } from "./run-messages.ts";
import { SimulatedSource } from "./simulated-source.ts";

/** What only bytes can do: lie about who one is, and send what is no message. */
const needBytes = new Set<Step["do"]>(["forge-reports", "forge-registrations", "junk"]);
/** A message that was lost with its link is repaired within some rounds. */
const patience = "60s";

export interface LabScenario {
  readonly scenario: Scenario;
  /** Why the page cannot run it. */
  readonly whyNot: string | undefined;
}

export const labScenarios: readonly LabScenario[] = scenarios.map((scenario) => ({
  scenario,
  whyNot: scenario.timeline?.some((step) => needBytes.has(step.do))
    ? `It sends bytes, and the page has no wire format: run it with "grapevine run ${scenario.name}"`
    : undefined,
}));

/** All that the run is made of. Throws `UsageError` where there is no such scenario, or the page cannot run it. */
export function runOf(lab: NetworkLab | ScenarioLab): NetworkRunConfig {
  return { scenario: lab.kind === "network" ? networkScenario(lab) : namedScenario(lab), seed: lab.seed };
}

/**
 * What every tunable is where nobody changes it: the laboratory's nodes ping every second, and whatever waits for news
 * comes around about as often, so that nobody waits for minutes.
 */
export function usualTunables(lab: NetworkLab): FeedAbout["options"] {
  return withDefaults({ ...scenarioOptions(networkScenario(lab)) });
}

export function labelOf(lab: NetworkLab | ScenarioLab): string {
  const what = lab.kind === "scenario" ? lab.name : `${lab.peers} peers, ${lab.seeds} seeds`;
  return profileOfLab(lab.tunables) === "modern" ? `${what}, modern` : what;
}

/** The network that an address asks for; undefined where it asks for none, or for one that cannot be. */
export function labSource(search: string): SimulatedSource | undefined {
  try {
    const lab = labOf(search);
    if (lab === undefined || lab.kind === "epidemic") return undefined;
    return new SimulatedSource(runOf(lab), labelOf(lab));
  } catch (error) {
    // The laboratory itself says what is wrong with the address.
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function networkScenario(lab: NetworkLab): Scenario {
  const { seeds, peers, joinEveryMs, messages, everyMs, links, latency, loss, tunables } = lab;
  const publications = Array.from(
    { length: messages },
    (_, i): Step => ({ do: "publish", from: { random: 1, of: "peers" }, at: (i + 1) * everyMs }),
  );
  return {
    name: "network",
    network: { seeds, peers, joinEvery: joinEveryMs, links: { kind: links, latency, loss } },
    stack: { options: optionsOf(tunables) },
    timeline: [
      ...publications,
      { do: "expect", is: "delivered", within: patience, claim: "every message reached everybody" },
      { do: "expect", is: "nobody-removed", claim: "no living peer was removed" },
    ],
  };
}

function namedScenario({ name, tunables }: ScenarioLab): Scenario {
  const known = labScenarios.find(({ scenario }) => scenario.name === name);
  if (known === undefined)
    throw new UsageError(
      `name: there is no scenario "${name}"; there are ${scenarios.map((one) => one.name).join(", ")}`,
    );
  if (known.whyNot !== undefined) throw new UsageError(`name: ${known.whyNot}`);
  return withOverrides(known.scenario, { options: optionsOf(tunables) });
}
