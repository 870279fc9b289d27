import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bitAt,
  bytesOfKey,
  compareAround,
  compareUp,
  compareXor,
  digitAt,
  distanceAround,
  distanceUp,
  fractionOf,
  isBetween,
  isKey,
  isWithin,
  type Key,
  keyBits,
  keyBytes,
  keyedNode,
  keyFromBytes,
  keyFromNumber,
  keyOfName,
  keyToNumber,
  plusPowerOfTwo,
  randomKey,
  sharedBits,
  sharedDigits,
  xorOf,
} from "./keys.ts";
import { seededRandom } from "./random.ts";

const ring = 1n << 160n;
const modulo = (number: bigint) => ((number % ring) + ring) % ring;
const least = (a: bigint, b: bigint) => (a < b ? a : b);
const numberAround = (a: bigint, b: bigint) => least(modulo(a - b), modulo(b - a));

const number = fc.bigInt({ min: 0n, max: ring - 1n });
const anyKey = number.map(keyFromNumber);

/**
 * Keys that are hard to tell apart: equal, next to each other, opposite, mirrored about the first, or different in one
 * bit. Three independent keys differ in their first digits, and would never try the rest.
 */
const keys: fc.Arbitrary<[Key, Key, Key]> = fc
  .tuple(number, relative(), relative())
  .map(
    ([first, second, third]) => [first, second(first), third(first)].map(keyFromNumber) as [Key, Key, Key],
  );

function relative(): fc.Arbitrary<(first: bigint) => bigint> {
  const step = fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -(1n << 115n), max: 1n << 115n }));
  return fc.oneof(
    number.map((other) => () => other),
    step.map((by) => (first: bigint) => first + by),
    step.map((by) => (first: bigint) => first + (ring >> 1n) + by),
    fc.nat({ max: 159 }).map((place) => (first: bigint) => first ^ (1n << BigInt(place))),
  );
}

function signOf(value: bigint | number): number {
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

describe("a key", () => {
  test("of a name is the first 160 bits of its SHA-256, as texts and as bytes", () => {
    expect(keyOfName("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4");
    expect(keyOfName("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a3");
    expect(keyOfName(Uint8Array.of(0x61, 0x62, 0x63))).toBe(keyOfName("abc"));
    // UTF-8: one letter, two bytes.
    expect(keyOfName("é")).toBe(keyOfName(Uint8Array.of(0xc3, 0xa9)));
  });

  test("of a live node is its identity, wherever it listens", () => {
    const key = keyOfName("a public key");
    expect(keyedNode(`${key}@127.0.0.1:4000`)).toEqual({ node: `${key}@127.0.0.1:4000`, key });
  });

  test("comes back from its bytes and from its number", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(bytesOfKey(key)).toHaveLength(keyBytes);
        expect(keyFromBytes(bytesOfKey(key))).toBe(key);
        expect(keyFromNumber(keyToNumber(key))).toBe(key);
        expect(isKey(key)).toBe(true);
      }),
    );
  });

  test("compares as the number that it is", () => {
    fc.assert(fc.property(keys, ([a, b]) => a < b === keyToNumber(a) < keyToNumber(b)));
  });

  test("is 40 lower-case hexadecimal digits and nothing else", () => {
    const key = "0123456789abcdef0123456789abcdef01234567";
    expect(isKey(key)).toBe(true);
    for (const text of ["", key.slice(1), `${key}0`, key.toUpperCase(), `${key}\n`, key.replace("0", "g")])
      expect(isKey(text), JSON.stringify(text)).toBe(false);
  });

  test("has the largest and the smallest number at the ends of the ring", () => {
    expect(keyFromNumber(0n)).toBe("0".repeat(40));
    expect(keyFromNumber(-1n)).toBe("f".repeat(40));
    expect(keyFromNumber(ring + 5n)).toBe(keyFromNumber(5n));
  });

  test("drawn at random is uniform, and the same again with the same die", () => {
    const random = seededRandom(1);
    const counts = new Array<number>(16).fill(0);
    const places = 40;
    for (let i = 0; i < 4000; i++) {
      const key = randomKey(random);
      expect(isKey(key)).toBe(true);
      for (let place = 0; place < places; place++) counts[digitAt(key, place, 4)]!++;
    }
    // 10,000 of each digit, give or take four standard deviations.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(4 * 97);
    expect(randomKey(seededRandom(7))).toBe(randomKey(seededRandom(7)));
  });

  test("tells which share of the space lies below it", () => {
    expect(fractionOf("0".repeat(40))).toBe(0);
    expect(fractionOf(`8${"0".repeat(39)}`)).toBe(0.5);
    expect(fractionOf("f".repeat(40))).toBeLessThan(1);
    fc.assert(
      fc.property(anyKey, (key) => {
        const exact = Number(keyToNumber(key) >> 107n) / 2 ** 53;
        expect(Math.abs(fractionOf(key) - exact)).toBeLessThanOrEqual(2 ** -52);
      }),
    );
  });
});

