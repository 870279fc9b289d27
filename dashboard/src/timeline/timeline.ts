/**
 * What the page knows of one network, and the moment of it that is shown. Everything that comes from the source is
 * kept (bounded); views read the picture at the cursor, and charts all that is kept.
 *
 * The cursor follows the head, or plays behind it at a speed of its own, or stands still. A simulation runs only
 * while the cursor follows it.
 */
import type { Millis, TraceEvent } from "../../../src/core/index.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import { LivenessBook } from "../../../src/trace/liveness.ts";
import { MessageBook } from "../../../src/trace/message-book.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import type { Source, SourceListener, SourceState } from "../sources/source.ts";
import { EventBuffer, timeOf } from "./event-buffer.ts";
import { NotableEvents } from "./notable-events.ts";

/** Some 200 bytes each. */
const maxEvents = 300_000;
/** One a second: an hour, and then every second one is forgotten. */
const maxTotals = 3600;
const maxSamplings = 3600;
/** Further than so many events nobody follows what happens: a jump is drawn at once. */
const maxPassed = 20_000;

export type Pace =
  /** Shows what happens as it happens. */
  | { readonly type: "follow" }
  | { readonly type: "paused" }
  /** Behind the head, so many ms of the run for each ms of ours. */
  | { readonly type: "play"; readonly speed: number };

export class Timeline implements SourceListener {
  readonly source: Source;
  hello: FeedHello | undefined;
  state: SourceState = { type: "connecting" };
  register = new NodeRegister();
  /** The network at the cursor. */
  picture = new NetworkPicture(this.register);
  messages = new MessageBook(this.register);
  /** Who failed and who noticed. */
  liveness = new LivenessBook();
  events = new EventBuffer(this.register, { maxEvents });
  totals: FeedTotals[] = [];
  samplings: FeedSampling[] = [];
  /** What a time bar marks. */
  notable = new NotableEvents();
  pace: Pace = { type: "follow" };
  /** Of playing, and of a simulation that is followed. */
  speed = 1;
  /** The moment that is shown; `head` is the latest that is known. */
  cursor: Millis = 0;
  head: Millis = 0;
  /** Grows whenever something that a view could show has changed. */
  version = 0;
  /** Grows when everything begins anew. */
  epoch = 0;
  /** Number of the first event that the picture does not have. */
  #next = 0;
  /** The network at the head. `picture` is the same object only while the cursor stands at the head. */
  #atHead = this.picture;
  /** A simulation was asked for its next event, to show that. */
  #awaitsEvent = false;
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

  /** When the run began, by the clock of its events. */
  get startedAt(): Millis {
    return this.hello === undefined || this.hello.world === "simulated" ? 0 : this.hello.startedAt;
  }
  /** The earliest moment that can be shown. */
  get first(): Millis {
    return this.events.firstAt;
  }
  /** The network as it is at the head, wherever the cursor stands: what hands reach. */
  get latest(): NetworkPicture {
    return this.#atHead;
  }
  get isAtHead(): boolean {
    return this.#next === this.events.end;
  }
  /** Nothing more will come. */
  get hasEnded(): boolean {
    return this.state.type === "ended";
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    if (pace.type === "play") this.speed = pace.speed;
    if (pace.type === "follow") this.#show(this.head);
    this.#drive();
    this.#changed();
  }

  /** Goes on from the cursor; from the beginning where the run has ended and the cursor is at its end. */
  play(): void {
    if (this.cursor < this.head) return this.setPace({ type: "play", speed: this.speed });
    if (!this.hasEnded) return this.setPace({ type: "follow" });
    this.setPace({ type: "play", speed: this.speed });
    this.seek(this.first);
  }

  pause(): void {
    this.setPace({ type: "paused" });
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    // Nobody can slow down a live network: one can only fall behind it.
    const fallsBehind = this.pace.type === "follow" && this.source.kind === "live" && speed < 1;
    if (this.pace.type === "play" || fallsBehind) return this.setPace({ type: "play", speed });
    this.#drive();
    this.#changed();
  }

  /** Shows that moment, or the nearest that is known. */
  seek(at: Millis): void {
    if (this.pace.type === "follow" && at < this.head) {
      this.pace = { type: "paused" };
      this.#drive();
    }
    this.#show(at);
    this.#changed();
  }

