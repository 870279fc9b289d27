import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import {
  GossipSource,
  type GossipSourceCommand,
  type GossipSourceNotice,
  type GossipSourceOptions,
  type GossipSourceTimer,
  gossipText,
} from "./gossip-source.ts";

const self = "ab12@127.0.0.1:9001";
const neighborUp = { type: "neighbor-up", neighbor: "b", incarnation: 1 } as { type: string };

class Source extends Alone<never, GossipSourceTimer, GossipSourceNotice, GossipSourceCommand> {
  readonly source: GossipSource;

  constructor(options: Partial<GossipSourceOptions> = {}) {
    const source = new GossipSource({ name: "anna", options });
    super(self, source);
    this.source = source;
    this.start();
  }
  get texts(): unknown[] {
    return this.noticesOf("publish").flatMap(({ payloads }) => payloads);
  }
}

describe("generating", () => {
  test("begins with the first neighbor, at once", () => {
    const source = new Source().pass(60_000);
    expect(source.texts).toEqual([]);
    source.hear(neighborUp).pass(0);
    expect(source.texts).toEqual(["60000:127.0.0.1:0"]);
  });

  test("makes a message every 5 s until there are 10, and says that it has finished", () => {
    const source = new Source().hear(neighborUp).pass(600_000);
    expect(source.texts).toEqual(Array.from({ length: 10 }, (_, i) => `${i * 5000}:127.0.0.1:${i}`));
    expect(source.noticesOf("source-finished")).toEqual([{ type: "source-finished", messages: 10 }]);
    expect(source.source.generated).toBe(10);
  });

  test("is begun by one neighbor, however many come", () => {
    const source = new Source().hear(neighborUp).hear(neighborUp).hear(neighborUp).pass(44_999);
    expect(source.texts).toHaveLength(9);
    expect(source.pass(600_000).texts).toHaveLength(10);
  });

  test("goes on though the last neighbor is gone: the flood keeps the messages", () => {
    const source = new Source().hear(neighborUp).hear({ type: "neighbor-down" }).pass(600_000);
    expect(source.texts).toHaveLength(10);
  });

  test("waits for the command where the option says so", () => {
    const source = new Source({ waitsForCommand: true }).hear(neighborUp).pass(600_000);
    expect(source.texts).toEqual([]);
    source.command({ type: "begin" }).pass(0);
    expect(source.texts).toEqual(["600000:127.0.0.1:0"]);
    source.command({ type: "begin" }).pass(600_000);
    expect(source.texts).toHaveLength(10);
  });

  test("takes its interval and number from the options", () => {
    const source = new Source({ intervalMs: 100, messages: 3 }).hear(neighborUp).pass(60_000);
    expect(source.texts).toEqual(["0:127.0.0.1:0", "100:127.0.0.1:1", "200:127.0.0.1:2"]);
  });

  test("says its name in the texts that greet", () => {
    const source = new Source({ format: "hello", messages: 1 }).hear(neighborUp).pass(0);
    expect(source.texts).toEqual(["[1970-01-01 00->00.00]:127.0.0.1: Message 0 [Hello from anna]"]);
  });

  test("may be switched off", () => {
    const source = new Source({ messages: 0 }).hear(neighborUp).command({ type: "begin" }).pass(60_000);
    expect(source.effects).toEqual([]);
  });

  test("ends when the peer leaves", () => {
    const source = new Source().hear(neighborUp).pass(12_000).hear({ type: "left" }).pass(600_000);
    expect(source.texts).toHaveLength(3);
  });
});

describe("the texts", () => {
  const at = Date.UTC(2026, 1, 26, 19, 39, 24, 987);

  test("stamp: time, host and number", () => {
    expect(gossipText("stamp", self, "anna", at, 3)).toBe(`${at}:127.0.0.1:3`);
  });

  test("hello: date and time in UTC, host, number and name", () => {
    expect(gossipText("hello", self, "anna", at, 3)).toBe(
      "[2026-02-26 19->39.24]:127.0.0.1: Message 3 [Hello from anna]",
    );
  });

  test("keep two digits each", () => {
    const early = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(gossipText("hello", self, "anna", early, 0)).toContain("[2026-01-02 03->04.05]");
  });

  test("name an IPv6 host in brackets, and a simulated node by its number", () => {
    expect(gossipText("stamp", "ab@[::1]:9", "anna", 1, 0)).toBe("1:[::1]:0");
    expect(gossipText("stamp", 7, "anna", 1, 0)).toBe("1:7:0");
  });
});
