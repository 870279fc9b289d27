import { describe, expect, test } from "vitest";
import { RecordingEnvironment, seededRandom, UsageError } from "../core/index.ts";
import {
  type Partners,
  Rumor,
  type RumorNotice,
  type RumorOptions,
  rumorMessages,
  rumorPresets,
  UniformPartners,
} from "./rumor.ts";
import { rumorStates } from "./rumor-table.ts";

const { rumor: tell, ask } = rumorMessages;
const { susceptible, infected, removed } = rumorStates;

/** One node, as it lives: a row of its own, a name that is no number, and one partner. */
function oneNode(options: Partial<RumorOptions>, seed = 1) {
  const env = new RecordingEnvironment<number, number, RumorNotice>("self", seed);
  const partners: Partners = { choose: () => "partner" };
  const rumor = new Rumor({ rows: 1, partners, options });
  env.now = 1_700_000_000_000;
  rumor.start(env);
  /** The node's next timer comes. */
  const wake = () => {
    const { after, timer } = env.scheduled().at(-1)!;
    env.take();
    env.now += after;
    rumor.onTimer(timer, env);
  };
  return { env, rumor, wake };
}

/** Rows that nothing happens to but what the test does: rounds. */
function rows(count: number, options: Partial<RumorOptions> = {}) {
  return new Rumor({ rows: count, options });
}

describe("push", () => {
  test("a susceptible node does nothing", () => {
    const { env } = oneNode({ mode: "push" });
    expect(env.effects).toEqual([]);
  });

  test("an infected node tells somebody within an interval, then every interval", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", intervalMs: 500 });
    rumor.onMessage("other", tell, env);
    expect(env.scheduled()).toHaveLength(1);
    expect(env.scheduled()[0]!.after).toBeGreaterThanOrEqual(0);
    expect(env.scheduled()[0]!.after).toBeLessThan(500);
    for (let call = 0; call < 3; call++) {
      wake();
      expect(env.sent()).toEqual([{ to: "partner", message: tell }]);
      expect(env.scheduled().map(({ after }) => after)).toEqual([500]);
    }
    expect(rumor.copies).toBe(3);
  });

  test("first calls are spread over the whole interval", () => {
    const delays = Array.from({ length: 2000 }, (_, seed) => {
      const { env, rumor } = oneNode({ mode: "push", intervalMs: 10 }, seed);
      rumor.onMessage("other", tell, env);
      return env.scheduled()[0]!.after;
    });
    for (let delay = 0; delay < 10; delay++) {
      // 200 expected, standard deviation 13.4
      expect(Math.abs(delays.filter((x) => x === delay).length - 200)).toBeLessThan(4 * 13.4);
    }
  });

  test("is not started a second time by the rumor heard again", () => {
    const { env, rumor } = oneNode({ mode: "push" });
    rumor.onMessage("other", tell, env);
    env.take();
    rumor.onMessage("third", tell, env);
    rumor.onCommand({ type: "infect" }, env);
    expect(env.effects).toEqual([]);
    expect(rumor.informed).toBe(1);
  });
});

describe("pull", () => {
  test("a susceptible node asks until it knows, then never again", () => {
    const { env, rumor, wake } = oneNode({ mode: "pull", intervalMs: 500 });
    expect(env.scheduled()[0]!.after).toBeLessThan(500);
    wake();
    expect(env.sent()).toEqual([{ to: "partner", message: ask }]);
    expect(env.scheduled()[0]!.after).toBe(500);
    rumor.onMessage("partner", tell, env);
    wake();
    expect(env.effects).toEqual([]);
  });

  test("an infected node answers, a susceptible one does not", () => {
    const { env, rumor } = oneNode({ mode: "pull" });
    rumor.onMessage("other", ask, env);
    expect(env.sent()).toEqual([]);
    rumor.onMessage("other", tell, env);
    rumor.onMessage("third", ask, env);
    expect(env.sent()).toEqual([{ to: "third", message: tell }]);
  });
});

describe("push-pull", () => {
  test("asks before the rumor and tells after it, with the same timer", () => {
    const { env, rumor, wake } = oneNode({ mode: "push-pull" });
    wake();
    expect(env.sent()).toEqual([{ to: "partner", message: ask }]);
    rumor.onMessage("partner", tell, env);
    expect(env.scheduled()).toHaveLength(1);
    wake();
    expect(env.sent()).toEqual([{ to: "partner", message: tell }]);
  });
});

