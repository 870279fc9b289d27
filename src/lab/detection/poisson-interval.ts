/** How many events of a kind there would be on average, if so many were counted once. */
import type { Interval } from "../../core/index.ts";

/**
 * The 95 % interval of the mean of a Poisson variable that came out as `count` (Garwood 1936): its low end would give
 * as many or more in 2.5 % of all cases, its high end as few or less. For 0 it reaches to 3.7.
 */
export function poissonInterval(count: number): Interval {
  // With so many it is as good as normal.
  if (count > 5000) return { low: count - 1.96 * Math.sqrt(count), high: count + 1.96 * Math.sqrt(count) };
  const tail = 0.025;
  const low = count === 0 ? 0 : meanWith((mean) => 1 - atMost(count - 1, mean) < tail, count);
  return { low, high: meanWith((mean) => atMost(count, mean) > tail, 4 * (count + 4)) };
}

/** The least mean for which it no longer holds, by halving. */
function meanWith(holds: (mean: number) => boolean, most: number): number {
  let low = 0;
  let high = most;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** P(X <= count). In logarithms: the terms of large means are too small for a number. */
function atMost(count: number, mean: number): number {
  if (mean === 0) return 1;
  let logTerm = -mean;
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= count; k++) {
    logTerm += Math.log(mean / k);
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}
