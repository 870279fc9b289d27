/**
 * How much each source may ask of us, before anybody has proven anything: one number for each source, the moment until
 * which it has paid.
 */
export class SourceRates {
  readonly #perSecond: number;
  readonly #maxSources: number;
  /** In the order of their last datagram. */
  readonly #paidUntil = new Map<string, number>();

  /** A second's worth may come at once. Of more sources than `maxSources` the one that is silent longest is forgotten. */
  constructor(perSecond: number, maxSources: number) {
    this.#perSecond = perSecond;
    this.#maxSources = maxSources;
  }

  get size(): number {
    return this.#paidUntil.size;
  }

  /** False if this source asks faster. `now` in milliseconds. */
  admits(source: string, now: number): boolean {
    const paid = Math.max(this.#paidUntil.get(source) ?? 0, now - 1000);
    if (paid > now) return false;
    this.#paidUntil.delete(source);
    this.#paidUntil.set(source, paid + 1000 / this.#perSecond);
    if (this.#paidUntil.size > this.#maxSources) this.#paidUntil.delete(this.#paidUntil.keys().next().value!);
    return true;
  }
}

/** What counts as one source: an IPv4 address, or the /64 of an IPv6 address, which one household has all to itself. */
export function sourceOf(host: string): string {
  if (!host.includes(":")) return host;
  const [head = "", tail] = host.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return groups.slice(0, 4).join(":");
}
