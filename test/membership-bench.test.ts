/** What `npm run bench:membership` reads from programs that it starts, from lines that they have printed. */
import { describe, expect, test } from "vitest";
import { addressIn, Lines, payloadIn, serfNews, traceNews } from "../bench/membership/parsing.mjs";
import { median, ratio } from "../bench/membership/report.mjs";
import { traceEvent } from "../src/core/index.ts";

describe("the log of a Serf agent", () => {
  test.each([
    ["    2026/11/21 17:23:07 [INFO] serf: EventMemberJoin: n2 127.0.0.3", { type: "up", about: "n2" }],
    [
      "    2026/11/21 17:23:13 [INFO] memberlist: Suspect n2 has failed, no acks received",
      { type: "doubted", about: "n2" },
    ],
    ["    2026/11/21 17:23:17 [INFO] serf: EventMemberFailed: n2 127.0.0.3", { type: "failed", about: "n2" }],
  ])("tells %s", (line, news) => {
    expect(serfNews(line)).toEqual(news);
  });

  test.each([
    "    2026/11/21 17:23:08 [INFO] agent: Received event: member-join",
    "    2026/11/21 17:23:17 [INFO] memberlist: Marking n2 as failed, suspect timeout reached (0 peer confirmations)",
    "    2026/11/21 17:23:23 [WARN] memberlist: Refuting a suspect message (from: n1)",
    "    2026/11/21 17:23:25 [INFO] serf: EventMemberLeave: n2 127.0.0.3",
    "                      Node name: 'n0'",
  ])("tells a verdict once, and nothing by: %s", (line) => {
    expect(serfNews(line)).toBeUndefined();
  });
});

describe("our trace", () => {
  const peer = "3c4d@127.0.0.2:9000";
  const line = (layer: string, notice: { type: string; peer: string }) =>
    JSON.stringify(traceEvent(1772131164010, "1a2b@127.0.0.1:9000", layer, notice));

  test("tells who came, whose probes failed and who was given up, and when", () => {
    const told = (type: string) => traceNews(line("membership", { type, peer }));
    const common = { at: 1772131164010, about: "127.0.0.2:9000" };
    expect(told("member-up")).toEqual({ ...common, type: "up" });
    expect(told("probe-failed")).toEqual({ ...common, type: "doubted" });
    expect(told("member-failed")).toEqual({ ...common, type: "failed" });
  });

  test("of other layers, and of what is no verdict, says nothing", () => {
    expect(traceNews(line("heartbeat", { type: "member-failed", peer }))).toBeUndefined();
    expect(traceNews(line("membership", { type: "member-suspected", peer }))).toBeUndefined();
  });

  test("an address is what follows the id", () => {
    expect(addressIn("1a2b@127.0.0.1:9000")).toBe("127.0.0.1:9000");
    expect(addressIn("127.0.0.1:9000")).toBe("127.0.0.1:9000");
  });
});

test("lines are whole, wherever the chunks of the text end", () => {
  const lines = new Lines();
  expect(lines.push("one\ntw")).toEqual(["one"]);
  expect(lines.push("o")).toEqual([]);
  expect(lines.push("\n\nfour\n")).toEqual(["two", "", "four"]);
});

test("payload is what the kernel counted without headers: 2000 datagrams of 58 bytes, and 14 segments", () => {
  const printed = `class htb 1:6 root prio 0 rate 10Gbit ceil 10Gbit burst 0b cburst 0b 
 Sent 20796 bytes 14 pkt (dropped 0, overlimits 2 requeues 0) 
 backlog 0b 0p requeues 0

class htb 1:17 root prio 0 rate 10Gbit ceil 10Gbit burst 0b cburst 0b 
 Sent 200000 bytes 2000 pkt (dropped 0, overlimits 0 requeues 0) 
`;
  expect(payloadIn(printed, { udp: "1:17", tcp: "1:6" })).toEqual({
    udp: { bytes: 2000 * 58, packets: 2000 },
    tcp: { bytes: 20796 - 14 * 54, packets: 14 },
  });
  expect(() => payloadIn(printed, { udp: "1:1", tcp: "1:6" })).toThrow("no class 1:1");
});

test("a ratio is ours to theirs, with one on the side of the lesser", () => {
  expect(ratio(2, 5)).toBe("1 : 2.5");
  expect(ratio(5, 2)).toBe("2.5 : 1");
  expect(ratio(5, undefined)).toBe("-");
  expect(median([3, undefined, 1, 2])).toBe(2);
  expect(median([])).toBeUndefined();
});
