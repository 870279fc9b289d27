/**
 * What the page knows of one network, and the moment of it that is shown. Everything that comes from the source is
 * kept (bounded); views read the picture at the cursor, and charts all that is kept.
 *
 * The cursor follows the head, or plays behind it at a speed of its own, or stands still. A simulation runs no
 * further than the cursor needs.
 */
import type { Millis, TraceEvent } from "../../../src/core/index.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import { MessageBook } from "../../../src/trace/message-book.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import type { Source, SourceListener, SourceState } from "../sources/source.ts";
import { EventBuffer } from "./event-buffer.ts";

/** Some 200 bytes each. */
const maxEvents = 300_000;
/** One a second: an hour, and then every second one is forgotten. */
const maxTotals = 3600;
const maxSamplings = 3600;

export type Pace =
  /** Shows what happens as it happens. */
  | { readonly type: "follow" }
  | { readonly type: "paused" }
  /** So many ms of the run for each ms of ours. */
  | { readonly type: "play"; readonly speed: number };

export class Timeline implements SourceListener {
  readonly source: Source;
  hello: FeedHello | undefined;
  state: SourceState = { type: "connecting" };
  register = new NodeRegister();
  /** The network at the cursor. */
  picture = new NetworkPicture(this.register);
  messages = new MessageBook(this.register);
  events = new EventBuffer(this.register, maxEvents);
  totals: FeedTotals[] = [];
  samplings: FeedSampling[] = [];
  pace: Pace = { type: "follow" };
  /** The moment that is shown; `head` is the latest that is known. */
  cursor: Millis = 0;
  head: Millis = 0;
  /** Grows whenever something that a view could show has changed. */
  version = 0;
  /** Grows when everything begins anew. */
  epoch = 0;
  /** Number of the first event that the picture does not have. */
  #next = 0;
  /** The network at the head: the same object as `picture` while the cursor is there. */
  #atHead = this.picture;
  readonly #watchers = new Set<() => void>();
  readonly #onApplied = new Set<(event: TraceEvent) => void>();

  constructor(source: Source) {
    this.source = source;
  }

  start(): void {
    this.source.start(this);
  }
  close(): void {
    this.source.close();
    this.#watchers.clear();
  }

  // ---- For views ----

  /** Called after every change, many times a second: views draw when a frame is due. Call the result to stop. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Every event that the cursor passes forwards: for what is drawn as it happens. Call the result to stop. */
  onPassed(listener: (event: TraceEvent) => void): () => void {
    this.#onApplied.add(listener);
    return () => this.#onApplied.delete(listener);
  }

  get first(): Millis {
    return this.events.firstAt;
  }
  get isAtHead(): boolean {
    return this.#next === this.events.end;
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    if (pace.type === "follow") this.seek(this.head);
    this.source.clock?.setSpeed(pace.type === "play" ? pace.speed : pace.type === "paused" ? 0 : 1);
    this.#changed();
  }

  /** Shows that moment, or the nearest that is known. */
  seek(at: Millis): void {
    const target = Math.max(this.first, Math.min(at, this.head));
    const index = this.events.indexAfter(target);
    if (index === this.events.end) this.picture = this.#atHead;
    else if (index < this.#next || this.picture === this.#atHead || index - this.#next > 20_000)
      this.picture = this.events.pictureBefore(index);
    else this.#passUntil(index);
    this.#next = index;
    this.cursor = target;
    this.#changed();
  }

  /** To the next event, or the one before. */
  step(by: 1 | -1): void {
    if (this.pace.type !== "paused") this.setPace({ type: "paused" });
    if (by === 1) {
      const event = this.events.get(this.#next);
      if (event !== undefined) return this.seek(event.at);
      this.source.clock?.runTo(this.head + 10);
      return;
    }
    // Several events share a moment: go before all of them.
    const event = this.events.get(this.#next - 1);
    if (event !== undefined) this.seek(event.at - 1);
  }

  /** Lets so many ms of ours pass: called for each frame. */
  tick(elapsedMs: number): void {
    if (this.pace.type !== "play") return;
    const to = this.cursor + elapsedMs * this.pace.speed;
    const index = this.events.indexAfter(Math.min(to, this.head));
    if (this.picture !== this.#atHead) this.#passUntil(index);
    if (index === this.events.end) this.picture = this.#atHead;
    this.#next = index;
    this.cursor = Math.min(to, this.head);
    this.#changed();
  }

  // ---- From the source ----

  onState(state: SourceState): void {
    this.state = state;
    this.#changed();
  }

  onHello(hello: FeedHello): void {
    this.hello = hello;
    this.register = new NodeRegister();
    this.picture = new NetworkPicture(this.register);
    this.#atHead = this.picture;
    this.messages = new MessageBook(this.register);
    this.events = new EventBuffer(this.register, maxEvents);
    this.totals = [];
    this.samplings = [];
    this.#next = 0;
    this.cursor = hello.at;
    this.head = hello.at;
    this.epoch++;
    this.#changed();
  }

  onEvents(events: readonly TraceEvent[]): void {
    const follows = this.isAtHead && this.pace.type === "follow";
    if (!follows && this.picture === this.#atHead) this.picture = this.events.pictureBefore(this.#next);
    for (const event of events) {
      this.events.push(event, this.#atHead);
      this.#atHead.apply(event);
      this.messages.apply(event);
      if (event.at > this.head) this.head = event.at;
      if (follows) for (const listener of this.#onApplied) listener(event);
    }
    if (follows) {
      this.#next = this.events.end;
      this.cursor = this.head;
    }
    this.#changed();
  }

  onTotals(totals: FeedTotals): void {
    this.totals.push(totals);
    if (this.totals.length > maxTotals) this.totals = this.totals.filter((_, i) => i % 2 === 1);
    this.head = Math.max(this.head, totals.at);
    if (this.isAtHead && this.pace.type === "follow") this.cursor = this.head;
    this.#changed();
  }

  onSampling(sampling: FeedSampling): void {
    this.samplings.push(sampling);
    if (this.samplings.length > maxSamplings) this.samplings.splice(0, maxSamplings / 2);
    this.#changed();
  }

  #passUntil(index: number): void {
    for (let i = this.#next; i < index; i++) {
      const event = this.events.get(i);
      if (event === undefined) continue;
      this.picture.apply(event);
      for (const listener of this.#onApplied) listener(event);
    }
  }

  #changed(): void {
    this.version++;
    for (const watcher of this.#watchers) watcher();
  }
}
