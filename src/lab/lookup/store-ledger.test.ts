import { describe, expect, test } from "vitest";
import { bytes, StoreNetwork, type StoreNetworkConfig } from "../../../test/support/store-network.ts";
import type { Typed } from "../../core/index.ts";
import { keyOfShared, Store, type StoreEnded } from "../../storage/index.ts";
import { getOf, StoreLedger, type StoreViolation } from "./store-ledger.ts";

/** A store that acknowledges at once, and writes to its disk a second later. */
class HastyStore extends Store {
  override onMessage(...[from, message, env]: Parameters<Store["onMessage"]>): void {
    this.#hastily(env, (hasty) => super.onMessage(from, message, hasty));
  }
  override onTimer(...[timer, env]: Parameters<Store["onTimer"]>): void {
    if ((timer as Typed).type === "write-late") {
      env.notify({ ...(timer as any).notice, isAwaited: false });
      return;
    }
    this.#hastily(env, (hasty) => super.onTimer(timer, hasty));
  }

  #hastily(env: any, handle: (env: any) => void): void {
    const keys: string[] = [];
    const hasty = {
      self: env.self,
      row: env.row,
      now: env.now,
      random: env.random,
      send: (to: any, message: any) => env.send(to, message),
      schedule: (after: any, timer: any) => env.schedule(after, timer),
      notify(notice: any) {
        if (notice.type !== "persist" || !notice.isAwaited) return env.notify(notice);
        keys.push(notice.key);
        env.schedule(1000, { type: "write-late", notice });
      },
    };
    handle(hasty);
    for (const key of keys) super.onCommand({ type: "persisted", key }, hasty as any);
  }
}

const rows = 16;
const names = Array.from({ length: 12 }, (_, i) => `name ${i}`);

/** Random writes, crashes, restarts and departures, within the budget; then a calm time, and gets of everything. */
function campaign(seed: number, config: Partial<StoreNetworkConfig> & { readonly killsAll?: boolean } = {}) {
  const ledger = new StoreLedger();
  const network = new StoreNetwork({
    rows,
    seed,
    onNotice: (_at, row, layer, notice) => {
      if (layer === "store") ledger.onNotice(row, notice);
    },
    ...config,
  }).gather();
  const die = network.dieOf(0);
  const down = new Set<number>();
  for (let step = 0; step < 120; step++) {
    network.run(die.below(400));
    const row = die.below(rows);
    const what = die.below(10);
    if (network.simulation.isAlive(row) && what < 7) {
      const name = names[die.below(names.length)]!;
      const value = what === 0 ? undefined : bytes(`${step}`);
      ledger.onAsked({ kind: "shared", key: keyOfShared(name) }, value);
      network.operate(row, value === undefined ? { type: "delete", name } : { type: "put", name, value });
    } else if (network.simulation.isAlive(row) && what === 7 && down.size < 3) {
      network.crash(row);
      ledger.onCrash(row);
      down.add(row);
    } else if (down.size > 0 && what === 8) {
      const [first] = down;
      down.delete(first!);
      const bootstrap = network.living.sample(2, network.dieOf(first!));
      network.start(first!, bootstrap);
      ledger.onStart(first!, true);
    }
  }
  if (config.killsAll === true) {
    const living = [...Array(rows).keys()].filter((row) => network.simulation.isAlive(row));
    network.runUntil(() => network.pending.length === 0, 3000, 1);
    for (const row of living) network.crash(row);
    for (const row of living) network.start(row, living.filter((other) => other !== row).slice(0, 2));
  }
  network.run(60_000);
  ledger.onCalm();
  const violations: StoreViolation[] = [];
  for (const expected of ledger.expectations(network.time))
    for (const row of network.living.sample(3, die)) {
      const ended: StoreEnded = network.do(row, getOf(expected));
      const violation = ledger.check(expected, ended, network.time);
      if (violation !== undefined) violations.push(violation);
    }
  return { ledger, network, violations };
}

describe("the ledger of a run", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("finds nothing lost within the fault budget (seed %i)", (seed) => {
    const { ledger, violations } = campaign(seed);
    expect(violations).toEqual([]);
    expect(ledger.counters.acknowledged).toBeGreaterThan(30);
    expect(ledger.counters.checked).toBeGreaterThan(20);
  });

  test.each([1, 2, 3])("nor when all crash at once with their disks (seed %i)", (seed) => {
    const { ledger, violations } = campaign(seed, { killsAll: true });
    expect(violations).toEqual([]);
    expect(ledger.counters.checked).toBeGreaterThan(20);
  });

  test("finds a store that acknowledges before the disk has it", () => {
    const found = [1, 2, 3].flatMap(
      (seed) => campaign(seed, { killsAll: true, storeOf: (config) => new HastyStore(config) }).violations,
    );
    expect(found.map(({ type }) => type)).toContain("old");
  });

  test("expects nothing of a record that has lost as many disks as had it", () => {
    const { ledger, network } = campaign(1);
    const count = ledger.expectations(network.time).length;
    expect(count).toBeGreaterThan(5);
    for (let row = 0; row < 4; row++) ledger.onCrash(row);
    expect(ledger.expectations(network.time)).toHaveLength(count);
    ledger.onStart(3, true);
    ledger.onStart(2, false);
    ledger.onCrash(4);
    expect(ledger.expectations(network.time)).toHaveLength(count);
    ledger.onLeft(5);
    expect(ledger.expectations(network.time)).toEqual([]);
    expect(ledger.counters.beyondBudget).toBe(count);
  });

  test("finds what nobody has put, what is older than what was acknowledged, and gets that nobody answers", () => {
    const { ledger, network } = campaign(1);
    const [expected] = ledger.expectations(network.time);
    const ended = network.do(0, getOf(expected!));
    const withRecord = (change: object): StoreEnded => ({
      ...ended,
      record: { ...ended.record!, statement: { ...ended.record!.statement, ...change } },
    });
    expect(ledger.check(expected!, ended, 0)).toBeUndefined();
    expect(ledger.check(expected!, withRecord({ value: bytes("no") }), 0)?.type).toBe("invented");
    expect(ledger.check(expected!, withRecord({ sequence: 0 }), 0)?.type).toBe("old");
    expect(ledger.check(expected!, { ...ended, outcome: "missing", record: undefined }, 0)?.type).toBe(
      "lost",
    );
    expect(ledger.check(expected!, undefined, 0)?.type).toBe("unanswered");
  });
});
