import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ContactTable, contactFields, contactOf, idBytes } from "./contact-table.ts";
import { isHost } from "./host.ts";

const id = new Uint8Array(idBytes).fill(7);

describe("contacts", () => {
  test("with an id, and for whoever answers there", () => {
    const hex = "07".repeat(20);
    for (const [contact, fields] of [
      [`${hex}@10.0.0.1:9000`, { id, host: "10.0.0.1", port: 9000 }],
      [`${hex}@[::1]:1`, { id, host: "::1", port: 1 }],
      ["@seed.example:65535", { id: new Uint8Array(0), host: "seed.example", port: 65535 }],
    ] as const) {
      expect(contactFields(contact)).toEqual(fields);
      expect(contactOf(fields)).toBe(contact);
    }
  });

  test("hosts are addresses or names", () => {
    const good = [
      ...[
        "0.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "1::",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
      ],
      ...[
        "::ffff:1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "FE80::ABCD",
        "a",
        "localhost",
        "1a",
        "a-b.c_d",
        "xn--bcher-kva.example",
      ],
    ];
    const bad = [
      ...[
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.256",
        "host.1",
        ":",
        ":::",
        "1:2",
        "1:2:3:4:5:6:7:8:9",
      ],
      ...[
        "1:2:3:4:5:6:7:8::",
        "::1::",
        "12345::",
        "::g",
        "::1.2.3.256",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
      ],
      ...[
        "fe80::1%1",
        "[::1]",
        "a:1",
        "-a",
        "a-",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a/b",
        "a@b",
        "é",
        "a\n",
        "x".repeat(64),
      ],
    ];
    expect(good.filter((host) => !isHost(host))).toEqual([]);
    expect(bad.filter(isHost)).toEqual([]);
  });

  test("every address of fast-check is one", () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), isHost), { numRuns: 1000 });
  });
});

describe("ContactTable", () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 70 });

  test("finds what it was told last for exactly these bytes, or nothing", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 60 }), fc.nat(9), (keys, offset) => {
        const table = new ContactTable(8); // So few that they meet.
        const told = new Map<string, string>();
        keys.forEach((key, i) => {
          const buffer = new Uint8Array(offset + key.length + 3).fill(i);
          buffer.set(key, offset);
          table.remember(buffer, offset, offset + key.length, `contact ${i}`);
          told.set(key.join(), `contact ${i}`);
          buffer.fill(0);
        });
        for (const key of keys) {
          const found = table.find(key, 0, key.length);
          expect([undefined, told.get(key.join())]).toContain(found);
        }
      }),
    );
  });

  test("remembers contacts of the usual length, and gives the same text for them", () => {
    const table = new ContactTable(8);
    const key = new Uint8Array(36).fill(1);
    const contact = ["a", "b"].join("@");
    table.remember(key, 0, 36, contact);
    expect(table.find(Uint8Array.from(key), 0, 36)).toBe(contact);
    key[20] = 2;
    expect(table.find(key, 0, 36)).toBeUndefined();
  });

  test("never keeps more bytes than it has slots", () => {
    const table = new ContactTable(4);
    let encoded = 0;
    const encode = () => {
      encoded++;
      return id;
    };
    for (let i = 0; i < 4; i++) table.bytesOf(`${i}`, encode);
    for (let i = 0; i < 4; i++) table.bytesOf(`${i}`, encode);
    expect(encoded).toBe(4);
    table.bytesOf("one more", encode);
    table.bytesOf("0", encode);
    expect(encoded).toBe(6);
  });
});
