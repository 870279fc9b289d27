import { existsSync } from "node:fs";
import { UsageError } from "../../core/index.ts";
import { type Scenario, scenarios } from "../../scenario/index.ts";
import { loadScenario } from "./scenario-file.ts";

/** One that comes with Grapevine by its name, or a file. Throws `UsageError` where there is neither. */
export function findScenario(nameOrFile: string, what = "scenario"): Scenario {
  const known = scenarios.find(({ name }) => name === nameOrFile);
  if (known !== undefined) return known;
  if (/\.(ya?ml|json)$/.test(nameOrFile) || nameOrFile.includes("/") || existsSync(nameOrFile))
    return loadScenario(nameOrFile);
  const names = scenarios.map(({ name }) => name).join(", ");
  throw new UsageError(`${what}: there is no "${nameOrFile}"; there are ${names}, or name a file`);
}
