import { describe, expect, test } from "vitest";
import type { Environment, NodeId, Protocol, Typed } from "./environment.ts";
import { UsageError } from "./errors.ts";
import { RecordingEnvironment } from "./recording-environment.ts";
import { Stack, type Tagged } from "./stack.ts";

type LayerEnvironment = Environment<Typed, Typed, Typed>;

/** A layer that writes down what happens to it, and does what the test hangs on its hooks. */
class Layer implements Protocol<Typed, Typed, Typed, Typed> {
  readonly log: string[];
  readonly #name: string;
  onEvent: (what: string, body: Typed | undefined, env: LayerEnvironment) => void = () => {};

  constructor(name: string, log: string[] = []) {
    this.#name = name;
    this.log = log;
  }

  start(env: LayerEnvironment): void {
    this.#event("start", undefined, env);
  }
  onCommand(command: Typed, env: LayerEnvironment): void {
    this.#event("command", command, env);
  }
  onMessage(from: NodeId, message: Typed, env: LayerEnvironment): void {
    this.#event(`message of ${from}`, message, env);
  }
  onTimer(timer: Typed, env: LayerEnvironment): void {
    this.#event("timer", timer, env);
  }
  onNotice(notice: Typed, env: LayerEnvironment): void {
    this.#event("notice", notice, env);
  }

  #event(what: string, body: Typed | undefined, env: LayerEnvironment): void {
    this.log.push(`${this.#name}: ${what}${body === undefined ? "" : ` ${body.type}`}`);
    this.onEvent(what, body, env);
    this.log.push(`${this.#name}: end`);
  }
}

function world() {
  const log: string[] = [];
  const low = new Layer("low", log);
  const middle = new Layer("middle", log);
  const high = new Layer("high", log);
  const stack = new Stack({ low, middle, high });
  const env = new RecordingEnvironment<Tagged, Tagged, Tagged>("a");
  return { log, low, middle, high, stack, env };
}

describe("tags", () => {
  test("a message and a timer carry the layer that made them, and go back to it and to no other", () => {
    const { low, middle, stack, env, log } = world();
    low.onEvent = (what, _, environment) => {
      if (what !== "command") return;
      environment.send("b", { type: "hello" });
      environment.schedule(7, { type: "later" });
    };
    stack.onCommand({ layer: "low", body: { type: "go" } }, env);
    expect(env.sent()).toEqual([{ to: "b", message: { layer: "low", body: { type: "hello" } } }]);
    expect(env.scheduled()).toEqual([{ after: 7, timer: { layer: "low", body: { type: "later" } } }]);

    log.length = 0;
    middle.onEvent = () => expect.unreachable("not for the middle layer");
    stack.onMessage("b", env.sent()[0]!.message, env);
    stack.onTimer(env.scheduled()[0]!.timer, env);
    expect(log).toEqual(["low: message of b hello", "low: end", "low: timer later", "low: end"]);
  });

  test("a command reaches the layer that it names", () => {
    const { stack, env, log } = world();
    stack.onCommand({ layer: "high", body: { type: "go" } }, env);
    expect(log).toEqual(["high: command go", "high: end"]);
  });

  test("a layer sees the node, its row, its time and its die", () => {
    const { low, stack, env } = world();
    const seen: unknown[] = [];
    low.onEvent = (_, __, { self, row, now, random }) => seen.push(self, row, now, random === env.random);
    env.now = 41;
    stack.onCommand({ layer: "low", body: { type: "go" } }, env);
    expect(seen).toEqual(["a", 0, 41, true]);
  });

  test("layers start in stack order", () => {
    const { stack, env, log } = world();
    stack.start(env);
    expect(log.filter((line) => line.endsWith("start"))).toEqual([
      "low: start",
      "middle: start",
      "high: start",
    ]);
  });

  test("what goes to many is tagged once, and another message is not taken for it", () => {
    const { low, stack, env } = world();
    const [news, more] = [{ type: "news" }, { type: "news" }];
    low.onEvent = (_, __, environment) => {
      for (const to of ["b", "c"]) environment.send(to, news);
      environment.send("d", more);
    };
    stack.onCommand({ layer: "low", body: { type: "go" } }, env);
    const [toB, toC, toD] = env.sent().map(({ message }) => message);
    expect(toC).toBe(toB);
    expect(toB!.body).toBe(news);
    expect(toD!.body).toBe(more);
  });

  test("one stack serves two environments in turn", () => {
    const { low, stack, env } = world();
    const other = new RecordingEnvironment<Tagged, Tagged, Tagged>("z");
    low.onEvent = (_, __, environment) => environment.send(environment.self, { type: "me" });
    for (const each of [env, other, env]) stack.onCommand({ layer: "low", body: { type: "go" } }, each);
    expect(env.sent().map(({ to }) => to)).toEqual(["a", "a"]);
    expect(other.sent().map(({ to }) => to)).toEqual(["z"]);
  });
});

