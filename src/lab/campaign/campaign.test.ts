import { afterEach, describe, expect, test, vi } from "vitest";
import { parse, stringify } from "yaml";
import { RangeSet } from "../../core/index.ts";
import { Plumtree } from "../../dissemination/plumtree.ts";
import { RetainedMessages } from "../../dissemination/retained-messages.ts";
import { Registration } from "../../membership/registration.ts";
import { SwimStanding } from "../../membership/swim-standing.ts";
import { SimulatedDisk } from "../../simulated/simulated-disk.ts";
import { SimulatedSignatures } from "../../simulated/simulated-signatures.ts";
import { parseScenario } from "../scenario/scenario-file.ts";
import { type CampaignReport, runCampaign } from "./campaign.ts";
import { closed, drawScenario } from "./draw.ts";
import { faultKinds, memberFaultKinds } from "./faults.ts";
import { runDrawn, runOne } from "./run-one.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Bugs that somebody could make, planted into the very code that runs live. */
const bugs = {
  "drop the refutation": () => {
    const { onMessage } = Registration.prototype;
    vi.spyOn(Registration.prototype, "onMessage").mockImplementation(function (
      this: Registration,
      from,
      message,
      env,
    ) {
      if (message.type === "refused") return;
      const heard = message.type === "call-back" ? { ...message, accused: 0 } : message;
      onMessage.call(this, from, heard, env);
    });
  },
  "forget the duplicate filter": () => {
    const { has } = RangeSet.prototype;
    const forgotten = new WeakMap<RangeSet, number>();
    // Each set forgets one number for a while: if it always did, the message would go round for ever.
    vi.spyOn(RangeSet.prototype, "has").mockImplementation(function (this: RangeSet, value) {
      const isIn = has.call(this, value);
      const times = forgotten.get(this) ?? 0;
      if (!isIn || value !== 1 || times >= 6) return isIn;
      forgotten.set(this, times + 1);
      return false;
    });
    const { find } = RetainedMessages.prototype;
    const overlooked = new WeakSet<RetainedMessages>();
    vi.spyOn(RetainedMessages.prototype, "find").mockImplementation(function (
      this: RetainedMessages,
      message,
      hash,
    ) {
      const kept = find.call(this, message, hash);
      if (kept === undefined || message.sequence !== 1 || overlooked.has(this)) return kept;
      overlooked.add(this);
      return undefined;
    });
  },
  "lose the persist step": () => {
    const { write } = SimulatedDisk.prototype;
    vi.spyOn(SimulatedDisk.prototype, "write").mockImplementation(function (this: SimulatedDisk, key, value) {
      if (!key.startsWith("broadcast/")) write.call(this, key, value);
    });
  },
};

const expected: Record<keyof typeof bugs, readonly string[]> = {
  "drop the refutation": ["live-peers-stay-listed", "seeds-converge"],
  "forget the duplicate filter": ["delivered-once"],
  "lose the persist step": ["delivered-once"],
};