describe("XOR is a metric", () => {
  const distance = (a: Key, b: Key) => keyToNumber(xorOf(a, b));

  test("it is zero between equal keys, and only there", () => {
    fc.assert(
      fc.property(keys, ([a, b]) => {
        expect(distance(a, b) >= 0n).toBe(true);
        expect(distance(a, b) === 0n).toBe(a === b);
        expect(distance(a, a)).toBe(0n);
      }),
    );
  });

  test("it is symmetric", () => {
    fc.assert(fc.property(keys, ([a, b]) => xorOf(a, b) === xorOf(b, a)));
  });

  test("no detour is shorter", () => {
    fc.assert(fc.property(keys, ([a, b, c]) => distance(a, c) <= distance(a, b) + distance(b, c)));
  });

  test("and it is unidirectional: at each distance from a key there is one other key", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (key, distant) => {
        const other = xorOf(key, distant);
        expect(xorOf(key, other)).toBe(distant);
        expect(keyToNumber(other)).toBe(keyToNumber(key) ^ keyToNumber(distant));
      }),
    );
  });
});

describe("nearness by XOR", () => {
  test("is compared as the numbers would be", () => {
    fc.assert(
      fc.property(keys, ([key, a, b]) => {
        const [n, x, y] = [key, a, b].map(keyToNumber) as [bigint, bigint, bigint];
        expect(signOf(compareXor(key, a, b))).toBe(signOf((x ^ n) - (y ^ n)));
      }),
    );
  });

  test("shared bits are the zeros at the head of the distance", () => {
    fc.assert(
      fc.property(keys, ([a, b]) => {
        const distance = keyToNumber(a) ^ keyToNumber(b);
        expect(sharedBits(a, b)).toBe(distance === 0n ? keyBits : keyBits - distance.toString(2).length);
      }),
    );
  });

  test("each single bit is where it should be", () => {
    for (let place = 0; place < keyBits; place++) {
      const key = keyFromNumber(1n << BigInt(keyBits - 1 - place));
      expect(sharedBits(key, "0".repeat(40))).toBe(place);
      for (const other of [0, place, 159]) expect(bitAt(key, other)).toBe(other === place ? 1 : 0);
    }
  });
});

