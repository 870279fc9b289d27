/**
 * Death certificates (Demers et al. 1987, "Epidemic algorithms for replicated database maintenance", section 2).
 *
 * What is simply removed comes back from whoever has not heard of it. So a deletion is an entry, too, and it spreads as
 * one. It cannot be kept everywhere for ever:
 *
 *     age since activation     who keeps it
 *     below tau1               everybody: it is active, and spreads
 *     tau1 to tau1 + tau2      the r sites that it names: it is dormant, and tells nobody
 *     above                    nobody
 *
 * A dormant certificate that meets an obsolete value is awakened: its activation is now, so that it is active for tau1
 * again. Its ordinary timestamp stays, or it would cancel what was written after the deletion.
 */
import { hashText, type Identity, type Millis } from "../core/index.ts";
import type { DeathCertificate, MapEntry, Timestamp } from "./anti-entropy-messages.ts";

/** Negative if `a` is older. Of the same time the site decides: numbers before texts, each in its own order. */
export function compareTimestamps(a: Timestamp, b: Timestamp): number {
  if (a.time !== b.time) return a.time - b.time;
  if (a.site === b.site) return 0;
  if (typeof a.site !== typeof b.site) return typeof a.site === "number" ? -1 : 1;
  return a.site < b.site ? -1 : 1;
}

/** What an entry's age is counted from. */
export function activationOf(entry: MapEntry): Timestamp {
  return entry.type === "value" ? entry.timestamp : entry.activation;
}

export interface CertificateAges {
  readonly tau1Ms: Millis;
  readonly tau2Ms: Millis;
}

export type CertificateAge = "active" | "dormant" | "dead";

export function ageOf({ activation }: DeathCertificate, now: Millis, ages: CertificateAges): CertificateAge {
  const age = now - activation.time;
  if (age < ages.tau1Ms) return "active";
  return age < ages.tau1Ms + ages.tau2Ms ? "dormant" : "dead";
}

/**
 * The r sites that keep a certificate, out of those that are offered: by rendezvous hashing, so that whoever deletes
 * the same key asks the same sites, and no site is asked more than others.
 */
export function retentionSites(key: string, sites: readonly Identity[], count: number): Identity[] {
  const seed = hashText(key);
  return [...new Set(sites)]
    .map((site) => ({ site, weight: hashText(`${typeof site} ${site}`, seed) }))
    .sort(
      (a, b) =>
        b.weight - a.weight || compareTimestamps({ time: 0, site: a.site }, { time: 0, site: b.site }),
    )
    .slice(0, count)
    .map(({ site }) => site);
}

/** The certificates that this site keeps for others, one for a key. */
export class DormantCertificates {
  readonly #byKey = new Map<string, DeathCertificate>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byKey.size;
  }
  [Symbol.iterator](): IterableIterator<DeathCertificate> {
    return this.#byKey.values();
  }
  get(key: string): DeathCertificate | undefined {
    return this.#byKey.get(key);
  }
  /** False if there is no room; then an obsolete value may come back here. */
  keep(certificate: DeathCertificate): boolean {
    if (!this.#byKey.has(certificate.key) && this.#byKey.size >= this.#limit) return false;
    this.#byKey.set(certificate.key, certificate);
    return true;
  }
  drop(key: string): void {
    this.#byKey.delete(key);
  }
  /** Returns their keys. */
  discardDead(now: Millis, ages: CertificateAges): string[] {
    const dead = [...this].filter((certificate) => ageOf(certificate, now, ages) === "dead");
    for (const { key } of dead) this.#byKey.delete(key);
    return dead.map(({ key }) => key);
  }
}
