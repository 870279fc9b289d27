import { afterEach, describe, expect, test, vi } from "vitest";
import { routeAsInDocument } from "../../../../test/support/pastry-as-in-document.ts";
import {
  type Environment,
  type KeyedNode,
  type NodeId,
  type RecordSource,
  Stack,
  seededRandom,
} from "../../../core/index.ts";
import { ChordRing } from "../../../lookup/chord-ring.ts";
import { Kademlia } from "../../../lookup/kademlia.ts";
import { Pastry } from "../../../lookup/pastry.ts";
import { DiskQueue } from "../../../storage/disk-queue.ts";
import { Store } from "../../../storage/index.ts";
import type { Place } from "../lookup-network.ts";
import { replayRun, runLookupCampaign } from "./campaign.ts";
import { faultKinds } from "./draft.ts";
import { drawRun } from "./draw.ts";
import { parseRunFile, type RunFile, runFileText } from "./run-file.ts";
import { runOne } from "./run-one.ts";
import { shrinkRun } from "./shrink.ts";
import { type CampaignSubject, campaignOptions, campaignSubject } from "./subjects.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(["kademlia", "chord", "pastry"] as const)("a campaign over %s", (router) => {
  test("finds nothing, and does not find that in a vacuum", async () => {
    const report = await runLookupCampaign({ router, runs: 8, seed: 1, threads: 0 });
    expect(report.failures).toEqual([]);
    expect(report).toMatchObject({ runs: 8, violations: 0, vacuous: 0 });
    for (const what of ["crashed", "left", "joined", "power-cut", "put-stored", "looked-up-after-calm"])
      expect(report.occurred[what], what).toBeGreaterThan(0);
    expect(report.occurred["read-of-an-acknowledged-value"]).toBeGreaterThan(50);
  }, 60_000);
});

/** Router and store with other parts than the product has. */
function planted(
  router: "kademlia" | "pastry",
  make: (place: Place, records: RecordSource) => Kademlia | Pastry,
): CampaignSubject {
  return {
    ...campaignSubject(router),
    make: (place) => {
      let store: Store | undefined;
      const made = make(place, { recordsOf: (key) => store!.recordsOf(key) });
      const { keyedNode, signatures, disk } = place;
      store = new Store({
        ...{ router: made, keyedNode, signatures },
        restored: disk?.below("store/"),
        options: campaignOptions.store,
      });
      return new Stack({ [router]: made, store });
    },
  };
}

interface Bug {
  readonly plant: () => CampaignSubject;
  /** From here on runs are tried: one of the first is bad enough. */
  readonly seed: number;
  readonly finds: readonly string[];
}

/** Bugs that somebody could make, and what finds them. */
const bugs: Record<string, Bug> = {
  "a newcomer of Chord takes over its successor, but not the successor's list": {
    plant: () => {
      const { join } = ChordRing.prototype;
      vi.spyOn(ChordRing.prototype, "join").mockImplementation(function (this: ChordRing, before, list) {
        return join.call(this, before, list.slice(0, 1));
      });
      return campaignSubject("chord");
    },
    seed: 26,
    finds: ["the-ring-holds"],
  },
  "Pastry goes anywhere where its table has no node": {
    plant: () =>
      planted(
        "pastry",
        (place) =>
          new Pastry({
            ...place,
            rule: routeAsInDocument(seededRandom(place.row)),
            options: campaignOptions.pastry,
          }),
      ),
    seed: 1,
    finds: ["routes-do-not-go-in-circles"],
  },
  "Kademlia takes whoever asks it something into its table": {
    plant: () =>
      planted("kademlia", (place, records) => {
        class Gullible extends Kademlia {
          override onMessage(from: NodeId, message: any, env: Environment<any, any, any>): void {
            const contact: KeyedNode = place.keyedNode(from);
            const isKnown = this.table.seenAt(contact.key) !== undefined;
            if (!isKnown && this.table.hasRoomFor(contact.key)) this.table.add(contact, env.now);
            super.onMessage(from, message, env);
          }
        }
        return new Gullible({ ...place, records, options: campaignOptions.kademlia });
      }),
    seed: 1,
    finds: ["contacts-have-answered"],
  },
  "a replica says that it has stored what is not on disk yet": {
    plant: () => {
      const { write } = DiskQueue.prototype;
      vi.spyOn(DiskQueue.prototype, "write").mockImplementation(function (
        this: DiskQueue<any>,
        key,
        value,
        onDurable,
        env,
      ) {
        write.call(this, key, value, () => {}, env);
        onDurable(env);
      });
      return campaignSubject("pastry");
    },
    seed: 30,
    finds: ["no-acknowledged-value-is-lost", "reads-are-of-the-latest"],
  },
};

