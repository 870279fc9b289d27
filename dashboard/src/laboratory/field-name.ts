/** Names of options as people read them: `pingIntervalMs` is `ping interval (ms)`. */

const units: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/Ms$/, "ms"],
  [/BytesPerSecond$/, "B/s"],
  [/Bytes$/, "B"],
];

export function fieldName(name: string): string {
  const known = units.find(([ending]) => ending.test(name));
  const bare = known === undefined ? name : name.replace(known[0], "");
  const words = bare.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return known === undefined ? words : `${words} (${known[1]})`;
}
