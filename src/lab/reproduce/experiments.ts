/** All published results that are measured again, in the order in which `grapevine reproduce all` goes. */
import { UsageError } from "../../core/index.ts";
import { antiEntropyExperiment } from "./anti-entropy.ts";
import { bimodalExperiment } from "./bimodal.ts";
import { chordExperiment } from "./chord.ts";
import { chordChurnExperiment } from "./chord-churn.ts";
import { chordFailuresExperiment } from "./chord-failures.ts";
import { chordLoadExperiment } from "./chord-load.ts";
import { demers1987Experiment } from "./demers-1987.ts";
import type { Experiment } from "./experiment.ts";
import { floodCostExperiment } from "./flood-cost.ts";
import { glomersExperiment } from "./glomers.ts";
import { gossip1Experiment } from "./gossip1.ts";
import { hyparviewExperiment } from "./hyparview.ts";
import { infectAndDieExperiment } from "./infect-and-die.ts";
import { kademliaExperiment } from "./kademlia.ts";
import { lifeguardExperiment } from "./lifeguard.ts";
import { logisticExperiment } from "./logistic.ts";
import { lossAndFailuresExperiment } from "./loss-and-failures.ts";
import { medianCounterExperiment } from "./median-counter.ts";
import { pastryExperiment } from "./pastry.ts";
import { pastryFailuresExperiment } from "./pastry-failures.ts";
import { pbbfExperiment } from "./pbbf.ts";
import { plumtreeExperiment } from "./plumtree.ts";
import { pullVsPushExperiment } from "./pull-vs-push.ts";
import { pushSumExperiment } from "./push-sum.ts";
import { roundsExperiment } from "./rounds.ts";
import { sKademliaExperiment } from "./s-kademlia.ts";
import { sirResidueExperiment } from "./sir-residue.ts";
import { spatialExperiment } from "./spatial.ts";
import { swimExperiment } from "./swim.ts";
import { topologyAwareExperiment } from "./topology-aware.ts";

export const experiments: readonly Experiment<any, any>[] = [
  demers1987Experiment,
  sirResidueExperiment,
  infectAndDieExperiment,
  medianCounterExperiment,
  pushSumExperiment,
  topologyAwareExperiment,
  spatialExperiment,
  gossip1Experiment,
  pbbfExperiment,
  bimodalExperiment,
  floodCostExperiment,
  logisticExperiment,
  pullVsPushExperiment,
  glomersExperiment,
  roundsExperiment,
  lossAndFailuresExperiment,
  antiEntropyExperiment,
  chordExperiment,
  chordFailuresExperiment,
  chordChurnExperiment,
  chordLoadExperiment,
  kademliaExperiment,
  sKademliaExperiment,
  pastryExperiment,
  pastryFailuresExperiment,
  swimExperiment,
  lifeguardExperiment,
  hyparviewExperiment,
  plumtreeExperiment,
];

/** Throws `UsageError` where there is none. */
export function experimentNamed(name: string): Experiment<any, any> {
  const found = experiments.find((experiment) => experiment.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `name: there is no experiment "${name}"; there are ${experiments.map((one) => one.name).join(", ")}`,
  );
}
