/** How a recorded network was made, as far as the header of its trace says; what it leaves unsaid was at its default. */
import type { OptionSpec } from "../../../src/core/index.ts";
import {
  effectiveOptions,
  type ProfileName,
  type ProfileOptions,
  profileOptionSpecs,
} from "../../../src/profiles/index.ts";
import type { Scenario } from "../../../src/scenario/scenario.ts";
import { scenarioOptions } from "../../../src/scenario/scenario-options.ts";
import type { FeedAbout } from "../../../src/trace/feed.ts";
import type { TraceHeader } from "../../../src/trace/trace-line.ts";

type Fields = Readonly<Record<string, unknown>>;

export function aboutOf({ about = {} }: TraceHeader): FeedAbout {
  const scenario = fieldsOf(about["scenario"]);
  const preset = fieldsOf(about["options"]);
  const { seed } = about;
  const links = { ...fieldsOf(preset["links"]), ...fieldsOf(fieldsOf(scenario["network"])["links"]) };
  const options = withDefaults({ ...fieldsOf(preset["options"]), ...scenarioOptionsOf(about["scenario"]) });
  return {
    profile: profileIn(options),
    options,
    ...(typeof seed === "number" ? { seed } : {}),
    ...(Object.keys(links).length === 0 ? {} : { links }),
  };
}

/** Scenarios have times of their own: their nodes ping each other every second where nothing else is said. */
function scenarioOptionsOf(scenario: unknown): Fields {
  if (typeof scenario !== "object" || scenario === null) return {};
  try {
    return { ...scenarioOptions(scenario as Scenario) };
  } catch {
    return {}; // a file can say anything
  }
}

/** What the run was, in a few words: `run crash`, `simulate classic, 200 nodes`. */
export function titleOf({ about = {} }: TraceHeader): string | undefined {
  const { command, scenario, preset, nodes } = about;
  const name = typeof preset === "string" ? preset : fieldsOf(scenario)["name"];
  const what = [command, name].filter((word) => typeof word === "string").join(" ");
  const size = typeof nodes === "number" ? `${nodes} nodes` : "";
  return [what, size].filter((part) => part !== "").join(", ") || undefined;
}

/** Of options that somebody says are in force. */
export function profileIn(options: FeedAbout["options"] | undefined): ProfileName {
  return options?.["stack"]?.["profile"] === "modern" ? "modern" : "classic";
}

/** All tunables by section: these, what their profile sets, and the defaults of the others. */
export function withDefaults(given: Fields): FeedAbout["options"] {
  const overrides = withThoseOfProfile(given);
  const sections = Object.entries(profileOptionSpecs).map(([section, specs]) => {
    const defaults = Object.entries(specs as Record<string, OptionSpec<number | string | boolean>>).map(
      ([name, spec]) => [name, spec.default] as const,
    );
    return [section, { ...Object.fromEntries(defaults), ...fieldsOf(overrides[section]) }] as const;
  });
  return Object.fromEntries(sections);
}

function withThoseOfProfile(given: Fields): Fields {
  try {
    return { ...effectiveOptions(given as ProfileOptions) };
  } catch {
    return given; // a file can say anything
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
