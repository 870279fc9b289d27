/**
 * How many hear of it in the end, exactly, where everybody who hears of it spreads it once and is done: infect and die.
 * The chain-binomial model of an epidemic (Reed and Frost, in Abbey 1952, "An examination of the Reed-Frost theory of
 * epidemics"), and what Birman and others 1999 ("Bimodal multicast") compute for pbcast: almost nobody or almost
 * everybody, and next to nothing between.
 *
 * What a spreader does depends on nobody but itself and on who is left, so it does not matter who goes first: in rounds
 * or one by one, the final number has the same law. Here they go one by one. With k informed, d of whom are done:
 *
 *     (k, d) -> (k + j, d + 1) with P(one spreader infects j of the n - k that are left), until d = k
 */
import { pow } from "../core/deterministic-math.ts";
import { UsageError } from "../core/errors.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** P(one spreader infects j of those that are left), for j from 0 to `left`. */
export type Infections = (left: number) => Float64Array;

/**
 * P(j know it in the end) for j = 0..nodes, where one knows it in the beginning (so P(0) is 0). `nodes` is at most 2000:
 * nodes^3 / 6 steps.
 */
export function finalSizes({
  nodes,
  infections,
}: {
  readonly nodes: number;
  readonly infections: Infections;
}): Float64Array {
  checkWhole("nodes", nodes, { least: 1, most: 2000 });
  const laws = Array.from({ length: nodes }, (_, left) => infections(left));
  const final = new Float64Array(nodes + 1);
  let informed = new Float64Array(nodes + 1);
  informed[1] = 1;
  for (let done = 1; done <= nodes; done++) {
    // One of those that are not done spreads it. It is the last one where k is `done` afterwards.
    const next = new Float64Array(nodes + 1);
    for (let k = done; k <= nodes; k++) {
      const probability = informed[k]!;
      if (probability === 0) continue;
      const law = laws[nodes - k]!;
      for (let j = 0; j < law.length; j++) next[k + j]! += probability * law[j]!;
    }
    final[done] = next[done]!;
    next[done] = 0;
    informed = next;
  }
  return final;
}

/** Each of those that are left, independently, with probability `contact`: the model of Reed and Frost. */
export function eachWithProbability(contact: number): Infections {
  checkShare("contact", contact);
  return (left) => {
    const law = new Float64Array(left + 1);
    if (contact === 1) {
      law[left] = 1;
      return law;
    }
    law[0] = pow(1 - contact, left);
    const odds = contact / (1 - contact);
    for (let j = 0; j < left; j++) law[j + 1] = (law[j]! * odds * (left - j)) / (j + 1);
    return law;
  };
}

/**
 * By calls, each to one of the `nodes` - 1 others at random, the same one twice perhaps; each arrives with probability
 * `arrival`. `fanouts[i]` calls with probability 1/fanouts.length each: [5], or [7, 8] for 7.5 on average.
 */
export function byCalls({
  nodes,
  fanouts,
  arrival,
}: {
  readonly nodes: number;
  readonly fanouts: readonly number[];
  readonly arrival: number;
}): Infections {
  checkWhole("nodes", nodes, { least: 2 });
  checkShare("arrival", arrival);
  if (fanouts.length === 0) throw new UsageError("fanouts: there is none");
  for (const fanout of fanouts) checkWhole("fanouts", fanout, { least: 0 });
  return (left) => {
    checkNumber("left", left, { least: 0, most: nodes - 1 });
    const mixed = new Float64Array(left + 1);
    for (const fanout of fanouts) {
      const law = new Float64Array(left + 1);
      law[0] = 1;
      for (let call = 0; call < fanout; call++) {
        // From the most on, so that a call moves each at most by one.
        for (let j = Math.min(call, left); j >= 0; j--) {
          const hit = (arrival * (left - j)) / (nodes - 1);
          if (j < left) law[j + 1]! += law[j]! * hit;
          law[j]! *= 1 - hit;
        }
      }
      for (let j = 0; j <= left; j++) mixed[j]! += law[j]! / fanouts.length;
    }
    return mixed;
  };
}

export interface Bimodality {
  /** P(at most a tenth of all know it in the end). */
  readonly almostNobody: number;
  /** P(more than a tenth and less than nine tenths). */
  readonly between: number;
  /** P(at least nine tenths). */
  readonly almostAll: number;
  readonly all: number;
}

/** The two peaks of a law of final sizes, and what lies between. `sizes[j]` is P(j of sizes.length - 1 nodes). */
export function bimodality(sizes: ArrayLike<number>): Bimodality {
  const nodes = sizes.length - 1;
  let almostNobody = 0;
  let between = 0;
  let almostAll = 0;
  for (let j = 0; j <= nodes; j++) {
    if (10 * j <= nodes) almostNobody += sizes[j]!;
    else if (10 * j >= 9 * nodes) almostAll += sizes[j]!;
    else between += sizes[j]!;
  }
  return { almostNobody, between, almostAll, all: sizes[nodes]! };
}
