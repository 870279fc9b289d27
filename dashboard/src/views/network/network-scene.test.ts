import { expect, test } from "vitest";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { lives, partsOf, shapes, spreads } from "../../drawing/graph-forms.ts";
import { GraphMotion } from "../../drawing/graph-motion.ts";
import { linkStyles } from "../../drawing/graph-painter.ts";
import { NetworkScene } from "./network-scene.ts";

const scenario = (at: number, node: string, type: string, fields: object = {}): TraceEvent => ({
  at,
  node,
  layer: "scenario",
  type,
  ...fields,
});
const joined = (name: string, role = "peer") => scenario(0, name, "joined", { name, role });
const up = (node: string, neighbor: string): TraceEvent => ({
  at: 1,
  node,
  layer: "overlay",
  type: "neighbor-up",
  neighbor,
});

function sceneOf(...events: TraceEvent[]) {
  const picture = new NetworkPicture(new NodeRegister());
  for (const event of [joined("s", "seed"), joined("a"), joined("b"), joined("c"), ...events])
    picture.apply(event);
  const scene = new NetworkScene();
  scene.rebuild(picture, undefined);
  scene.paint(undefined);
  const looks = (name: string) => partsOf(scene.nodes.forms[scene.nodes.names.indexOf(name)]!);
  return { picture, scene, looks };
}

test("a link that both ends hold is drawn once, and counts for the degree of both", () => {
  const { scene } = sceneOf(up("a", "b"), up("b", "a"), up("b", "c"));
  expect(scene.links.count).toBe(2);
  const degrees = Object.fromEntries(scene.nodes.names.map((name, i) => [name, scene.degrees[i]]));
  expect(degrees).toEqual({ s: 0, a: 1, b: 2, c: 1 });
});

test("seeds are squares, the dead are crossed out and lie below the living", () => {
  const { scene, looks } = sceneOf(scenario(5, "b", "crashed"), scenario(6, "c", "paused"));
  expect(looks("s").shape).toBe(shapes.square);
  expect(looks("a")).toMatchObject({ shape: shapes.circle, life: lives.alive });
  expect(looks("b").life).toBe(lives.dead);
  expect(looks("c").life).toBe(lives.paused);
  expect(scene.nodes.names[0]).toBe("b");
});

test("towards a message, peers are susceptible, infected or removed, and seeds nothing", () => {
  const { scene, picture, looks } = sceneOf();
  const states = new Uint8Array(10);
  states[picture.find("a")!.row] = 1;
  states[picture.find("b")!.row] = 2;
  scene.paint(states);
  expect(["s", "a", "b", "c"].map((name) => looks(name).spread)).toEqual([
    spreads.none,
    spreads.infected,
    spreads.removed,
    spreads.susceptible,
  ]);
});

test("a link over a cut or between the parts of a partition is severed, until they are healed", () => {
  const links = [up("a", "b"), up("b", "c")];
  const cut = scenario(5, "", "cut", { from: ["a"], to: ["b"] });
  expect([...sceneOf(...links, cut).scene.links.styles]).toEqual([linkStyles.severed, linkStyles.plain]);
  const split = scenario(5, "", "partitioned", { sizes: [2, 2], apart: [["c"]] });
  expect([...sceneOf(...links, split).scene.links.styles]).toEqual([linkStyles.plain, linkStyles.severed]);
  const healed = scenario(6, "", "healed");
  expect(sceneOf(...links, cut, healed).scene.links.styles).not.toContain(linkStyles.severed);
});

test("the layout knows who registered with which seed, and has a place for the dead as well", () => {
  const registered = { at: 2, node: "a", layer: "introduction", type: "registered", seed: "s" };
  const { scene } = sceneOf(up("a", "b"), registered, scenario(5, "b", "crashed"));
  const { keys, links, weights } = scene.layout;
  expect(keys).toHaveLength(4);
  const ends = Array.from(weights, (_, i) => [keys[links[2 * i]!], keys[links[2 * i + 1]!]]);
  expect(ends).toEqual([
    ["a", "b"],
    ["a", "s"],
  ]);
  expect(weights[1]).toBeLessThan(weights[0]!);
});

test("where nobody registers, seeds stand among those whom they list", () => {
  const listed = { at: 2, node: "s", layer: "membership", type: "member-up", peer: "a" };
  const { keys, links } = sceneOf(up("a", "b"), listed).scene.layout;
  expect(Array.from(links, (place) => keys[place])).toEqual(["a", "b", "s", "a"]);
});

test("what moves to somebody who is not drawn is left out", () => {
  const { scene, picture } = sceneOf();
  const motion = new GraphMotion();
  motion.send(picture.find("a")!.row, picture.find("b")!.row, undefined, 1);
  motion.send(picture.find("a")!.row, 99, undefined, 1);
  expect(scene.dots(motion).count).toBe(1);
});
