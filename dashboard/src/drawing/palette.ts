/**
 * Colors of the page, told apart by people who see few of them (Okabe and Ito 2008). A color never stands alone:
 * what it says is also said by form.
 */
export const palette = {
  /** Has not got the message: hollow. */
  susceptible: "#8a94a6",
  /** Has it and spreads it: filled, with a halo. */
  infected: "#e69f00",
  /** Has it and spreads it no more: filled, with a hole. */
  removed: "#009e73",
  /** Somebody misses its answers: a dashed ring. */
  suspected: "#cc79a7",
  /** Crossed out. */
  dead: "#d55e00",
  /** Two bars. */
  paused: "#0072b2",
  /** What theory says: a dashed line. */
  theory: "#56b4e9",
  /** What was measured: a solid line. */
  measured: "#e69f00",
  seed: "#7048e8",
} as const;

/** For lines that have no meaning of their own, in this order. */
export const lineColors = [
  "#56b4e9",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#f0e442",
  "#d55e00",
  "#0072b2",
] as const;
