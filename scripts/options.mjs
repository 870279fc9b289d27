// Writes docs/options.md from the tables beside the protocols: `npm run docs:options`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Decided by each command itself (see cli/tunable-options.ts): only for the config file and for programs. */
const notOnCommandLine = new Set(["waitsForCommand"]);

const titles = {
  source: "Generated messages",
  heartbeat: "Heartbeat",
  overlay: "Overlay",
  broadcast: "Broadcast and history",
  state: "Shared state",
  registration: "Registration with seeds",
  registry: "Seeds",
  links: "Links",
  wire: "Wire format",
  transport: "Connections",
};

/**
 * The page as Markdown. Takes the tunables, how to write a duration, and the options that only a program can set as
 * `[name of the section, table]` pairs, so that a test can make the page from the sources.
 */
export function optionsPage({ tunables, formatDuration }, onlyInCode) {
  const show = (name, value) => {
    if (typeof value !== "number" || value === 0) return String(value);
    if (name.endsWith("Ms")) return formatDuration(value);
    return name.endsWith("Bytes") ? formatBytes(value) : formatCount(value);
  };
  const lines = [
    "# Options",
    "",
    "<!-- Made by `npm run docs:options`. Do not edit: edit the tables beside the protocols. -->",
    "",
    "Every tunable, with its default, its bounds and where the default comes from. Each can be given on the command line",
    "(`--ping-interval 2s`) and in the file of `--config`, which is YAML or JSON with one section for each part:",
    "",
    "```yaml",
    "heartbeat:",
    "  ping-interval: 2s      # or pingIntervalMs: 2000",
    "overlay:",
    "  law: preferential",
    "```",
    "",
    "The command line wins over the file. A value outside its bounds is an error that names option, value and rule.",
    "Durations are written `200ms`, `5s`, `2m` or `1h`. In code they are milliseconds, and the name ends with `Ms`.",
    "",
  ];
  for (const section of new Set(tunables.map((tunable) => tunable.section))) {
    lines.push(`## ${titles[section] ?? section}`, "", `Section \`${section}\`.`, "");
    lines.push("| Option | In code | Default | Allowed | Meaning |", "|---|---|---|---|---|");
    for (const { section: its, name, flag, spec } of tunables) {
      if (its !== section) continue;
      const option = notOnCommandLine.has(name) ? `\`${flag}\` (file only)` : `\`--${flag}\``;
      lines.push(row(option, name, spec, show));
    }
    lines.push("");
  }
  lines.push("## Only in code", "", "Commands use the defaults of these; a program can set them.", "");
  lines.push("| Part | In code | Default | Allowed | Meaning |", "|---|---|---|---|---|");
  for (const [part, specs] of onlyInCode) {
    for (const [name, spec] of Object.entries(specs)) {
      if (!tunables.some((tunable) => tunable.name === name)) lines.push(row(part, name, spec, show));
    }
  }
  return `${lines.join("\n")}\n`;
}

function row(first, name, spec, show) {
  const cells = [first, `\`${name}\``, show(name, spec.default), allowed(name, spec, show), spec.description];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "\\<")).join(" | ")} |`;
}

function allowed(name, { choices, min, max, default: standard }, show) {
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(", ");
  if (typeof standard === "boolean") return "true, false";
  return min === undefined || max === undefined ? "any text" : `${show(name, min)} to ${show(name, max)}`;
}

function formatBytes(bytes) {
  for (const [unit, size] of [
    ["TiB", 2 ** 40],
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ]) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes} B`;
}

/** 20000 gives 20,000; 1e-12 stays. */
function formatCount(count) {
  return count < 10_000 ? String(count) : count.toLocaleString("en-US");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = (file) => import(new URL(`../dist/${file}.js`, import.meta.url));
  const { formatDuration } = await dist("core/duration");
  const { tunables } = await dist("node/settings");
  const { logOptions } = await dist("node/log-file");
  const { traceOptions } = await dist("node/trace-file");
  const { controlApiOptions } = await dist("node/control-api");
  const page = optionsPage({ tunables, formatDuration }, [
    ["log", logOptions.specs],
    ["trace", traceOptions.specs],
    ["control API", controlApiOptions.specs],
  ]);
  const path = process.argv[2];
  if (path === undefined) process.stdout.write(page);
  else writeFileSync(path, page);
}
