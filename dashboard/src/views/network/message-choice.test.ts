import { expect, test } from "vitest";
import { MessageBook } from "../../../../src/trace/message-book.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { choiceOf, type MessageChoice, messageAt, pathOf } from "./message-choice.ts";

test.each<MessageChoice>([{ type: "latest" }, { type: "none" }, { type: "one", key: "a/b%.7.0" }])(
  "a choice is what its address says: %j",
  (choice) => {
    expect(choiceOf(pathOf(choice))).toEqual(choice);
  },
);

test("the latest message is the last one of the moment that is shown", () => {
  const book = new MessageBook(new NodeRegister());
  for (const [sequence, at] of [10, 30, 20].entries())
    book.apply({
      at,
      node: "a",
      layer: "broadcast",
      type: "published",
      origin: "a",
      incarnation: 1,
      sequence,
    });
  const latest = (at: number) => messageAt(book, { type: "latest" }, at)?.publishedAt;
  expect([5, 10, 25, 99].map(latest)).toEqual([undefined, 10, 20, 30]);
  expect(messageAt(book, { type: "none" }, 99)).toBeUndefined();
  expect(messageAt(book, { type: "one", key: "a.1.0" }, 5)?.publishedAt).toBe(10);
});
