/** Which protocols the nodes run. */
import type { Tunables } from "./lab-address.ts";
import { profileOfLab, profileSpec, withProfile } from "./lab-profile.ts";
import { SpecField } from "./spec-field.tsx";

interface ProfileFieldProps {
  readonly tunables: Tunables;
  readonly onChange: (tunables: Tunables) => void;
}

export function ProfileField({ tunables, onChange }: ProfileFieldProps) {
  return (
    <SpecField
      name="profile"
      spec={profileSpec}
      value={profileOfLab(tunables)}
      onChange={(value) => onChange(withProfile(tunables, value === "modern" ? "modern" : "classic"))}
    />
  );
}
