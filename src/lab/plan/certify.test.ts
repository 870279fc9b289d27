import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { optionsOf, tunablesOf } from "../../node/settings.ts";
import { atMost, type Certificate, certify, upperMean } from "./certify.ts";
import { planReport, remarksOf } from "./report.ts";
import { type Plan, search } from "./search.ts";
import { type Wish, wishOf } from "./wish.ts";

const wish = wishOf({
  nodes: 8,
  loss: 0.02,
  rttMs: 20,
  detectWithinMs: 4000,
  publishers: 3,
  messagesPerSecond: 2,
});
const effort = { settleMs: 5000, calmEvents: 5000, acceleratedEvents: 10_000, crashes: 4, rounds: 4 };

function certified(plan: Plan, seed: number, of: Wish = wish): Promise<Certificate | undefined> {
  return certify({ wish: of, plan, seed, thoroughness: "quick", effort });
}

describe("a small network", async () => {
  const result = search(wish);
  const certificate = (await certified(result.plan!, 3))!;

  test("does what was predicted", () => {
    const input = { wish, seed: 3, thoroughness: "quick", result, certificate } as const;
    const report = planReport(input);
    expect(report.certified).toBe(true);
    expect(certificate.formed).toBe(true);
    expect(certificate.detection.silent.crashes + certificate.detection.killed.crashes).toBe(4);
    expect(certificate.detection.silent.firstP50Ms).toBeGreaterThan(0);
    expect(certificate.delivery.expected).toBeGreaterThan(100);
    const { detection, bytesPerSecond } = result.plan!.prediction;
    expect(certificate.detection.silent.allP99Ms).toBeLessThan(1.3 * detection.allP99Ms);
    expect(certificate.bytesPerSecond.mean / bytesPerSecond).toBeGreaterThan(0.6);
    expect(certificate.bytesPerSecond.mean / bytesPerSecond).toBeLessThan(1.4);
    expect(report.command).toContain("--nodes 8");
    expect(report.command).toContain("--seed 3");
    // What is to be pasted is what was simulated.
    const pasted = optionsOf(parse(report.config!), () => "config") as Record<string, object>;
    expect(pasted["stack"]).toEqual(result.plan!.options.stack);
    const defaults = tunablesOf({});
    for (const [section, values] of Object.entries(result.plan!.options as Record<string, object>))
      expect({ ...defaults[section], ...pasted[section] }).toEqual({ ...defaults[section], ...values });
  });

  test("does the same with the same seed, and not with another", async () => {
    expect(await certified(result.plan!, 3)).toEqual(certificate);
    expect((await certified(result.plan!, 4))!.traceHash).not.toBe(certificate.traceHash);
  });

  test("is no certificate of a wish that it does not fulfil", async () => {
    const slow = { ...result.plan!, options: { ...result.plan!.options, swim: { probeIntervalMs: 5000 } } };
    const slower = (await certified(slow, 3))!;
    const { certified: isCertified, lines } = planReport({
      ...{ wish, seed: 3, thoroughness: "quick", result },
      certificate: slower,
    });
    expect(isCertified).toBe(false);
    expect(lines.find((line) => line.wish === "detectWithinMs")?.verdict).toBe("missed");
  });

  test("in which all publish has somebody crash all the same", async () => {
    const all = { ...wish, publishers: wish.nodes };
    const { silent, killed } = (await certified(result.plan!, 3, all))!.detection;
    expect(silent.crashes).toBeGreaterThan(0);
    expect(killed.crashes).toBeGreaterThan(0);
  });

  test("in which nobody crashed and nothing was said proves nothing about either, and says so", () => {
    const none = { ...certificate.detection.silent, crashes: 0, allP99Ms: Number.NaN };
    const still: Certificate = {
      ...certificate,
      detection: { silent: none, killed: none },
      delivery: { ...certificate.delivery, published: 0, expected: 0, share: 1, p50Ms: Number.NaN },
    };
    const report = planReport({ wish, seed: 3, thoroughness: "quick", result, certificate: still });
    for (const name of ["detectWithinMs", "deliver"])
      expect(report.lines.find((line) => line.wish === name)).toMatchObject({
        measured: null,
        verdict: "unrefuted",
      });
    expect(remarksOf(report).join()).not.toContain("NaN");
  });
});

test("who is stopped certifies nothing", async () => {
  const controller = new AbortController();
  controller.abort();
  const { plan } = search(wish);
  const config = { wish: { ...wish, nodes: 300 }, plan: plan!, seed: 1, thoroughness: "full" } as const;
  expect(await certify({ ...config, signal: controller.signal })).toBeUndefined();
});

test("no event excludes a mean of 3 and more, five do not exclude 10", () => {
  expect(upperMean(0)).toBeCloseTo(2.996, 3);
  expect(upperMean(5)).toBeCloseTo(10.513, 2);
  expect(atMost(0, 3)).toBeCloseTo(0.0498, 4);
});
