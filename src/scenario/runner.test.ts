import { describe, expect, test } from "vitest";
import { type Millis, type TraceEvent, type Typed, UsageError } from "../core/index.ts";
import type { ScenarioNotice } from "../trace/index.ts";
import { runScenario } from "./runner.ts";
import type { Action, Scenario, Step } from "./scenario.ts";
import type { AttackFigures, Checker, PeerView, SeedView, World } from "./world.ts";

interface FakeNode {
  readonly id: number;
  readonly name: string;
  readonly role: "peer" | "seed";
  isLiving: boolean;
  incarnation: number;
  retained: number;
}

/**
 * A world of few words: everybody is everybody's neighbor, what is published is delivered at once (but not to the
 * deaf), and seeds remove the dead after 300 ms.
 */
class FakeWorld implements World {
  readonly kind = "simulated";
  readonly profile = "classic";
  readonly pingIntervalMs = 100;
  readonly traceHash = "abc";
  readonly actions: (Action & { readonly now: Millis })[] = [];
  readonly nodes: FakeNode[] = [];
  readonly deaf = new Set<string>();
  /** Peers that each seed lists. */
  readonly listed = new Map<string, Set<number>>();
  figures: AttackFigures = {};
  now = 1000;
  fail: Error | undefined;
  readonly #scenario: Scenario;
  readonly #listeners: ((event: TraceEvent) => void)[] = [];
  readonly #due: { readonly at: Millis; readonly run: () => void }[] = [];
  #sequence = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  async form(): Promise<void> {
    const { seeds = 1, peers = 0 } = this.#scenario.network ?? {};
    for (let i = 1; i <= seeds; i++) this.#join(`seed-${i}`, "seed");
    for (let i = 1; i <= peers; i++) this.#join(`peer-${i}`, "peer");
  }

  #join(name: string, role: "peer" | "seed"): void {
    const node = { id: this.nodes.length + 1, name, role, isLiving: true, incarnation: 1, retained: 0 };
    this.nodes.push(node);
    if (role === "seed") this.listed.set(name, new Set());
    else for (const list of this.listed.values()) list.add(node.id);
    this.tell(node, { type: "joined", name, role });
  }

  tell(node: FakeNode | undefined, notice: ScenarioNotice): void {
    this.event(node?.id ?? "", "scenario", notice);
  }
  event(node: number | string, layer: string, notice: Typed): void {
    for (const listener of this.#listeners) listener({ at: this.now, node, layer, ...notice });
  }
  onEvent(listener: (event: TraceEvent) => void): void {
    this.#listeners.push(listener);
  }

  later(ms: Millis, run: () => void): void {
    this.#due.push({ at: this.now + ms, run });
    this.#due.sort((a, b) => a.at - b.at);
  }
  async sleep(ms: Millis): Promise<void> {
    const end = this.now + ms;
    while (this.#due.length > 0 && this.#due[0]!.at <= end) {
      const { at, run } = this.#due.shift()!;
      this.now = at;
      run();
    }
    this.now = end;
  }
  async until(condition: () => boolean | Promise<boolean>, limitMs: Millis): Promise<Millis | undefined> {
    const start = this.now;
    while (!(await condition())) {
      if (this.now - start >= limitMs) return undefined;
      await this.sleep(10);
    }
    return this.now - start;
  }

  async perform(action: Action): Promise<void> {
    this.actions.push({ ...action, now: this.now });
    if (this.fail !== undefined) throw this.fail;
    const named = (names: unknown) => this.nodes.filter(({ name }) => (names as string[]).includes(name));
    switch (action.do) {
      case "join":
        return this.#join(action.name!, "peer");
      case "crash":
        for (const node of named(action.node)) this.#crash(node);
        return;
      case "restart":
        for (const node of named(action.node)) this.#restart(node, action.keepsDisk !== false);
        return;
      case "publish":
        for (const node of named(action.from)) this.#publish(node);
        return;
      case "partition":
        return this.tell(undefined, { type: "partitioned", sizes: [] });
      case "heal":
        return this.tell(undefined, { type: "healed" });
    }
  }

  #crash(node: FakeNode): void {
    node.isLiving = false;
    this.tell(node, { type: "crashed" });
    for (const [seed, list] of this.listed) this.later(300, () => this.remove(seed, list, node));
  }
  remove(seed: string, list: Set<number>, node: FakeNode): void {
    if (!list.delete(node.id)) return;
    const { id } = this.nodes.find(({ name }) => name === seed)!;
    this.event(id, "introduction", { type: "peer-removed", peer: node.id, reason: "dead" } as Typed);
  }
  #restart(node: FakeNode, keepsDisk: boolean): void {
    node.isLiving = true;
    node.incarnation++;
    if (!keepsDisk) node.retained = 0;
    this.tell(node, { type: "restarted", name: node.name, keepsDisk });
    for (const list of this.listed.values()) list.add(node.id);
  }
  #publish(from: FakeNode): void {
    const message = { origin: from.id, incarnation: from.incarnation, sequence: ++this.#sequence };
    this.event(from.id, "broadcast", { type: "published", ...message } as Typed);
    from.retained++;
    for (const node of this.nodes) {
      if (node === from || node.role === "seed" || !node.isLiving || this.deaf.has(node.name)) continue;
      node.retained++;
      this.event(node.id, "broadcast", { type: "delivered", ...message } as Typed);
    }
  }

  async peers(): Promise<PeerView[]> {
    const living = this.nodes.filter(({ role, isLiving }) => role === "peer" && isLiving);
    return living.map(({ name, id, incarnation, retained }) => ({
      name,
      id,
      incarnation,
      retained,
      isRegistered: true,
      neighbors: living.filter((other) => other.id !== id).map((other) => other.id),
    }));
  }
  async seeds(): Promise<SeedView[]> {
    const living = this.nodes.filter(({ role, isLiving }) => role === "seed" && isLiving);
    return living.map(({ name, id }) => ({
      name,
      id,
      list: [...this.listed.get(name)!].map((peer) => ({ peer, incarnation: 1, neighbors: 2 })),
      fingerprint: [...this.listed.get(name)!].reduce((sum, peer) => sum + peer, 0),
    }));
  }
  async close(): Promise<void> {}
}

