/**
 * A fast 32-bit hash of a text (FNV-1a with murmur's finaliser), the same on every machine. For fingerprints
 * between honest parties and for tables; it is no protection against anybody who wants a collision.
 */
export function hashText(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return finish(hash);
}

/** The same for a list of safe integers. */
export function hashNumbers(numbers: readonly number[], seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    hash = Math.imul(hash ^ (number | 0), 0x01000193);
    hash = Math.imul(hash ^ Math.floor(number / 2 ** 32), 0x01000193);
    hash ^= hash >>> 15;
  }
  return finish(hash);
}

/** Murmur's finaliser: every bit of the input moves every bit of the output. */
function finish(unfinished: number): number {
  let hash = unfinished;
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}
