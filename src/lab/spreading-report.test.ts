import { describe, expect, test } from "vitest";
import { broadcastOptions } from "../dissemination/index.ts";
import { predictResidue, spreadingLine, spreadingReport } from "./spreading-report.ts";

const complete = (nodes: number) =>
  Array.from({ length: nodes }, (_, i) => Array.from({ length: nodes }, (_, j) => j).filter((j) => j !== i));
const ring = (nodes: number) =>
  Array.from({ length: nodes }, (_, i) => [(i + 1) % nodes, (i + nodes - 1) % nodes]);
const none = { repairs: 0, calls: 0, offers: 0, comparisons: 0 };

describe("the predicted residue", () => {
  test("over a complete graph is that among all members, and what Demers measured", () => {
    const rumor = broadcastOptions({ method: "rumor", mode: "push", stopAfter: 2 });
    const overlay = predictResidue(rumor, complete(100))!;
    const members = predictResidue({ ...rumor, partners: "members" }, complete(100))!;
    // Table 1 of the paper has 0.037 for k = 2 and 1000 sites in cycles; periodic calls of 100 leave a little less.
    for (const { residue } of [overlay, members]) {
      expect(residue).toBeGreaterThan(0.02);
      expect(residue).toBeLessThan(0.05);
    }
    expect(overlay.runs).toBe(400);
  });

  test("is larger where neighbors are few: those who know it soon meet nobody else", () => {
    const rumor = broadcastOptions({ method: "rumor", mode: "push", stopAfter: 2 });
    expect(predictResidue(rumor, ring(60))!.residue).toBeGreaterThan(
      5 * predictResidue(rumor, complete(60))!.residue,
    );
  });

  test("is none where nobody ever stops, and with counters that see for themselves", () => {
    expect(predictResidue(broadcastOptions({ method: "rumor", stop: "never" }), complete(30))!.residue).toBe(
      0,
    );
    expect(predictResidue(broadcastOptions({ method: "median-counter" }), complete(30))!.residue).toBe(0);
  });

  test("is the same each time", () => {
    const rumor = broadcastOptions({ method: "rumor", stopAfter: 1 });
    expect(predictResidue(rumor, complete(40))).toEqual(predictResidue(rumor, complete(40)));
  });

  test("is not there for what has no model", () => {
    expect(predictResidue(broadcastOptions({ method: "bimodal" }), complete(10))).toBeUndefined();
  });
});

describe("the report", () => {
  test("counts what did not arrive, and what the history brought", () => {
    const report = spreadingReport({
      options: { method: "bimodal" },
      adjacency: complete(4),
      messages: 10,
      deliveries: 27,
      expected: 30,
      counters: [none, none, { ...none, repairs: 3, calls: 8, offers: 4 }, none],
    });
    expect(report).toEqual({
      method: "bimodal",
      residue: 0.1,
      repaired: 0.1111,
      callsPerPeer: 2,
      offersPerPeer: 1,
    });
    expect(spreadingLine(report!)).toBe(
      "spread by bimodal: residue 10 %, 11.1 % of the deliveries by the history, 2 calls per peer",
    );
  });

  test("of a push has the law of its traffic beside it", () => {
    const report = spreadingReport({
      options: { method: "rumor", mode: "push" },
      adjacency: complete(10),
      messages: 1,
      deliveries: 9,
      expected: 9,
      counters: Array.from({ length: 10 }, () => ({ ...none, calls: 3, offers: 3 })),
    })!;
    expect(report.predicted!.ofTraffic).toBeCloseTo(Math.exp(-3), 5);
    expect(spreadingLine(report)).toMatch(/predicted without repair .* 4\.98 % by e\^-m, 3 calls per peer$/);
  });

  test("is none for a flood", () => {
    const figures = { adjacency: complete(3), messages: 1, deliveries: 2, expected: 2, counters: [none] };
    expect(spreadingReport({ ...figures, options: undefined })).toBeUndefined();
  });
});
