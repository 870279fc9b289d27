import { expect, test } from "vitest";
import { NodeRegister } from "./node-register.ts";

test("a node that is dialed by address alone is the one that listens there", () => {
  const register = new NodeRegister();
  const seed = register.name("aa@10.0.0.1:9000", "seed-1", "seed");
  expect(register.of("@10.0.0.1:9000")).toBe(seed);
  expect(register.all).toHaveLength(1);
});

test("whoever was spoken of by address first is no other node when it says who it is", () => {
  const register = new NodeRegister();
  const dialed = register.of("@10.0.0.1:9000");
  const seed = register.name("aa@10.0.0.1:9000", "seed-1", "seed");
  expect(seed).toBe(dialed);
  expect([seed.id, seed.name]).toEqual(["aa@10.0.0.1:9000", "seed-1"]);
  expect(register.all).toHaveLength(1);
});

test("another identity at that address is another node, and is meant by the address from then on", () => {
  const register = new NodeRegister();
  const first = register.name("aa@10.0.0.1:9000", "seed-1", "seed");
  const second = register.name("bb@10.0.0.1:9000", "seed-9", "seed");
  expect(second).not.toBe(first);
  expect(register.of("@10.0.0.1:9000")).toBe(second);
  expect(register.of("aa@10.0.0.1:9001"), "whoever moves stays itself").toBe(first);
});