describe("hearing", () => {
  test("a layer that wants to know is told of every message that a layer takes, before it is handed on", () => {
    const { log, low, high, env } = world();
    const heard = Object.assign(high, { onHeard: (from: NodeId) => log.push(`heard of ${from}`) });
    const stack = new Stack({ low, high: heard });
    stack.onMessage("b", { layer: "low", body: { type: "hello" } }, env);
    expect(log).toEqual(["heard of b", "low: message of b hello", "low: end"]);
  });
});

describe("unknown layers", () => {
  test("a message for a layer that we do not run is ignored", () => {
    const { stack, env, log } = world();
    for (const layer of ["swim", "", "__proto__", "constructor", "toString"]) {
      stack.onMessage("b", { layer, body: { type: "hello" } }, env);
    }
    expect(log).toEqual([]);
    expect(env.effects).toEqual([]);
  });

  test("a command for one is the caller's mistake, and says which layers there are", () => {
    const { stack, env, log } = world();
    const command = () => stack.onCommand({ layer: "swim", body: { type: "go" } }, env);
    expect(command).toThrow(UsageError);
    expect(command).toThrow('layer: no layer "swim" (low, middle, high)');
    expect(log).toEqual([]);
  });
});

describe("notices", () => {
  test("a notice is offered to every other layer in stack order, then to the world outside", () => {
    const { middle, high, stack, env, log } = world();
    middle.onEvent = (what, _, environment) => {
      if (what === "command") environment.notify({ type: "news" });
    };
    high.onEvent = () => expect(env.notices(), "the outside hears it last").toEqual([]);
    stack.onCommand({ layer: "middle", body: { type: "go" } }, env);
    expect(log).toEqual([
      "middle: command go",
      "middle: end",
      "low: notice news",
      "low: end",
      "high: notice news",
      "high: end",
    ]);
    expect(env.notices()).toEqual([{ layer: "middle", body: { type: "news" } }]);
  });

  test("a notice is offered after the handler that made it has ended: no layer is entered half way through", () => {
    const { low, middle, stack, env, log } = world();
    low.onEvent = (what, _, environment) => {
      if (what === "command") environment.notify({ type: "first" });
    };
    middle.onEvent = (_, body, environment) => {
      if (body?.type === "first") environment.notify({ type: "second" });
    };
    stack.onCommand({ layer: "low", body: { type: "go" } }, env);
    for (let i = 0; i < log.length; i += 2) {
      expect(log[i + 1], `after "${log[i]}"`).toBe(`${log[i]!.split(":")[0]}: end`);
    }
  });

  test("notices are offered first in, first out, also those made meanwhile", () => {
    const { low, middle, stack, env } = world();
    low.onEvent = (what, _, environment) => {
      if (what !== "command") return;
      environment.notify({ type: "one" });
      environment.notify({ type: "two" });
    };
    middle.onEvent = (_, body, environment) => {
      if (body?.type === "one") environment.notify({ type: "answer to one" });
    };
    stack.onCommand({ layer: "low", body: { type: "go" } }, env);
    expect(env.notices().map(({ body }) => body.type)).toEqual(["one", "two", "answer to one"]);
  });

  test("no layer hears its own notices", () => {
    const { low, stack, env, log } = world();
    low.onEvent = (what, _, environment) => {
      if (what === "timer") environment.notify({ type: "news" });
    };
    stack.onTimer({ layer: "low", body: { type: "later" } }, env);
    expect(log).not.toContain("low: notice news");
  });

  test("a layer without onNotice is passed over", () => {
    const deaf: Protocol<Typed, Typed, Typed, Typed> = {
      start: () => {},
      onCommand: (_, environment) => environment.notify({ type: "news" }),
      onMessage: () => {},
      onTimer: () => {},
    };
    const stack = new Stack({ deaf, mute: { ...deaf } });
    const env = new RecordingEnvironment<Tagged, Tagged, Tagged>("a");
    stack.onCommand({ layer: "deaf", body: { type: "go" } }, env);
    expect(env.notices()).toHaveLength(1);
  });

  test("a notice made in a layer's start reaches the layers below and above it", () => {
    const { middle, stack, env, log } = world();
    middle.onEvent = (what, _, environment) => {
      if (what === "start") environment.notify({ type: "news" });
    };
    stack.start(env);
    expect(log).toContain("low: notice news");
    expect(log).toContain("high: notice news");
  });

  test("a layer that throws on a notice does not silence the stack for ever", () => {
    const { low, high, stack, env, log } = world();
    low.onEvent = (what, _, environment) => {
      if (what === "command") environment.notify({ type: "news" });
    };
    high.onEvent = () => {
      throw new UsageError("payload: too long");
    };
    expect(() => stack.onCommand({ layer: "low", body: { type: "go" } }, env)).toThrow(UsageError);
    high.onEvent = () => {};
    log.length = 0;
    stack.onCommand({ layer: "low", body: { type: "go" } }, env);
    expect(log.filter((line) => line === "high: notice news")).toHaveLength(1);
  });
});
