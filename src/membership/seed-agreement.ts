/**
 * How the seeds come to agree: the exchange among them, and no judgement (the seed report, section 6; the
 * implementation report, section 3.1).
 *
 * A seed believes only what is signed and what it asked a configured address for. So it pulls: from a random other seed
 * now and then, and from one that hints at a change. Removals travel as the reports behind them, and every seed judges
 * for itself.
 *
 *     A -> sync-request(fingerprint) -> B -> sync-digest -> A -> sync-want -> B -> sync-delta -> A
 */
import { addressOf, type Environment, type Millis, type NodeId, nonce, pick } from "../core/index.ts";
import {
  type DeltaEntry,
  type DigestEntry,
  type IntroductionMessage,
  maxDeltaEntries,
  type SyncDelta,
  type SyncDigest,
  type SyncHint,
  type SyncRequest,
  type SyncSame,
  type SyncWant,
} from "./messages.ts";

export type SeedAgreementTimer =
  | { readonly type: "sync" }
  | { readonly type: "hint" }
  | { readonly type: "hinted"; readonly seed: NodeId };

export type SeedAgreementNotice =
  | { readonly type: "seeds-agree"; readonly seed: NodeId; readonly size: number }
  | {
      readonly type: "seeds-reconciled";
      readonly seed: NodeId;
      readonly asked: number;
      readonly size: number;
    };

type SyncMessage = SyncRequest | SyncSame | SyncDigest | SyncWant | SyncDelta | SyncHint;

type AgreementEnvironment = Environment<IntroductionMessage, SeedAgreementTimer, SeedAgreementNotice>;

/** What the exchange needs of the peer list. All that is believed or doubted is decided there. */
export interface SharedList<Env> {
  size(): number;
  /** Equal lists have equal fingerprints. */
  fingerprint(): number;
  /** Is anybody accused? Then there is something to tell though the lists are equal. */
  hasOpenCases(): boolean;
  /** Every entry, and every removal that others can judge. */
  digest(): readonly DigestEntry[];
  /** Could the other seed tell us anything new about this peer? */
  lacks(theirs: DigestEntry, now: Millis): boolean;
  evidenceOn(peer: NodeId): DeltaEntry | undefined;
  judge(entry: DeltaEntry, env: Env): void;
}

export interface SeedAgreementConfig<Env> {
  readonly otherSeeds: readonly NodeId[];
  readonly list: SharedList<Env>;
  readonly counters: { unasked: number; synchronisations: number };
  readonly options: {
    readonly callBackTimeoutMs: Millis;
    readonly syncIntervalMs: Millis;
    readonly hintDelayMs: Millis;
  };
}

/** A comparison with another seed that has not come to its end. */
interface Pull {
  readonly seed: NodeId;
  readonly since: Millis;
  /** Deltas that were asked for and have not come; unknown before the digest. */
  deltas: number | undefined;
}

/** The shortest pause before a seed that hinted during a pull is asked again. */
const minHintPauseMs = 50;

export class SeedAgreement<Env extends AgreementEnvironment> {
  readonly #config: SeedAgreementConfig<Env>;
  /** Pulls under way, by their nonce. At most one for each seed. */
  readonly #pulls = new Map<number, Pull>();
  /** Seeds that hinted at a change while a pull from them was under way. */
  readonly #hinted = new Set<NodeId>();
  #isHinting = false;

  constructor(config: SeedAgreementConfig<Env>) {
    this.#config = config;
  }

  start(env: Env): void {
    // A seed that was away asks all others at once; then one at random now and then.
    for (const seed of this.#config.otherSeeds) this.#pull(seed, env);
    this.#scheduleSync(env);
  }

  onMessage(from: NodeId, message: SyncMessage, env: Env): void {
    switch (message.type) {
      case "sync-request":
        return this.#onRequest(from, message, env);
      case "sync-same":
        return this.#onSame(message, env);
      case "sync-digest":
        return this.#onDigest(message, env);
      case "sync-want":
        return this.#onWant(from, message, env);
      case "sync-delta":
        return this.#onDelta(message, env);
      case "sync-hint":
        return this.#onHint(from, env);
    }
  }

  onTimer(timer: SeedAgreementTimer, env: Env): void {
    const { otherSeeds } = this.#config;
    switch (timer.type) {
      case "sync":
        if (otherSeeds.length > 0) this.#pull(pick(otherSeeds, env.random), env);
        return this.#scheduleSync(env);
      case "hint":
        this.#isHinting = false;
        for (const seed of otherSeeds) env.send(seed, { type: "sync-hint" });
        return;
      case "hinted":
        this.#hinted.delete(timer.seed);
        return this.#pullOnHint(timer.seed, env);
    }
  }

  #scheduleSync(env: Env): void {
    const { syncIntervalMs } = this.#config.options;
    env.schedule(Math.floor(syncIntervalMs * (0.75 + 0.5 * env.random.unit())), { type: "sync" });
  }

