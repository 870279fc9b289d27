import { expect, test } from "vitest";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { evidenceSentences } from "./evidence.ts";

const event = (at: number, node: string, type: string, fields: object = {}): TraceEvent => ({
  at,
  node,
  layer: "heartbeat",
  type,
  neighbor: "v",
  ...fields,
});
const nameOf = (id: string | number) => `peer-${id}`;
const texts = (...events: TraceEvent[]) => evidenceSentences(events, nameOf).map(({ text }) => text);

test("the way to a death is told from the first miss to the removal", () => {
  expect(
    texts(
      event(1, "a", "ping-missed", { misses: 1 }),
      event(2, "a", "suspected", { misses: 3, witnesses: ["b", "c"] }),
      event(3, "a", "neighbor-failed"),
      event(4, "a", "dead-node"),
      event(5, "s", "dead-report-received", { reporter: "a", reports: 1, required: 2 }),
      event(6, "s", "peer-removed", { reason: "dead", reporters: ["a", "b"] }),
    ),
  ).toEqual([
    "peer-a missed 1 answer",
    "peer-a suspects it after 3 missed answers, and asks peer-b, peer-c to try",
    "peer-a gave it up: nobody who was asked reaches it",
    "peer-a reported it dead to the seeds",
    "peer-s has 1 report of its death, 2 needed; the last by peer-a",
    "peer-s removed it from its list, as dead: 2 reports, by peer-a, peer-b",
  ]);
});

test("misses in a row by one neighbor are one sentence, at the time of the last", () => {
  const sentences = evidenceSentences(
    [
      event(1, "a", "ping-missed", { misses: 1 }),
      event(2, "b", "ping-missed", { misses: 1 }),
      event(3, "a", "ping-missed", { misses: 2 }),
      event(4, "b", "ping-missed", { misses: 2 }),
      event(5, "a", "ping-missed", { misses: 3 }),
    ],
    nameOf,
  );
  expect(sentences.map(({ at, text }) => `${at} ${text}`)).toEqual([
    "4 peer-b missed 2 answers",
    "5 peer-a missed 3 answers",
  ]);
});

test("what all seeds say alike is told once, at the time of the first", () => {
  const report = (at: number, seed: string, reports: number) =>
    event(at, seed, "dead-report-received", { reporter: "a", reports, required: 2 });
  const removal = (at: number, seed: string) => event(at, seed, "peer-removed", { reason: "dead" });
  const sentences = evidenceSentences(
    [
      report(1, "s", 1),
      report(2, "t", 1),
      report(3, "s", 2),
      ...["s", "t", "u", "v"].map((seed, i) => removal(4 + i, seed)),
    ],
    nameOf,
  );
  expect(sentences.map(({ at, text }) => `${at} ${text}`)).toEqual([
    "1 peer-s and peer-t have 1 report of its death, 2 needed; the last by peer-a",
    "3 peer-s has 2 reports of its death, 2 needed; the last by peer-a",
    "4 peer-s, peer-t and 2 more removed it from their lists, as dead",
  ]);
});

test("a seed that removes it twice is told twice", () => {
  const removal = (at: number) => event(at, "s", "peer-removed", { reason: "dead" });
  expect(texts(removal(1), removal(9))).toHaveLength(2);
});

test("a miss after an answer begins a sentence of its own", () => {
  expect(
    texts(event(1, "a", "ping-missed", { misses: 1 }), event(9, "a", "ping-missed", { misses: 1 })),
  ).toHaveLength(2);
});

test("what speaks for the node is told as such", () => {
  const sides = evidenceSentences(
    [
      event(1, "a", "neighbor-unreachable", { witness: "b" }),
      event(2, "v", "refuted"),
      event(3, "s", "dead-report-ignored", { reporter: "x", reason: "forged" }),
      event(4, "s", "suspect-answered"),
    ],
    nameOf,
  ).map(({ side }) => side);
  expect(sides).toEqual(["for", "for", "for", "for"]);
});

test("fields that are missing or of another kind do not stop the telling", () => {
  expect(
    texts(event(1, "s", "peer-removed", { reporters: "nobody" }), event(2, "a", "suspected")),
  ).toHaveLength(2);
});

test("the way to a verdict of SWIM is told by those who found it, and the verdict of all once", () => {
  const member = (at: number, node: string, type: string, fields: object = {}): TraceEvent => ({
    at,
    node,
    layer: "membership",
    type,
    peer: "v",
    incarnation: 7,
    ...fields,
  });
  const sentences = evidenceSentences(
    [
      member(1, "a", "member-suspected", { by: ["a"] }),
      member(2, "b", "member-suspected", { by: ["b"] }),
      member(3, "a", "member-failed", { by: ["a", "b"] }),
      member(3, "b", "member-failed", { by: ["a", "b"] }),
      member(4, "c", "member-failed", { by: ["a"] }),
      member(9, "v", "refuted", { incarnation: 8 }),
      member(15, "c", "member-suspected", { incarnation: 8, by: ["c"] }),
      member(20, "a", "member-failed", { incarnation: 8, by: ["c"] }),
    ],
    nameOf,
  );
  expect(sentences.map(({ at, text, side }) => `${at} ${side}: ${text}`)).toEqual([
    "1 against: peer-a and peer-b suspect it: no answer, nor to those whom they asked to try",
    "3 fate: peer-a, peer-b and peer-c gave it up: it has not refuted the suspicions of peer-a and peer-b in time",
    "9 for: It says that it lives, with a new incarnation",
    "15 against: peer-c suspects it: no answer, nor to those whom it asked to try",
    "20 fate: peer-a gave it up: it has not refuted the suspicion of peer-c in time",
  ]);
});
