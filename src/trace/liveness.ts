/**
 * Who failed, who noticed, and who was suspected though it lived: with times, so that any moment of it can be shown.
 *
 *     const book = new LivenessBook();
 *     for (const event of events) {
 *       book.apply(event, picture); // before the picture has it
 *       picture.apply(event);
 *     }
 *
 * `FailureLedger` counts the same for a report; here is every name. Bounded: the oldest are forgotten and counted.
 */
import type { Millis, NodeId, TraceEvent } from "../core/index.ts";
import { scenarioLayer, traceLayer } from "./layers.ts";
import type { NetworkPicture, PicturedNode } from "./picture.ts";
import { isTraceEvent } from "./trace-line.ts";
import { type VerdictType, verdictIn } from "./verdict.ts";

/** Somebody saw something. Nodes are rows of the picture. */
export interface Sighting {
  readonly by: number;
  readonly at: Millis;
}

export interface ReceivedReport {
  readonly at: Millis;
  readonly seed: number;
  readonly reporter: number;
  /** It was the `reports`-th of the `required` ones; 0 of 0 where it did not count. */
  readonly reports: number;
  readonly required: number;
  /** Why it did not count. */
  readonly ignored: string | undefined;
}

/** A peer that crashed, was killed or hung, from then until it came back. */
export interface Failure {
  readonly row: number;
  readonly kind: "crashed" | "paused";
  readonly at: Millis;
  /** Who held links to it then, and the seeds that lived then. */
  readonly neighbors: readonly number[];
  readonly seeds: readonly number[];
  /** In the order in which it happened, each node once. */
  readonly suspected: readonly Sighting[];
  readonly failed: readonly Sighting[];
  readonly reports: readonly ReceivedReport[];
  readonly removed: readonly Sighting[];
  /** It came back. */
  endedAt: Millis | undefined;
}

/** Somebody took for dead who lived. */
export interface WrongSuspicion extends Sighting {
  readonly type: VerdictType;
  readonly about: number;
  readonly whileDisturbed: boolean;
  /** How it came out. */
  cleared: { readonly at: Millis; readonly how: "answered" | "witness" | "refuted" | "listed" } | undefined;
}

const maxFailures = 2000;
const maxWrong = 2000;
/** Of one failure; seeds and neighbors are fewer in every network that is drawn. */
const maxSightings = 512;

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

export class LivenessBook {
  readonly failures: Failure[] = [];
  readonly wrong: WrongSuspicion[] = [];
  /** So many of each were forgotten. */
  readonly forgotten = { failures: 0, wrong: 0 };
  readonly #open = new Map<number, Writable<Failure>>();
  /** Wrong suspicions that nothing has cleared, by whom they are about. */
  readonly #unclear = new Map<number, WrongSuspicion[]>();

  /** `picture` is the network before the event. */
  apply(event: TraceEvent, picture: NetworkPicture): void {
    const { layer, type, node } = event;
    if (node === "") return;
    if (layer === traceLayer) {
      // Whoever comes late is told what was said of each node so far.
      if (type === "pictured" && Array.isArray(event["evidence"])) this.#onPictured(event, picture);
      return;
    }
    if (layer === scenarioLayer) return this.#onScenario(event, picture);
    this.#onNotice(event, picture);
  }

  #onPictured({ at, node, ...fields }: TraceEvent, picture: NetworkPicture): void {
    const { row } = picture.register.of(node);
    const state = fields["state"];
    const until = typeof fields["until"] === "number" ? fields["until"] : at;
    for (const noted of (fields["evidence"] as readonly unknown[]).filter(isTraceEvent)) {
      // Of what was said before somebody looked, nobody knows any more who lived then: only deaths are certain.
      const failure = this.#open.get(row);
      if (failure !== undefined) this.#onSighting(failure, noted, picture);
      else if (deaths.has(noted.type)) this.#begin(row, noted.type, noted.at, picture);
      if (returns.has(noted.type)) this.#end(row, noted.at);
    }
    if (state === "dead" && !this.#open.has(row)) this.#begin(row, "crashed", until, picture);
    if (state !== "dead" && state !== "paused") this.#end(row, at);
  }