describe("the ring", () => {
  test("is gone up from one key to another, over its end too", () => {
    fc.assert(
      fc.property(keys, ([from, to]) => {
        expect(keyToNumber(distanceUp(from, to))).toBe(modulo(keyToNumber(to) - keyToNumber(from)));
      }),
    );
    expect(distanceUp("f".repeat(40), "0".repeat(40))).toBe(keyFromNumber(1n));
  });

  test("has fingers at powers of two, modulo its size", () => {
    fc.assert(
      fc.property(anyKey, fc.nat({ max: 159 }), (key, exponent) => {
        const expected = modulo(keyToNumber(key) + (1n << BigInt(exponent)));
        expect(keyToNumber(plusPowerOfTwo(key, exponent))).toBe(expected);
      }),
    );
  });

  test("a key is strictly between two if one meets it first when going up, and before the other", () => {
    fc.assert(
      fc.property(keys, ([after, key, before]) => {
        const up = (to: Key) => modulo(keyToNumber(to) - keyToNumber(after));
        const whole = after === before ? ring : up(before);
        expect(isBetween(after, key, before)).toBe(up(key) > 0n && up(key) < whole);
      }),
    );
  });

  test("a key is within a node's part if it is between, or the node's own", () => {
    fc.assert(
      fc.property(keys, ([after, key, last]) => {
        const up = (to: Key) => modulo(keyToNumber(to) - keyToNumber(after));
        // A node that is its own predecessor owns everything.
        const expected = after === last || (up(key) > 0n && up(key) <= up(last));
        expect(isWithin(after, key, last)).toBe(expected);
      }),
    );
  });

  test("its intervals have these ends", () => {
    const [a, b, c] = ["1", "5", "9"].map((digit) => digit.repeat(40)) as [Key, Key, Key];
    expect([isBetween(a, b, c), isBetween(c, b, a), isBetween(c, a, b)]).toEqual([true, false, true]);
    expect([isBetween(a, a, c), isBetween(a, c, c), isBetween(a, a, a)]).toEqual([false, false, false]);
    expect([isBetween(a, b, a), isBetween(b, a, b)]).toEqual([true, true]);
    expect([isWithin(a, c, c), isWithin(a, a, c), isWithin(c, a, a)]).toEqual([true, false, true]);
    expect([isWithin(a, a, a), isWithin(a, b, a)]).toEqual([true, true]);
  });

  test("order going up from a key is that of the distances up", () => {
    fc.assert(
      fc.property(keys, ([key, a, b]) => {
        const up = (to: Key) => modulo(keyToNumber(to) - keyToNumber(key));
        expect(signOf(compareUp(key, a, b))).toBe(signOf(up(a) - up(b)));
      }),
    );
  });

  test("distance around is the shorter way", () => {
    fc.assert(
      fc.property(keys, ([a, b]) => {
        expect(distanceAround(a, b)).toBe(numberAround(keyToNumber(a), keyToNumber(b)));
      }),
    );
    expect(distanceAround("0".repeat(40), `8${"0".repeat(39)}`)).toBe(ring / 2n);
  });

  test("order around a key is that of the distances; of two at one distance the smaller is first", () => {
    fc.assert(
      fc.property(keys, fc.boolean(), ([key, a, other], isMirrored) => {
        const n = keyToNumber(key);
        const b = isMirrored ? keyFromNumber(2n * n - keyToNumber(a)) : other;
        const [x, y] = [keyToNumber(a), keyToNumber(b)];
        const expected = signOf(numberAround(n, x) - numberAround(n, y)) || signOf(x - y);
        expect(signOf(compareAround(key, a, b))).toBe(expected);
      }),
    );
  });
});

describe("digits of 1 to 8 bits", () => {
  const bits = fc.integer({ min: 1, max: 8 });

  test("are the key's, the most significant first; the last one is filled up with zeros", () => {
    fc.assert(
      fc.property(anyKey, bits, (key, width) => {
        const rows = Math.ceil(keyBits / width);
        let together = 0n;
        for (let row = 0; row < rows; row++)
          together = (together << BigInt(width)) | BigInt(digitAt(key, row, width));
        expect(together).toBe(keyToNumber(key) << BigInt(rows * width - keyBits));
      }),
    );
  });

  test("shared ones are those before the first that differs", () => {
    fc.assert(
      fc.property(keys, bits, ([a, b], width) => {
        const rows = Math.ceil(keyBits / width);
        let shared = 0;
        while (shared < rows && digitAt(a, shared, width) === digitAt(b, shared, width)) shared++;
        expect(sharedDigits(a, b, width)).toBe(shared);
        expect(sharedDigits(a, a, width)).toBe(rows);
      }),
    );
  });

  test("of a known key are these", () => {
    const key = "a5f0".padEnd(40, "0");
    const digits = (width: number) => Array.from({ length: 4 }, (_, row) => digitAt(key, row, width));
    expect(digits(1)).toEqual([1, 0, 1, 0]);
    expect(digits(2)).toEqual([2, 2, 1, 1]);
    expect(digits(3)).toEqual([5, 1, 3, 7]);
    expect(digits(4)).toEqual([10, 5, 15, 0]);
    expect(digits(8)).toEqual([0xa5, 0xf0, 0, 0]);
  });
});
