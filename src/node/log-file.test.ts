import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LogFile, type LogFileConfig } from "./log-file.ts";

let folder: string;
let warnings: string[];
let warn: (text: string) => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grapevine-log-"));
  const heard: string[] = [];
  warnings = heard;
  warn = (text) => heard.push(text);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const node = { name: "peer-1", role: "peer", contact: "aa@127.0.0.1:9001" };

function open(config: LogFileConfig): LogFile {
  return LogFile.open({ warn, ...config });
}

/** All lines of a log, oldest file first. */
function linesIn(path: string): string[] {
  const names = readdirSync(path).sort((a, b) => ageOf(b) - ageOf(a));
  return names.flatMap((name) => readFileSync(join(path, name), "utf8").split("\n").slice(0, -1));
}
function ageOf(name: string): number {
  return Number(/(\d+)/.exec(name)?.[1] ?? 0);
}

class FakeScreen extends Writable {
  text = "";
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe("the file", () => {
  test("has the lines of the node's notices once it is closed", async () => {
    const log = open({ folder: join(folder, "peer-1") });
    log.write(0, "node", { type: "stopped", reason: "closed" } as never, node);
    log.write(0, "node", { type: "dial-failed", remote: "x", reason: "y" } as never, node);
    await log.close();
    const [line, ...rest] = linesIn(join(folder, "peer-1"));
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} Stopped: closed$/);
    expect(rest).toEqual([]);
    expect(log.counters).toEqual({ lines: 1, lost: 0 });
  });

  test("is continued, not begun anew", async () => {
    for (const text of ["one", "two"]) {
      const log = open({ file: join(folder, "mine.txt") });
      log.writeLine("info", text);
      await log.close();
    }
    expect(readFileSync(join(folder, "mine.txt"), "utf8")).toBe("one\ntwo\n");
  });

  test("is rotated by size: the newest is outputfile.txt, the oldest go, no line is lost between two files", async () => {
    const log = open({ folder, maxLogBytes: 64 * 1024, maxLogFiles: 3 });
    const filler = "x".repeat(190);
    for (let i = 0; i < 2000; i++) {
      log.writeLine("info", `${String(i).padStart(5, "0")} ${filler}`);
      if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await log.close();
    expect(readdirSync(folder).sort()).toEqual(["outputfile.txt", "outputfile1.txt", "outputfile2.txt"]);
    const numbers = linesIn(folder).map((line) => Number(line.slice(0, 5)));
    expect({ warnings, counters: log.counters, last: numbers.at(-1) }).toEqual({
      warnings: [],
      counters: { lines: 2000, lost: 0 },
      last: 1999,
    });
    expect(numbers.length).toBeGreaterThan(600);
    numbers.forEach((number, i) => {
      expect(number).toBe(numbers[0]! + i);
    });
  });

  test("tells its last lines, and of a long one no more than fits", async () => {
    const log = open({ folder });
    expect(await open({ screen: false }).tail()).toBeUndefined();
    const texts = Array.from({ length: 3000 }, (_, i) => `line ${i} ${"x".repeat(90)}`);
    for (const text of texts) log.writeLine("info", text);
    await log.close();
    expect(await log.tail(2)).toEqual(linesIn(folder).slice(-2));
    const longest = (await log.tail(5000))!;
    expect(longest).toEqual(linesIn(folder).slice(-longest.length));
    expect(longest.join("\n").length).toBeLessThanOrEqual(64 * 1024);
    expect(longest.length).toBeGreaterThan(500);
  });

  test("hundreds in one process are ordinary", async () => {
    const logs = Array.from({ length: 400 }, (_, i) => open({ folder: join(folder, `peer-${i}`) }));
    for (let line = 0; line < 20; line++) for (const log of logs) log.writeLine("info", `line ${line}`);
    await Promise.all(logs.map((log) => log.close()));
    for (let i = 0; i < logs.length; i += 57) expect(linesIn(join(folder, `peer-${i}`))).toHaveLength(20);
    expect(warnings).toEqual([]);
  });

  test("a burst within one turn is written or counted as lost, and the gap is marked", async () => {
    const log = open({ folder });
    const line = "y".repeat(1000);
    for (let i = 0; i < 6000; i++) log.writeLine("info", line);
    expect(log.counters.lost).toBeGreaterThan(0);
    const { lost } = log.counters;
    await vi.waitFor(() => expect(linesIn(folder).length).toBe(6000 - lost));
    log.writeLine("info", "after");
    await log.close();
    expect(linesIn(folder).slice(-2)).toEqual([
      `${lost} lines are missing here: the disk was too slow`,
      "after",
    ]);
  });
});

