/** All that can be simulated by name. */
import { UsageError } from "../../core/index.ts";
import { networkPreset } from "./network-preset.ts";
import type { Preset } from "./preset.ts";
import { rumorPreset } from "./rumor-preset.ts";
import { scenarioPreset } from "./scenario-preset.ts";

export const presets: readonly Preset[] = [
  networkPreset("classic"),
  networkPreset("modern"),
  rumorPreset("rumor", undefined, "a rumor with any rule: --mode, --stop, --blind, --connection-limit, …"),
  rumorPreset("push", "push", "a rumor: who knows it calls others and tells them"),
  rumorPreset("pull", "pull", "a rumor: who does not know it calls others and asks them"),
  rumorPreset(
    "push-pull",
    "push-pull",
    "a rumor: everybody calls, and whoever of the two knows it tells the other",
  ),
];

/** Throws `UsageError` where there is none. */
export function presetNamed(name: string): Preset {
  const found = [...presets, scenarioPreset].find((preset) => preset.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `preset: there is no "${name}"; there are ${presets.map((preset) => preset.name).join(", ")}`,
  );
}
