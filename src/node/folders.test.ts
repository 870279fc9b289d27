import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolder } from "./folders.ts";

test("a folder is made with those above it, and one that is there is left alone", () => {
  const root = mkdtempSync(join(tmpdir(), "grapevine-folders-"));
  const deep = join(root, "a", "b", "c");
  makeFolder(deep, 0o700);
  makeFolder(deep, 0o755);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  rmSync(root, { recursive: true });
});

test("a file is no folder: neither where the folder should be, nor above it", () => {
  const root = mkdtempSync(join(tmpdir(), "grapevine-folders-"));
  const file = join(root, "file");
  writeFileSync(file, "");
  expect(() => makeFolder(file)).toThrow("EEXIST");
  expect(() => makeFolder(join(file, "a"))).toThrow("ENOTDIR");
  expect(() => makeFolder(join(file, "a", "b"))).toThrow("ENOTDIR");
  rmSync(root, { recursive: true });
});

test.skipIf(!existsSync("/proc/self"))(
  "where no folder can be made, that is an error and no endless try",
  () => {
    expect(() => makeFolder("/proc/nope/deeper")).toThrow(/ENOENT|EACCES|EPERM/);
  },
);
