/** The same store over each of the routers: whoever is responsible there keeps the record, and everybody finds it. */
import { describe, expect, test } from "vitest";
import { bytes, textOf } from "../../test/support/store-network.ts";
import { type Key, Stack } from "../core/index.ts";
import { type LabRouter, labRouters } from "../lab/lookup/lab-routers.ts";
import { type AskedOperation, LookupNetwork } from "../lab/lookup/lookup-network.ts";
import {
  keyOfShared,
  keyOfValue,
  Store,
  type StoreEnded,
  type StoreMessage,
  type StoreOptions,
} from "./index.ts";

const rows = 40;

function networkOf(router: LabRouter, options: Partial<StoreOptions> = {}): LookupNetwork {
  const network = new LookupNetwork({
    seed: 1,
    rows,
    keepsDisks: true,
    hasMembership: true,
    links: { latency: { model: "uniform", fromMs: 5, toMs: 25 } },
    make: (place) => {
      const records = { recordsOf: (key: Key) => store.recordsOf(key) };
      const below = router.make(place, {}, records);
      const restored = place.disk?.below<StoreMessage>("store/");
      const { keyedNode, signatures } = place;
      const store = new Store({ router: below, keyedNode, signatures, restored, options });
      return new Stack({ [router.name]: below, store });
    },
  });
  for (let row = 0; row < rows; row++) {
    network.start(row, network.living.sample(3, network.dieOf(row)));
    network.run(300);
  }
  network.run(60_000);
  return network;
}

function ask(network: LookupNetwork, row: number, command: object): StoreEnded {
  const asked: AskedOperation = network.operate(row, command as never);
  network.runUntil(() => asked.ended !== undefined, 60_000, 5);
  return asked.ended as unknown as StoreEnded;
}

describe.each(labRouters.map((router) => [router.name, router] as const))("over %s", (_name, router) => {
  const names = Array.from({ length: 15 }, (_, i) => `name ${i}`);

  test("records are where they belong, survive a third of the nodes, and a restart of all", () => {
    const network = networkOf(router);
    for (const [i, name] of names.entries()) {
      const put = ask(network, i, { type: "put", name, value: bytes(`value of ${name}`) });
      expect(put).toMatchObject({ outcome: "stored", isCapped: false });
      const right = network.trueClosest(keyOfShared(name), 8, router.order).map(({ node }) => node);
      expect(put.replicas.map(({ replica }) => replica.node).filter((node) => !right.includes(node))).toEqual(
        [],
      );
    }
    // Some records lose more than r - w of their replicas at once, but none all of them.
    for (let row = 0; row < rows; row += 3) network.crash(row);
    network.run(90_000);
    const living = network.living.all();
    for (const [i, name] of names.entries())
      expect(textOf(ask(network, living[i % living.length]!, { type: "get", name }))).toBe(
        `value of ${name}`,
      );
    for (const row of living) network.crash(row);
    for (const row of living) {
      network.start(row, network.living.sample(2, network.dieOf(row)));
      network.run(100);
    }
    network.run(90_000);
    for (const [i, name] of names.entries())
      expect(textOf(ask(network, living[(i + 7) % living.length]!, { type: "get", name }))).toBe(
        `value of ${name}`,
      );
  }, 60_000);
});

describe("over kademlia", () => {
  test("an immutable record is found on the way, and copied to the nearest node that had none", () => {
    const network = networkOf(labRouters.find(({ name }) => name === "kademlia")!, {
      cacheLifetimeMs: 3_600_000,
    });
    const value = bytes("for ever");
    const key = keyOfValue(value);
    expect(ask(network, 1, { type: "put", kind: "immutable", value }).outcome).toBe("stored");
    let copies = 0;
    let withoutFetch = 0;
    for (const row of network.living.all()) {
      const got = ask(network, row, { type: "get", key });
      expect(textOf(got)).toBe("for ever");
      if (got.report?.outcome === "record") withoutFetch++;
      network.run(100);
    }
    for (const row of network.living.all()) copies += (network.storeOf(row) as unknown as Store).table.cached;
    expect(withoutFetch).toBeGreaterThan(10);
    expect(copies).toBeGreaterThan(0);
    expect(copies).toBeLessThan(rows - 8);
    // They end long before the record does.
    network.run(1.1 * 3_600_000);
    for (const row of network.living.all())
      expect((network.storeOf(row) as unknown as Store).table.cached).toBe(0);
  }, 60_000);
});
