import { expect, test } from "vitest";
import { chunkOverheadBytes, FeedLog } from "./feed-log.ts";

const chunk = (size: number) => ({ bytes: Buffer.alloc(size), events: new Map([["published", 1]]) });
const picture = (size: number) => Buffer.alloc(size);

test("what is kept stays below its bound, and begins with a picture", () => {
  const log = new FeedLog(1_000_000);
  for (let i = 0; i < 10_000; i++) {
    if (log.isFull) log.begin(i, picture(5000));
    log.add(chunk(1000));
    expect(log.bytes).toBeLessThanOrEqual(1_000_000);
  }
  expect(log.bytes).toBeGreaterThan(400_000);
  expect(log.first!.number).toBeGreaterThan(0);
  expect(log.first!.prologue.length).toBe(5000);
});

test("a chunk counts for what it takes, however little it says", () => {
  const log = new FeedLog(1_000_000);
  for (let i = 0; i < 10_000; i++) {
    if (log.isFull) log.begin(i, picture(500));
    log.add(chunk(1));
  }
  const kept = [...log.from(log.first!)].reduce((sum, { chunks }) => sum + chunks.length, 0);
  expect(kept).toBeGreaterThan(900);
  expect(kept).toBeLessThan(1_000_000 / chunkOverheadBytes);
});

test("a block is found by its number until it is forgotten", () => {
  const log = new FeedLog(10_000);
  const blocks = [0, 1, 2, 3].map((at) => {
    const block = log.begin(at, picture(100));
    log.add(chunk(4000));
    return block;
  });
  expect(blocks.map(({ number }) => log.block(number))).toEqual([undefined, undefined, blocks[2], blocks[3]]);
  expect(log.block(4)).toBeUndefined();
});

test("the block that is written stays, however large the pictures of a large network are", () => {
  const log = new FeedLog(10_000);
  const block = log.begin(0, picture(50_000));
  log.add(chunk(100));
  expect(log.last).toBe(block);
  expect(log.isFull).toBe(false);
});
