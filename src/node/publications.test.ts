import { afterEach, describe, expect, test } from "vitest";
import { LocalNetwork } from "../lab/local-network.ts";
import type { NodeOptions } from "./node.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function network(options: NodeOptions = {}, peers = 4): Promise<LocalNetwork> {
  const started = await LocalNetwork.start({ seeds: 1, peers, isPlaintext: true, options });
  endings.push(() => started.close());
  return started;
}

describe.each(["classic", "modern"] as const)("under the %s profile", (profile) => {
  const stack = { profile };

  test("publish says whom the message went to and how the network names it, and a sample says who has it", async () => {
    const { peers } = await network({ stack });
    const [first, second] = peers;
    await first!.ready();
    const outcome = await first!.publish("hello", { coverage: true });
    expect(outcome.id).toMatchObject({ origin: first!.contact, sequence: 0 });
    expect(outcome.sent + outcome.queued).toBe(first!.neighbors().length);
    expect(outcome.dropped).toBe(0);
    expect(outcome.coverage).toMatchObject({ asked: 3, answered: 3, have: 3, share: 1, high: 1 });
    expect(outcome.coverage!.low).toBeGreaterThan(0.3);
    const nowhere = await second!.coverage({ ...outcome.id, sequence: 99 });
    expect(nowhere).toMatchObject({ answered: 3, have: 0, share: 0 });
  }, 20_000);

  test("what is said in one turn has consecutive numbers, whatever its topic and priority", async () => {
    const { peers } = await network({ stack });
    const [first] = peers;
    const options = [{}, { topic: "a" }, { topic: "a" }, { priority: 9 }, {}];
    const outcomes = await Promise.all(options.map((one, i) => first!.publish(`text ${i}`, one)));
    expect(outcomes.map(({ id }) => id.sequence)).toEqual([0, 1, 2, 3, 4]);
  }, 20_000);

  test("a peer hears the topics that it has subscribed to, what has none, and all again when it has unsubscribed", async () => {
    const { peers } = await network({ stack });
    const [speaker, listener, other] = peers;
    const heard: string[] = [];
    const heardByOther: string[] = [];
    listener!.onNotice((_at, _layer, { type, payload }) => type === "delivered" && heard.push(payload));
    other!.onNotice((_at, _layer, { type, payload }) => type === "delivered" && heardByOther.push(payload));
    listener!.subscribe("weather");
    await speaker!.publish("rain", { topic: "weather" });
    await speaker!.publish("goal", { topic: "sports" });
    await speaker!.publish("all");
    await until(() => heardByOther.length === 3 && heard.length >= 2);
    expect(heard.sort()).toEqual(["all", "rain"]);
    listener!.unsubscribe("weather");
    await speaker!.publish("goal again", { topic: "sports" });
    await until(() => heard.includes("goal again"));
  }, 20_000);
});

test("tags travel to all members of the modern profile, and change", async () => {
  const { peers, seeds } = await network({ stack: { profile: "modern" } }, 3);
  const tagsSeen = () =>
    [peers[1]!, seeds[0]!].map(
      (node) => node.memberStates()!.find(({ peer }) => peer === peers[0]!.contact)?.tags,
    );
  peers[0]!.setTags({ zone: "b" });
  await until(() => tagsSeen().every((tags) => tags?.["zone"] === "b"));
  peers[0]!.setTags({ role: "cache" });
  await until(() => tagsSeen().every((tags) => tags?.["role"] === "cache" && tags["zone"] === undefined));
  expect(peers[1]!.memberStates()!.map(({ role, state }) => [role, state])).toContainEqual(["seed", "alive"]);
  expect(() => peers[0]!.setTags({ "": "x" })).toThrow(/name/);
}, 20_000);

describe("what cannot be", () => {
  test.each([
    [{ topic: "" }, /topic/],
    [{ topic: "x".repeat(65) }, /topic/],
    [{ priority: 256 }, /priority/],
    [{ coverage: 0 }, /coverage: 0 is not/],
    [{ coverage: 1001 }, /coverage: 1001 is not/],
    [{ coverage: 1.5 }, /coverage: 1.5 is not/],
  ])("%j is refused, and nothing was said", async (options, error) => {
    const { peers, measurement } = await network({}, 2);
    await expect(peers[0]!.publish("x", options)).rejects.toThrow(error);
    await peers[0]!.publish("y");
    await until(() => measurement.deliveries === 1);
    expect(measurement.published).toBe(1);
  });

  test("a seed and a peer that has stopped say why they do not publish", async () => {
    const { seeds, peers } = await network({}, 2);
    await expect(seeds[0]!.publish("x")).rejects.toThrow("publish: a seed does not gossip; ask a peer");
    await peers[0]!.close();
    await expect(peers[0]!.publish("x")).rejects.toThrow("publish: this node has stopped");
    await expect(peers[0]!.ready()).rejects.toThrow("ready: this node has stopped");
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it did not come about within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
