/**
 * What a user says to the network, and what becomes of it: messages of one turn of the event loop are gathered under one
 * signature, and whoever published one hears how far it got.
 */
import { identityOf, type NodeId, type Typed, UsageError } from "../core/index.ts";
import { maxSamples } from "../dissemination/coverage.ts";
import {
  type MessageId,
  maxGossipBytes,
  maxPayloadsPerGossip,
  type Payload,
} from "../dissemination/messages.ts";
import { checkPayload, checkPriority, checkTopic, payloadBytes } from "../dissemination/payload.ts";
import type { Coverage } from "../dissemination/spreading.ts";
import type { Peer } from "../profiles/index.ts";
import type { Links } from "./links.ts";
import { atEndOfTurn } from "./turn.ts";

export interface PublishOptions {
  /** From 0 (default) to 255: what partners are offered first under `--choice priority`. */
  readonly priority?: number | undefined;
  /** Who has subscribed to other topics only does not hear it. */
  readonly topic?: string | undefined;
  /** So many random members are asked a moment later whether they have it; `true` asks 32. */
  readonly coverage?: boolean | number | undefined;
}

/** What has happened to a message when `publish` resolves. */
export interface PublishOutcome {
  /** Names it in the whole network. */
  readonly id: MessageId;
  /** Neighbors to which it was handed: written to their connection, */
  readonly sent: number;
  /** waiting for a connection that is being opened or for a reader that is behind, */
  readonly queued: number;
  /** or lost, since there is no connection and none can be tried. Others, and the history, may still bring it to them. */
  readonly dropped: number;
  /** What a sample of the members said, if it was asked for. */
  readonly coverage?: CoverageEstimate;
}

export type CoverageEstimate = Omit<Coverage, "type" | keyof MessageId>;

export interface PublicationsConfig {
  readonly name: string;
  readonly links: Links;
  readonly peer: () => Peer | undefined;
  readonly state: () => "running" | "paused" | "stopped";
  readonly command: (body: Typed & Record<string, any>) => void;
  readonly forwardDelayMs: number;
}

interface Publication {
  readonly payload: Payload;
  readonly priority: number;
  readonly topic: string | undefined;
  id?: MessageId;
  to: readonly NodeId[];
}

/** As many as a poll asks for 3 percent or so. */
const defaultSamples = 32;
/** A message that has not reached somebody by then is late (guess: a few ticks of Plumtree, and its repair). */
const coverageAfterMs = 1000;
/** The protocol answers sooner, whatever is lost: this only ends the wait on a node that hangs. */
const coveragePatienceMs = 30_000;
const roomPatienceMs = 10_000;
const readyPatienceMs = 30_000;
/** Publications whose forwarding is waited for; a fast publisher that does not wait is not told. */
const maxFollowed = 65_536;

export class Publications {
  readonly #config: PublicationsConfig;
  #waiting: Publication[] = [];
  /** Given to the broadcast in this moment, in order: each becomes one `published`. */
  readonly #given: Publication[] = [];
  /** Published, and not yet forwarded, by sequence. */
  readonly #followed = new Map<number, Publication>();
  readonly #polls = new Map<string, ((coverage: CoverageEstimate) => void)[]>();

  constructor(config: PublicationsConfig) {
    this.#config = config;
  }

