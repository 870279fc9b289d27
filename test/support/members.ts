/** What one node knows of the others. `others` may change. */
import { identityOf, type NodeId, type PeerSampler, sample } from "../../src/core/index.ts";

export class Members implements PeerSampler {
  readonly others: NodeId[];
  /** How often somebody has asked. */
  samples = 0;

  constructor(others: Iterable<NodeId>) {
    this.others = [...others];
  }

  get size(): number {
    return this.others.length;
  }
  sample: PeerSampler["sample"] = (count, random, accept = () => true) => {
    this.samples++;
    const candidates = this.others.map((peer) => ({ peer, since: 0 })).filter(accept);
    return sample(candidates, count, random);
  };
  get: PeerSampler["get"] = (identity) => {
    const peer = this.others.find((other) => identityOf(other) === identity);
    return peer === undefined ? undefined : { peer, since: 0 };
  };
}
