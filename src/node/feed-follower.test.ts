import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { FeedFollower } from "./feed-follower.ts";
import { FeedLog } from "./feed-log.ts";

/** A socket that is read only when the test says so. */
class FakeResponse {
  readonly written: string[] = [];
  writableLength = 0;
  readonly writableEnded = false;
  readonly destroyed = false;
  #onDrain: () => void = () => {};
  on(_event: "drain", listener: () => void): void {
    this.#onDrain = listener;
  }
  write(data: string | Buffer): void {
    this.written.push(String(data).trimEnd());
    this.writableLength += data.length;
  }
  drain(): void {
    this.writableLength = 0;
    this.#onDrain();
  }
}

const chunk = (text: string) => ({ bytes: Buffer.from(text), events: new Map([["delivered", 1]]) });

function follow(log: FeedLog, maxUnreadBytes = 1000) {
  const response = new FakeResponse();
  const follower = new FeedFollower({
    response: response as unknown as ServerResponse,
    log,
    maxUnreadBytes,
    hello: (at) => `hello ${at}`,
    beginBlock: () => log.begin(99, Buffer.from("picture at 99")),
  });
  return { response, follower };
}

function logOf(...texts: string[]): FeedLog {
  const log = new FeedLog(10_000);
  log.begin(1, Buffer.from("picture at 1"));
  for (const text of texts) log.add(chunk(text));
  return log;
}

describe("somebody who follows", () => {
  test("reads what is kept from its beginning, and the pictures between only after a gap", () => {
    const log = logOf("a");
    log.begin(2, Buffer.from("picture at 2"));
    log.add(chunk("b"));
    log.begin(3, Buffer.from("picture at 3"), { isToldToAll: true });
    const { response, follower } = follow(log);
    log.add(chunk("c"));
    follower.push();
    follower.push();
    expect(response.written).toEqual(["hello 1", "picture at 1", "a", "b", "picture at 3", "c"]);
  });

  test("is given no more than its socket takes", () => {
    const { response } = follow(logOf("x".repeat(600), "y".repeat(600), "z".repeat(600)));
    expect(response.written.slice(2).map((text) => text[0])).toEqual(["x", "y"]);
    response.drain();
    expect(response.written.slice(2).map((text) => text[0])).toEqual(["x", "y", "z"]);
  });

  test("reads a long history as slowly as it likes", () => {
    const { response, follower } = follow(logOf(...Array.from({ length: 9 }, () => "x".repeat(900))));
    for (let i = 0; i < 100; i++) follower.push();
    for (let i = 0; i < 9; i++) response.drain();
    expect(response.written.filter((text) => text[0] === "x")).toHaveLength(9);
    expect(response.written.filter((text) => text.startsWith("hello"))).toHaveLength(1);
  });

  test("reads a picture that is larger than what may be unread in peace, at first and after gaps", () => {
    const log = new FeedLog(100_000);
    const picture = (at: number) => Buffer.from(`picture at ${at} ${"x".repeat(5000)}`);
    log.begin(1, picture(1));
    const { response, follower } = follow(log);
    const readsSlowly = () => {
      for (let i = 0; i < 50; i++) follower.push();
      response.drain();
      follower.push();
    };
    readsSlowly();
    log.begin(2, picture(2), { isToldToAll: true });
    readsSlowly();
    log.add(chunk("a"));
    readsSlowly();
    expect(response.written.map((text) => text.slice(0, 12))).toEqual([
      "hello 1",
      "picture at 1",
      "picture at 2",
      "a",
    ]);
  });

  test("who began anew reads the new picture in peace too", () => {
    const log = logOf();
    const response = new FakeResponse();
    const follower = new FeedFollower({
      response: response as unknown as ServerResponse,
      log,
      maxUnreadBytes: 1000,
      hello: (at) => `hello ${at}`,
      beginBlock: () => log.begin(99, Buffer.from(`picture at 99 ${"x".repeat(5000)}`)),
    });
    response.drain();
    for (let i = 0; i < 4; i++) log.add(chunk("x".repeat(900)));
    for (let i = 0; i < 22; i++) follower.push();
    response.drain();
    follower.push();
    for (let i = 0; i < 50; i++) follower.push();
    response.drain();
    log.add(chunk("z"));
    follower.push();
    expect(response.written.filter((text) => text.startsWith("hello"))).toEqual(["hello 1", "hello 99"]);
    expect(response.written.at(-1)).toBe("z");
  });

  test("is told no more when it is too far behind for long, and begins anew when it has read all", () => {
    const log = logOf();
    const { response, follower } = follow(log);
    response.drain();
    follower.push();
    for (let i = 0; i < 4; i++) log.add(chunk("x".repeat(900)));
    for (let i = 0; i < 20; i++) follower.push();
    expect(response.written).toHaveLength(4);
    response.drain();
    expect(response.written, "there is still time").toHaveLength(6);
    log.add(chunk("y".repeat(900)));
    for (let i = 0; i < 21; i++) follower.push();
    response.drain();
    expect(response.written).toHaveLength(6);
    follower.push();
    expect(response.written.slice(6, 8)).toEqual(["hello 99", "picture at 99"]);
    expect(response.written[8]).toContain('{"delivered":1}');
    log.add(chunk("z"));
    follower.push();
    expect(response.written.at(-1)).toBe("z");
  });

  test("goes on with the next block where it has read the one that is forgotten", () => {
    const log = logOf("a");
    const { response, follower } = follow(log);
    log.begin(2, Buffer.from("x".repeat(10_000)));
    expect(log.first?.at).toBe(2);
    log.add(chunk("b"));
    follower.push();
    expect(response.written).toEqual(["hello 1", "picture at 1", "a", "b"]);
  });

  test("goes on at the end when what it would read next is forgotten, and hears what it missed", () => {
    const log = logOf();
    const { response, follower } = follow(log);
    for (let i = 0; i < 4; i++) {
      log.begin(10 + i, Buffer.from(`picture at ${10 + i}`));
      log.add(chunk("x".repeat(4000)));
    }
    follower.push();
    response.drain();
    expect(response.written.slice(2)).toEqual([]);
    follower.push();
    expect(response.written.slice(2)).toEqual([
      "hello 99",
      "picture at 99",
      'event: sampling\ndata: {"at":99,"messagesFollowed":0,"messagesLeftOut":0,"eventsLeftOut":{"delivered":2}}',
    ]);
  });
});