  /** To the next event, or the one before. Several that share a moment are one step. */
  step(by: 1 | -1): void {
    if (this.pace.type !== "paused") this.pause();
    if (by === 1) {
      const at = this.events.timeAt(this.#next);
      if (at !== undefined) this.#passTo(at);
      else if (this.source.clock !== undefined) {
        this.#awaitsEvent = true;
        this.source.clock.runTo(this.head + 10);
      }
    } else {
      const at = this.events.timeAt(this.#next - 1);
      const before = at === undefined ? undefined : this.events.timeAt(this.events.indexAfter(at - 1) - 1);
      this.#show(before ?? this.first);
    }
    this.#changed();
  }

  /** Lets so many ms of ours pass: called for each frame. */
  tick(elapsedMs: number): void {
    if (this.pace.type !== "play" || !(elapsedMs > 0)) return;
    this.#passTo(this.cursor + elapsedMs * this.pace.speed);
    if (this.cursor >= this.head && this.state.type !== "connecting")
      return this.setPace({ type: this.hasEnded ? "paused" : "follow" });
    this.#changed();
  }

  // ---- From the source ----

  onState(state: SourceState): void {
    this.state = state;
    // A recorded run is there whole: one looks at its end, and plays it when one wants to.
    if (state.type === "ended" && this.source.kind === "recorded" && this.pace.type === "follow") {
      this.pause();
      if (state.opensAt !== undefined) this.#show(state.opensAt);
    }
    this.#changed();
  }

  onHello(hello: FeedHello): void {
    this.hello = hello;
    this.register = new NodeRegister();
    this.picture = new NetworkPicture(this.register);
    this.#atHead = this.picture;
    this.messages = new MessageBook(this.register);
    this.liveness = new LivenessBook();
    this.events = new EventBuffer(this.register, { maxEvents });
    this.totals = [];
    this.samplings = [];
    this.notable = new NotableEvents();
    this.pace = { type: "follow" };
    this.#awaitsEvent = false;
    this.#next = 0;
    this.cursor = hello.at;
    this.head = hello.at;
    this.epoch++;
    this.#drive();
    this.#changed();
  }

  onEvents(events: readonly TraceEvent[]): void {
    const follows = this.isAtHead && this.pace.type === "follow";
    if (!follows && this.picture === this.#atHead) this.picture = this.events.pictureBefore(this.#next);
    for (const event of events) {
      this.events.push(event, this.#atHead);
      this.liveness.apply(event, this.#atHead);
      this.#atHead.apply(event);
      this.messages.apply(event);
      this.notable.apply(event);
      const at = timeOf(event);
      if (at !== undefined && at > this.head) this.head = at;
      if (follows) for (const listener of this.#onApplied) listener(event);
    }
    if (follows) {
      this.#next = this.events.end;
      this.cursor = this.head;
    } else if (this.#awaitsEvent && !this.isAtHead) {
      this.#awaitsEvent = false;
      this.step(1);
    }
    this.#changed();
  }

  onTotals(totals: FeedTotals): void {
    this.totals.push(totals);
    if (this.totals.length > maxTotals) this.totals = this.totals.filter((_, i) => i % 2 === 0);
    this.head = Math.max(this.head, totals.at);
    if (this.isAtHead && this.pace.type === "follow") this.cursor = this.head;
    this.#changed();
  }

  onSampling(sampling: FeedSampling): void {
    this.samplings.push(sampling);
    if (this.samplings.length > maxSamplings) this.samplings.splice(0, maxSamplings / 2);
    this.#changed();
  }

  /** Moves the cursor without telling what is in between. */
  #show(at: Millis): void {
    this.cursor = Math.max(this.first, Math.min(at, this.head));
    const index = this.events.indexAfter(this.cursor);
    if (index === this.events.end && this.pace.type !== "play") this.picture = this.#atHead;
    else if (index === this.#next && index >= this.events.first) return;
    else if (!this.#canPassTo(index)) this.picture = this.events.pictureBefore(index);
    else for (let i = this.#next; i < index; i++) this.picture.apply(this.events.get(i)!);
    this.#next = index;
  }

  /** Moves the cursor forwards, and tells every event that it passes. */
  #passTo(at: Millis): void {
    const to = Math.max(this.first, Math.min(at, this.head));
    const index = this.events.indexAfter(to);
    if (!this.#canPassTo(index)) return this.#show(to);
    for (; this.#next < index; this.#next++) {
      const event = this.events.get(this.#next)!;
      this.picture.apply(event);
      for (const listener of this.#onApplied) listener(event);
    }
    this.cursor = to;
  }

  /** The events up to there are still kept, lie ahead, and are not too many to go through one by one. */
  #canPassTo(index: number): boolean {
    return this.#next >= this.events.first && index >= this.#next && index - this.#next <= maxPassed;
  }

  #drive(): void {
    this.source.clock?.setSpeed(this.pace.type === "follow" ? this.speed : 0);
  }

  #changed(): void {
    this.version++;
    for (const watcher of this.#watchers) watcher();
  }
}
