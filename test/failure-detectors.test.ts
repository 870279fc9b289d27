import { type LabDetector, labDetectors } from "../src/lab/detection/lab-detectors.ts";
import { describeFailureDetector } from "./contracts/failure-detector.contract.ts";

/** Six nodes; round trips of 20 ms at most. */
const bounds: Record<string, { readonly settleMs: number; readonly boundMs: number }> = {
  heartbeat: { settleMs: 40_000, boundMs: 60_000 },
  gossip: { settleMs: 15_000, boundMs: 15_000 },
  "gossip-phi": { settleMs: 60_000, boundMs: 60_000 },
  swim: { settleMs: 15_000, boundMs: 15_000 },
};
const usual = { settleMs: 10_000, boundMs: 6000 };

for (const detector of labDetectors)
  describeFailureDetector(detector.name, { ...usual, ...bounds[detector.name], make: makerOf(detector) });

function makerOf(detector: LabDetector): Parameters<typeof describeFailureDetector>[1]["make"] {
  return ({ others, ...place }) =>
    detector.make({ ...place, others, neighbors: others, introducers: others.slice(0, 3), since: 0 }, {});
}
