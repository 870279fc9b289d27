import { UsageError } from "../core/index.ts";
import { type LinkSettings, linkSettings } from "../simulator/index.ts";

/** Link settings as somebody wrote them. Throws `UsageError` naming the setting, the value and the rule. */
export function checkLinks(set: unknown): Partial<LinkSettings> {
  if (typeof set !== "object" || set === null || Array.isArray(set))
    throw new UsageError(`set: ${JSON.stringify(set)} is no set of link settings; write { "loss": 0.1 }`);
  linkSettings(set as Partial<LinkSettings>);
  return set as Partial<LinkSettings>;
}