  /** See `GrapevineNode.publish`. */
  async publish(payload: Payload, options: PublishOptions = {}): Promise<PublishOutcome> {
    const { priority = 0, topic, coverage } = options;
    this.#checkAwake("publish");
    checkPriority(priority);
    checkTopic(topic);
    const samples = samplesOf(coverage);
    checkPayload(payload);
    const publication: Publication = { payload, priority, topic, to: [] };
    this.#waiting.push(publication);
    if (this.#waiting.length === 1) atEndOfTurn(() => this.#publishGathered());
    await this.#forwarded();
    const outcome = this.#outcomeOf(publication);
    await this.#config.links.drained();
    await this.#roomToSpread();
    if (samples === 0) return outcome;
    await new Promise((resolve) => setTimeout(resolve, coverageAfterMs));
    return { ...outcome, coverage: await this.coverage(outcome.id, samples) };
  }

  /** See `GrapevineNode.coverage`. */
  coverage(id: MessageId, samples = defaultSamples): Promise<CoverageEstimate> {
    this.#checkAwake("coverage");
    checkSamples(samples);
    const key = keyOf(id);
    return new Promise((resolve, reject) => {
      const answered = (estimate: CoverageEstimate) => {
        clearTimeout(timer);
        resolve(estimate);
      };
      const fail = (error: unknown) => {
        clearTimeout(timer);
        const others = this.#polls.get(key)?.filter((one) => one !== answered) ?? [];
        if (others.length > 0) this.#polls.set(key, others);
        else this.#polls.delete(key);
        reject(error);
      };
      const timer = setTimeout(
        () => fail(new UsageError(`coverage: ${this.#config.name} has no answer`)),
        coveragePatienceMs,
      );
      this.#polls.set(key, [...(this.#polls.get(key) ?? []), answered]);
      try {
        this.#config.command({ type: "estimate-coverage", id, samples });
      } catch (error) {
        fail(error);
      }
    });
  }

  /** See `GrapevineNode.ready`. */
  async ready(patienceMs = readyPatienceMs): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      this.#checkAwake("ready");
      const peer = this.#config.peer()!;
      if (peer.isJoined && peer.broadcast.isReady) return;
      if (Date.now() >= deadline) {
        const why = peer.isJoined
          ? "no neighbor has compared its history with it yet"
          : "nobody has let it in yet";
        throw new UsageError(
          `ready: after ${patienceMs} ms ${this.#config.name} is not there: ${why}; do its seeds run? \`grapevine doctor\` looks closer`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Called for every notice of the broadcast layer. */
  onNotice(notice: Typed & Record<string, any>): void {
    switch (notice.type) {
      case "published": {
        const publication = this.#given.shift();
        if (publication === undefined) return; // by another layer
        const { origin, incarnation, sequence } = notice as unknown as MessageId;
        publication.id = { origin, incarnation, sequence };
        if (this.#followed.size < maxFollowed) this.#followed.set(sequence, publication);
        return;
      }
      case "forwarded": {
        if (this.#followed.size === 0 || !this.#isOurs(notice["origin"])) return;
        const { sequence, count, to } = notice as { sequence?: number; count?: number; to?: NodeId[] };
        for (let i = 0; i < count!; i++) {
          const publication = this.#followed.get(sequence! + i);
          if (publication !== undefined) publication.to = to!;
        }
        return;
      }
      case "coverage": {
        const { type: _, origin, incarnation, sequence, ...estimate } = notice as Coverage;
        const key = keyOf({ origin, incarnation, sequence });
        const polls = this.#polls.get(key) ?? [];
        this.#polls.delete(key);
        for (const answered of polls) answered(estimate);
      }
    }
  }

  #isOurs(origin: NodeId): boolean {
    const [first] = this.#followed.values();
    return first?.id !== undefined && identityOf(first.id.origin) === identityOf(origin);
  }

  #checkAwake(what: string): void {
    const { name, peer, state } = this.#config;
    if (peer() === undefined) throw new UsageError(`${what}: a seed does not gossip; ask a peer`);
    if (state() === "stopped") throw new UsageError(`${what}: this node has stopped`);
    if (state() === "paused") throw new UsageError(`${what}: ${name} is paused; resume it first`);
  }

  #publishGathered(): void {
    const publications = this.#waiting.splice(0);
    let gathered: Publication[] = [];
    let bytes = 0;
    for (const [i, publication] of publications.entries()) {
      gathered.push(publication);
      bytes += payloadBytes(publication.payload);
      const next = publications[i + 1];
      const fits =
        next !== undefined &&
        next.priority === publication.priority &&
        next.topic === publication.topic &&
        gathered.length < maxPayloadsPerGossip &&
        bytes + payloadBytes(next.payload) <= maxGossipBytes;
      if (fits) continue;
      const { priority, topic } = publication;
      this.#given.push(...gathered);
      this.#config.command({
        type: "publish",
        payloads: gathered.map(({ payload }) => payload),
        priority,
        ...(topic === undefined ? {} : { topic }),
      });
      this.#given.length = 0;
      gathered = [];
      bytes = 0;
    }
  }

  /** Resolves when the broadcast has given to the links what was published so far. */
  async #forwarded(): Promise<void> {
    const { forwardDelayMs } = this.#config;
    // The first turn ends with the publication, the second with its forwarding.
    await new Promise<void>((resolve) => atEndOfTurn(resolve));
    if (forwardDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, forwardDelayMs));
    await new Promise<void>((resolve) => atEndOfTurn(resolve));
  }

  #outcomeOf({ id, to }: Publication): PublishOutcome {
    if (id === undefined)
      throw new UsageError(`publish: ${this.#config.name} stopped or hung before it could say anything`);
    this.#followed.delete(id.sequence);
    const states = to.map((neighbor) => this.#config.links.stateOf(neighbor));
    const count = (wanted: string) => states.filter((state) => state === wanted).length;
    return { id, sent: count("open"), queued: count("behind") + count("dialling"), dropped: count("none") };
  }

  /** Waits while the peer offers so much that the oldest would have to make way. */
  async #roomToSpread(): Promise<void> {
    const { broadcast } = this.#config.peer()!;
    const deadline = Date.now() + roomPatienceMs;
    while (!broadcast.hasRoom && this.#config.state() !== "stopped" && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** 0 where nobody is to be asked. Throws `UsageError`. */
function samplesOf(coverage: PublishOptions["coverage"]): number {
  if (coverage === undefined || coverage === false) return 0;
  if (coverage === true) return defaultSamples;
  checkSamples(coverage);
  return coverage;
}

function checkSamples(samples: number): void {
  if (!Number.isSafeInteger(samples) || samples < 1 || samples > maxSamples)
    throw new UsageError(`coverage: ${samples} is not a whole number from 1 to ${maxSamples}`);
}

function keyOf({ origin, incarnation, sequence }: MessageId): string {
  return `${identityOf(origin)}/${incarnation}/${sequence}`;
}
