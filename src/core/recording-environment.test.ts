import { expect, test } from "vitest";
import { RecordingEnvironment } from "./recording-environment.ts";

function recorded() {
  const env = new RecordingEnvironment<string, string, string>("a");
  env.send("b", "hello");
  env.schedule(5, "later");
  env.notify("news");
  env.send("c", "bye");
  return env;
}

test("effects are kept in the order in which they happened", () => {
  expect(recorded().effects.map(({ type }) => type)).toEqual(["send", "schedule", "notify", "send"]);
});

test("sends, timers and notices can be read apart", () => {
  const env = recorded();
  expect(env.sent()).toEqual([
    { to: "b", message: "hello" },
    { to: "c", message: "bye" },
  ]);
  expect(env.scheduled()).toEqual([{ after: 5, timer: "later" }]);
  expect(env.notices()).toEqual(["news"]);
});

test("take gives the effects since the last take, and forgets them", () => {
  const env = recorded();
  expect(env.take()).toHaveLength(4);
  expect(env.take()).toEqual([]);
  env.notify("more");
  expect(env.take()).toEqual([{ type: "notify", notice: "more" }]);
});

test("what was taken does not grow any more", () => {
  const env = recorded();
  const taken = env.take();
  env.notify("more");
  expect(taken).toHaveLength(4);
});

test("time stands still unless the test moves it, and the die is seeded", () => {
  const env = new RecordingEnvironment("a", 3);
  expect(env.now).toBe(0);
  env.now = 12;
  expect(env.now).toBe(12);
  expect(env.random.uint32()).toBe(new RecordingEnvironment("b", 3).random.uint32());
  expect(env.row).toBe(0);
});
