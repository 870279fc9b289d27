import { Command } from "commander";
import { compareDetectors } from "./compare-detectors.ts";
import { compareLookup } from "./compare-lookup.ts";

export function compareCommand(): Command {
  return new Command("compare")
    .description("Run protocols side by side under identical conditions, and say what each costs and gives")
    .addCommand(compareLookup())
    .addCommand(compareDetectors())
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine compare lookup --churn 20m --html churn.html
  $ grapevine compare detectors --html detectors.html
`,
    );
}
