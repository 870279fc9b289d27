import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import { Codec } from "./codec.ts";
import { frameKind } from "./frame.ts";
import {
  decodeHello,
  decodeHelloProof,
  encodeHello,
  encodeHelloProof,
  type Hello,
  helloCode,
  helloProofCode,
  maxHelloBytes,
  wireVersion,
} from "./hello.ts";
import { MalformedFrame, type MalformedReason } from "./malformed-frame.ts";
import { schema } from "./schema.ts";

const bodyOf = (frame: Uint8Array) => frame.subarray(4);
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const label = fc
  .string({ unit: "grapheme", maxLength: 64 })
  .filter((text) => text.length <= 64 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text));
const anyHello: fc.Arbitrary<Hello> = fc.record({
  type: fc.constant("hello"),
  version: fc.nat(2 ** 31 - 1),
  cluster: label,
  host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("localhost")),
  port: fc.integer({ min: 1, max: 65535 }),
  publicKey: exactly(32),
  token: fc.oneof(exactly(0), exactly(64)),
  challenge: fc.uint8Array({ minLength: 16, maxLength: 32 }),
  role: fc.constantFrom("seed", "peer"),
  name: label,
  profile: fc.constantFrom("", "modern"),
});
const hello: Hello = {
  type: "hello",
  version: wireVersion,
  cluster: "classic",
  host: "10.0.0.1",
  port: 9000,
  publicKey: new Uint8Array(32).fill(1),
  token: new Uint8Array(64).fill(2),
  challenge: new Uint8Array(16).fill(3),
  role: "peer",
  name: "Łódź 7",
  profile: "modern",
};

function reasonOf(decode: () => unknown): MalformedReason | "accepted" {
  try {
    decode();
    return "accepted";
  } catch (error) {
    if (error instanceof MalformedFrame) return error.reason;
    throw error;
  }
}

const reference = protobuf.parse(schema).root.lookupType("grapevine.Hello");
const forge = (changes: object) =>
  Uint8Array.of(helloCode, ...reference.encode({ ...hello, role: 2, ...changes }).finish());

describe("Hello", () => {
  test("comes back as it was, and so does the proof", () => {
    fc.assert(
      fc.property(anyHello, exactly(64), (original, signature) => {
        expect(decodeHello(bodyOf(encodeHello(original)))).toEqual(original);
        const proof = { type: "hello-proof", signature } as const;
        expect(decodeHelloProof(bodyOf(encodeHelloProof(proof)))).toEqual(proof);
      }),
    );
  });

  test("the kind tells them apart, and from messages", () => {
    const first = bodyOf(encodeHello(hello));
    const second = bodyOf(encodeHelloProof({ type: "hello-proof", signature: new Uint8Array(64) }));
    const ping = bodyOf(new Codec().encode({ layer: "overlay", body: { type: "reject" } }));
    expect([frameKind(first), frameKind(second)]).toEqual([helloCode, helloProofCode]);
    expect([helloCode, helloProofCode]).toEqual([1, 2]);
    expect(reasonOf(() => decodeHello(second))).toBe("unexpected-kind");
    expect(reasonOf(() => decodeHelloProof(first))).toBe("unexpected-kind");
    expect(reasonOf(() => decodeHello(ping))).toBe("unexpected-kind");
    expect(reasonOf(() => decodeHello(new Uint8Array(0)))).toBe("empty");
    expect(reasonOf(() => frameKind(new Uint8Array(0)))).toBe("empty");
  });

  test.each<[string, MalformedReason, object, object]>([
    ["cluster", "too-long", { cluster: "c".repeat(64) }, { cluster: "c".repeat(65) }],
    ["name", "too-long", { name: "n".repeat(64) }, { name: "n".repeat(65) }],
    ["a printable cluster", "bad-text", { cluster: "a b" }, { cluster: "a\nb" }],
    ["a name that does not turn the line around", "bad-text", { name: "שלום" }, { name: "a\u202eb" }],
    ["publicKey", "bad-length", {}, { publicKey: new Uint8Array(33) }],
    ["publicKey, shorter", "bad-length", {}, { publicKey: new Uint8Array(31) }],
    ["token", "bad-length", {}, { token: new Uint8Array(65) }],
    ["token, shorter", "bad-length", { token: new Uint8Array(0) }, { token: new Uint8Array(63) }],
    ["challenge", "bad-length", { challenge: new Uint8Array(32) }, { challenge: new Uint8Array(33) }],
    ["challenge, shorter", "bad-length", {}, { challenge: new Uint8Array(15) }],
    ["role", "bad-choice", { role: 1 }, { role: 3 }],
    ["a role at all", "bad-choice", { role: 2 }, { role: 0 }],
    ["host", "bad-contact", { host: "::" }, { host: "[::]" }],
    ["port", "bad-contact", { port: 65535 }, { port: 65536 }],
    ["a port at all", "bad-contact", { port: 1 }, { port: 0 }],
  ])("%s at its limit is taken, one over is %s", (_name, reason, good, bad) => {
    expect(reasonOf(() => decodeHello(forge(good)))).toBe("accepted");
    expect(reasonOf(() => decodeHello(forge(bad)))).toBe(reason);
    if ("role" in bad) return; // Numbers only on the wire.
    expect(() => encodeHello({ ...hello, ...bad } as Hello)).toThrow(UsageError);
  });

  test("a signature has 64 bytes", () => {
    for (const length of [0, 63, 65]) {
      const type = "hello-proof";
      expect(() => encodeHelloProof({ type, signature: new Uint8Array(length) })).toThrow(UsageError);
      const body = Uint8Array.of(
        helloProofCode,
        ...(length === 0 ? [] : [0x0a, length]),
        ...new Uint8Array(length),
      );
      expect(reasonOf(() => decodeHelloProof(body))).toBe("bad-length");
    }
  });

  test("the longest possible one fits into maxHelloBytes", () => {
    const longest: Hello = {
      ...hello,
      version: 2 ** 32 - 1,
      cluster: "€".repeat(64),
      name: "€".repeat(64),
      host: `${"a23456789.".repeat(25)}abc`,
      port: 65535,
      challenge: new Uint8Array(32),
    };
    expect(decodeHello(bodyOf(encodeHello(longest)))).toEqual(longest);
    const padded = new Uint8Array(maxHelloBytes + 1);
    padded[0] = helloCode;
    expect(reasonOf(() => decodeHello(padded))).toBe("too-long");
  });

  test("whatever the bytes, only MalformedFrame", () => {
    fc.assert(
      fc.property(
        anyHello,
        fc.nat(),
        fc.nat(7),
        fc.uint8Array({ maxLength: 300 }),
        (original, at, bit, noise) => {
          const body = Uint8Array.from(bodyOf(encodeHello(original)));
          body[at % body.length]! ^= 1 << bit;
          reasonOf(() => decodeHello(body));
          reasonOf(() => decodeHello(body.subarray(0, at % body.length)));
          reasonOf(() => decodeHello(Uint8Array.of(helloCode, ...noise)));
          reasonOf(() => decodeHelloProof(Uint8Array.of(helloProofCode, ...noise)));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