  #onScenario({ node, type, at }: TraceEvent, picture: NetworkPicture): void {
    const { row } = picture.register.of(node);
    if (deaths.has(type)) this.#onDeath(row, type, at, picture);
    else if (returns.has(type) || type === "joined") this.#end(row, at);
  }

  #onNotice(event: TraceEvent, picture: NetworkPicture): void {
    const { at, node, type } = event;
    switch (type) {
      case "listening":
        return this.#end(rowOf(node, picture)!, at);
      case "stopped":
        if (event["reason"] === "killed") this.#onDeath(rowOf(node, picture)!, "crashed", at, picture);
        return;
      case "ping-answered":
        return this.#clear(rowOf(event["neighbor"], picture), event, "answered", picture);
      case "neighbor-unreachable":
        return this.#clear(rowOf(event["neighbor"], picture), event, "witness", picture);
      case "refuted":
        return this.#clear(rowOf(node, picture), event, "refuted", picture);
      case "suspect-answered":
      case "peer-listed":
        return this.#clear(rowOf(event["peer"], picture), event, "listed", picture);
      case "member-cleared":
        return this.#clear(rowOf(event["peer"], picture), event, "answered", picture);
      case "member-up": {
        const how = isSeed(node, picture) ? "listed" : "answered";
        return this.#clear(rowOf(event["peer"], picture), event, how, picture);
      }
      case "member-suspected":
      case "member-failed":
      case "suspected":
      case "neighbor-failed":
      case "dead-report-received":
      case "dead-report-ignored":
      case "peer-removed":
        return this.#onWord(event, picture);
    }
  }

  /** Somebody says of another that it is dead, or seems so. */
  #onWord(event: TraceEvent, picture: NetworkPicture): void {
    const subject = subjectOf(event, picture);
    if (subject === undefined) return;
    const failure = this.#open.get(subject.row);
    if (failure !== undefined) return this.#onSighting(failure, event, picture);
    const { at } = event;
    const verdict = verdictIn(event, isSeed(event.node, picture));
    if (subject.state !== "alive" || verdict === undefined) return;
    const wrong: WrongSuspicion = {
      type: verdict.type,
      at,
      by: picture.register.of(event.node).row,
      about: subject.row,
      whileDisturbed: picture.disturbances.length > 0,
      cleared: undefined,
    };
    this.wrong.push(wrong);
    if (this.wrong.length > maxWrong) {
      this.forgotten.wrong++;
      this.#forget(this.wrong.shift()!);
    }
    const unclear = this.#unclear.get(subject.row);
    if (unclear === undefined) this.#unclear.set(subject.row, [wrong]);
    else unclear.push(wrong);
  }

  #onSighting(failure: Writable<Failure>, event: TraceEvent, picture: NetworkPicture): void {
    const { at } = event;
    const by = picture.register.of(event.node).row;
    const note = (list: Sighting[]) => {
      if (list.length < maxSightings && !list.some((sighting) => sighting.by === by)) list.push({ by, at });
    };
    switch (verdictIn(event, isSeed(event.node, picture))?.type) {
      case "suspected":
        return note(failure.suspected);
      case "neighbor-failed":
        return note(failure.failed);
      case "peer-removed":
        return note(failure.removed);
    }
    switch (event.type) {
      case "dead-report-received":
      case "dead-report-ignored": {
        const reporter = rowOf(event["reporter"], picture);
        if (reporter === undefined || failure.reports.length >= maxSightings) return;
        if (failure.reports.some((report) => report.seed === by && report.reporter === reporter)) return;
        failure.reports.push({
          ...{ at, seed: by, reporter },
          reports: Number(event["reports"]) || 0,
          required: Number(event["required"]) || 0,
          ignored: event.type === "dead-report-ignored" ? String(event["reason"]) : undefined,
        });
      }
    }
  }

  #onDeath(row: number, type: string, at: Millis, picture: NetworkPicture): void {
    const state = picture.nodes.get(row)?.state ?? "alive";
    // A hung node that is then killed has failed once, and so has one of which its shell too says that it is gone.
    if (this.#open.has(row) || (state !== "alive" && state !== "paused")) return;
    this.#begin(row, type, at, picture);
  }

  #begin(row: number, type: string, at: Millis, picture: NetworkPicture): void {
    if (picture.nodes.get(row)?.role === "seed" || picture.register.all[row]?.role === "seed") return;
    const neighbors: number[] = [];
    const seeds: number[] = [];
    for (const node of picture.nodes.values()) {
      if (node.neighbors.has(row)) neighbors.push(node.row);
      if (node.role === "seed" && node.state === "alive") seeds.push(node.row);
    }
    const kind = type === "paused" ? "paused" : "crashed";
    const failure: Writable<Failure> = {
      ...{ row, kind, at, neighbors, seeds },
      ...{ suspected: [], failed: [], reports: [], removed: [], endedAt: undefined },
    };
    this.#open.set(row, failure);
    this.failures.push(failure);
    if (this.failures.length > maxFailures) {
      this.forgotten.failures++;
      const oldest = this.failures.shift()!;
      if (this.#open.get(oldest.row) === oldest) this.#open.delete(oldest.row);
    }
  }

  #end(row: number, at: Millis): void {
    const failure = this.#open.get(row);
    if (failure === undefined) return;
    failure.endedAt = at;
    this.#open.delete(row);
  }

  /** Some take back what they said themselves, some what anybody said. */
  #clear(
    row: number | undefined,
    event: TraceEvent,
    how: NonNullable<WrongSuspicion["cleared"]>["how"],
    picture: NetworkPicture,
  ): void {
    const unclear = row === undefined ? undefined : this.#unclear.get(row);
    if (unclear === undefined) return;
    const by = picture.register.of(event.node).row;
    const left = unclear.filter((wrong) => {
      const isCleared =
        how === "refuted"
          ? wrong.type !== "peer-removed"
          : wrong.by === by && (how === "listed") === (wrong.type === "peer-removed");
      if (isCleared) wrong.cleared = { at: event.at, how };
      return !isCleared;
    });
    if (left.length === 0) this.#unclear.delete(row!);
    else this.#unclear.set(row!, left);
  }

  #forget(wrong: WrongSuspicion): void {
    const unclear = this.#unclear.get(wrong.about)?.filter((other) => other !== wrong);
    if (unclear === undefined || unclear.length === 0) this.#unclear.delete(wrong.about);
    else this.#unclear.set(wrong.about, unclear);
  }
}

const deaths: ReadonlySet<string> = new Set(["crashed", "paused"]);
const returns: ReadonlySet<string> = new Set(["restarted", "resumed"]);

function subjectOf(event: TraceEvent, picture: NetworkPicture): PicturedNode | undefined {
  const { type } = event;
  const isOfPeer = type === "peer-removed" || type.startsWith("member-");
  const row = rowOf(
    event[isOfPeer ? "peer" : type.startsWith("dead-report") ? "suspect" : "neighbor"],
    picture,
  );
  return row === undefined ? undefined : picture.nodes.get(row);
}

function isSeed(id: NodeId, picture: NetworkPicture): boolean {
  return picture.find(id)?.role === "seed";
}

function rowOf(id: unknown, picture: NetworkPicture): number | undefined {
  return typeof id === "number" || (typeof id === "string" && id !== "")
    ? picture.register.of(id as NodeId).row
    : undefined;
}
