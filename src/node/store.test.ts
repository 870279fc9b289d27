/** What a node may believe of its disk. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { UsageError } from "../core/index.ts";
import { Codec } from "../wire/index.ts";
import { remember } from "./persistence.ts";
import { DiskStore, type Store } from "./store.ts";

let folder: string;
const warnings: string[] = [];
const errors: Error[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "grapevine-store-")), "data");
  warnings.length = 0;
  errors.length = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(join(folder, ".."), { recursive: true, force: true });
});

function open(): Promise<DiskStore> {
  return DiskStore.open(
    folder,
    (text) => warnings.push(text),
    (error) => errors.push(error),
  );
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function contents(store: Store): Promise<string[]> {
  return (await store.entries("")).map(([key, value]) => `${key}=${new TextDecoder().decode(value)}`);
}

test("what was put is there in the next life, the last value of each key, and what was removed is not", async () => {
  const store = await open();
  store.put("a", bytes("1"));
  store.put("b", bytes("2"));
  store.put("a", bytes("3"));
  store.put("b", undefined);
  await store.close();
  const next = await open();
  expect(await contents(next)).toEqual(["a=3"]);
  await next.close();
});

describe("a disk that does not take a write", () => {
  /** The next `times` batches fail as on a full disk. */
  function fill(times: number): void {
    const full = new Error("IO error: 000003.log: No space left on device");
    const batch = vi.spyOn(ClassicLevel.prototype, "batch");
    for (let i = 0; i < times; i++) batch.mockRejectedValueOnce(full);
  }

  test("is told to the operator, promises nothing, and is written to again until it takes it", async () => {
    const store = await open();
    const durable: string[] = [];
    fill(1);
    store.put("a", bytes("old"), () => durable.push("a"));
    await store.flush();
    expect(errors).toHaveLength(1);
    expect(durable).toEqual([]);
    store.put("a", bytes("new"), () => durable.push("a again"));
    store.put("b", bytes("2"), () => durable.push("b"));
    await vi.waitFor(() => expect(durable).toEqual(["a", "a again", "b"]), { timeout: 10_000 });
    expect(await contents(store)).toEqual(["a=new", "b=2"]);
    await store.close();
  });

  test("is opened anew before anything is believed: LevelDB loses what it writes behind half a record", async () => {
    const store = await open();
    fill(1);
    const opened = vi.spyOn(ClassicLevel.prototype, "open");
    let isDurable = false;
    store.put("a", bytes("1"), () => {
      isDurable = true;
      expect(opened).toHaveBeenCalledTimes(1);
    });
    await vi.waitFor(() => expect(isDurable).toBe(true), { timeout: 10_000 });
    await store.close();
  });

  test("gets a last chance when the node stops, and does not keep it from stopping", async () => {
    const store = await open();
    fill(1);
    store.put("a", bytes("1"));
    await store.flush();
    await store.close();
    const next = await open();
    expect(await contents(next)).toEqual(["a=1"]);
    fill(2);
    next.put("b", bytes("2"));
    await next.close();
    expect(errors).toHaveLength(3);
  });
});

describe("a folder that cannot be opened", () => {
  test("because its files are damaged is set aside with a warning, and a new one is begun", async () => {
    const store = await open();
    store.put("a", bytes("1"));
    await store.close();
    writeFileSync(join(folder, "CURRENT"), "junk");
    const next = await open();
    expect(await contents(next)).toEqual([]);
    expect(warnings).toMatchObject([expect.stringContaining("set aside as")]);
    await next.close();
  });

  test("because the machine has no files or space left is sound: it stays where it is", async () => {
    const store = await open();
    store.put("a", bytes("1"));
    await store.close();
    for (const cause of ["000005.ldb: Too many open files", "MANIFEST-000004: No space left on device"]) {
      vi.spyOn(ClassicLevel.prototype, "iterator").mockImplementationOnce(() => {
        throw Object.assign(new Error(`IO error: ${cause}`), { code: "LEVEL_IO_ERROR" });
      });
      await expect(open()).rejects.toThrow(UsageError);
    }
    expect(existsSync(folder)).toBe(true);
    expect(readdirSync(join(folder, ".."))).toEqual(["data"]);
    const next = await open();
    expect(await contents(next)).toEqual(["a=1"]);
    await next.close();
  });

  test("because somebody else has it open is refused", async () => {
    const store = await open();
    await expect(open()).rejects.toThrow(/another process/);
    await store.close();
  });
});

test("an incarnation that is no number is left out and counted, so that the node starts", async () => {
  const store = await open();
  store.put("introduction/incarnation", bytes("damaged"));
  expect(await remember(store, new Codec())).toMatchObject({ incarnation: 0, unreadable: 1 });
  await store.close();
});
