import { expect, test } from "vitest";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { sortedRows } from "./node-rows.ts";

const picture = new NetworkPicture(new NodeRegister());
for (const name of ["peer-10", "peer-2", "peer-1"])
  picture.apply({ at: 0, node: name, layer: "scenario", type: "joined", name, role: "peer" });
picture.apply({ at: 1, node: "peer-2", layer: "overlay", type: "neighbor-up", neighbor: "peer-1" });
const names = (...[by, descending]: ["name" | "degree", boolean]) =>
  sortedRows(picture, () => undefined, { by, descending }).map(({ name }) => name);

test("names are sorted as people count", () => {
  expect(names("name", false)).toEqual(["peer-1", "peer-2", "peer-10"]);
  expect(names("name", true)).toEqual(["peer-10", "peer-2", "peer-1"]);
});

test("equal figures leave nodes in the order of names, whichever way", () => {
  expect(names("degree", true)).toEqual(["peer-2", "peer-1", "peer-10"]);
  expect(names("degree", false)).toEqual(["peer-1", "peer-10", "peer-2"]);
});
