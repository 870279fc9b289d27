import { expect, test } from "vitest";
import type { Evidence } from "../core/index.ts";
import { EvidenceLog, maxEvidenceMembers, maxEvidencePerMember } from "./evidence-log.ts";

function missed(at: number): Evidence {
  return { at, kind: "missed", by: 1, through: [], incarnation: 1, detail: "" };
}

test("tells what was put in, oldest first, of that node only", () => {
  const log = new EvidenceLog();
  log.add(2, missed(10));
  log.add(3, missed(11));
  log.add(2, missed(12));
  expect(log.of(2).map(({ at }) => at)).toEqual([10, 12]);
  expect(log.of(4)).toEqual([]);
  expect([log.has(2), log.has(4)]).toEqual([true, false]);
});

test("goes on where a node comes back under another address", () => {
  const log = new EvidenceLog();
  log.add("ab@10.0.0.1:9000", missed(10));
  log.add("ab@10.0.0.2:9000", missed(20));
  expect(log.of("ab@10.0.0.3:1")).toHaveLength(2);
  expect(log.size).toBe(1);
});

test("forgets the oldest entry of a node that has too many", () => {
  const log = new EvidenceLog();
  for (let at = 0; at < 1000; at++) log.add(2, missed(at));
  expect(log.of(2)).toHaveLength(maxEvidencePerMember);
  expect(log.of(2)[0]!.at).toBe(1000 - maxEvidencePerMember);
});

test("forgets the node of which nothing was heard for longest", () => {
  const log = new EvidenceLog({ maxMembers: 2 });
  log.add(2, missed(1));
  log.add(3, missed(2));
  log.add(2, missed(3));
  log.add(4, missed(4));
  expect([2, 3, 4].map((node) => log.has(node))).toEqual([true, false, true]);
  const large = new EvidenceLog();
  for (let node = 0; node < 5000; node++) large.add(node, missed(node));
  expect(large.size).toBe(maxEvidenceMembers);
});

test("cannot be changed through what it told", () => {
  const log = new EvidenceLog();
  log.add(2, missed(1));
  (log.of(2) as Evidence[]).length = 0;
  expect(log.of(2)).toHaveLength(1);
});
