/** A slider over powers of ten: from 200 for 10^2 to 600 for 10^6, with numbers that read well. */

export function nodesAt(place: number): number {
  const exact = 10 ** (place / 100);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(exact) + 1e-9) - 1);
  return Math.round(exact / unit) * unit;
}

export function placeOf(nodes: number): number {
  return Math.round(100 * Math.log10(nodes));
}
