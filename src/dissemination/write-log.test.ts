import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import { VersionVector } from "./version-vector.ts";
import { WriteLog } from "./write-log.ts";

/** A state that shows every write and its place. */
const servers = ["primary", "b", "c", "d"];
function logOf(server: string, more: { maxWrites?: number } = {}) {
  const apply = (state: readonly string[], update: string) => [...state, update];
  return new WriteLog<readonly string[], string>({
    server,
    initial: [],
    apply,
    isPrimary: server === "primary",
    ...more,
  });
}
type Log = ReturnType<typeof logOf>;
const converse = (sender: Log, receiver: Log, limit = 1000) =>
  receiver.receive(sender.transferFor(receiver.request(), limit)!);

type Step =
  | { type: "accept"; at: number }
  | { type: "talk"; from: number; to: number; limit: number }
  | { type: "truncate"; at: number; share: number };
const place = fc.nat(servers.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("accept" as const), at: place }),
  fc.record({ type: fc.constant("talk" as const), from: place, to: place, limit: fc.nat(4) }),
  fc.record({ type: fc.constant("truncate" as const), at: place, share: fc.nat(3) }),
);

/** Every write of the network in its server's order, and after every step what must hold of each log. */
function play(steps: readonly Step[], check: (log: Log, accepted: Map<string, string[]>) => void) {
  const logs = servers.map((server) => logOf(server));
  const accepted = new Map<string, string[]>(servers.map((server) => [server, []]));
  let next = 0;
  for (const each of steps) {
    if (each.type === "accept") {
      const update = `${servers[each.at]} ${next++}`;
      logs[each.at]!.accept(update);
      accepted.get(servers[each.at]!)!.push(update);
    }
    if (each.type === "talk" && each.from !== each.to) converse(logs[each.from]!, logs[each.to]!, each.limit);
    if (each.type === "truncate") logs[each.at]!.truncate(Math.ceil((logs[each.at]!.csn * each.share) / 3));
    for (const log of logs) check(log, accepted);
  }
  return { logs, accepted };
}

describe("logs that talk in any order, a few writes at a time, and throw away what they like", () => {
  test("know a prefix of each server's writes, in its order: the prefix property", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        play(steps, (log, accepted) => {
          for (const server of servers) {
            const ofServer = log.state.filter((update) => update.startsWith(`${server} `));
            expect(ofServer).toEqual(accepted.get(server)!.slice(0, ofServer.length));
          }
        });
      }),
    );
  });

  test("come to the same state, and it has every write once", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { logs, accepted } = play(steps, () => {});
        const [primary] = logs;
        for (const log of logs) converse(log, primary!);
        for (const log of logs) if (log !== primary) converse(primary!, log);
        const all = [...accepted.values()].flat().sort();
        for (const log of logs) {
          expect(log.state).toEqual(primary!.state);
          expect([...log.state].sort()).toEqual(all);
          expect(log.vector.compare(primary!.vector)).toBe("equal");
          expect(log.csn).toBe(all.length);
        }
      }),
    );
  });

  test("never change the committed beginning of the state", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const before = new Map<unknown, readonly string[]>();
        play(steps, (log) => {
          const committed = log.state.slice(0, log.csn);
          const last = before.get(log.server) ?? [];
          expect(committed.slice(0, last.length)).toEqual(last);
          before.set(log.server, committed);
        });
      }),
    );
  });

  test("send nothing to who knows it all", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { logs } = play(steps, () => {});
        const [a, b] = logs as [Log, Log];
        converse(a, b);
        expect(a.transferFor(b.request(), 10)).toEqual({ steps: [], isComplete: true });
        expect(b.vector.includes(a.vector)).toBe(true);
      }),
    );
  });
});

test("a tentative write moves when an earlier one comes, and stays once it is committed", () => {
  const [primary, b, c] = [logOf("primary"), logOf("b"), logOf("c")];
  c.accept("late 1");
  c.accept("late 2");
  b.accept("early");
  converse(b, c);
  expect(c.state).toEqual(["early", "late 1", "late 2"]);
  converse(c, primary);
  converse(primary, b);
  expect(b.state).toEqual(["early", "late 1", "late 2"]);
  expect(b.csn).toBe(3);
});

test("a write that is known but not yet as committed is not sent again, only its commit", () => {
  const [primary, b] = [logOf("primary"), logOf("b")];
  b.accept("own");
  converse(b, primary);
  const { steps } = primary.transferFor(b.request(), 10)!;
  expect(steps).toEqual([{ type: "commit", server: "b", acceptStamp: 1, csn: 1 }]);
  converse(primary, b);
  expect([b.csn, b.state]).toEqual([1, ["own"]]);
});

test("whoever lacks what was thrown away gets the state, and keeps what it wrote itself", () => {
  const [primary, b, c] = [logOf("primary"), logOf("b"), logOf("c")];
  for (let i = 0; i < 5; i++) primary.accept(`p${i}`);
  converse(primary, b);
  b.truncate(4);
  c.accept("own");
  const transfer = b.transferFor(c.request(), 100)!;
  expect(transfer.full).toMatchObject({ state: ["p0", "p1", "p2", "p3"], osn: 4 });
  c.receive(transfer);
  expect(c.counters.fullTransfers).toBe(1);
  expect(c.state).toEqual(["p0", "p1", "p2", "p3", "p4", "own"]);
  expect(b.transferFor(c.request(), 100)!.full).toBeUndefined();
});

test("only what is committed can be thrown away", () => {
  const b = logOf("b");
  b.accept("tentative");
  b.truncate(100);
  expect(b.writes).toHaveLength(1);
});

describe("nonsense", () => {
  const write = (acceptStamp: number, csn?: number) =>
    ({
      type: "write",
      write: { server: "z", acceptStamp, update: "x", ...(csn === undefined ? {} : { csn }) },
    }) as const;

  test("in a request or a transfer is counted and changes nothing", () => {
    const b = logOf("b");
    expect(b.transferFor({ vector: [["a", -1]], csn: 0 }, 10)).toBeUndefined();
    expect(b.transferFor({ vector: [], csn: 0.5 }, 10)).toBeUndefined();
    const many = Array.from({ length: 4097 }, (_, i) => [i, 1] as const);
    expect(b.transferFor({ vector: many, csn: 0 }, 10)).toBeUndefined();
    b.receive({ full: { state: ["x"], vector: many, osn: 3 }, steps: [], isComplete: true });
    b.receive({ steps: [write(0)], isComplete: true });
    b.receive({ steps: [write(1.5)], isComplete: true });
    expect(b.counters.malformed).toBe(6);
    expect(b.state).toEqual([]);
  });

  test("that would leave a gap ends the transfer", () => {
    const b = logOf("b");
    b.receive({ steps: [write(1, 2), write(2)], isComplete: true });
    b.receive({ steps: [{ type: "commit", server: "z", acceptStamp: 1, csn: 1 }], isComplete: true });
    expect(b.counters.outOfOrder).toBe(2);
    expect(b.vector.compare(new VersionVector())).toBe("equal");
  });

  test("cannot make a log grow beyond its bound", () => {
    const b = logOf("b", { maxWrites: 2 });
    b.receive({ steps: [write(1), write(2), write(3)], isComplete: true });
    expect(b.writes).toHaveLength(2);
    expect(b.counters.full).toBe(1);
    expect(() => b.accept("x")).toThrow(UsageError);
    expect(() => logOf("c", { maxWrites: 0 })).toThrow(UsageError);
  });
});