async function run(
  timeline: readonly Step[],
  {
    more = {},
    prepare,
    checkers,
  }: {
    more?: Partial<Scenario>;
    prepare?: (world: FakeWorld) => void;
    checkers?: readonly Checker[];
  } = {},
) {
  const scenario: Scenario = { name: "test", network: { seeds: 2, peers: 4 }, timeline, ...more };
  const world = new FakeWorld(scenario);
  prepare?.(world);
  const said: string[] = [];
  const report = await runScenario(scenario, world, {
    seed: 3,
    say: (text) => said.push(text),
    checkers: () => checkers ?? [],
  });
  return { report, world, said };
}

describe("a timeline", () => {
  test("is walked in order, not before its times, with names for selectors", async () => {
    const { world, report } = await run([
      { do: "publish", from: "all peers", at: "5 pings" },
      { do: "crash", node: "peer-2" },
      { do: "wait", for: 250 },
      { do: "leave", node: ["peer-1", "all seeds"], at: 100 },
      { do: "publish", from: "all peers", at: "2s" },
    ]);
    expect(world.actions).toEqual([
      { do: "publish", from: ["peer-1", "peer-2", "peer-3", "peer-4"], now: 1500 },
      { do: "crash", node: ["peer-2"], now: 1500 },
      { do: "leave", node: ["peer-1", "seed-1", "seed-2"], now: 1750 },
      { do: "publish", from: ["peer-1", "peer-3", "peer-4"], now: 3000 },
    ]);
    expect(report).toMatchObject({ scenario: "test", world: "simulated", seed: 3, traceHash: "abc" });
  });

  test("draws with the seed, and remembers whom it drew", async () => {
    const timeline: Step[] = [
      { do: "crash", node: { random: 2, of: "peers" } },
      { do: "restart", node: "the drawn" },
      { do: "crash", node: { random: "minority", of: "seeds" } },
    ];
    const first = await run(timeline, { more: { network: { seeds: 5, peers: 30 } } });
    const second = await run(timeline, { more: { network: { seeds: 5, peers: 30 } } });
    const [crash, restart, minority] = first.world.actions as unknown as { node: string[] }[];
    expect(new Set(crash!.node).size).toBe(2);
    expect(restart!.node).toEqual(crash!.node);
    expect(minority!.node).toHaveLength(2);
    expect(second.world.actions).toEqual(first.world.actions);
  });

  test("lets so many join over a time, by the next free names", async () => {
    const { world } = await run([
      { do: "join", name: "peer-6" },
      { do: "join", count: 3, over: "3s" },
    ]);
    expect(world.actions.map((action) => [action.do === "join" && action.name, action.now])).toEqual([
      ["peer-6", 1000],
      ["peer-5", 1000],
      ["peer-7", 2000],
      ["peer-8", 3000],
    ]);
  });

  test("splits off a share of the peers and of the seeds", async () => {
    const { world } = await run([{ do: "partition", share: 0.5 }]);
    const [{ groups }] = world.actions as unknown as [{ groups: string[][] }];
    expect(groups[0]).toEqual([]);
    expect(groups[1]!.filter((name) => name.startsWith("peer"))).toHaveLength(2);
    expect(groups[1]!.filter((name) => name.startsWith("seed"))).toHaveLength(1);
  });
});

