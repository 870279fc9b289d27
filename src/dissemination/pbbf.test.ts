import { describe, expect, test } from "vitest";
import { graphOfLinks, RecordingEnvironment } from "../core/index.ts";
import { Pbbf, type PbbfNotice, type PbbfOptions, pbbfMessages, pbbfOptions, pbbfStates } from "./pbbf.ts";

const { announcement, message } = pbbfMessages;
const { unheard, waiting, sent } = pbbfStates;

/** Node 0 hears nodes 1 and 2. Frames of 100 ms, the first 10 of which are the window. */
const graph = graphOfLinks(3, [
  [0, 1],
  [0, 2],
]);

/** What node 0 does, on a clock that the test puts. */
function oneNode(p: number, q: number, options: Partial<PbbfOptions> = {}, seed = 1) {
  const env = new RecordingEnvironment<number, number, PbbfNotice>(0, seed);
  const pbbf = new Pbbf({
    graph,
    options: { immediateProbability: p, awakeProbability: q, frameMs: 100, activeMs: 10, ...options },
  });
  const timers: { at: number; timer: number }[] = [];
  const note = () => {
    for (const { after, timer } of env.scheduled()) timers.push({ at: env.now + after, timer });
  };
  const enter = (call: () => void) => {
    env.take();
    call();
    note();
  };
  enter(() => pbbf.start(env));
  /** All timers up to then; returns what was sent on the way. */
  const runTo = (end: number) => {
    const sends: { at: number; to: unknown; message: number }[] = [];
    for (;;) {
      timers.sort((a, b) => a.at - b.at);
      if (timers.length === 0 || timers[0]!.at > end) break;
      const { at, timer } = timers.shift()!;
      env.now = at;
      enter(() => pbbf.onTimer(timer, env));
      sends.push(...env.sent().map((send) => ({ at, ...send })));
    }
    env.now = end;
    return sends;
  };
  const hear = (what: number = message) => {
    enter(() => pbbf.onMessage(1, what, env));
    return env.sent();
  };
  return { env, pbbf, runTo, hear };
}

describe("a node with the message", () => {
  test("that is not to send at once announces it when the next window begins, and sends it when that ends", () => {
    const { pbbf, runTo, hear } = oneNode(0, 1);
    runTo(40);
    expect(hear()).toEqual([]);
    expect(pbbf.state[0]).toBe(waiting);
    expect(pbbf.sending).toBe(1);
    expect(runTo(500)).toEqual([
      { at: 100, to: 1, message: announcement },
      { at: 100, to: 2, message: announcement },
      { at: 110, to: 1, message },
      { at: 110, to: 2, message },
    ]);
    expect([pbbf.announcements, pbbf.transmissions, pbbf.sending]).toEqual([1, 1, 0]);
  });

  test("that is to send at once does, once, and announces nothing", () => {
    const { pbbf, runTo, hear } = oneNode(1, 1);
    runTo(40);
    expect(hear()).toEqual([1, 2].map((to) => ({ to, message })));
    expect(hear()).toEqual([]);
    expect(runTo(500)).toEqual([]);
    expect(pbbf.state[0]).toBe(sent);
    expect(pbbf.transmissions).toBe(1);
  });

  test("that it got within a window announces it in the next one", () => {
    const { runTo, hear } = oneNode(0, 1);
    runTo(103);
    hear();
    expect(runTo(199)).toEqual([]);
    expect(runTo(250).map(({ at }) => at)).toEqual([200, 200, 210, 210]);
  });

  test("sends at once with probability p", () => {
    let count = 0;
    for (let seed = 0; seed < 4000; seed++) {
      const { pbbf, hear } = oneNode(0.3, 1, {}, seed);
      hear();
      count += pbbf.transmissions;
    }
    expect(Math.abs(count / 4000 - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / 4000));
  });

  test("is awake to send what it has announced", () => {
    const { pbbf, runTo, hear } = oneNode(0, 0);
    runTo(5);
    hear();
    runTo(150);
    // Asleep since 10 but for the windows, and awake since 110.
    expect(pbbf.awakeShare).toBeCloseTo((10 + 90 / 2) / 100, 12);
  });
});

describe("a node that sleeps", () => {
  test("misses the message", () => {
    const { pbbf, runTo, hear } = oneNode(1, 0);
    runTo(40);
    expect(hear()).toEqual([]);
    expect(pbbf.state[0]).toBe(unheard);
    expect(pbbf.missed).toBe(1);
    expect(pbbf.heardAt[0]).toBe(-1);
  });

  test("hears no announcement", () => {
    const { pbbf, runTo, hear } = oneNode(1, 0);
    runTo(40);
    hear(announcement);
    runTo(140);
    hear();
    expect(pbbf.missed).toBe(1);
  });

  test("is awake in every window", () => {
    const { pbbf, runTo, hear } = oneNode(1, 0);
    runTo(305);
    expect(hear()).toHaveLength(2);
    expect(pbbf.heardAt[0]).toBe(305);
  });

  test("stays awake for what was announced, in that frame only", () => {
    const { env, pbbf, runTo, hear } = oneNode(1, 0);
    runTo(102);
    hear(announcement);
    runTo(199);
    expect(pbbf.awakeShare).toBeCloseTo((10 + 90 / 2) / 100, 12);
    hear();
    expect(env.notices()).toEqual([{ type: "heard", from: 1 }]);
    runTo(1010);
    expect(pbbf.awakeShare).toBeCloseTo((10 + 90 / 11) / 100, 12);
  });
});

test.each([0, 0.3, 1])("with q = %f a node spends that share of its sleeping times awake", (q) => {
  const { pbbf, runTo } = oneNode(0, q);
  runTo(400_000);
  const share = (pbbf.awakeShare - 0.1) / 0.9;
  expect(Math.abs(share - q)).toBeLessThanOrEqual(4 * Math.sqrt((q * (1 - q)) / 4000) + 1e-12);
});

test("who starts in the middle of a frame is awake until the next window ends", () => {
  const env = new RecordingEnvironment<number, number, PbbfNotice>(0);
  const pbbf = new Pbbf({
    graph,
    options: { awakeProbability: 0, immediateProbability: 1, frameMs: 100, activeMs: 10 },
  });
  env.now = 1_000_040;
  pbbf.start(env);
  expect(env.scheduled().map(({ after }) => after)).toEqual([70]);
  env.now += 30;
  pbbf.onMessage(1, message, env);
  expect(pbbf.heardAt[0]).toBe(30);
});

test("the source throws the dice of all others", () => {
  const { env, pbbf, runTo } = oneNode(0, 0);
  runTo(40);
  pbbf.onCommand({ type: "originate" }, env);
  expect(env.notices()).toEqual([{ type: "heard", from: undefined }]);
  expect(pbbf.state[0]).toBe(waiting);
});

test("nonsense is counted", () => {
  const { pbbf, hear } = oneNode(1, 1);
  hear(7);
  expect(pbbf.nonsense).toBe(1);
  expect(pbbf.state[0]).toBe(unheard);
});

test("quiet, it notifies nobody", () => {
  const { env, hear } = oneNode(1, 1, { isQuiet: true });
  hear();
  expect(env.notices()).toEqual([]);
});

test("a window that fills its frame is refused", () => {
  expect(() => pbbfOptions({ frameMs: 100, activeMs: 100 })).toThrow(
    "activeMs: 100 is not less than frameMs, 100",
  );
});
