import { expect, test } from "vitest";
import { broadcastOptions, idleOption } from "./broadcast-options.ts";

test("an option that means nothing to the method is found, with the methods to which it does", () => {
  expect(idleOption({ stop: "coin" })).toEqual({ name: "stop", methods: ["rumor"] });
  expect(idleOption({ method: "rumor", treeDegree: 3 })).toEqual({
    name: "treeDegree",
    methods: ["bimodal"],
  });
  expect(idleOption({ method: "anti-entropy", partners: "members" })?.name).toBe("partners");
});

test("what means something is not", () => {
  expect(idleOption({ method: "rumor", stop: "coin", roundMs: 50, repairs: false })).toBeUndefined();
  expect(idleOption({ retainMessages: 5, forwardDelayMs: 3 })).toBeUndefined();
  expect(idleOption({ method: "flood", stop: undefined })).toBeUndefined();
});

test("an option that is for some methods says in its description for which", () => {
  for (const [name, { description }] of Object.entries(broadcastOptions.specs)) {
    const idle = broadcastOptions.specs.method.choices!.filter((method) => idleOption({ method, [name]: 1 }));
    const isForSome = idle.length > 0;
    expect(/^(All but flood|flood|rumor|median-counter|bimodal|plumtree)\b/.test(description), name).toBe(
      isForSome,
    );
  }
});