describe("an expectation", () => {
  test("that comes true in time is a check that holds, and says how long it took", async () => {
    const { report, said } = await run([
      { do: "crash", node: "peer-2" },
      { do: "expect", is: "removed", node: "peer-2", within: "5 pings", figure: "goneMs" },
      { do: "expect", is: "removed", node: "peer-2", by: "3 pings", claim: "soon" },
      { do: "expect", is: "removed", node: "peer-2", by: "2 pings", claim: "sooner" },
    ]);
    expect(report.checks.map(({ claim, ok }) => [claim, ok])).toEqual([
      ["the network formed", true],
      ["every seed lists every peer", true],
      ["peer-2 is removed from all seeds", true],
      ["soon", true],
      ["sooner", false],
    ]);
    expect(report.ok).toBe(false);
    expect(report.figures).toMatchObject({
      goneMs: 300,
      removedAtSeeds: 2,
      removedAfterMs: [300, 300],
      removedAfterIntervals: 3,
      neighborsOfVictim: 3,
    });
    expect(said).toContain("ok: soon (3 intervals)");
    expect(said).toContain("FAILED: sooner (3 intervals)");
  });

  test("that does not come true in time fails, and the rest goes on", async () => {
    const { report, world } = await run([
      { do: "crash", node: "peer-2" },
      { do: "expect", is: "removed", node: "peer-2", within: 200, figure: "goneMs" },
      { do: "heal" },
    ]);
    expect(report.checks.at(-1)).toEqual({
      claim: "peer-2 is removed from all seeds",
      ok: false,
      detail: "0 of 2",
    });
    expect(report.figures["goneMs"]).toBeUndefined();
    expect(world.actions.at(-1)?.do).toBe("heal");
  });

  test("without a limit must hold at once", async () => {
    const { report, world } = await run([
      { do: "crash", node: "peer-2" },
      { do: "expect", is: "lists-exact" },
      { do: "heal" },
    ]);
    expect(report.checks.at(-1)).toMatchObject({ ok: false, detail: "3 peers live, the lists have 4, 4" });
    expect(world.actions.at(-1)?.now).toBe(1000);
  });

  test.each<[string, Step, (world: FakeWorld) => void]>([
    [
      "listed",
      { do: "expect", is: "listed", node: "peer-1" },
      (world) => world.listed.get("seed-2")!.delete(3),
    ],
    ["listed with neighbors", { do: "expect", is: "listed", node: "peer-1", neighbors: 3 }, () => {}],
    ["seeds-agree", { do: "expect", is: "seeds-agree" }, (world) => world.listed.get("seed-2")!.delete(3)],
    [
      "lists-unchanged",
      { do: "expect", is: "lists-unchanged" },
      (world) => world.listed.get("seed-2")!.add(77),
    ],
    ["linked", { do: "expect", is: "linked", node: "peer-1", atLeast: 4 }, () => {}],
    ["same-node", { do: "expect", is: "same-node", node: "peer-1" }, () => {}],
    ["forgeries-refused", { do: "expect", is: "forgeries-refused" }, () => {}],
    [
      "forgeries-refused: one taken",
      { do: "expect", is: "forgeries-refused" },
      (world) => {
        world.figures = { registrationsSent: 2, refused: 2, taken: 1 };
      },
    ],
    [
      "forgeries-refused: the stranger got in",
      { do: "expect", is: "forgeries-refused" },
      (world) => {
        world.figures = { reportsSent: 2, reportsArriving: 1, reportsIgnored: 1, hasOutsider: true };
      },
    ],
    [
      "junk-freed",
      { do: "expect", is: "junk-freed" },
      (world) => {
        world.figures = { connectionsOpened: 3, junkHeld: 1 };
      },
    ],
    [
      "nobody-removed",
      { do: "expect", is: "nobody-removed", except: "peer-2" },
      (world) => {
        world.remove(
          "seed-1",
          world.listed.get("seed-1")!,
          world.nodes.find(({ name }) => name === "peer-1")!,
        );
      },
    ],
  ])("of %s can fail", async (what, step, spoil) => {
    const timeline: Step[] = [{ do: "wait", for: 10 }, step];
    const { report } = await run(timeline, { prepare: (world) => world.later(5, () => spoil(world)) });
    expect(report.checks.at(-1)).toMatchObject({ ok: false });
    if (!/^(listed|seeds-agree|lists-unchanged|nobody-removed)$/.test(what)) return;
    const unspoiled = await run(timeline);
    expect(unspoiled.report.checks.at(-1)).toMatchObject({ ok: true });
  });

  test("of the same node holds only for what came back with its disk", async () => {
    const timeline = (keepsDisk: boolean): Step[] => [
      { do: "publish", from: "all peers" },
      { do: "crash", node: "peer-2" },
      { do: "restart", node: "peer-2", keepsDisk },
      { do: "expect", is: "same-node", node: "peer-2" },
      { do: "expect", is: "delivered", node: "peer-2" },
    ];
    const kept = await run(timeline(true));
    expect(kept.report.checks.slice(2)).toMatchObject([{ ok: true }, { ok: true, detail: "4 of 4" }]);
    expect(kept.report.figures).toMatchObject({ retainedBefore: 4, retainedAtStart: 4 });
    const lost = await run(timeline(false));
    expect(lost.report.checks.slice(2)).toMatchObject([{ ok: false }, { ok: false, detail: "0 of 4" }]);
  });
});

