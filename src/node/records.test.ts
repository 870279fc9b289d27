import { expect, test } from "vitest";
import { type OperationResult, Records, StoreFailure } from "./records.ts";

type Notice = Record<string, any> & { type: string };

class FakeNode {
  readonly commands: Notice[] = [];
  readonly listeners = new Set<(notice: Notice) => void>();
  hasStore = true;
  readonly records = new Records({
    hasStore: () => this.hasStore,
    isRunning: () => true,
    command: (body) => void this.commands.push(body),
    onNotice: (listener) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  });

  end(result: Partial<OperationResult>): void {
    const notice = { type: "store-ended", replicas: [], needed: 5, sequence: 0, ...result };
    for (const listener of [...this.listeners]) listener(notice);
  }
}

test("bytes are copied when they are handed over, a Buffer's too", () => {
  const node = new FakeNode();
  const bytes = Buffer.from([1, 2, 3]);
  void node.records.put("name", bytes);
  bytes.fill(9);
  expect(node.commands[0]).toEqual({
    type: "put",
    request: 1,
    name: "name",
    value: Uint8Array.of(1, 2, 3),
  });
  void node.records.put("ignored", "é", { kind: "immutable" });
  expect(node.commands[1]).toEqual({
    type: "put",
    request: 2,
    kind: "immutable",
    value: Uint8Array.of(0xc3, 0xa9),
  });
});

test("what is neither text nor bytes is refused before anything is asked", async () => {
  const node = new FakeNode();
  await expect(node.records.put("name", 42 as any)).rejects.toThrow(
    "value: number is neither a text nor bytes",
  );
  await expect(node.records.put("name", "\ud800")).rejects.toThrow(
    "value: the text has half a surrogate pair",
  );
  node.hasStore = false;
  const noStore =
    "this node has no store; ask a peer that was started with --router kademlia, chord or pastry";
  await expect(node.records.get("name")).rejects.toThrow(`get: ${noStore}`);
  await expect(node.records.delete("name")).rejects.toThrow(`delete: ${noStore}`);
  expect(node.commands).toEqual([]);
});

test("each operation gets its own result; a failure says of all replicas what they said", async () => {
  const node = new FakeNode();
  const put = node.records.put("name", "a", { cas: 3 });
  const get = node.records.get("name");
  const gone = node.records.delete("name");
  node.end({ request: 3, operation: "delete", outcome: "missing" });
  node.end({ request: 2, operation: "get", outcome: "deleted" });
  const replica = { node: "x", key: "x" };
  node.end({
    request: 1,
    operation: "put",
    outcome: "partial",
    replicas: [
      { replica, state: "stored", reason: undefined, sequence: 4, roundTripMs: 1 },
      { replica, state: "refused", reason: "full", sequence: 0, roundTripMs: 1 },
      { replica, state: "silent", reason: undefined, sequence: 0, roundTripMs: undefined },
    ],
  });
  expect(await gone).toBe(false);
  expect(await get).toBeUndefined();
  await expect(put).rejects.toBeInstanceOf(StoreFailure);
  await expect(put).rejects.toThrow(
    "put: too few replicas have it; it may stay or be lost (3 asked, 5 needed, 1 have it, 1 silent; refused because full)",
  );
  expect(node.listeners.size).toBe(0);
});

test("a signal ends the waiting, and the store is told", async () => {
  const node = new FakeNode();
  const controller = new AbortController();
  const get = node.records.get("name", { signal: controller.signal });
  controller.abort("enough");
  await expect(get).rejects.toBe("enough");
  expect(node.commands.at(-1)).toEqual({ type: "cancel", request: 1 });
  await expect(node.records.get("name", { signal: controller.signal })).rejects.toBe("enough");
  expect(node.commands).toHaveLength(2);
  expect(node.listeners.size).toBe(0);
});

test("an option that there is not is refused: a misspelt condition would overwrite", async () => {
  const node = new FakeNode();
  const misspelt = { expectedSequence: 7 } as object;
  await expect(node.records.put("name", "value", misspelt)).rejects.toThrow(
    /^expectedSequence: put has no such option; there are kind, cas,/,
  );
  await expect(node.records.get("name", { quorum: 3 } as object)).rejects.toThrow(/^quorum: get/);
  await expect(node.records.delete("name", { cass: 1 } as object)).rejects.toThrow(/^cass: delete/);
  expect(node.commands).toEqual([]);
});
