import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatDuration } from "../src/core/duration.ts";
import { controlApiOptions } from "../src/node/control-api.ts";
import { logOptions } from "../src/node/log-file.ts";
import { tunables } from "../src/node/settings.ts";
import { traceOptions } from "../src/node/trace-file.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("docs/options.md says what the tables beside the protocols say; otherwise run `npm run docs:options`", async () => {
  const { optionsPage } = await import(new URL("../scripts/options.mjs", import.meta.url).href);
  const page = optionsPage({ tunables, formatDuration }, [
    ["log", logOptions.specs],
    ["trace", traceOptions.specs],
    ["control API", controlApiOptions.specs],
  ]);
  expect(read("../docs/options.md")).toBe(page);
});

test("every tunable has a row with its name on the command line and in code", () => {
  const page = read("../docs/options.md");
  for (const { flag, name } of tunables) {
    expect(page).toMatch(new RegExp(`^\\| \`(?:--)?${flag}\`(?: \\(file only\\))? \\| \`${name}\` \\|`, "m"));
  }
});

test("what the page calls file only is what commands leave out", () => {
  const left = /internal = new Set\(\[(.*)\]\)/.exec(read("../src/cli/tunable-options.ts"))?.[1];
  const names = [...read("../docs/options.md").matchAll(/\(file only\) \| `(\w+)`/g)].map(
    ([, name]) => `"${name}"`,
  );
  expect(names.join(", ")).toBe(left);
});