describe("a campaign", () => {
  test("finds nothing in the classic network, and does not find that in a vacuum", async () => {
    const report = await runCampaign({ runs: 60, seed: 1, threads: 0 });
    expect(report.failures).toEqual([]);
    expect(report).toMatchObject({ runs: 60, violations: 0, vacuous: 0 });
    for (const what of ["delivered", "crashed", "restarted", "paused", "cut", "partitioned", "refuted"])
      expect(report.occurred[what], what).toBeGreaterThan(0);
  });

  test("finds nothing in the modern profile, and does not find that in a vacuum", async () => {
    const report = await runCampaign({ runs: 20, seed: 1, threads: 0, profile: "modern" });
    expect(report.failures).toEqual([]);
    expect(report).toMatchObject({ runs: 20, violations: 0, vacuous: 0 });
    for (const what of ["member-failed", "member-cleared", "peer-left", "forged", "view-partial", "refuted"])
      expect(report.occurred[what], what).toBeGreaterThan(0);
  });

  test("finds nothing where a part of samples was cut off whose eldest had never heard of anybody elder", async () => {
    expect((await runDrawn(359, { profile: "modern" })).violations).toEqual([]);
  });

  test("finds that a member does not refute", async () => {
    vi.spyOn(SwimStanding.prototype, "refute").mockImplementation(() => {});
    const report = await runCampaign({ runs: 1, seed: 112, threads: 0, profile: "modern", shrinks: 0 });
    const [{ violations, command }] = report.failures as [CampaignReport["failures"][0]];
    expect(violations.map(({ invariant }) => invariant)).toContain("live-peers-stay-listed");
    expect(command).toBe("grapevine campaign --profile modern --runs 1 --seed 112");
  });

  test("finds that trees carry nothing, though histories bring it all in the end", async () => {
    vi.spyOn(Plumtree.prototype, "onNew").mockImplementation(() => {});
    const report = await runCampaign({ runs: 1, seed: 2, threads: 0, profile: "modern", shrinks: 0 });
    const [{ violations }] = report.failures as [CampaignReport["failures"][0]];
    expect(violations.map(({ detail }) => detail).join()).toContain("in quiet times");
  });

  test("finds that members believe what nobody has signed", async () => {
    vi.spyOn(SimulatedSignatures.prototype, "verify").mockImplementation(() => true);
    const report = await runCampaign({ runs: 1, seed: 3, threads: 0, profile: "modern", shrinks: 0 });
    const [{ violations }] = report.failures as [CampaignReport["failures"][0]];
    expect(violations.map(({ invariant }) => invariant)).toContain("beliefs-are-genuine");
  });

  test.each(Object.keys(bugs) as (keyof typeof bugs)[])(
    "finds a bug planted on purpose, makes it small and shows it again: %s",
    async (bug) => {
      bugs[bug]();
      const report: CampaignReport = await runCampaign({ runs: 60, seed: 1, threads: 0 });
      expect(report.violations).toBeGreaterThan(0);
      const [{ seed, shrunk }] = report.failures as [CampaignReport["failures"][0]];
      expect(shrunk!.steps).toBeLessThan(shrunk!.stepsBefore);
      expect(shrunk!.steps).toBeLessThanOrEqual(5);
      const broken = shrunk!.violations.map(({ invariant }) => invariant);
      expect(expected[bug]).toContain(broken[0]);

      // As the command line writes it into a file, and reads it again.
      const scenario = parseScenario(stringify(shrunk!.scenario), "shrunk.yaml");
      expect((await runOne(scenario, seed)).violations).toEqual(shrunk!.violations);
      vi.restoreAllMocks();
      expect((await runOne(scenario, seed)).violations, "without the bug").toEqual([]);
    },
    120_000,
  );

  test("is the same for the same seed, and another for another", async () => {
    const [first, again, other] = [await runDrawn(7), await runDrawn(7), await runDrawn(8)];
    expect(again).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
  });
});

describe("a drawn scenario", () => {
  test("is data: it survives a file", () => {
    for (const profile of ["classic", "modern"] as const) {
      for (let seed = 1; seed <= 30; seed++) {
        const scenario = closed(drawScenario(seed, { profile }));
        expect(parse(stringify(scenario))).toEqual(JSON.parse(JSON.stringify(scenario)));
        expect(() => parseScenario(stringify(scenario), `${seed}.yaml`)).not.toThrow();
      }
    }
  });

  test.each([
    ["classic", faultKinds],
    ["modern", [...faultKinds, ...memberFaultKinds]],
  ] as const)("of the %s profile has all kinds of faults in some runs and not in others", (profile, all) => {
    const drafts = Array.from({ length: 100 }, (_, seed) => drawScenario(seed, { profile }));
    for (const kind of all) {
      const runs = drafts.filter(({ kinds }) => kinds.includes(kind)).length;
      expect(runs, kind).toBeGreaterThan(10);
      expect(runs, kind).toBeLessThan(80);
    }
  });

  test.each(["classic", "modern"] as const)(
    "%s never crashes who is gone, nor resumes who is awake",
    (profile) => {
      for (let seed = 0; seed < 300; seed++) {
        const state = new Map<string, string>();
        for (const step of drawScenario(seed, { profile }).steps) {
          if (!("node" in step)) continue;
          const node = step.node as string;
          const now = state.get(node) ?? "awake";
          if (step.do === "crash" || step.do === "pause" || step.do === "leave") expect(now).toBe("awake");
          if (step.do === "restart") expect(now).toBe("crashed");
          if (step.do === "resume") expect(now).toBe("paused");
          const next = {
            crash: "crashed",
            pause: "paused",
            leave: "left",
            restart: "awake",
            resume: "awake",
          };
          state.set(node, next[step.do as keyof typeof next] ?? now);
        }
      }
    },
  );
});
