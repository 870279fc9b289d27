/** What all comparisons on the command line share. */
import { writeFileSync } from "node:fs";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import { quoted } from "../lab/index.ts";
import { parseDuration } from "../node/index.ts";
import { unwritable } from "./output-file.ts";

/** The exit code of who was stopped by hand. */
export const interrupted = 130;

/** Lines of a table whose first column is text, with a bold head. */
export function alignedTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row, i) => {
    const line = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return i === 0 ? pc.bold(line.join("  ")) : line.join("  ");
  });
}

/** `make` is given the command that makes the page again. */
export function writePage(path: string, make: (command: string) => string): void {
  const command = ["npx grapevine", ...process.argv.slice(2).map(quoted)].join(" ");
  try {
    writeFileSync(path, make(command));
  } catch (error) {
    throw unwritable("--html", path, error);
  }
}

/** Reads names with commas between them, for commander. */
export function knownNames(option: string, known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const names = text.split(",").map((name) => name.trim());
    for (const name of names)
      if (!known.includes(name))
        throw new UsageError(`${option}: there is no "${name}"; there are ${known.join(", ")}`);
    if (new Set(names).size < names.length)
      throw new UsageError(`${option}: "${text}" names one of them twice`);
    return names;
  };
}

/** Reads a duration of a second or more, for commander. */
export function longDuration(option: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(option, text);
    if (ms < 1000) throw new UsageError(`${option}: ${text} is shorter than 1s`);
    return ms;
  };
}
