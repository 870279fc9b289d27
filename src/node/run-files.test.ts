import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import { announce, runFolder, runningProcesses } from "./run-files.ts";

const url = "http://127.0.0.1:4000";
let base: string;
let folder: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "run-files-"));
  folder = join(base, "grapevine");
});
afterEach(() => rmSync(base, { recursive: true }));

function write(name: string, content: unknown): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid!;
}

const isRoot = process.getuid?.() === 0;

test("a process that announced itself is found, until it withdraws", () => {
  const withdraw = announce({ url, token: "secret", nodes: ["alice", "bob"] }, folder);
  const [found, ...others] = runningProcesses(folder);
  expect(others).toEqual([]);
  expect(found).toEqual({
    pid: process.pid,
    url,
    token: "secret",
    nodes: ["alice", "bob"],
    startedAt: expect.any(Number),
  });
  withdraw();
  expect(runningProcesses(folder)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
  withdraw();
});

test("nobody else may read a token", () => {
  const withdraw = announce({ url, token: "secret", nodes: [] }, folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, `${process.pid}.json`)).mode & 0o777).toBe(0o600);
  withdraw();
});

test("announcing again replaces, and the first withdrawal leaves the second announcement alone", () => {
  const first = announce({ url, nodes: ["alice"] }, folder);
  const second = announce({ url, nodes: ["alice", "bob"] }, folder);
  first();
  expect(runningProcesses(folder).map(({ nodes }) => nodes)).toEqual([["alice", "bob"]]);
  second();
  expect(runningProcesses(folder)).toEqual([]);
});

test("a process that ends withdraws by itself", () => {
  const listeners = process.listeners("exit");
  announce({ url, nodes: [] }, folder);
  const [added] = process.listeners("exit").filter((one) => !listeners.includes(one));
  added!(0);
  expect(existsSync(join(folder, `${process.pid}.json`))).toBe(false);
});

test("files of dead processes are dropped, and drafts that they did not finish", async () => {
  const pid = await deadPid();
  const path = write(`${pid}.json`, { pid, url, nodes: [], startedAt: 1 });
  const draft = write(`${pid}.0123456789ab.draft`, "{");
  expect(runningProcesses(folder)).toEqual([]);
  expect(existsSync(path)).toBe(false);
  expect(existsSync(draft)).toBe(false);
});

test.skipIf(!existsSync("/proc/self/stat"))(
  "a later process with the pid of a dead one is not taken for it",
  () => {
    const path = write(`${process.pid}.json`, { pid: process.pid, url, nodes: [], startedAt: 1, birth: "1" });
    expect(runningProcesses(folder)).toEqual([]);
    expect(existsSync(path)).toBe(false);
  },
);

test("corrupt and hostile files are ignored, and stay", () => {
  const { pid } = process;
  const good = { pid, url, nodes: [], startedAt: 1 };
  const contents: unknown[] = [
    "",
    "{",
    "null",
    "[]",
    {},
    { ...good, pid: pid + 1 },
    { ...good, pid: String(pid) },
    { ...good, url: "file:///etc/passwd" },
    { ...good, url: "https://example.org" },
    { ...good, url: "nonsense" },
    { ...good, nodes: "alice" },
    { ...good, nodes: [1] },
    { ...good, nodes: ["x".repeat(301)] },
    { ...good, token: 7 },
    { ...good, startedAt: "now" },
    "x".repeat(4 * 1024 * 1024 + 1),
  ];
  for (const content of contents) {
    const path = write(`${pid}.json`, content);
    expect(runningProcesses(folder), JSON.stringify(content).slice(0, 80)).toEqual([]);
    expect(existsSync(path)).toBe(true);
  }
  write(`${pid}.json`, good);
  expect(runningProcesses(folder)).toEqual([good]);
});

test("a link in the folder is not followed, and other files are let alone", () => {
  const { pid } = process;
  const target = join(base, "elsewhere");
  writeFileSync(target, JSON.stringify({ pid, url, nodes: [], startedAt: 1 }));
  write("notes.txt", "mine");
  write("0.json", "{}");
  write("12345678901.json", "{}");
  mkdirSync(join(folder, "1.json"));
  symlinkSync(target, join(folder, `${pid}.json`));
  expect(runningProcesses(folder)).toEqual([]);
  expect(readdirSync(folder)).toHaveLength(5);
});

test("an announcement does not write through a link in its place", () => {
  const target = join(base, "elsewhere");
  writeFileSync(target, "precious");
  mkdirSync(folder, { mode: 0o700 });
  symlinkSync(target, join(folder, `${process.pid}.json`));
  const withdraw = announce({ url, nodes: [] }, folder);
  expect(readFileSync(target, "utf8")).toBe("precious");
  expect(runningProcesses(folder)).toHaveLength(1);
  withdraw();
});

test("no folder means no processes", () => {
  expect(runningProcesses(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test("a link in the folder's place is refused, even to a good folder", () => {
  const elsewhere = join(base, "elsewhere");
  mkdirSync(elsewhere, { mode: 0o700 });
  symlinkSync(elsewhere, folder);
  expect(() => runningProcesses(folder)).toThrow(UsageError);
  expect(() => announce({ url, nodes: [] }, folder)).toThrow(`${folder}: is not a folder`);
  expect(readdirSync(elsewhere)).toEqual([]);
});

test("a folder that others may enter is refused", () => {
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  expect(() => runningProcesses(folder)).toThrow("is open to other users (mode 755)");
  expect(() => announce({ url, nodes: [] }, folder)).toThrow(UsageError);
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(!isRoot)("a folder of somebody else is refused", async () => {
  const { chownSync } = await import("node:fs");
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, 12345, 12345);
  expect(() => runningProcesses(folder)).toThrow("belongs to user 12345, not to you (0)");
  expect(() => announce({ url, nodes: [] }, folder)).toThrow(UsageError);
});

test("the folder is the user's own, with and without XDG_RUNTIME_DIR", () => {
  const fallback = join(tmpdir(), `grapevine-${process.getuid?.()}`);
  expect(runFolder({ XDG_RUNTIME_DIR: base })).toBe(join(base, "grapevine"));
  expect(runFolder({})).toBe(fallback);
  expect(runFolder({ XDG_RUNTIME_DIR: "" })).toBe(fallback);
  expect(runFolder({ XDG_RUNTIME_DIR: "relative" })).toBe(fallback);
  expect(runFolder({ XDG_RUNTIME_DIR: join(base, "gone") })).toBe(fallback);
});
