/**
 * Somebody who reads the feed, as a place in its log. Nothing is queued for a slow reader but what its socket holds:
 * it is told the rest when there is room, and where it falls too far behind, it goes on at the end, with a new
 * picture and a word about what it missed.
 */
import type { ServerResponse } from "node:http";
import type { Millis } from "../core/index.ts";
import type { FeedSampling } from "../trace/index.ts";
import { serverSent } from "./event-stream.ts";
import type { FeedBlock, FeedLog } from "./feed-log.ts";

export interface FeedFollowerConfig {
  readonly response: ServerResponse;
  readonly log: FeedLog;
  /** With so much unread, it is told no more until it has caught up. */
  readonly maxUnreadBytes: number;
  /** The words with which a network begins that is told from that moment on. */
  readonly hello: (at: Millis) => string;
  /** A block that begins now. */
  readonly beginBlock: () => FeedBlock;
}

/**
 * Much may happen at once, and a process that has much to do writes late: only who is behind so many times, one after
 * the other, is too slow. At 50 ms each it is a second.
 */
const patience = 20;

export class FeedFollower {
  readonly #config: FeedFollowerConfig;
  /** What comes next. The log may have forgotten the block, but not while there is more to read of it. */
  #block: FeedBlock;
  #chunk = 0;
  /** History and pictures are read as slowly as the reader likes, as long as what follows them is kept. */
  #state: "history" | "following" | "skipping" = "history";
  /** So many times it was too far behind, one after the other. */
  #behind = 0;
  #skipped = new Map<string, number>();

  constructor(config: FeedFollowerConfig) {
    this.#config = config;
    config.response.on("drain", () => this.#onDrain());
    this.#block = config.log.first ?? config.beginBlock();
    this.#beginAt(this.#block);
    this.push();
  }

  /** Called when the log has grown. */
  push(): void {
    const { response, log, maxUnreadBytes } = this.#config;
    if (response.writableEnded || response.destroyed) return;
    if (this.#isLost) this.#skipFrom(log.first!);
    if (this.#state === "skipping") return this.#skip();
    this.#write();
    const unreadBytes = this.#state === "history" ? 0 : this.#unreadBytes();
    this.#behind = unreadBytes <= maxUnreadBytes ? 0 : this.#behind + 1;
    if (this.#behind > patience) this.#state = "skipping";
  }

  #onDrain(): void {
    const { response } = this.#config;
    if (this.#state === "skipping" || this.#isLost) return; // at the next push
    if (!response.writableEnded && !response.destroyed) this.#write();
  }

  #write(): void {
    const { response, log, maxUnreadBytes } = this.#config;
    while (response.writableLength < maxUnreadBytes) {
      const block = this.#block;
      const chunk = block.chunks[this.#chunk];
      if (chunk !== undefined) {
        response.write(chunk.bytes);
        this.#chunk++;
      } else if (block === log.last) {
        this.#state = "following";
        return;
      } else this.#enter(log.block(block.number + 1)!);
    }
  }

  /** What would come next is forgotten. Who has read the whole block, up to one that is kept, has lost nothing. */
  get #isLost(): boolean {
    const { log } = this.#config;
    const { number, chunks } = this.#block;
    if (log.block(number) !== undefined) return false;
    return this.#chunk < chunks.length || log.block(number + 1) === undefined;
  }

  #beginAt(block: FeedBlock): void {
    this.#block = block;
    this.#chunk = 0;
    this.#config.response.write(this.#config.hello(block.at));
    this.#tellPicture(block);
  }

  #enter(block: FeedBlock): void {
    this.#block = block;
    this.#chunk = 0;
    if (block.isToldToAll) this.#tellPicture(block);
  }

  /** That of 10,000 nodes is 10 MB: who reads that is not too slow, and would begin anew again and again. */
  #tellPicture({ prologue }: FeedBlock): void {
    this.#config.response.write(prologue);
    this.#state = "history";
  }

  #unreadBytes(): number {
    const { response, log } = this.#config;
    let bytes = response.writableLength;
    for (const block of log.from(this.#block)) {
      bytes += block.bytes;
      if (block !== this.#block) continue;
      for (let i = 0; i < this.#chunk; i++) bytes -= block.chunks[i]!.bytes.length;
    }
    return bytes;
  }

  // ---- Too slow ----

  #skipFrom(block: FeedBlock): void {
    this.#state = "skipping";
    this.#block = block;
    this.#chunk = 0;
  }

  /** Counts what is passed over; begins anew when everything that was said is read. */
  #skip(): void {
    const { response, log, beginBlock } = this.#config;
    for (const block of log.from(this.#block)) {
      if (block !== this.#block) this.#chunk = 0;
      this.#block = block;
      for (; this.#chunk < block.chunks.length; this.#chunk++) {
        for (const [type, count] of block.chunks[this.#chunk]!.events)
          this.#skipped.set(type, (this.#skipped.get(type) ?? 0) + count);
      }
    }
    if (response.writableLength > 0) return;
    const { published = 0, ...eventsLeftOut } = Object.fromEntries(this.#skipped);
    this.#skipped = new Map();
    const block = beginBlock();
    this.#behind = 0;
    this.#beginAt(block);
    const gap: FeedSampling = {
      at: block.at,
      messagesFollowed: 0,
      messagesLeftOut: published,
      eventsLeftOut,
    };
    response.write(serverSent("sampling", gap));
  }
}