describe("when all was said", () => {
  const deafPeer = (world: FakeWorld) => void world.deaf.add("peer-3");

  test("what has not arrived is a violation", async () => {
    const { report, world } = await run([{ do: "publish", from: "peer-1" }], {
      prepare: deafPeer,
      more: { calm: "2s" },
    });
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
    expect(report.violations).toEqual([
      {
        invariant: "everything-arrives",
        at: 3000,
        detail: "not so: every peer has everything that was said (75.0 %)",
      },
    ]);
    expect(report.ok).toBe(false);
    expect(world.now).toBe(3000);
  });

  test("what later messages may have pushed out need not arrive", async () => {
    const retaining = (retainMessages: number) =>
      run(
        [
          { do: "publish", from: "peer-1" },
          { do: "wait", for: "6 pings" },
          { do: "publish", from: ["peer-1", "peer-2"] },
          { do: "expect", is: "delivered", node: "peer-3" },
        ],
        { prepare: deafPeer, more: { stack: { options: { broadcast: { retainMessages } } } } },
      );
    expect((await retaining(3)).report.checks.at(-1)).toMatchObject({ ok: false, detail: "0 of 3" });
    expect((await retaining(2)).report.checks.at(-1)).toMatchObject({ ok: false, detail: "0 of 2" });
    // Of two at the same time nobody knows which one stays: what nothing could contradict is no proof.
    expect((await retaining(1)).report.checks.at(-1)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^nothing to judge: .*raise broadcast\.retainMessages$/),
    });
  });

  test("only the invariants that the scenario names are asked for", async () => {
    const { report } = await run([{ do: "publish", from: "peer-1" }], {
      prepare: deafPeer,
      more: { invariants: ["seeds-converge"] },
    });
    expect(report.violations).toEqual([]);
  });

  test("a network that is left divided need not agree", async () => {
    const { report } = await run(
      [
        { do: "partition", share: 0.5 },
        { do: "publish", from: "peer-1" },
      ],
      {
        prepare: deafPeer,
      },
    );
    expect(report.violations).toEqual([]);
  });

  test("the dead need not have heard anything, and what only they said may be lost", async () => {
    const { report } = await run([
      { do: "crash", node: "peer-3" },
      { do: "publish", from: "peer-1" },
    ]);
    expect(report).toMatchObject({ ok: true, violations: [], figures: { calmAfterMs: 300 } });
    const alone = await run(
      [
        { do: "publish", from: "peer-1" },
        { do: "crash", node: "peer-1" },
      ],
      { prepare: (world) => ["peer-2", "peer-3", "peer-4"].forEach((name) => void world.deaf.add(name)) },
    );
    expect(alone.report).toMatchObject({ ok: true, violations: [], figures: { deliveries: 0 } });
  });

  test("checkers have seen every event, and what they found is in the report", async () => {
    const seen: string[] = [];
    let isCalm = false;
    const checker: Checker = {
      onEvent: ({ type }) => seen.push(type),
      atCalm: () => {
        isCalm = true;
      },
      violations: [{ invariant: "of mine", at: 1, detail: "broken" }],
    };
    const { report } = await run([{ do: "publish", from: "peer-1" }], { checkers: [checker] });
    expect(seen.filter((type) => type === "joined")).toHaveLength(6);
    expect(seen.filter((type) => type === "delivered")).toHaveLength(3);
    expect(isCalm).toBe(true);
    expect(report).toMatchObject({ ok: false, violations: [{ invariant: "of mine" }] });
    expect(report.occurred).toMatchObject({ joined: 6, published: 1, delivered: 3 });
  });
});

describe("what goes wrong", () => {
  test("by the user's mistake is thrown", async () => {
    await expect(run([{ do: "crash", node: "peer-9" }])).rejects.toThrow(
      /^node: there is no "peer-9"; there are seed-1, seed-2, peer-1, /,
    );
    await expect(run([{ do: "crash", node: { random: 9, of: "peers" } }])).rejects.toThrow(UsageError);
    const prepare = (world: FakeWorld) => {
      world.fail = new UsageError("drift: not here");
    };
    await expect(run([{ do: "heal" }], { prepare })).rejects.toThrow("drift: not here");
  });

  test("otherwise is a check that failed", async () => {
    const prepare = (world: FakeWorld) => {
      world.fail = new Error("the process ended");
    };
    const { report } = await run([{ do: "heal" }], { prepare });
    expect(report.ok).toBe(false);
    expect(report.checks.at(-1)).toEqual({
      claim: "the scenario could be carried out",
      ok: false,
      detail: "the process ended",
    });
  });
});