describe("a file that cannot be written", () => {
  test("a full disk is one warning, and the node goes on", async () => {
    symlinkSync("/dev/full", join(folder, "outputfile.txt"));
    const log = open({ folder });
    for (let i = 0; i < 5000; i++) {
      log.writeLine("info", `line ${i} ${"z".repeat(100)}`);
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await log.close();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("ENOSPC");
    expect(log.counters.lost).toBeGreaterThan(0);
  });

  test("many nodes on one full disk are one warning", async () => {
    const logs = Array.from({ length: 20 }, (_, i) => {
      mkdirSync(join(folder, String(i)));
      symlinkSync("/dev/full", join(folder, String(i), "outputfile.txt"));
      return open({ folder: join(folder, String(i)) });
    });
    for (const log of logs) log.writeLine("info", "x");
    await Promise.all(logs.map((log) => log.close()));
    expect(warnings).toHaveLength(1);
  });

  test("a folder that cannot be made is one warning; the screen goes on", async () => {
    writeFileSync(join(folder, "a-file"), "");
    const screen = new FakeScreen(false);
    const log = open({ folder: join(folder, "a-file", "peer-1"), screen });
    log.writeLine("info", "hello");
    await log.close();
    expect(log.file).toBeUndefined();
    expect(warnings[0]).toContain("ENOTDIR");
    expect(screen.text).toBe("hello\n");
  });

  test("a folder that vanishes while the node runs does not stop it", async () => {
    const inner = join(folder, "inner");
    const log = open({ folder: inner, maxLogBytes: 64 * 1024, maxLogFiles: 2 });
    for (let i = 0; i < 2000; i++) {
      log.writeLine("info", "w".repeat(200));
      if (i === 200) rmSync(inner, { recursive: true });
      if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await log.close();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("ENOENT");
    expect(existsSync(inner)).toBe(false);
  });
});

describe("the screen", () => {
  test("shows the node's name before the line, in colour on a terminal", async () => {
    vi.stubEnv("NO_COLOR", "");
    vi.stubEnv("FORCE_COLOR", "");
    vi.stubEnv("TERM", "xterm");
    const screen = new FakeScreen(true);
    const log = open({ screen });
    log.writeLine("info", "calm", "peer-1");
    log.writeLine("warn", "alarm", "peer-1");
    await log.close();
    const [calm, alarm] = screen.text.split("\n");
    expect(calm).toMatch(/^.\[3\dmpeer-1.\[39m calm$/);
    expect(alarm).toContain("\x1b[33malarm\x1b[39m");
  });

  test.each([
    ["not a terminal", false, ""],
    ["NO_COLOR", true, "1"],
  ])("has no colours: %s", async (_why, isTTY, noColor) => {
    vi.stubEnv("NO_COLOR", noColor);
    vi.stubEnv("FORCE_COLOR", "");
    const screen = new FakeScreen(isTTY);
    const log = open({ screen });
    log.writeLine("warn", "alarm", "peer-1");
    await log.close();
    expect(screen.text).toBe("peer-1 alarm\n");
  });

  test("whose reader has gone does not stop the node", async () => {
    const screen = new FakeScreen(false);
    screen._write = (_chunk, _encoding, done: (error?: Error) => void) => done(new Error("EPIPE"));
    const log = open({ screen, folder });
    for (let i = 0; i < 3; i++) {
      log.writeLine("info", `line ${i}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    expect(linesIn(folder)).toEqual(["line 0", "line 1", "line 2"]);
  });
});

test("options are validated, naming option, value and rule", () => {
  expect(() => open({ folder, maxLogBytes: 10 })).toThrow("maxLogBytes: 10 is less than 65536");
  expect(() => open({ folder, file: "x" })).toThrow("either a file");
});
