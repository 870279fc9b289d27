/** Which profile a network of the laboratory has, and which tunables that leaves without effect. */
import type { ProfileName } from "../../../src/profiles/index.ts";
import { type Tunables, tunableSpecs } from "./lab-address.ts";
import { withTunable } from "./with-tunable.ts";

/** Sections of what only one profile has; all others are of both. */
const ofOneProfile: Readonly<Record<string, ProfileName>> = {
  registration: "classic",
  registry: "classic",
  overlay: "classic",
  heartbeat: "classic",
  swim: "modern",
  hyparview: "modern",
};

export const profileSpec = tunableSpecs["stack"]!["profile"]!;

export function profileOfLab({ stack }: Tunables): ProfileName {
  return stack?.["profile"] === "modern" ? "modern" : "classic";
}

export function withProfile(tunables: Tunables, profile: ProfileName): Tunables {
  return withTunable(tunables, "stack", "profile", profile, profileSpec.default);
}

/** Nothing but the profile. */
export function onlyProfile(tunables: Tunables): Tunables {
  return withProfile({}, profileOfLab(tunables));
}

/** Undefined where the section is of that profile; else the one that it is of. */
export function foreignTo(section: string, profile: ProfileName): ProfileName | undefined {
  const owner = ofOneProfile[section];
  return owner === profile ? undefined : owner;
}
