import type { ProfileOptions } from "./profile.ts";

/** Options of both, section by section; the later ones win. */
export function mergeOptions<Options extends ProfileOptions>(
  ...all: readonly (Options | undefined)[]
): Options {
  const merged: Record<string, object> = {};
  for (const options of all) {
    for (const [section, entries] of Object.entries(options ?? {})) {
      merged[section] = { ...merged[section], ...entries };
    }
  }
  return merged as ProfileOptions as Options;
}
