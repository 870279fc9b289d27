/** `grapevine up` as people run it, and what it says to those who ask for what cannot be. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { endPrograms, jsonOf, type RunOptions, run, start } from "../support/program.ts";

let base: string;
let inBase: RunOptions;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "grapevine-up-"));
  inBase = { cwd: base, env: { XDG_RUNTIME_DIR: base } };
});
afterEach(async () => {
  await endPrograms();
  rmSync(base, { recursive: true, force: true });
});

const once = "up --seeds 3 --peers 10 --messages 3 --interval 100ms --once --json --no-output".split(" ");

describe("one run with one result", () => {
  test("is a JSON object with all figures: every message of every peer has reached every other, once", async () => {
    const outcome = await run(once, inBase);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    const report = jsonOf(outcome);
    const time = expect.toSatisfy((ms) => Number.isInteger(ms) && ms >= 0 && ms < 30_000);
    expect(report).toEqual({
      seeds: 3,
      peers: 10,
      messages: 30,
      deliveries: 30 * 9,
      expected: 30 * 9,
      ratio: 1,
      deliveredTwice: 0,
      latencyMs: { p50: time, p99: time, max: time },
      sends: expect.any(Number),
      sendsPerDelivery: Number((report.sends / 270).toFixed(3)),
      linksUsedTwice: 0,
      linksCrossed: expect.any(Number),
      degrees: {
        law: "power-law",
        min: expect.any(Number),
        mean: expect.any(Number),
        max: expect.any(Number),
        links: expect.any(Number),
        histogram: expect.any(Array),
        fit: { best: expect.any(String), verdict: expect.any(String), logLikelihood: expect.any(Object) },
      },
      connected: true,
      startMs: time,
      memoryPerPeerKiB: expect.any(Number),
    });
    const { latencyMs, degrees, sends, startMs } = report;
    expect(startMs).toBeGreaterThan(0);
    expect(sends, "nobody gets a message without somebody sending it").toBeGreaterThanOrEqual(270);
    expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p99);
    expect(latencyMs.p99).toBeLessThanOrEqual(latencyMs.max);
    const histogram: number[] = degrees.histogram;
    expect(histogram.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(histogram.reduce((sum, count, degree) => sum + count * degree, 0)).toBe(2 * degrees.links);
    expect(histogram.findIndex((count) => count > 0)).toBe(degrees.min);
    expect(histogram.length - 1).toBe(degrees.max);
    expect(degrees.mean).toBeCloseTo((2 * degrees.links) / 10, 2);
    expect(existsSync(join(base, "grapevine-output"))).toBe(false);
  });

  test("holds under --plaintext as well", async () => {
    const outcome = await run([...once, "--plaintext"], inBase);
    expect(outcome.code).toBe(0);
    expect(jsonOf(outcome)).toMatchObject({ deliveries: 270, ratio: 1, connected: true, linksUsedTwice: 0 });
  });

  test("that Ctrl+C ends before all was said does not pass for a success", async () => {
    const slow = "up --seeds 1 --peers 4 --messages 2 --interval 60s --once --no-output".split(" ");
    const program = start(slow, inBase);
    await program.said(/control API and metrics at/);
    program.signal("SIGINT");
    expect((await program.end(5000)).code).toBe(130);
  });
});

/** What is said to somebody who connects to that port and says `greeting`. */
function knock(port: number, greeting: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => socket.write(greeting));
    socket.once("data", (bytes) => {
      resolve(bytes);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

describe("a network that runs until Ctrl+C", () => {
  const tlsAlert = 0x15;

  test.each([
    [[], "TLS 1.3, both sides authenticated"],
    [["--plaintext"], "plaintext"],
  ])("with %j ends with code 0 within 5 s, and leaves nothing behind", async (more, security) => {
    const small = "up --seeds 2 --peers 6 --messages 1 --interval 100ms --no-output".split(" ");
    const program = start([...small, ...more], inBase);
    const [, ports] = await program.said(/seeds at (\d+, \d+)$/m);
    await program.said(/The network goes on until Ctrl\+C/);
    expect(program.text).toContain(`Grapevine: 2 seeds and 6 peers on 127.0.0.1, ${security}\n`);
    expect(program.text).toContain("every message reached every peer: 30 of 30 deliveries of 6 messages");
    expect(readdirSync(join(base, "grapevine"))).toEqual([`${program.pid}.json`]);
    expect(jsonOf(await run(["status", "--json"], inBase)).process.pid).toBe(program.pid);
    const port = Number(ports!.split(", ")[0]);
    const answer = await knock(port, "GET / HTTP/1.1\r\n\r\n");
    // A plaintext hello can be read by anybody; a TLS node says nothing but that this is no TLS.
    if (more.length === 0) expect(answer[0]).toBe(tlsAlert);
    else expect(answer.toString("latin1")).toContain("seed-1");

    program.signal("SIGINT");
    expect(await program.end(5000)).toMatchObject({ code: 0, stderr: "" });
    expect(program.hasProcesses).toBe(false);
    expect(readdirSync(join(base, "grapevine"))).toEqual([]);
    await expect(knock(port, "")).rejects.toThrow("ECONNREFUSED");
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends at once by %s while it forms", async (signal) => {
    const program = start("up --seeds 2 --peers 400 --no-output".split(" "), inBase);
    await program.said(/^registered \d+\/400 /m);
    program.signal(signal);
    expect((await program.end(5000)).code).toBe(130);
    expect(program.hasProcesses).toBe(false);
    expect(program.text).not.toContain("Grapevine:");
    expect(existsSync(join(base, "grapevine"))).toBe(false);
  });
});

describe("outputfile.txt", () => {
  const local = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`;
  const peer = String.raw`[0-9a-f]{8}@127\.0\.0\.1:\d+`;
  const lineOf = (text: string) => new RegExp(`^${local} ${text}$`);

  type LogOf = (name: string) => string[];

  /** The logs of a network that has run until `isEnough`. */
  async function logsOf(more: readonly string[], isEnough: (logOf: LogOf) => boolean): Promise<LogOf> {
    const few = "up --seeds 2 --peers 4 --interval 100ms --sync-interval 200ms --output-dir out".split(" ");
    const program = start([...few, ...more], inBase);
    const logOf: LogOf = (name) =>
      readFileSync(join(base, "out", name, "outputfile.txt"), "utf8")
        .trimEnd()
        .split("\n");
    await program.said(/every message reached every peer/);
    await vi.waitFor(() => expect(isEnough(logOf)).toBe(true), { timeout: 20_000, interval: 50 });
    program.signal("SIGINT");
    expect(await program.end()).toMatchObject({ code: 0, stderr: "" });
    const names = ["peer-1", "peer-2", "peer-3", "peer-4", "seed-1", "seed-2"];
    expect(readdirSync(join(base, "out")).sort()).toEqual(names);
    return logOf;
  }

  function expectLines(lines: readonly string[], texts: readonly string[]): void {
    for (const text of texts) {
      const pattern = lineOf(text);
      expect(
        lines.some((line) => pattern.test(line)),
        `${pattern} in:\n${lines.join("\n")}`,
      ).toBe(true);
    }
  }

  test("has what the documents list, for a seed and for a peer, with the stamped texts", async () => {
    const agreed = lineOf(
      String.raw`Agreed with seed (${peer}|127\.0\.0\.1:\d+): both lists have the same 4 peers`,
    );
    const agrees = (lines: string[]) => lines.some((line) => agreed.test(line));
    const logOf = await logsOf(
      ["--messages", "2"],
      (logOf) => agrees(logOf("seed-1")) || agrees(logOf("seed-2")),
    );
    expectLines(logOf("seed-1"), [
      String.raw`seed-1, a seed, listens as [0-9a-f]{40}@127\.0\.0\.1:\d+`,
      `Registration requested by ${peer}`,
      `Registered ${peer}; the list has \\d peers?`,
      `List handed out to ${peer}: \\d of \\d peers?`,
      "Stopped: closed",
    ]);
    const lines = logOf("peer-1");
    expectLines(lines, [
      String.raw`peer-1, a peer, listens as [0-9a-f]{40}@127\.0\.0\.1:\d+`,
      String.raw`Registering with seed 127\.0\.0\.1:\d+`,
      String.raw`Registered with seed 127\.0\.0\.1:\d+, 2 of 2 needed; its list has \d peers?`,
      String.raw`Peer list from seed 127\.0\.0\.1:\d+: (empty|${peer}(, ${peer})*)`,
      `Link up: ${peer}`,
      String.raw`Gossip generated, message 1: \d{13}:127\.0\.0\.1:1`,
      `Own gossip forwarded, message 1: to ${peer}(, ${peer})*`,
    ]);
    // Every first receipt, with the neighbor that it came from, and nothing twice.
    const receipts = lines.filter((line) => line.includes(" Gossip from "));
    const receipt = lineOf(
      String.raw`Gossip from ${peer}, message [01] of (${peer}): (\d{13}:127\.0\.0\.1:[01])`,
    );
    const heard = receipts.map((line) => receipt.exec(line)?.slice(1).join(" "));
    expect(new Set(heard).size).toBe(3 * 2);
    expect(receipts).toHaveLength(3 * 2);
    expect(lines.join("\n"), "pings are listed only if one asks for them").not.toContain("PING");
  });

  test("has the other document's texts with --format hello, and pings with --pings", async () => {
    const more = ["--format", "hello", "--pings", "--ping-interval", "500ms", "--messages", "6"];
    const logOf = await logsOf(more, (logOf) => logOf("peer-2").some((line) => line.includes("PING_REPLY")));
    const lines = logOf("peer-2");
    const when = String.raw`\[\d{4}-\d\d-\d\d \d\d->\d\d\.\d\d\]`;
    expectLines(lines, [
      String.raw`Gossip generated, message 0: ${when}:127\.0\.0\.1: Message 0 \[Hello from peer-2\]`,
      String.raw`Gossip from ${peer}, message 5 of ${peer}: ${when}:127\.0\.0\.1: Message 5 \[Hello from peer-[134]\]`,
      `PING to ${peer}`,
      `PING_REPLY from ${peer} after \\d+ ms`,
    ]);
    expect(lines.join("\n")).not.toMatch(/\d{13}:127/);
  });
});

describe("what cannot be is refused in one line, with code 2", () => {
  const refusals: [command: string, text: string | RegExp][] = [
    ["up --peers many", '--peers: "many" is not a whole number between 0 and 100000'],
    ["up --seeds 0", '--seeds: "0" is not a whole number between 1 and 1000'],
    ["up --interval soon", '--interval: "soon" is no duration; write 200ms, 5s, 2m or 1h'],
    ["up --ping-interval 0ms", "--ping-interval: 0 is less than 20"],
    ["up --exponent 0.5", "--exponent: 0.5 is less than 1.01"],
    ["up --min-degree 2.5", "--min-degree: 2.5 is not an integer"],
    ["up --law chance", '--law: "chance" is not one of power-law, seed-exponential, preferential, uniform'],
    ["up --format song", /^--format: "song" is not one of /],
    ["up --config missing.yml", "--config: cannot read missing.yml (ENOENT)"],
    [
      "up --config slip.yml",
      /^slip\.yml:3: no option "ping-intervall" in heartbeat; there are ping-interval, /,
    ],
    ["up --config wrong.yml", /^wrong\.yml:2: --misses: 0 is less than 1$/],
    ["drill nothing --json", /^drill: there is no "nothing"; there are crash, hang, late-join, /],
    ["drill crash --peers 1", '--peers: "1" is not a whole number between 4 and 2000'],
    ["peer", /^folder: missing; make one with `grapevine cluster create DIR` and /],
    ["peer nowhere", /^nowhere: there is no such folder; make it /],
    ["seed --plaintext", "--listen: missing; a seed listens on one address of config.txt: 127.0.0.1:8080"],
    [
      "seed --plaintext --network missing.txt --listen 127.0.0.1:8080",
      /^missing\.txt: cannot be read \(ENOENT\)/,
    ],
    [
      "peer --plaintext --network slip.txt",
      'slip.txt:4: "10.0.0.1" is not IP:port; write for example 127.0.0.1:8080 or [::1]:8080',
    ],
    ["peer --plaintext --network twins.txt", /^twins\.txt:2: 127\.0\.0\.1:8080 is listed twice; remove one/],
    ["peer --plaintext --network empty.txt", /^empty\.txt: no seed in it; write one per line/],
    ["cluster create net --seeds 10.0.0.1:99999", /^--seeds: port 99999 is not between 1 and 65535/],
    ["cluster add nowhere alice", /^nowhere\/ca\.crt: /],
  ];

  test("naming the option or the place, what is there, and what should be", async () => {
    writeFileSync(join(base, "config.txt"), "127.0.0.1:8080\n");
    writeFileSync(join(base, "slip.txt"), "# seeds\n\n127.0.0.1:8080 # the first\n10.0.0.1\n");
    writeFileSync(join(base, "twins.txt"), "127.0.0.1:8080\n127.0.0.1:8080\n");
    writeFileSync(join(base, "empty.txt"), "# none yet\n\n");
    writeFileSync(join(base, "slip.yml"), "# times\nheartbeat:\n  ping-intervall: 1s\n");
    writeFileSync(join(base, "wrong.yml"), "heartbeat:\n  misses: 0\n");
    const before = readdirSync(base);
    const waiting = [...refusals];
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [command, text] = next;
        const { code, stdout, stderr } = await run(command.split(" "), inBase);
        const [, said] = /^grapevine: (.*)\n$/.exec(stderr) ?? [];
        const expected = typeof text === "string" ? text : expect.stringMatching(text);
        expect({ said, code, stdout }, `${command}: ${stderr}`).toEqual({
          said: expected,
          code: 2,
          stdout: "",
        });
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(readdirSync(base), "nothing was begun").toEqual(before);
  });

  test("an option or command that does not exist, with what may have been meant", async () => {
    const outcomes = await Promise.all(
      [["up", "--peer", "5"], ["upp"], ["publish"]].map((args) => run(args, inBase)),
    );
    const texts = [
      "unknown option '--peer'\n(Did you mean --peers?)",
      "unknown command 'upp'",
      "missing required argument 'text'",
    ];
    outcomes.forEach(({ code, stderr }, i) => {
      expect(stderr).toContain(`error: ${texts[i]}`);
      expect(code).toBe(2);
    });
  });

  test("a law whose links this process has no descriptors for: the figure, the limit, and what would do", async () => {
    // The limit is the shell's, so that the test does not depend on the machine's.
    const limited = { ...inBase, within: ["sh", "-c", 'ulimit -n 1024 && exec "$@"', "sh"] };
    const command = "up --peers 3000 --law seed-exponential --plaintext".split(" ");
    const { code, stdout, stderr } = await run(command, limited);
    const [, needed, limit] =
      /^grapevine: peers: 3000 peers under --law seed-exponential need about (\d+) file descriptors in one process, the limit is (\d+); take fewer peers, .*\n$/.exec(
        stderr,
      ) ?? [];
    expect(limit, stderr).toBe("1024");
    // The report's formula wants 25.2 links of each peer of a large network.
    expect(Number(needed)).toBeGreaterThan(3000 * 25);
    expect(code).toBe(2);
    expect(stdout).toBe("");
  });
});
