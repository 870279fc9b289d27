/**
 * Results as lines of JSON, one for each run, in files that merge by key: what parts of a batch leave behind, wherever
 * they ran, is together what the whole batch would have been. A run whose key is there need not be run again.
 *
 *     {"key":"push-1f0c…-7","version":"0.1.0","result":{"preset":"push","nodes":1000,"seed":7,…}}
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { z } from "zod";
import { UsageError } from "../../core/index.ts";
import type { SimulationInput, SimulationResult } from "./run.ts";

export interface ResultLine {
  readonly key: string;
  /** Of the program: another one may give another result. */
  readonly version: string;
  readonly result: SimulationResult;
}

/** Of this program: results of another one may differ. */
export const { version: programVersion } = z
  .object({ version: z.string() })
  .parse(JSON.parse(fs.readFileSync(new URL("../../../package.json", import.meta.url), "utf8")));

/** What of a foreign line has to be true so that the rest of us can rely on it. */
const lineShape = z.looseObject({
  key: z.string(),
  version: z.string(),
  result: z.looseObject({
    preset: z.string(),
    engine: z.enum(["events", "rounds"]),
    nodes: z.int(),
    seed: z.int(),
    ok: z.boolean(),
    ratio: z.number(),
    traceHash: z.string(),
    parameters: z.looseObject({}),
  }),
});

/** Equal for runs that must give the same: version, preset, nodes, parameters, and after the last dash the seed. */
export function keyOf(input: SimulationInput): string {
  return `${batchKeyOf(input)}-${input.seed}`;
}

/** The key without the seed. */
export function batchKeyOf({ preset, nodes, parameters }: Omit<SimulationInput, "seed">): string {
  const text = JSON.stringify([programVersion, preset, nodes, sorted(parameters)]);
  return `${preset}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

export function lineOf(result: SimulationResult): string {
  const line: ResultLine = { key: keyOf(result), version: programVersion, result };
  return `${JSON.stringify(line)}\n`;
}

/** Objects with their fields in alphabetical order: the order in which they were written means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, sorted(field)]),
  );
}

/** The lines of a file. Throws `UsageError` naming file and line; a last line that was torn is left out. */
export function readResultLines(path: string): ResultLine[] {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const rows = text.split("\n");
  const torn = rows.pop();
  const lines = rows.flatMap((row, i) => (row.trim() === "" ? [] : [parsed(row, `${path}:${i + 1}`)]));
  // Whole, but for the end of the line: somebody edited the file.
  if (torn !== undefined && torn.trim() !== "" && isWhole(torn))
    lines.push(parsed(torn, `${path}:${rows.length + 1}`));
  return lines;
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parsed(text: string, where: string): ResultLine {
  try {
    return lineShape.parse(JSON.parse(text)) as unknown as ResultLine;
  } catch {
    throw new UsageError(`${where}: is no result line of \`grapevine simulate --output\``);
  }
}

/**
 * The lines of each batch, in the order of the seeds; of equal keys one is kept. Throws `UsageError` where two lines of
 * the same key disagree about what happened.
 */
export function mergeResultLines(lines: Iterable<ResultLine>): ResultLine[][] {
  const byKey = new Map<string, ResultLine>();
  for (const line of lines) {
    const known = byKey.get(line.key);
    if (known !== undefined && known.result.traceHash !== line.result.traceHash)
      throw new UsageError(
        `${line.key}: two lines disagree (${known.result.traceHash}, ${line.result.traceHash}): they are of different programs; run the batch again`,
      );
    byKey.set(line.key, known ?? line);
  }
  const batches = new Map<string, ResultLine[]>();
  for (const line of byKey.values()) {
    const batch = line.key.slice(0, line.key.lastIndexOf("-"));
    const others = batches.get(batch);
    if (others === undefined) batches.set(batch, [line]);
    else others.push(line);
  }
  return [...batches.values()].map((batch) => batch.sort((a, b) => a.result.seed - b.result.seed));
}

/** A file of lines to which results are added as they come. */
export class ResultFile {
  readonly #path: string;
  readonly #lines = new Map<string, ResultLine>();
  readonly #descriptor: number;

  /** Goes on with a file that is there. Throws `UsageError` if it cannot, or if there is something else in it. */
  constructor(path: string) {
    this.#path = path;
    if (fs.existsSync(path)) for (const line of readResultLines(path)) this.#lines.set(line.key, line);
    try {
      this.#descriptor = fs.openSync(path, "a+");
      this.#mendEnd();
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** A line that was torn off by the end of a process stays unreadable, but alone. */
  #mendEnd(): void {
    const { size } = fs.fstatSync(this.#descriptor);
    if (size === 0) return;
    const text = fs.readFileSync(this.#path, "utf8");
    const end = text.lastIndexOf("\n") + 1;
    const torn = text.slice(end);
    if (torn === "") return;
    if (isWhole(torn)) fs.writeSync(this.#descriptor, "\n");
    else fs.ftruncateSync(this.#descriptor, Buffer.byteLength(text.slice(0, end)));
  }

  /** The result of that run, if it is there. */
  find(input: SimulationInput): SimulationResult | undefined {
    return this.#lines.get(keyOf(input))?.result;
  }

  add(result: SimulationResult): void {
    try {
      fs.writeSync(this.#descriptor, lineOf(result));
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }

  #refusal(error: unknown): UsageError {
    return new UsageError(
      `--output: ${this.#path} cannot be written (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
