/** Ids of 32 bytes packed one after the other, in order: as messages carry them. */

export const idBytes = 32;

/** The order of two ids, or bounds, at these places; a bound may be shorter, and has zeros behind it. */
export function compareIds(a: Uint8Array, atA: number, b: Uint8Array, atB: number): number {
  for (let i = 0; i < idBytes; i++) {
    const distance = (a[atA + i] ?? 0) - (b[atB + i] ?? 0);
    if (distance !== 0) return distance;
  }
  return 0;
}

/** What each of two ordered lists lacks of the other. */
export function differencesOf(
  ours: Uint8Array,
  theirs: Uint8Array,
): { readonly onlyOurs: Uint8Array; readonly onlyTheirs: Uint8Array } {
  const onlyOurs: Uint8Array[] = [];
  const onlyTheirs: Uint8Array[] = [];
  let [mine, other] = [0, 0];
  while (mine < ours.length || other < theirs.length) {
    const order =
      mine === ours.length ? 1 : other === theirs.length ? -1 : compareIds(ours, mine, theirs, other);
    if (order < 0) onlyOurs.push(ours.subarray(mine, mine + idBytes));
    if (order > 0) onlyTheirs.push(theirs.subarray(other, other + idBytes));
    if (order <= 0) mine += idBytes;
    if (order >= 0) other += idBytes;
  }
  return { onlyOurs: joined(onlyOurs), onlyTheirs: joined(onlyTheirs) };
}

/** Each greater than the one before it. */
export function areOrdered(ids: Uint8Array): boolean {
  if (ids.length % idBytes !== 0) return false;
  for (let at = idBytes; at < ids.length; at += idBytes)
    if (compareIds(ids, at - idBytes, ids, at) >= 0) return false;
  return true;
}

/** Each id by itself. */
export function unpacked(ids: Uint8Array): Uint8Array[] {
  return Array.from({ length: ids.length / idBytes }, (_, i) => ids.subarray(i * idBytes, (i + 1) * idBytes));
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
