/**
 * The agenda of a simulation: what will happen, in order of time; what happens at the same time happens in the order
 * in which it was put there. One contract, two implementations: the timing wheel for work, the heap as its reference
 * (test/contracts/agenda.contract.ts runs on both).
 *
 * An event is three integers of 32 bits, so that the agenda is made of numbers and nothing else. What they mean is
 * the simulation's affair.
 */
export interface Agenda {
  /** Events that are waiting. */
  readonly size: number;
  /** The parts of the event that `next` took last. */
  readonly at: number;
  readonly row: number;
  readonly head: number;
  readonly payload: number;
  /** `at` is an integer and not in the past: the time of the agenda is the field `at`. Throws `RangeError`. */
  push(at: number, row: number, head: number, payload: number): void;
  /**
   * Takes the first event, if it is due by `until`, and leaves its parts in the fields above. Otherwise the time of
   * the agenda is `until` now (unless that is infinite).
   */
  next(until: number): boolean;
  /** What the agenda keeps in memory. */
  readonly memoryBytes: number;
}

/** 2^53 milliseconds would be 285,000 years; up to here all arithmetic on times is exact. */
export const latestTime = 2 ** 50;