describe("a bug planted on purpose is found, made small, and shown again", () => {
  test.each(Object.keys(bugs))(
    "%s",
    async (bug) => {
      const { plant, seed: first, finds } = bugs[bug]!;
      const subject = plant();
      const failing = (seed: number) => runOne(subject, drawRun(seed, subject.budget), seed);
      let seed = first;
      while (seed < first + 60 && failing(seed).violations.length === 0) seed++;
      const drawn = drawRun(seed, subject.budget);
      const { draft, outcome } = await shrinkRun(subject, drawn, seed, 40);
      expect(draft.steps.length).toBeLessThanOrEqual(drawn.steps.length / 2);
      expect(finds).toContain(outcome.violations[0]!.invariant);
      expect(runOne(subject, draft, seed).violations).toEqual(outcome.violations);
      vi.restoreAllMocks();
      expect(runOne(campaignSubject(subject.router), draft, seed).violations, "without the bug").toEqual([]);
    },
    120_000,
  );

  test("and reported with its seed, the command that shows it again, and the smaller run", async () => {
    const subject = bugs["Kademlia takes whoever asks it something into its table"]!.plant();
    const config = { router: "kademlia", subject, runs: 2, seed: 1, threads: 0, shrinkRuns: 10 };
    const report = await runLookupCampaign(config);
    expect(report.violations).toBe(2);
    const [first, second] = report.failures;
    expect(first!.command).toBe("grapevine campaign --router kademlia --runs 1 --seed 1");
    expect(first!.shrunk!.draft.steps.length).toBeLessThan(first!.shrunk!.stepsBefore);
    expect(second!.shrunk).toBeUndefined();
    await expect(runLookupCampaign({ ...config, threads: 2 })).rejects.toThrow("threads: another subject");
  });
});

/** What campaigns have found in routers, as small as they made it. */
const found: Record<string, RunFile> = {
  "a Chord node that is back before anybody has missed it joins its ring again": {
    seed: 3041,
    draft: {
      ...{ router: "chord", nodes: 18, isWireTrue: false, diskMs: 976, hasMembership: false },
      links: { kind: "datagram", latency: { model: "constant", ms: 47 } },
      kinds: ["crash", "restart"],
      steps: [
        { do: "crash", node: 16, at: 74_005 },
        { do: "restart", node: 16, keepsDisk: true, at: 74_916 },
      ],
    },
  },
  "a Kademlia node has joined also if its first lookup heard nobody in time": {
    seed: 5091,
    draft: {
      ...{ router: "kademlia", nodes: 4, isWireTrue: false, diskMs: 2, hasMembership: false },
      links: { kind: "datagram", latency: { model: "uniform", fromMs: 7, toMs: 71 } },
      kinds: [],
      steps: [],
    },
  },
};

describe("what was found stays mended", () => {
  test.each(Object.keys(found))("%s", (name) => {
    expect(replayRun(found[name]!).violations).toEqual([]);
  });
});

describe("a run", () => {
  test("is the same for the same seed, and another for another", () => {
    const subject = campaignSubject("pastry");
    const run = (seed: number) => runOne(subject, drawRun(seed, subject.budget), seed);
    expect(run(7)).toEqual(run(7));
    expect(run(8).hash).not.toBe(run(7).hash);
  });

  test("is drawn as data, with all kinds of faults in some runs and not in others", () => {
    const { budget } = campaignSubject("chord");
    const drafts = Array.from({ length: 200 }, (_, seed) => drawRun(seed, budget));
    for (const draft of drafts) expect(JSON.parse(JSON.stringify(draft))).toEqual(draft);
    for (const kind of faultKinds) {
      const runs = drafts.filter(({ kinds }) => kinds.includes(kind)).length;
      expect(runs, kind).toBeGreaterThan(20);
      expect(runs, kind).toBeLessThan(160);
    }
  });

  test("survives a file, and what is no run is refused with its place", () => {
    const subject = campaignSubject("chord");
    for (let seed = 0; seed < 60; seed++) {
      const run = { seed, draft: drawRun(seed, subject.budget) };
      expect(parseRunFile(runFileText(run), "run.yaml")).toEqual(run);
    }
    const run = { seed: 1, draft: drawRun(1, subject.budget) };
    const broken = runFileText(run).replace(/do: \w+/, "do: explode");
    expect(() => parseRunFile(broken, "run.yaml")).toThrow("run.yaml: steps.0.do");
    const lossy = runFileText({ ...run, draft: { ...run.draft, links: { loss: 7 } } });
    expect(() => parseRunFile(lossy, "run.yaml")).toThrow("run.yaml: loss: 7 is more than 1");
  });

  test("is drawn alike for each router", () => {
    const of = (router: string) => drawRun(5, campaignSubject(router).budget);
    expect({ ...of("chord"), router: "pastry" }).toEqual(of("pastry"));
  });
});
