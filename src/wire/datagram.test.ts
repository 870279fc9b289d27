import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  challengeBytes,
  controlBytes,
  counterOfSealed,
  datagramCodes,
  decodeChallenge,
  decodeControl,
  decodeGreeting,
  encodeChallenge,
  encodeControl,
  encodeGreeting,
  encodeSessionKeyStatement,
  encodeUnknown,
  forEachFrame,
  type Greeting,
  greetingBytes,
  minSealedBytes,
  sealBytes,
  sealedHeaderBytes,
  sessionOfSealed,
  writeSealedHeader,
} from "./datagram.ts";
import { MalformedFrame } from "./malformed-frame.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const session = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const advertised = fc.constantFrom(
  "",
  "10.0.0.1:9000",
  "[fe80::1]:1",
  "a.example:65535",
  `${"a.".repeat(120)}b:1`,
);

const greeting: fc.Arbitrary<Greeting> = fc
  .record({
    type: fc.constantFrom("hello" as const, "welcome" as const),
    answers: session,
    session,
    cluster: bytes(8),
    nonce: bytes(16),
    publicKey: bytes(32),
    token: fc.oneof(fc.constant(new Uint8Array(0)), bytes(64)),
    sessionKey: bytes(32),
    sessionKeyMadeAt: uint48,
    signature: bytes(64),
    advertised,
    proof: bytes(16),
  })
  .filter(({ token }) => token.length === 0 || token.some((byte) => byte !== 0))
  .map((all) => (all.type === "hello" ? { ...all, answers: 0 } : all));

const example: Greeting = {
  type: "hello",
  answers: 0,
  session: 7,
  cluster: new Uint8Array(8).fill(1),
  nonce: new Uint8Array(16).fill(2),
  publicKey: new Uint8Array(32).fill(3),
  token: new Uint8Array(0),
  sessionKey: new Uint8Array(32).fill(4),
  sessionKeyMadeAt: 1_700_000_000_000,
  signature: new Uint8Array(64).fill(5),
  advertised: "10.0.0.1:9000",
  proof: new Uint8Array(16).fill(6),
};

/** What it throws, if it throws. */
function reasonOf(step: () => unknown): string | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (error instanceof MalformedFrame) return error.reason;
    throw error;
  }
}

describe("datagrams", () => {
  test("a greeting comes back as it was", () => {
    fc.assert(
      fc.property(greeting, (one) => {
        const encoded = encodeGreeting(one);
        expect(encoded.length).toBe(greetingBytes);
        expect(decodeGreeting(encoded)).toEqual(one);
      }),
    );
  });

  test("no answer to a datagram is longer than it", () => {
    expect(challengeBytes).toBeLessThan(greetingBytes);
    expect(sealedHeaderBytes).toBeLessThan(minSealedBytes);
    expect(sealedHeaderBytes + controlBytes + sealBytes).toBe(minSealedBytes);
  });

  test("whatever bytes come, a reader returns what can be written again, or throws MalformedFrame", () => {
    const readers = [
      (input: Uint8Array) => encodeGreeting(decodeGreeting(input)),
      (input: Uint8Array) => encodeChallenge(decodeChallenge(input)),
      (input: Uint8Array) => encodeControl(decodeControl(input)),
    ];
    const valid = [encodeGreeting(example), encodeGreeting({ ...example, type: "welcome", answers: 9 })];
    const mutated = fc
      .tuple(
        fc.constantFrom(...valid),
        fc.array(fc.tuple(fc.nat(greetingBytes - 1), fc.nat(255)), { maxLength: 4 }),
      )
      .map(([original, changes]) => {
        const copy = original.slice();
        for (const [at, byte] of changes) copy[at] = byte;
        return copy;
      });
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      bytes(greetingBytes),
      bytes(challengeBytes),
      bytes(5),
      mutated,
    );
    let read = 0;
    fc.assert(
      fc.property(input, (one) => {
        for (const reader of readers) {
          if (reasonOf(() => expect(reader(one)).toEqual(one)) === undefined) read++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test.each([
    ["a length that is not that of a greeting", (bytes: Uint8Array) => bytes.slice(0, -1), "bad-length"],
    ["another version", (bytes: Uint8Array) => changed(bytes, 1, 2), "bad-choice"],
    ["a session of 0", (bytes: Uint8Array) => changed(bytes, 9, 0), "bad-number"],
    ["a hello that answers", (bytes: Uint8Array) => changed(bytes, 5, 1), "bad-number"],
    [
      "an address that is longer than its place",
      (bytes: Uint8Array) => changed(bytes, 232, 0xff),
      "too-long",
    ],
    ["an address that is none", (bytes: Uint8Array) => changed(bytes, 234, 0x20), "bad-contact"],
    ["something hidden behind the address", (bytes: Uint8Array) => changed(bytes, 490, 1), "bad-encoding"],
  ])("refused: %s", (_what, change, reason) => {
    expect(reasonOf(() => decodeGreeting(change(encodeGreeting(example))))).toBe(reason);
  });

  test.each(["10.0.0.1:0", "10.0.0.1:09", "10.0.0.1:65536", "10.0.0.1", "::1:9", "[10.0.0.1]:9", "a b:9"])(
    "%s is advertised by nobody",
    (address) => {
      expect(reasonOf(() => encodeGreeting({ ...example, advertised: address }))).toBe("bad-contact");
    },
  );

  test("header, session and counter are where the tables say", () => {
    const header = new Uint8Array(sealedHeaderBytes);
    writeSealedHeader(header, datagramCodes.sealed, 0xfedc_ba98, 0x1234_5678_9abc);
    expect(Buffer.from(header).toString("hex")).toBe("04fedcba98123456789abc");
    expect(sessionOfSealed(header)).toBe(0xfedc_ba98);
    expect(counterOfSealed(header)).toBe(0x1234_5678_9abc);
    expect(Buffer.from(encodeUnknown(header)).toString("hex")).toBe("06fedcba98123456789abc");
  });

  test("the bytes that an identity signs stay what they are", () => {
    const statement = encodeSessionKeyStatement(example);
    expect(Buffer.from(statement.subarray(0, 25)).toString()).toBe("grapevine datagram-key 1\n");
    expect(Buffer.from(statement.subarray(25)).toString("hex")).toBe(
      `${"01".repeat(8)}018bcfe56800${"04".repeat(32)}`,
    );
  });

  test("frames that were sealed together come out one by one", () => {
    const plain = Buffer.from("00000001aa00000002bbcc", "hex");
    const bodies: string[] = [];
    forEachFrame(plain, (body) => bodies.push(Buffer.from(body).toString("hex")));
    expect(bodies).toEqual(["aa", "bbcc"]);
  });

  test.each([
    ["000000", "bad-encoding"],
    ["00000000", "empty"],
    ["00000002aa", "too-long"],
    ["ffffffff", "too-long"],
  ])("frames that do not fit their datagram are refused: %s", (hex, reason) => {
    expect(reasonOf(() => forEachFrame(Buffer.from(hex, "hex"), () => {}))).toBe(reason);
  });
});

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}
