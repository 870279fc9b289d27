import { expect, test } from "vitest";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { nodeCalled, searchNodes } from "./node-search.ts";

const picture = new NetworkPicture(new NodeRegister());
for (const [i, name] of ["peer-1", "peer-11", "peer-2", "seed-1"].entries())
  picture.apply({
    at: 0,
    node: `${"abcd"[i]}f00@127.0.0.1:900${i}`,
    layer: "trace",
    type: "named",
    name,
    role: "peer",
  });
const names = (text: string) => searchNodes(picture, text, 10).map(({ name }) => name);

test("a name is found before names that begin so, and these before names that have it", () => {
  expect(names("peer-1")).toEqual(["peer-1", "peer-11"]);
  expect(names("1")).toEqual(["peer-1", "peer-11", "seed-1"]);
});
test("ports and beginnings of ids are found", () => {
  expect(names("9002")).toEqual(["peer-2"]);
  expect(names("DF0")).toEqual(["seed-1"]);
});
test("nothing is found for nothing, and never more than asked for", () => {
  expect(names("  ")).toEqual([]);
  expect(searchNodes(picture, "peer", 2)).toHaveLength(2);
});
test("a link means the node of exactly that name", () => {
  expect(nodeCalled(picture, "peer-1")?.name).toBe("peer-1");
  expect(nodeCalled(picture, "peer")).toBeUndefined();
});
