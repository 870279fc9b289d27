import { expect, test } from "vitest";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { MessageBook } from "../../../../src/trace/message-book.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { listedMessages, originName, PeerCount, reachedShare } from "./message-list.ts";

function world(events: readonly TraceEvent[]) {
  const register = new NodeRegister();
  const picture = new NetworkPicture(register);
  const book = new MessageBook(register);
  for (const event of events) {
    picture.apply(event);
    book.apply(event);
  }
  return { register, picture, book, nameOf: (row: number) => originName(picture, register, row) };
}
const joined = (node: number, at: number, role = "peer"): TraceEvent => ({
  at,
  node,
  layer: "scenario",
  type: "joined",
  name: `peer-${node}`,
  role,
});
const message = (node: number, at: number, payload: string): TraceEvent => ({
  at,
  node,
  layer: "broadcast",
  type: "published",
  origin: node,
  incarnation: 1,
  sequence: at,
  statedAt: at,
  payload,
});

const events = [
  joined(1, 0),
  joined(2, 0),
  joined(9, 0, "seed"),
  message(1, 10, "Tea is ready"),
  { ...message(2, 20, ""), node: 2, type: "delivered", origin: 1, sequence: 10, from: 1 },
  joined(3, 30),
  message(2, 40, "coffee"),
];

test("the newest message is first, and a search looks into texts and origins", () => {
  const { book, nameOf } = world(events);
  const found = (search: string) => listedMessages(book, nameOf, search).map(({ text }) => text);
  expect(found("")).toEqual(["coffee", "Tea is ready"]);
  expect(found("tea")).toEqual(["Tea is ready"]);
  expect(found("PEER-2")).toEqual(["coffee"]);
  expect(found("milk")).toEqual([]);
});

test("a message has reached a share of the peers of its time, the origin among them", () => {
  const { book, picture } = world(events);
  const peers = new PeerCount(picture);
  expect([peers.at(-1), peers.at(10), peers.at(40)]).toEqual([0, 2, 3]);
  expect([...book.messages].map((one) => reachedShare(one, peers))).toEqual([1, 1 / 3]);
});
