import { describe, expect, test } from "vitest";
import {
  Anna,
  anna,
  bert,
  cleo,
  dora,
  doubtOf,
  emil,
  everybody,
  mallory,
  recordOf,
} from "../../test/support/anna.ts";
import { signedBy } from "../../test/support/notary.ts";
import type { NodeId } from "../core/index.ts";
import type { SyncDigestEntry, SyncDigestMessage } from "./swim-messages.ts";

const alive = (member: NodeId): SyncDigestEntry => ({ member, incarnation: 1, state: "alive" });
const digest = (nonce: number, fields: Partial<SyncDigestMessage> = {}) =>
  ({ type: "sync-digest", nonce, isAnswer: false, isPartial: false, entries: [], ...fields }) as const;
const compare = (member: NodeId, nonce: number) =>
  ({ type: "sync-compare", nonce, record: recordOf(member), count: 1, fingerprint: 1 }) as const;
const neighbors = { neighbors: [dora], has: (node: NodeId) => node === dora };

/** Anna asks Mallory who else is there; returns the nonce. */
function asksMallory(env: Anna): number {
  env.clear().hear({ type: "peer-met", peer: mallory, since: 1 } as any);
  const { nonce } = env.onlySent("sync-compare");
  env.clear();
  return nonce;
}

describe("a liar in a comparison", () => {
  test("makes no view of a small network partial, asked or not", () => {
    const env = new Anna({ knows: everybody, config: { neighbors } });
    env.receive(mallory, digest(1, { isPartial: true }));
    env.receive(mallory, digest(asksMallory(env), { isPartial: true }));
    env.receive(mallory, compare(mallory, 7));
    env.receive(mallory, digest(7, { isAnswer: true, isPartial: true }));
    expect(env.swim.isPartial).toBe(false);
  });

  test("gets what we know only so often in a second, and takes nobody else's turn", () => {
    const env = new Anna({ knows: everybody });
    env.receive(bert, compare(bert, 1)).clear();
    for (let nonce = 2; nonce < 1000; nonce++) env.receive(mallory, compare(mallory, nonce));
    expect(env.sentOf("sync-digest").length).toBe(4);
    env.clear().receive(bert, { type: "sync-want", nonce: 1, members: [cleo] });
    expect(env.onlySent("sync-updates").updates).toEqual([recordOf(cleo)]);
    env.clear().pass(1000).receive(mallory, compare(mallory, 1000));
    expect(env.sentOf("sync-digest")).toHaveLength(1);
  });

  test("gets each record once, however often it asks for it", () => {
    const env = new Anna({ knows: everybody });
    env.receive(mallory, compare(mallory, 1)).clear();
    const want = { type: "sync-want", nonce: 1, members: Array.from({ length: 4096 }, () => cleo) } as const;
    env.receive(mallory, want).receive(mallory, want);
    expect(env.onlySent("sync-updates").updates).toEqual([recordOf(cleo)]);
  });

  test("makes us ask others once, however often it says something of them", () => {
    const env = new Anna({ knows: everybody });
    const nonce = asksMallory(env);
    const entries = Array.from({ length: 1000 }, () => ({ ...alive(bert), incarnation: 9 }));
    env.receive(mallory, digest(nonce, { entries })).receive(mallory, digest(nonce, { entries }));
    expect(env.onlySent("sync-want").members).toEqual([bert]);
  });

  test("makes us look at one signature for a message of forged ones", () => {
    const env = new Anna({ knows: everybody });
    const forged = everybody.map((node) => signedBy(mallory, recordOf(node, 9).statement));
    env.tell(forged, mallory);
    expect(env.verified).toEqual([1]);
    expect(env.swim.counters.forged).toBe(1);
  });

  test("does not point our pings at an address by asking for a probe of a known or unknown node", () => {
    const env = new Anna({ knows: everybody });
    const request = { type: "ping-request", nonce: 1, updates: [] } as const;
    env.receive(mallory, { ...request, target: "victim@10.0.0.1:80" });
    expect(env.sent()).toEqual([]);
    env.receive(mallory, { ...request, target: "cleo@10.0.0.1:80" });
    expect(env.onlySent("ping").to).toBe(cleo);
  });

  test("does not take a seed's place by saying that it is at its address", () => {
    const seed = "seed@127.0.0.1:8001";
    const env = new Anna({ config: { introducers: ["@127.0.0.1:8001"] } });
    const { nonce } = env.sentOf("sync-compare").at(-1) ?? env.pass(5000).sentOf("sync-compare").at(-1)!;
    env.receive(seed, { type: "sync-equal", nonce });
    env.tell([recordOf(seed, 1, { role: "seed" }), recordOf("mallory@127.0.0.1:8001")]);
    env.clear().command({ type: "unreachable", node: seed });
    env.answersAll(60_000, [seed]);
    expect(env.state(seed)).toBe("failed");
    expect(env.sentOf("sync-compare").map(({ to }) => to)).toContain("@127.0.0.1:8001");
  });
});

test("who joins where views are partial has a partial one from the first comparison on", () => {
  const env = new Anna({ config: { neighbors, introducers: [bert] } });
  const { nonce } = env.sentOf("sync-compare").at(-1) ?? env.pass(5000).sentOf("sync-compare").at(-1)!;
  env.receive(bert, digest(nonce, { isPartial: true, entries: [alive(bert), alive(anna)] }));
  expect(env.swim.isPartial).toBe(true);
});

test("a view that is nearly full becomes partial where another's is", () => {
  const env = new Anna({ knows: everybody, fullViewMembers: 8, config: { neighbors } });
  env.receive(bert, compare(bert, 1));
  env.receive(bert, digest(1, { isAnswer: true, isPartial: true }));
  expect(env.swim.isPartial).toBe(true);
});

test("a partial view tells of those whom it watches only: nobody there knows whether the others live", () => {
  const env = new Anna({ knows: everybody, fullViewMembers: 5, config: { neighbors } });
  env.tell([recordOf(mallory)]);
  expect(env.swim.isPartial).toBe(true);
  env.clear().receive(emil, compare(emil, 1));
  expect(env.onlySent("sync-digest").entries.map(({ member }) => member)).toEqual([anna, dora]);
});

test("a week of dead members does not hide one who is cut off just now", () => {
  const dead = Array.from({ length: 400 }, (_, i): NodeId => `dead${i}@127.0.0.1:${10_000 + i}`);
  const env = new Anna({ knows: [...dead, ...everybody], fullViewMembers: 1000 });
  const fail = (node: NodeId) => env.tell(everybody.map((accuser) => doubtOf(node, accuser)));
  for (const node of dead) fail(node);
  env.answersAll(10_000, dead);
  expect(env.swim.size).toBe(4);
  env.tell([bert, dora, emil].map((accuser) => doubtOf(cleo, accuser))).answersAll(10_000, [cleo]);
  expect(env.state(cleo)).toBe("failed");
  env.clear().answersAll(600_000, [...dead, cleo]);
  const tries = env.sentOf("sync-compare").filter(({ to }) => to === cleo);
  // One is tried each four seconds: by chance alone it would be cleo's turn once in half an hour.
  expect(tries.length).toBeGreaterThan(2);
});
