import { describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import { type Latency, type LinkSettings, linkSettings } from "./link-settings.ts";

describe("link settings", () => {
  test("without a word are datagrams of 10 to 100 ms and without faults", () => {
    expect(linkSettings()).toMatchObject({
      kind: "datagram",
      latency: { model: "uniform", fromMs: 10, toMs: 100 },
      loss: 0,
      duplication: 0,
      reordering: 0,
      uploadBytesPerSecond: 0,
      downloadBytesPerSecond: 0,
    });
  });

  test("keep what is said, are frozen, and can be said again", () => {
    const latency: Latency = { model: "zones", matrixMs: [[1]], jitterMs: 3 };
    const settings = linkSettings({ loss: 0.25, kind: "stream", latency });
    expect(settings).toMatchObject({ loss: 0.25, kind: "stream", latency });
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.latency)).toBe(true);
    expect(linkSettings(settings)).toEqual(settings);
  });

  test.each<[unknown, string]>([
    [{ speed: 3 }, "speed: there is no such option; there are latency, kind, loss"],
    [{ kind: "pigeon" }, 'kind: "pigeon" is not one of datagram, stream'],
    [{ loss: 1.5 }, "loss: 1.5 is more than 1"],
    [{ duplication: -0.1 }, "duplication: -0.1 is less than 0"],
    [{ reorderMs: 2.5 }, "reorderMs: 2.5 is not an integer"],
    [{ uploadBytesPerSecond: -1 }, "uploadBytesPerSecond: -1 is less than 0"],
    [{ maxQueueMs: "5s" }, 'maxQueueMs: "5s" is not a number'],
  ])("%j is refused: %s", (settings, message) => {
    expect(() => linkSettings(settings as Partial<LinkSettings>)).toThrow(UsageError);
    expect(() => linkSettings(settings as Partial<LinkSettings>)).toThrow(message);
  });

  test.each<[unknown, string]>([
    [5, "latency: 5 is not an object that names its model"],
    [{ ms: 5 }, "latency.model: undefined is not a string"],
    [{ model: "warp" }, 'latency.model: "warp" is not one of constant, uniform, exponential, log-normal'],
    [{ model: "constant" }, "latency.ms: undefined is not a number"],
    [
      { model: "constant", ms: 5, jitterMs: 1 },
      "latency.jitterMs: the model constant has no such option; it has ms",
    ],
    [{ model: "uniform", fromMs: 10, toMs: 9 }, "latency.toMs: 9 is less than fromMs, 10"],
    [{ model: "log-normal", medianMs: 50, sigma: -1 }, "latency.sigma: -1 is less than 0"],
    [{ model: "log-normal", medianMs: 0, sigma: 1 }, "latency.medianMs: 0 is less than 1"],
    [{ model: "pareto", minMs: 5, shape: 0, maxMs: 9 }, "latency.shape: 0 is less than 0.01"],
    [{ model: "pareto", minMs: 5, shape: 1, maxMs: 4 }, "latency.maxMs: 4 is less than minMs, 5"],
    [{ model: "zones", matrixMs: [] }, "latency.matrixMs: [] is not a list with entries"],
    [{ model: "zones", matrixMs: [[1, 2], [3]] }, "latency.matrixMs[1]: 1 entries are not 2"],
    [
      {
        model: "zones",
        matrixMs: [
          [1, 2],
          [3, -4],
        ],
      },
      "latency.matrixMs[1][1]: -4 is less than 0",
    ],
    [{ model: "plane", sideMs: 0.5 }, "latency.sideMs: 0.5 is not an integer"],
    [{ model: "routed", routers: 513, links: [], subnets: [0] }, "latency.routers: 513 is more than 512"],
    [
      { model: "routed", routers: 2, links: [[0, 2, 1]], subnets: [0] },
      "latency.links[0][1]: 2 is more than 1",
    ],
    [
      { model: "routed", routers: 2, links: [[1, 1, 1]], subnets: [0] },
      "latency.links[0]: the router 1 is linked to itself",
    ],
    [
      { model: "routed", routers: 2, links: [[0, 1]], subnets: [0] },
      "latency.links[0]: [0,1] is not a list of from, to and ms",
    ],
    [
      { model: "routed", routers: 2, links: [[0, 1, 1]], subnets: [2] },
      "latency.subnets[0]: 2 is more than 1",
    ],
  ])("the latency %j is refused: %s", (latency, message) => {
    expect(() => linkSettings({ latency: latency as Latency })).toThrow(UsageError);
    expect(() => linkSettings({ latency: latency as Latency })).toThrow(message);
  });
});
