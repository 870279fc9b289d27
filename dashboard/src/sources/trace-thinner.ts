/**
 * As many events of a trace as the page can keep. Where there are more, the routine of the heartbeat goes first; then
 * messages go, whole or not at all: every second one, then three of four, … Who is there, who is linked and what was
 * done to the network always stays.
 */

import { hashText, type TraceEvent } from "../../../src/core/index.ts";
import type { FeedSampling } from "../../../src/trace/feed.ts";
import { messageKey } from "../../../src/trace/message-book.ts";

/** With one message in 2^20 there is nothing left to leave out. */
const maxLevel = 20;
/** A line can claim any number of messages; more of one publication nobody writes. */
const maxTogether = 64;
const routine: ReadonlySet<string> = new Set(["ping-sent", "ping-answered"]);
const aboutMessages: ReadonlySet<string> = new Set(["published", "delivered", "forwarded", "removed"]);

export class TraceThinner {
  readonly #maxEvents: number;
  #events: TraceEvent[] = [];
  #keepsRoutine = true;
  /** One message in 2^level is kept. */
  #level = 0;
  #published = 0;
  readonly #leftOut: Record<string, number> = {};

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  add(event: TraceEvent): void {
    if (event.type === "published") this.#published++;
    if (!this.#keeps(event)) return this.#count(event);
    this.#events.push(event);
    while (this.#events.length > this.#maxEvents && this.#level < maxLevel) this.#thin();
  }

  /** What was left out, if anything was. */
  sampling(at: number): FeedSampling | undefined {
    if (this.#keepsRoutine) return undefined;
    const followed = this.#events.filter(({ type }) => type === "published").length;
    return {
      at,
      messagesFollowed: followed,
      messagesLeftOut: this.#published - followed,
      eventsLeftOut: { ...this.#leftOut },
    };
  }

  #thin(): void {
    if (this.#keepsRoutine) this.#keepsRoutine = false;
    else this.#level++;
    const kept: TraceEvent[] = [];
    for (const event of this.#events) {
      if (this.#keeps(event)) kept.push(event);
      else this.#count(event);
    }
    this.#events = kept;
  }

  #keeps(event: TraceEvent): boolean {
    if (routine.has(event.type)) return this.#keepsRoutine;
    if (this.#level === 0 || !aboutMessages.has(event.type)) return true;
    const { sequence, count } = event;
    const together = event.type === "forwarded" && typeof count === "number" ? count : 1;
    if (typeof sequence !== "number") return true;
    for (let i = 0; i < Math.min(together, maxTogether); i++) {
      const key = messageKey({ ...event, sequence: sequence + i });
      if (key === undefined || hashText(key) % 2 ** this.#level === 0) return true;
    }
    return false;
  }

  /** Of messages, the messages are counted, not their events. */
  #count({ type }: TraceEvent): void {
    if (!aboutMessages.has(type)) this.#leftOut[type] = (this.#leftOut[type] ?? 0) + 1;
  }
}
