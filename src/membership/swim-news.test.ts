import { describe, expect, test } from "vitest";
import type { NodeId } from "../core/index.ts";
import type { Update } from "./swim-messages.ts";
import { maxNews, NewsQueue, newsRanks, updateBytes } from "./swim-news.ts";

const proof = new Uint8Array(160);
const record = (member: NodeId, incarnation = 1): Update => ({
  statement: { type: "member-record", member, incarnation, since: 0, role: "peer", tags: [] },
  proof,
});
const doubt = (suspect: NodeId, accuser: NodeId, incarnation = 1): Update => ({
  statement: { type: "suspicion", suspect, incarnation, accuser, at: 0 },
  proof,
});
const leave = (peer: NodeId, incarnation = 1): Update => ({
  statement: { type: "leave", peer, incarnation, at: 0 },
  proof,
});
const { own, suspicion, other } = newsRanks;

function queue(maxBytes = 1100) {
  const dropped = { count: 0 };
  return { news: new NewsQueue(maxBytes, () => dropped.count++), dropped };
}
const all = { maxBytes: 1e9, maxCount: 1e9 };
const take = (news: NewsQueue, { maxBytes = all.maxBytes, maxCount = all.maxCount, limit = 3 } = {}) =>
  news.take(maxBytes, maxCount, limit);

describe("news", () => {
  test("goes out by rank: ourselves, doubts, the rest", () => {
    const { news } = queue();
    const [a, b, c] = [record(1), doubt(2, 3), record(0)];
    news.add(a, other);
    news.add(b, suspicion);
    news.add(c, own);
    expect(take(news)).toEqual([c, b, a]);
  });

  test("goes out least transmitted first, and of these the newest", () => {
    const { news } = queue();
    const [a, b, c] = [record(1), record(2), record(3)];
    news.add(a, other);
    take(news);
    news.add(b, other);
    news.add(c, other);
    expect(take(news)).toEqual([c, b, a]);
    expect(take(news, { maxCount: 2 }).includes(a)).toBe(false);
  });

  test("goes out so many times and then is forgotten", () => {
    const { news } = queue();
    news.add(record(1), other);
    for (let i = 0; i < 3; i++) expect(take(news)).toHaveLength(1);
    expect(take(news)).toEqual([]);
    expect(news.size).toBe(0);
  });

  test("of a later life replaces all that was said of the earlier one, and a word of a member its last word", () => {
    const { news } = queue();
    for (const update of [record(1, 1), doubt(1, 2, 1), doubt(1, 3, 1), record(4, 1)])
      news.add(update, other);
    expect(news.size).toBe(4);
    const later = record(1, 2);
    news.add(later, other);
    expect(new Set(take(news))).toEqual(new Set([later, record(4, 1)]));
    const goodbye = leave(1, 2);
    news.add(goodbye, other);
    expect(take(news)).toContain(goodbye);
    expect(take(news)).not.toContain(later);
  });

  test("of different accusers stays side by side", () => {
    const { news } = queue();
    news.add(doubt(1, 2), suspicion);
    news.add(doubt(1, 3), suspicion);
    expect(take(news)).toHaveLength(2);
  });

  test("fills a message and no more", () => {
    const { news } = queue();
    for (let i = 0; i < 20; i++) news.add(record(i), other);
    const bytes = updateBytes(record(0));
    expect(take(news, { maxBytes: 3.5 * bytes })).toHaveLength(3);
    expect(take(news, { maxBytes: bytes - 1 })).toEqual([]);
  });

  test("that fits into no message blocks nobody", () => {
    const { news, dropped } = queue(300);
    news.add(record("x".repeat(400)), own);
    news.add(record(1), other);
    expect(dropped.count).toBe(1);
    expect(take(news)).toHaveLength(1);
  });

  test("is bounded: of the lowest rank goes what most have heard", () => {
    const { news, dropped } = queue();
    const old = record(-1);
    news.add(old, other);
    take(news);
    for (let i = 1; i < maxNews; i++) news.add(record(i), other);
    news.add(doubt(1, 2), suspicion);
    expect(dropped.count).toBe(1);
    expect(news.size).toBe(maxNews);
    const left = take(news);
    expect(left).not.toContain(old);
    expect(left[0]!.statement.type).toBe("suspicion");
  });

  test("that is replaced time and again leaves nothing behind", () => {
    const { news, dropped } = queue();
    for (let i = 0; i < 5 * maxNews; i++) news.add(record(1, i), other);
    expect(news.size).toBe(1);
    expect(take(news)).toEqual([record(1, 5 * maxNews - 1)]);
    expect(dropped.count).toBe(0);
  });
});
