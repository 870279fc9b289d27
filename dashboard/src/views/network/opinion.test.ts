import { expect, test } from "vitest";
import type { Evidence } from "../../../../src/core/index.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { observersOf, opinionSentences, verdictText } from "./opinion.ts";

const evidence = (kind: Evidence["kind"], by: string, changes: Partial<Evidence> = {}): Evidence => ({
  ...{ at: 1, kind, by, through: [], incarnation: 1, detail: "" },
  ...changes,
});

test("an opinion is told with who found what, through whom, and its figures", () => {
  const sentences = opinionSentences(
    [
      evidence("missed", "a", { through: ["b", "c"], detail: "2 of 2 helpers could not reach it either" }),
      evidence("suspected", "a", { detail: "0 of 3 confirmations, 600 ms of 3600" }),
      evidence("awaits-quorum", "a"),
      evidence("alive", "v@127.0.0.1:2"),
      evidence("failed", "a"),
      evidence("left", "v@127.0.0.1:2"),
    ],
    "v@127.0.0.1:1",
    (id) => `peer-${id}`,
  );
  expect(sentences.map(({ text, side }) => `${side} | ${text}`)).toEqual([
    "against | peer-a got no answer, and asked peer-b, peer-c to try: 2 of 2 helpers could not reach it either",
    "against | peer-a suspects it: 0 of 3 confirmations, 600 ms of 3600",
    "against | peer-a would give it up, and waits for others to agree",
    "for | It says that it lives",
    "fate | peer-a gave it up",
    "fate | It said goodbye",
  ]);
  expect(verdictText({ state: "suspect", evidence: [] }, "peer-a")).toBe("peer-a suspects it.");
});

test("who suspects a node is asked first, then its neighbors, and nobody who is gone", () => {
  const picture = new NetworkPicture(new NodeRegister());
  const say = (node: string, layer: string, type: string, fields: object = {}) =>
    picture.apply({ at: 1, node, layer, type, ...fields });
  for (const name of ["v", "a", "b", "c", "d"]) say(name, "scenario", "joined", { name, role: "peer" });
  say("c", "hyparview", "neighbor-up", { neighbor: "v" });
  say("b", "membership", "member-suspected", { peer: "v", by: ["b"], incarnation: 1 });
  say("d", "membership", "member-suspected", { peer: "v", by: ["d"], incarnation: 1 });
  say("d", "scenario", "crashed");
  expect(observersOf(picture, picture.find("v")!).map(({ name }) => name)).toEqual(["b", "c", "a"]);
});