  // ---- Hints ----

  /** Our list has changed: the others are told that it has, once for all changes of a moment. */
  hint(env: Env): void {
    const { otherSeeds, options } = this.#config;
    if (this.#isHinting || otherSeeds.length === 0) return;
    this.#isHinting = true;
    env.schedule(options.hintDelayMs, { type: "hint" });
  }

  /** A hint carries nothing to believe: it only says which configured address to ask. */
  #onHint(from: NodeId, env: Env): void {
    const { otherSeeds, counters } = this.#config;
    const address = addressOf(from);
    const seed = otherSeeds.find((other) => addressOf(other) === address);
    if (seed === undefined) {
      counters.unasked++;
      return;
    }
    if (!this.#hinted.has(seed)) this.#pullOnHint(seed, env);
  }

  /**
   * Asks at once, unless the last question to that seed is still being answered: hints that come quicker than
   * answers, in a busy cluster or from a liar, must not cut every exchange short.
   */
  #pullOnHint(seed: NodeId, env: Env): void {
    const { callBackTimeoutMs, hintDelayMs } = this.#config.options;
    const underWay = [...this.#pulls.values()].find((pull) => pull.seed === seed);
    if (underWay === undefined || env.now - underWay.since >= callBackTimeoutMs) return this.#pull(seed, env);
    this.#hinted.add(seed);
    env.schedule(Math.max(minHintPauseMs, hintDelayMs), { type: "hinted", seed });
  }

  // ---- One comparison ----

  #pull(seed: NodeId, env: Env): void {
    // At most one pull for each seed: a newer one replaces one that got no answer.
    for (const [asked, pull] of this.#pulls) if (pull.seed === seed) this.#pulls.delete(asked);
    const asked = nonce(env.random);
    this.#pulls.set(asked, { seed, since: env.now, deltas: undefined });
    env.send(seed, { type: "sync-request", nonce: asked, fingerprint: this.#config.list.fingerprint() });
  }

  #onRequest(from: NodeId, { nonce: asked, fingerprint }: SyncRequest, env: Env): void {
    const { list } = this.#config;
    if (fingerprint === list.fingerprint() && !list.hasOpenCases()) {
      return env.send(from, { type: "sync-same", nonce: asked });
    }
    env.send(from, { type: "sync-digest", nonce: asked, entries: list.digest() });
  }

  #onSame({ nonce: asked }: SyncSame, env: Env): void {
    const { list, counters } = this.#config;
    const pull = this.#pulls.get(asked);
    if (pull === undefined) {
      counters.unasked++;
      return;
    }
    this.#pulls.delete(asked);
    env.notify({ type: "seeds-agree", seed: pull.seed, size: list.size() });
  }

  #onDigest({ nonce: asked, entries }: SyncDigest, env: Env): void {
    const { list, counters } = this.#config;
    const pull = this.#pulls.get(asked);
    if (pull === undefined || pull.deltas !== undefined) {
      counters.unasked++;
      return;
    }
    const { seed } = pull;
    const wanted = entries.filter((theirs) => list.lacks(theirs, env.now)).map((theirs) => theirs.peer);
    counters.synchronisations++;
    env.notify({ type: "seeds-reconciled", seed, asked: wanted.length, size: list.size() });
    if (wanted.length === 0) {
      this.#pulls.delete(asked);
      return;
    }
    pull.deltas = Math.ceil(wanted.length / maxDeltaEntries);
    for (let i = 0; i < wanted.length; i += maxDeltaEntries) {
      env.send(seed, { type: "sync-want", nonce: asked, peers: wanted.slice(i, i + maxDeltaEntries) });
    }
  }

  #onWant(from: NodeId, { nonce: asked, peers }: SyncWant, env: Env): void {
    const entries: DeltaEntry[] = [];
    for (const peer of peers.slice(0, maxDeltaEntries)) {
      const evidence = this.#config.list.evidenceOn(peer);
      if (evidence !== undefined) entries.push(evidence);
    }
    env.send(from, { type: "sync-delta", nonce: asked, entries });
  }

  #onDelta({ nonce: asked, entries }: SyncDelta, env: Env): void {
    const { list, counters } = this.#config;
    const pull = this.#pulls.get(asked);
    if (pull?.deltas === undefined) {
      counters.unasked++;
      return;
    }
    if (--pull.deltas === 0) this.#pulls.delete(asked);
    for (const entry of entries) list.judge(entry, env);
  }
}
