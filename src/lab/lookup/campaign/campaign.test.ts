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
import { runLookupCampaign } from "./campaign.ts";
import { faultKinds } from "./draft.ts";
import { drawRun } from "./draw.ts";
import { parseRunFile, runFileText } from "./run-file.ts";
import { runOne } from "./run-one.ts";
import { type CampaignSubject, campaignOptions, campaignSubject } from "./subjects.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(["kademlia", "chord", "pastry"] as const)("a campaign over %s", (router) => {
  test("finds nothing, and does not find that in a vacuum", async () => {
    const report = await runLookupCampaign({ router, runs: 12, seed: 1, threads: 0 });
    expect(report.failures).toEqual([]);
    expect(report).toMatchObject({ runs: 12, violations: 0, vacuous: 0 });
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

/** Bugs that somebody could make, and what finds them. */
const bugs: Record<string, { readonly plant: () => CampaignSubject; readonly finds: readonly string[] }> = {
  "a newcomer of Chord takes over its successor, but not the successor's list": {
    plant: () => {
      const { join } = ChordRing.prototype;
      vi.spyOn(ChordRing.prototype, "join").mockImplementation(function (this: ChordRing, before, list) {
        return join.call(this, before, list.slice(0, 1));
      });
      return campaignSubject("chord");
    },
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
    finds: ["routes-do-not-go-in-circles"],
  },
  "Kademlia takes whoever asks it something into its table": {
    plant: () =>
      planted("kademlia", (place, records) => {
        class Gullible extends Kademlia {
          override onMessage(from: NodeId, message: any, env: Environment<any, any, any>): void {
            const contact: KeyedNode = place.keyedNode(from);
            if (this.table.hasRoomFor(contact.key)) this.table.add(contact, env.now);
            super.onMessage(from, message, env);
          }
        }
        return new Gullible({ ...place, records, options: campaignOptions.kademlia });
      }),
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
    finds: ["no-acknowledged-value-is-lost", "reads-are-of-the-latest"],
  },
};

describe("a bug planted on purpose is found, made small, and shown again", () => {
  test.each(Object.keys(bugs))(
    "%s",
    async (bug) => {
      const { plant, finds } = bugs[bug]!;
      const subject = plant();
      const report = await runLookupCampaign({
        ...{ router: subject.router, subject, runs: 40, seed: 1, threads: 0 },
      });
      expect(report.violations).toBeGreaterThan(0);
      const [{ seed, shrunk }] = report.failures as [(typeof report.failures)[0]];
      expect(shrunk!.draft.steps.length).toBeLessThan(shrunk!.stepsBefore);
      expect(shrunk!.draft.steps.length).toBeLessThanOrEqual(6);
      expect(finds).toContain(shrunk!.violations[0]!.invariant);
      expect(runOne(subject, shrunk!.draft, seed).violations).toEqual(shrunk!.violations);
      vi.restoreAllMocks();
      const sound = campaignSubject(subject.router);
      expect(runOne(sound, shrunk!.draft, seed).violations, "without the bug").toEqual([]);
    },
    120_000,
  );
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