describe("the options", () => {
  test("sends: after so many copies a node is removed: it neither tells nor answers, and still knows", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", sends: 3 });
    rumor.onMessage("other", tell, env);
    wake();
    rumor.onMessage("asker", ask, env);
    wake();
    expect(env.sent()).toHaveLength(1);
    expect(env.scheduled()).toEqual([]);
    expect([rumor.state[0], rumor.informed, rumor.spreading, rumor.copies]).toEqual([removed, 1, 0, 3]);
    env.take();
    rumor.onMessage("other", tell, env);
    rumor.onMessage("asker", ask, env);
    rumor.onTimer(1, env);
    expect(env.effects).toEqual([]);
    expect(rumor.informed).toBe(1);
  });

  test("push15 is 15 timers and 15 messages of each node", () => {
    const { env, rumor, wake } = oneNode(rumorPresets.push15);
    rumor.onCommand({ type: "infect" }, env);
    let timers = 0;
    for (; env.scheduled().length > 0; timers++) wake();
    expect([timers, rumor.copies]).toEqual([15, 15]);
  });

  test("fanout: so many calls at a time, but never more than sends", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", fanout: 3, sends: 4 });
    rumor.onMessage("other", tell, env);
    wake();
    expect(env.sent()).toHaveLength(3);
    wake();
    expect(env.sent()).toHaveLength(1);
    expect(env.scheduled()).toEqual([]);
  });

  test("timing aligned: all call at the multiples of the interval, whenever they learned it", () => {
    for (const now of [0, 1, 999, 1000]) {
      const { env, rumor } = oneNode({ mode: "push", timing: "aligned" });
      env.now = now;
      rumor.onMessage("other", tell, env);
      const at = now + env.scheduled()[0]!.after;
      expect(at % 1000).toBe(0);
      expect(at).toBeGreaterThan(now);
      expect(at).toBeLessThanOrEqual(now + 1000);
    }
  });

  test("timing poisson: pauses are exponential with the interval as mean", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", timing: "poisson", intervalMs: 1000 });
    rumor.onMessage("other", tell, env);
    const pauses: number[] = [];
    for (let call = 0; call < 10_000; call++) {
      pauses.push(env.scheduled()[0]!.after);
      wake();
    }
    const share = (ms: number) => pauses.filter((pause) => pause > ms).length / pauses.length;
    expect(pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length / 1000).toBeCloseTo(1, 1);
    // Four standard deviations of a share are 0.02.
    for (const intervals of [0.1, 0.5, 1, 2, 3]) {
      expect(Math.abs(share(1000 * intervals) - Math.exp(-intervals))).toBeLessThan(0.02);
    }
  });

  test("are refused by name, value and rule", () => {
    expect(() => rows(2, { mode: "pul" as "pull" })).toThrow(
      'mode: "pul" is not one of push, pull, push-pull',
    );
    expect(() => rows(2, { sends: 65_536 })).toThrow("sends: 65536 is more than 65535");
    expect(() => rows(0)).toThrow(UsageError);
    expect(() => rows(1)).toThrow("population: 1 is less than 2");
    expect(() => rows(2, { fanout: 2 }).prepare(true)).toThrow("fanout: 2 is not 1");
  });
});

describe("what others see", () => {
  test("the first receipt is a notice with its sender, a command is one without", () => {
    const told = oneNode({ mode: "push" });
    told.rumor.onMessage("other", tell, told.env);
    told.rumor.onMessage("third", tell, told.env);
    expect(told.env.notices()).toEqual([{ type: "infected", from: "other" }]);
    const ordered = oneNode({ mode: "push" });
    ordered.rumor.onCommand({ type: "infect" }, ordered.env);
    expect(ordered.env.notices()).toEqual([{ type: "infected", from: undefined }]);
  });

  test("a quiet one notifies nobody; the columns say when", () => {
    const { env, rumor } = oneNode({ mode: "push", isQuiet: true });
    expect(rumor.infectedAt[0]).toBe(-1);
    env.now += 1234;
    rumor.onMessage("other", tell, env);
    expect(env.notices()).toEqual([]);
    expect([rumor.state[0], rumor.infectedAt[0]]).toEqual([infected, 1234]);
  });

  test("nonsense is counted and dropped", () => {
    const { env, rumor } = oneNode({ mode: "push" });
    for (const message of [0, 3, -1, 1.5, Number.NaN]) rumor.onMessage("other", message, env);
    expect(rumor.nonsense).toBe(5);
    expect([env.effects, rumor.informed]).toEqual([[], 0]);
  });

  test("a node that starts again goes on with what its row knows", () => {
    const { env, rumor } = oneNode({ mode: "push" });
    rumor.onMessage("other", tell, env);
    env.take();
    env.now += 5000;
    rumor.start(env);
    expect(env.scheduled()).toHaveLength(1);
    expect(rumor.infectedAt[0]).toBe(0);
  });

  test("times count from the first start of all", () => {
    const { env, rumor } = oneNode({ mode: "push" });
    env.now += 5000;
    rumor.start(env);
    env.now += 300;
    rumor.onMessage("other", tell, env);
    expect(rumor.infectedAt[0]).toBe(5300);
  });
});

test("uniform partners are all others, equally often, and never the node itself", () => {
  const partners = new UniformPartners(5);
  const random = seededRandom(1);
  for (let self = 0; self < 5; self++) {
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[partners.choose({ self, random }) as number]!++;
    expect(counts[self]).toBe(0);
    // 1000 expected, standard deviation 27.4
    for (const [other, count] of counts.entries()) {
      if (other !== self) expect(Math.abs(count - 1000)).toBeLessThan(4 * 27.4);
    }
  }
});

