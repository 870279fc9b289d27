import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressOf, formatContact, hostOf, identityOf, portOf } from "./contact.ts";

const id = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 40, maxLength: 40 });
const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().filter((address) => !address.includes("%")),
  fc.constantFrom("localhost", "node-1.example.org"),
);
const port = fc.integer({ min: 0, max: 65_535 });

describe("a contact", () => {
  test("gives back the id, host and port that it was made of", () => {
    fc.assert(
      fc.property(id, host, port, (ofId, ofHost, ofPort) => {
        const contact = formatContact(ofId, ofHost, ofPort);
        expect([identityOf(contact), hostOf(contact), portOf(contact)]).toEqual([ofId, ofHost, ofPort]);
        expect(contact).toBe(`${ofId}@${addressOf(contact)}`);
      }),
    );
  });

  test("writes an IPv6 address in brackets, and reads it without", () => {
    expect(formatContact("ab12", "::1", 9000)).toBe("ab12@[::1]:9000");
    expect(hostOf("ab12@[::1]:9000")).toBe("::1");
    expect(addressOf("ab12@[::1]:9000")).toBe("[::1]:9000");
    expect(portOf("ab12@[::1]:9000")).toBe(9000);
  });

  test("without an id stands for whoever answers there", () => {
    expect(formatContact("", "127.0.0.1", 8080)).toBe("@127.0.0.1:8080");
    expect(identityOf("@127.0.0.1:8080")).toBe("");
    expect(addressOf("@127.0.0.1:8080")).toBe("127.0.0.1:8080");
  });
});

describe("identity", () => {
  test("is the key and never the address: it stays when a node moves", () => {
    expect(identityOf("ab12@10.0.0.1:9000")).toBe(identityOf("ab12@[::1]:7"));
  });

  test("tells apart two nodes behind one address", () => {
    expect(identityOf("ab12@10.0.0.1:9000")).not.toBe(identityOf("cd34@10.0.0.1:9000"));
  });

  test("of a bare id is the id", () => {
    expect(identityOf("ab12")).toBe("ab12");
  });
});

test("a simulated node is its own identity and address, and has no port", () => {
  expect([identityOf(7), addressOf(7), hostOf(7), portOf(7)]).toEqual([7, "7", "7", 0]);
  expect([identityOf(-1), addressOf(-1)]).toEqual([-1, "-1"]);
});
