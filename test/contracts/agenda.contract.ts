/** What every agenda must do, whatever it is made of. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Agenda } from "../../src/simulator/index.ts";

type Taken = [at: number, row: number, head: number, payload: number];

function takeAll(agenda: Agenda, until = Number.POSITIVE_INFINITY): Taken[] {
  const taken: Taken[] = [];
  while (agenda.next(until)) taken.push([agenda.at, agenda.row, agenda.head, agenda.payload]);
  return taken;
}

const minute = 60_000;
const hour = 60 * minute;

/** Times on all floors of a wheel, and on their edges. */
const pauses = fc.oneof(
  fc.nat(5),
  fc.nat(3000),
  fc.constantFrom(0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 12_288),
  fc.nat(10 * minute),
  fc.constantFrom(2 ** 24 - 1, 2 ** 24, 2 ** 24 + 1, 2 ** 25 - 1, 2 ** 25, 2 ** 25 + 4096),
  fc.nat(30 * hour),
  fc.nat(400 * 24 * hour),
);

/** A history: pushes so far ahead, takings of so many events, and jumps to a time. */
const steps = fc.array(
  fc.oneof(
    fc.record({ push: pauses }),
    fc.record({ take: fc.nat(20) }),
    fc.record({ until: pauses }),
    fc.record({ burst: fc.tuple(pauses, fc.integer({ min: 1, max: 60 })) }),
  ),
  { maxLength: 60 },
);

export function describeAgenda(name: string, create: () => Agenda): void {
  describe(`${name} as an agenda`, () => {
    test("gives events in order of time", () => {
      const agenda = create();
      for (const at of [500, 3, 100_000, 20, 9000, 4096, 2 ** 30, 0]) agenda.push(at, 1, 2, at % 1000);
      expect(takeAll(agenda).map(([at]) => at)).toEqual([0, 3, 20, 500, 4096, 9000, 100_000, 2 ** 30]);
      expect(agenda.size).toBe(0);
    });

    test("gives events of one time in the order in which they came, however far ahead they were put", () => {
      const agenda = create();
      const at = 40_000_000;
      agenda.push(at, 1, 0, 0);
      agenda.push(at - 30_000_000, 2, 0, 0);
      agenda.push(at, 3, 0, 0);
      expect(agenda.next(hour * 24)).toBe(true); // row 2, at 10,000 s
      agenda.push(at, 4, 0, 0);
      agenda.push(at - 5000, 5, 0, 0);
      expect(agenda.next(hour * 24)).toBe(true); // row 5
      agenda.push(at, 6, 0, 0);
      expect(takeAll(agenda).map(([, row]) => row)).toEqual([1, 3, 4, 6]);
    });

    test("takes what is pushed for the present moment after what waits for it already", () => {
      const agenda = create();
      for (const row of [1, 2]) agenda.push(7, row, 0, 0);
      agenda.next(7);
      agenda.push(7, 3, 0, 0);
      expect(takeAll(agenda).map(([, row]) => row)).toEqual([2, 3]);
    });

    test("does not go beyond `until`, and time is `until` then", () => {
      const agenda = create();
      agenda.push(10_000, 1, 0, 0);
      expect(agenda.next(9999)).toBe(false);
      expect(agenda.at).toBe(9999);
      agenda.push(9999, 2, 0, 0);
      expect(takeAll(agenda, 10_000).map(([at, row]) => [at, row])).toEqual([
        [9999, 2],
        [10_000, 1],
      ]);
    });

    test("keeps 32 bits of each part, with their sign", () => {
      const agenda = create();
      agenda.push(5, 0x7fffffff, -1, -0x80000000);
      agenda.next(5);
      expect([agenda.row, agenda.head, agenda.payload]).toEqual([0x7fffffff, -1, -0x80000000]);
    });

    test("refuses the past, what is no time, and what is beyond all time", () => {
      const agenda = create();
      agenda.push(10, 0, 0, 0);
      agenda.next(10);
      for (const at of [9, -1, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => agenda.push(at, 0, 0, 0)).toThrow(RangeError);
      expect(agenda.size).toBe(0);
    });

    test("gives memory back to use: a long run of few events does not grow", () => {
      const agenda = create();
      for (let row = 0; row < 100; row++) agenda.push(row, row, 0, 0);
      let bytes = 0;
      for (let i = 0; i < 50_000; i++) {
        agenda.next(Number.POSITIVE_INFINITY);
        agenda.push(agenda.at + 1 + ((agenda.row * 7919) % 20_000), agenda.row, 0, 0);
        if (i === 25_000) bytes = agenda.memoryBytes;
      }
      expect(agenda.size).toBe(100);
      expect(agenda.memoryBytes).toBeLessThanOrEqual(bytes * 1.1);
    });

    test("keeps every history as a sorted list would", () => {
      fc.assert(
        fc.property(steps, (history) => {
          const agenda = create();
          let waiting: { at: number; row: number }[] = [];
          let row = 0;
          const push = (at: number) => {
            agenda.push(at, row, row * 3, -row);
            waiting.push({ at, row });
            row++;
          };
          const take = (until: number): boolean => {
            const due = waiting.reduce<{ at: number; row: number } | undefined>(
              (first, one) => (first === undefined || one.at < first.at ? one : first),
              undefined,
            );
            const expected = due !== undefined && due.at <= until ? due : undefined;
            expect(agenda.next(until)).toBe(expected !== undefined);
            if (expected === undefined) return false;
            expect([agenda.at, agenda.row, agenda.head, agenda.payload]).toEqual([
              expected.at,
              expected.row,
              expected.row * 3,
              0 - expected.row,
            ]);
            waiting = waiting.filter((one) => one !== expected);
            return true;
          };
          for (const step of history) {
            if ("push" in step) push(agenda.at + step.push);
            else if ("burst" in step) for (let i = 0; i < step.burst[1]; i++) push(agenda.at + step.burst[0]);
            else if ("take" in step) {
              for (let i = 0; i < step.take; i++) take(Number.POSITIVE_INFINITY);
            } else {
              const until = agenda.at + step.until;
              while (take(until));
              expect(agenda.at).toBe(until);
            }
            expect(agenda.size).toBe(waiting.length);
          }
          while (take(Number.POSITIVE_INFINITY));
          expect(agenda.size).toBe(0);
        }),
        { numRuns: 300 },
      );
    });
  });
}
