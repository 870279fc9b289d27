// What the representation of a 160-bit key costs: node --expose-gc bench/keys.mjs [--keys 1000000] [--json]
//
// Four ways to hold a key, side by side in one run, on the same keys: a text of 40 hexadecimal digits (what Grapevine
// takes, src/core/keys.ts), a big integer, 20 bytes, five words of 32 bits. Each answers what routing asks: which of two
// is nearer by XOR, is it between two others, how many leading bits do two share, which node has this key; and what a
// million of them weighs.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const keys = await import(new URL("../dist/core/keys.js", import.meta.url).href);
const { seededRandom } = await import(new URL("../dist/core/random.js", import.meta.url).href);

const text = {
  name: "hex text",
  of: (key) => key,
  nearer: keys.compareXor,
  between: keys.isBetween,
  shared: keys.sharedBits,
  // A key off the wire or from a message is another object than the one in the map.
  mapKey: (key) => key,
};

const space = 1n << 160n;
const big = {
  name: "BigInt",
  of: keys.keyToNumber,
  nearer(key, a, b) {
    const x = key ^ a;
    const y = key ^ b;
    return x < y ? -1 : x > y ? 1 : 0;
  },
  between: (a, key, b) => (a < b ? a < key && key < b : a < key || key < b),
  shared(a, b) {
    const distance = a ^ b;
    return distance === 0n ? 160 : (space | distance).toString(2).indexOf("1", 1) - 1;
  },
  mapKey: (key) => key,
};

function arrayOps(width) {
  const length = 160 / width;
  const compare = (a, b) => {
    for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
  };
  return {
    nearer(key, a, b) {
      for (let i = 0; i < length; i++)
        if (a[i] !== b[i]) return (a[i] ^ key[i]) >>> 0 < (b[i] ^ key[i]) >>> 0 ? -1 : 1;
      return 0;
    },
    between: (a, key, b) =>
      compare(a, b) < 0
        ? compare(a, key) < 0 && compare(key, b) < 0
        : compare(a, key) < 0 || compare(key, b) < 0,
    shared(a, b) {
      for (let i = 0; i < length; i++)
        if (a[i] !== b[i]) return i * width + Math.clz32(a[i] ^ b[i]) - (32 - width);
      return 160;
    },
  };
}

const bytes = {
  name: "Uint8Array",
  of: keys.bytesOfKey,
  ...arrayOps(8),
  // Arrays are map keys by their identity only: by their content they need a text after all.
  mapKey: (key) => String.fromCharCode.apply(null, key),
};

const words = {
  name: "Uint32Array",
  of: (key) => Uint32Array.from({ length: 5 }, (_, i) => Number.parseInt(key.slice(8 * i, 8 * i + 8), 16)),
  ...arrayOps(32),
  mapKey: (key) => String.fromCharCode.apply(null, key),
};

const representations = [text, big, bytes, words];

export function measure({ count }) {
  const random = seededRandom(1);
  const source = Array.from({ length: count }, () => keys.randomKey(random));
  const bases = Array.from({ length: 64 }, () => keys.randomKey(random));
  // Near keys, which agree in a dozen leading bits: what a table, a bucket or a leaf set holds.
  const near = bases.flatMap((base) =>
    Array.from({ length: 64 }, () => base.slice(0, 3) + keys.randomKey(random).slice(3)),
  );
  // Measured in turns, so that whatever else the machine does falls on all of them; the median of so many counts.
  const rounds = Array.from({ length: 7 }, () =>
    representations.map((representation) => timesOf(representation, near)),
  );
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const rows = {};
  for (const [i, { name }] of representations.entries())
    rows[name] = Object.fromEntries(
      Object.keys(rounds[0][i]).map((what) => [what, median(rounds.map((round) => round[i][what]))]),
    );
  for (const representation of representations)
    rows[representation.name]["bytes per key"] = bytesPerKey(representation, source);
  return rows;
}

function timesOf({ of, nearer, between, shared, mapKey }, near) {
  const held = near.map((key) => of(copyOf(key)));
  const others = near.map((key) => of(copyOf(key)));
  const map = new Map(held.map((key, i) => [mapKey(key), i]));
  let sink = 0;
  const pairs = (perform) => {
    const began = process.hrtime.bigint();
    for (let pass = 0; pass < 24; pass++)
      for (let i = 0; i < held.length; i++) sink += perform(held, (i & ~63) + ((i * 7 + pass) & 63), i);
    return Number(process.hrtime.bigint() - began) / (24 * held.length);
  };
  const times = {
    "compare XOR": pairs((list, j, i) => nearer(list[i & ~63], list[i], list[j])),
    between: pairs((list, j, i) => (between(list[i & ~63], list[i], list[j]) ? 1 : 0)),
    "shared bits": pairs((list, j, i) => shared(list[i], list[j])),
    "map look-up": pairs((_, j) => map.get(mapKey(others[j]))),
    "8 nearest of 64": nearest(held, nearer),
  };
  if (Number.isNaN(sink)) throw new Error("a map did not know its key");
  return times;
}

function nearest(held, nearer) {
  const began = process.hrtime.bigint();
  let runs = 0;
  for (let first = 0; first < held.length; first += 64, runs++)
    held
      .slice(first, first + 64)
      .sort((a, b) => nearer(held[first], a, b))
      .slice(0, 8);
  return Number(process.hrtime.bigint() - began) / runs;
}

/** The same digits in another object, as they come off the wire. */
function copyOf(key) {
  return keys.keyFromBytes(keys.bytesOfKey(key));
}

function bytesPerKey({ of }, source) {
  globalThis.gc?.();
  const used = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const held = new Array(source.length).fill(0);
  globalThis.gc?.();
  const before = used();
  for (let i = 0; i < held.length; i++) held[i] = of(copyOf(source[i]));
  globalThis.gc?.();
  return (used() - before) / held.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { keys: { type: "string", default: "1000000" }, json: { type: "boolean", default: false } },
  });
  const rows = measure({ count: Number(values.keys) });
  if (values.json) console.log(JSON.stringify(rows, undefined, 2));
  else print(rows);
}

function print(rows) {
  const names = Object.keys(rows);
  const cell = (value, own) =>
    `${value.toFixed(value < 100 ? 1 : 0)} (${(value / own).toFixed(2)})`.padStart(16);
  console.log(
    `${"ns, and times as much as hex text".padEnd(34)}${names.map((name) => name.padStart(16)).join("")}`,
  );
  for (const what of Object.keys(rows[names[0]]))
    console.log(
      `${what.padEnd(34)}${names.map((name) => cell(rows[name][what], rows[names[0]][what])).join("")}`,
    );
}