describe("in rounds", () => {
  test("double-buffered, the rumor makes one step in a round; in place it travels on", () => {
    for (const isDoubleBuffered of [true, false]) {
      const rumor = rows(4);
      rumor.infect(0);
      rumor.prepare(isDoubleBuffered);
      rumor.contact(0, 1);
      rumor.contact(1, 2);
      rumor.contact(3, 2);
      rumor.commit();
      expect(rumor.informed).toBe(isDoubleBuffered ? 2 : 4);
      expect([...rumor.infectedAt]).toEqual(isDoubleBuffered ? [0, 1, -1, -1] : [0, 1, 1, 1]);
      rumor.contact(1, 2);
      rumor.commit();
      expect(rumor.infectedAt[2]).toBe(isDoubleBuffered ? 2 : 1);
    }
  });

  test("who calls depends on the mode, and what a contact does does not", () => {
    for (const [mode, active] of [
      ["push", [true, false]],
      ["pull", [false, true]],
      ["push-pull", [true, true]],
    ] as const) {
      const rumor = rows(2, { mode });
      rumor.infect(0);
      rumor.prepare(true);
      expect([rumor.isActive(0), rumor.isActive(1)]).toEqual(active);
      if (rumor.isActive(0)) rumor.contact(0, 1);
      else rumor.contact(1, 0);
      rumor.commit();
      expect([rumor.informed, rumor.copies]).toEqual([2, 1]);
    }
  });

  test("nobody is active when nobody is left to spread", () => {
    const rumor = rows(3, { mode: "push-pull", sends: 1 });
    rumor.prepare(false);
    expect(rumor.isActive(0)).toBe(false);
    rumor.infect(0);
    rumor.prepare(false);
    expect(rumor.isActive(1)).toBe(true);
    rumor.contact(1, 0);
    rumor.commit();
    expect([...rumor.state]).toEqual([removed, infected, susceptible]);
    rumor.contact(1, 0);
    rumor.commit();
    expect(rumor.isActive(2)).toBe(false);
    expect([rumor.informed, rumor.copies]).toEqual([2, 2]);
  });

  test("in a synchronous round all who ask get an answer, and the limit counts from the next on", () => {
    const rumor = rows(4, { mode: "pull", sends: 2 });
    rumor.infect(0);
    rumor.prepare(true);
    for (const row of [1, 2, 3]) rumor.contact(row, 0);
    rumor.commit();
    expect([...rumor.state]).toEqual([removed, infected, infected, infected]);
    expect([rumor.informed, rumor.spreading, rumor.copies]).toEqual([4, 3, 3]);
  });

  for (const mode of ["push", "pull", "push-pull"] as const) {
    for (const sends of [0, 2]) {
      test(`many contacts at once are the same as one by one: ${mode}, sends ${sends}`, () => {
        const count = 101;
        const [bulk, single] = [rows(count, { mode, sends }), rows(count, { mode, sends })];
        for (const rumor of [bulk, single]) {
          rumor.infect(7);
          rumor.prepare(true);
        }
        const random = seededRandom(5);
        for (let round = 1; round <= 12; round++) {
          const callees = Uint32Array.from(
            { length: count },
            (_, row) => (row + 1 + random.below(count - 1)) % count,
          );
          let contacts = 0;
          for (let row = 0; row < count; row++) {
            if (!single.isActive(row)) continue;
            single.contact(row, callees[row]!);
            contacts++;
          }
          const made = bulk.contacts(0, callees, 40) + bulk.contacts(40, callees.subarray(40), count - 40);
          expect(made).toBe(contacts);
          for (const rumor of [bulk, single]) rumor.commit();
          expect(bulk.state).toEqual(single.state);
          expect(bulk.infectedAt).toEqual(single.infectedAt);
          expect([bulk.informed, bulk.spreading, bulk.copies, bulk.checksum]).toEqual([
            single.informed,
            single.spreading,
            single.copies,
            single.checksum,
          ]);
        }
        expect(single.informed).toBeGreaterThan(20);
      });
    }
  }

  test("the checksum tells who and when, in whatever order they came", () => {
    const checksumOf = (...rounds: number[][]) => {
      const rumor = rows(6);
      rumor.infect(0);
      rumor.prepare(false);
      for (const round of rounds) {
        for (const row of round) rumor.contact(0, row);
        rumor.commit();
      }
      return rumor.checksum;
    };
    expect(checksumOf([1, 2], [3])).toBe(checksumOf([2, 1], [3]));
    expect(checksumOf([1, 2], [3])).not.toBe(checksumOf([1], [2, 3]));
    expect(checksumOf([1, 2], [3])).not.toBe(checksumOf([1, 3], [2]));
    expect(checksumOf([1, 2], [3])).not.toBe(checksumOf([1, 2], [4]));
  });

  test("a node takes at most 8 bytes", () => {
    const rumor = rows(1000, { sends: 15 });
    const doubleBuffer = rumor.state.byteLength;
    const sends = 2 * 1000;
    expect(rumor.state.byteLength + rumor.infectedAt.byteLength + sends + doubleBuffer).toBeLessThanOrEqual(
      8000,
    );
  });
});
