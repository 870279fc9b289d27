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

/** A node is removed after so many contacts, whatever came of them. */
const blind = (stopAfter: number) => ({ stop: "counter", hasFeedback: false, stopAfter }) as const;

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
  test("blind counter: after so many copies a node is removed: it neither tells nor answers, and still knows", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", ...blind(3) });
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

  test("fanout: so many calls at a time, but never more than the counter allows", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", fanout: 3, ...blind(4) });
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
    expect(() => rows(2, { stopAfter: 65_536 })).toThrow("stopAfter: 65536 is more than 65535");
    expect(() => rows(0)).toThrow(UsageError);
    expect(() => rows(1)).toThrow("population: 1 is less than 2");
    expect(() => rows(2, { huntLimit: 1 })).toThrow("huntLimit: 1 means nothing without a connectionLimit");
    for (const options of [
      { mode: "push" as const, stop: "counter" as const },
      { stop: "coin" as const },
      { stop: "counter" as const, hasFeedback: false },
    ])
      expect(() => rows(2, { ...options, isMinimised: true })).toThrow(
        /isMinimised: true is for push-pull with feedback and counter, not for /,
      );
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
    for (const message of [0, 8, -1, 1.5, Number.NaN]) rumor.onMessage("other", message, env);
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
    const rumor = rows(3, { mode: "push-pull", ...blind(1) });
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
    expect([rumor.informed, rumor.spreading, rumor.copies]).toEqual([2, 0, 2]);
  });

  test("all who ask in a round get an answer, and together they count once", () => {
    const rumor = rows(5, { mode: "pull", ...blind(2) });
    rumor.infect(0);
    rumor.prepare(true);
    for (const row of [1, 2, 3]) rumor.contact(row, 0);
    rumor.commit();
    expect([...rumor.state]).toEqual([infected, infected, infected, infected, susceptible]);
    for (const row of [1, 2, 3, 4]) rumor.contact(row, 0);
    rumor.commit();
    expect([...rumor.state]).toEqual([removed, infected, infected, infected, infected]);
    expect([rumor.informed, rumor.spreading, rumor.copies]).toEqual([5, 4, 7]);
  });

  test("pull with feedback: one who needed it is enough to set the counter back", () => {
    const rumor = rows(4, { mode: "pull", stop: "counter", stopAfter: 2 });
    for (const row of [0, 1]) rumor.infect(row);
    rumor.prepare(true);
    const cycle = (...askers: number[]) => {
      for (const row of askers) rumor.contact(row, 0);
      rumor.commit();
      return rumor.state[0];
    };
    expect(cycle(1, 1, 1)).toBe(infected); // counter 1
    expect(cycle(2, 1)).toBe(infected); // 0
    expect(cycle(1)).toBe(infected); // 1
    expect(cycle()).toBe(infected); // nobody asked
    expect(cycle(1, 2)).toBe(removed); // 2
  });

  test("push with feedback: who learns it in a round calls from the next on, and was needed by all who told it", () => {
    const rumor = rows(4, { mode: "push", stop: "counter", stopAfter: 1 });
    for (const row of [0, 1]) rumor.infect(row);
    rumor.prepare(true);
    rumor.contact(0, 2);
    rumor.contact(1, 2);
    expect(rumor.isActive(2)).toBe(false);
    rumor.commit();
    expect([...rumor.state]).toEqual([infected, infected, infected, susceptible]);
    rumor.contact(0, 2);
    expect(rumor.isActive(0)).toBe(false);
    rumor.commit();
    expect([...rumor.state]).toEqual([removed, infected, infected, susceptible]);
  });

  test("push-pull: where both knew it both count, minimised only the smaller counter", () => {
    for (const isMinimised of [false, true]) {
      const rumor = rows(3, { mode: "push-pull", stop: "counter", stopAfter: 2, isMinimised });
      for (const row of [0, 1]) rumor.infect(row);
      rumor.prepare(true);
      const cycle = (...contacts: [number, number][]) => {
        for (const [caller, callee] of contacts) rumor.contact(caller, callee);
        rumor.commit();
        return [...rumor.state.subarray(0, 2)];
      };
      expect(cycle([0, 1])).toEqual([infected, infected]); // 1 and 1
      expect(cycle([2, 1])).toEqual([infected, infected]); // 1 and 0
      expect(cycle([0, 1])).toEqual(isMinimised ? [infected, infected] : [removed, infected]); // 1 or 2, and 1
      expect(cycle([1, 0])).toEqual([removed, removed]);
    }
  });

  test("push-pull in place: who learns it in a round has met nobody who knew", () => {
    const rumor = rows(3, { mode: "push-pull", stop: "counter", stopAfter: 1 });
    rumor.infect(0);
    rumor.prepare(false);
    rumor.contact(0, 1);
    rumor.commit();
    expect([...rumor.state]).toEqual([infected, infected, susceptible]);
  });

  test("what is judged in a synchronous round does not depend on the order of its contacts", () => {
    const options = { mode: "push-pull", stop: "counter", stopAfter: 2 } as const;
    const outcome = (isMinimised: boolean, contacts: readonly [number, number][][]) => {
      const rumor = rows(8, { ...options, isMinimised });
      rumor.infect(0);
      rumor.prepare(true);
      return contacts.map((round) => {
        for (const [caller, callee] of round) rumor.contact(caller, callee);
        rumor.commit();
        return [rumor.state.join(), rumor.copies, rumor.checksum];
      });
    };
    const random = seededRandom(3);
    for (let run = 0; run < 50; run++) {
      const rounds = Array.from({ length: 8 }, () =>
        Array.from({ length: 8 }, (_, caller): [number, number] => [
          caller,
          (caller + 1 + random.below(7)) % 8,
        ]),
      );
      const backwards = rounds.map((round) => round.toReversed());
      for (const isMinimised of [false, true])
        expect(outcome(isMinimised, backwards)).toEqual(outcome(isMinimised, rounds));
    }
  });

  for (const mode of ["push", "pull", "push-pull"] as const) {
    for (const rule of [{}, blind(2)]) {
      test(`many contacts at once are the same as one by one: ${mode} ${JSON.stringify(rule)}`, () => {
        const count = 101;
        const options = { mode, ...rule };
        const [bulk, single] = [rows(count, options), rows(count, options)];
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

  test("a node takes at most 8 bytes, 9 where cycles are judged", () => {
    for (const mode of ["push", "pull"] as const) {
      const rumor = rows(1000, { mode, ...blind(15) });
      rumor.infect(0);
      rumor.prepare(true);
      rumor.contact(mode === "push" ? 0 : 1, mode === "push" ? 1 : 0);
      expect(rumor.bytes).toBe(mode === "push" ? 8000 : 9000);
    }
  });
});

/** Nodes by number whose messages arrive at once; timers come when the test says. */
class Exchange {
  readonly rumor: Rumor;
  readonly #environments: RecordingEnvironment<number, number, RumorNotice>[];
  /** Whom the nodes call next. */
  #callees: number[] = [];

  constructor(nodes: number, options: Partial<RumorOptions>) {
    const partners: Partners = { choose: () => this.#callees.shift()! };
    this.rumor = new Rumor({ rows: nodes, partners, options });
    this.#environments = Array.from({ length: nodes }, (_, row) =>
      Object.assign(new RecordingEnvironment<number, number, RumorNotice>(row, row), { row }),
    );
    for (const env of this.#environments) this.rumor.start(env);
  }

  infect(...rows: number[]): void {
    for (const row of rows) this.rumor.onCommand({ type: "infect" }, this.#environments[row]!);
  }

  pass(ms: number): void {
    for (const env of this.#environments) env.now += ms;
  }

  /** The node's turn: it calls these, and everybody answers. Returns how many it called. */
  turn(row: number, ...callees: number[]): number {
    this.#callees = [...callees];
    this.rumor.onTimer(1, this.#environments[row]!);
    for (let isQuiet = false; !isQuiet; ) {
      isQuiet = true;
      for (const from of this.#environments) {
        const sent = from.sent();
        from.take();
        for (const { to, message } of sent) {
          isQuiet = false;
          this.rumor.onMessage(from.self, message, this.#environments[to as number]!);
        }
      }
    }
    return callees.length - this.#callees.length;
  }

  get states(): string {
    return [...this.rumor.state].map((state) => "sir"[state]).join("");
  }
}

describe("by messages, with feedback", () => {
  test("push: k partners in a row that knew it end the interest, one that needed it sets the counter back", () => {
    const world = new Exchange(4, { mode: "push", stop: "counter", stopAfter: 2 });
    world.infect(0, 1);
    const states = [1, 2, 1, 1].map((callee) => {
      world.turn(0, callee);
      return world.states;
    });
    expect(states).toEqual(["iiss", "iiis", "iiis", "riis"]);
    expect(world.turn(0, 3)).toBe(0);
    expect(world.rumor.copies).toBe(4);
  });

  test("pull: everybody asks; a source counts once for each interval of its own, by whether anybody needed it", () => {
    const world = new Exchange(4, { mode: "pull", stop: "counter", stopAfter: 2 });
    world.infect(0, 1);
    const others = 3; // somebody who has nothing to answer
    const interval = (...askers: number[]) => {
      for (const asker of askers) world.turn(asker, 0);
      world.turn(0, others);
      return world.states;
    };
    expect(interval(1, 1, 1)).toBe("iiss"); // counter 1
    expect(interval(1, 2)).toBe("iiis"); // 0
    expect(interval(1)).toBe("iiis"); // 1
    expect(interval()).toBe("iiis"); // nobody asked
    expect(interval(2, 1)).toBe("riis"); // 2
    expect(world.turn(0, 1)).toBe(1); // it has lost interest in this rumor, not in others
  });

  test("push-pull, minimised: the counters travel, and only the smaller one goes up", () => {
    for (const isMinimised of [false, true]) {
      const world = new Exchange(3, { mode: "push-pull", stop: "counter", stopAfter: 2, isMinimised });
      world.infect(0, 1);
      world.turn(0, 1);
      world.turn(0, 1); // the first cycle of 0 is over: it has counted 1, its partner nothing yet
      world.turn(0, 2); // so is the second one
      expect(world.states).toBe(isMinimised ? "iii" : "ris");
    }
  });

  test("an answer that is lost counts as no contact", () => {
    const { env, rumor, wake } = oneNode({ mode: "push", stop: "counter", stopAfter: 1 });
    rumor.onMessage("other", tell, env);
    for (let call = 0; call < 10; call++) wake();
    expect([rumor.copies, rumor.spreading]).toEqual([10, 1]);
    rumor.onMessage("partner", rumorMessages.useless, env);
    expect(rumor.spreading).toBe(0);
  });
});

describe("by messages, with a connection limit", () => {
  const limited = { mode: "push", connectionLimit: 1, intervalMs: 1000 } as const;

  test("who is refused has told nobody, and the next interval is a new one", () => {
    const world = new Exchange(4, { ...limited, ...blind(2) });
    world.infect(0, 1);
    world.turn(0, 2);
    world.turn(1, 2);
    expect([world.states, world.rumor.copies]).toEqual(["iiis", 1]);
    world.turn(1, 2);
    expect(world.rumor.copies).toBe(1);
    world.pass(1000);
    world.turn(1, 2);
    expect(world.rumor.copies).toBe(2);
    // Refused calls are no contacts: both have one left.
    expect(world.states).toBe("iiis");
    world.turn(1, 3);
    expect(world.states).toBe("irii");
  });

  test("whoever hunts tries as many others, and no more", () => {
    const world = new Exchange(5, { ...limited, huntLimit: 2 });
    world.infect(0, 1, 2);
    world.turn(0, 3);
    world.turn(1, 4);
    expect(world.turn(2, 3, 4, 3, 1)).toBe(3);
    world.pass(1000);
    world.turn(0, 3);
    expect(world.turn(2, 3, 4, 1)).toBe(2);
    expect(world.rumor.copies).toBe(4);
  });

  test("asking is limited as telling is", () => {
    const world = new Exchange(4, { ...limited, mode: "pull" });
    world.infect(0);
    world.turn(1, 0);
    world.turn(2, 0);
    expect(world.states).toBe("iiss");
    world.pass(1000);
    world.turn(2, 0);
    expect(world.states).toBe("iiis");
  });
});
