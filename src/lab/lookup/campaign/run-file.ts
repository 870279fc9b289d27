/** A run of a lookup campaign as a file: written when one has failed, read to see it again or to change it. */
import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { isKey, type Key, UsageError } from "../../../core/index.ts";
import { type LinkSettings, linkSettings } from "../../../simulator/index.ts";
import { type Draft, faultKinds } from "./draft.ts";

export interface RunFile {
  readonly seed: number;
  readonly draft: Draft;
}

export function runFileText({ seed, draft }: RunFile): string {
  return stringify({ seed, ...draft });
}

const maxNodes = 10_000;
const node = z.int().min(0).max(maxNodes);
const nodes = z.array(node);
const kind = z.enum(["immutable", "owned", "shared"]);
const links = z.custom<Partial<LinkSettings>>((value) => {
  linkSettings(value as Partial<LinkSettings>);
  return true;
});
const key = z.custom<Key>((value) => typeof value === "string" && isKey(value), {
  error: "not 40 hexadecimal digits",
});
const at = { at: z.number().min(0) };
const record = { node, kind, name: z.string() };

const step = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("crash"), node, ...at }),
  z.strictObject({ do: z.literal("crash-next-to"), node, ...at }),
  z.strictObject({ do: z.literal("power-cut"), ...at }),
  z.strictObject({ do: z.literal("restart"), node, keepsDisk: z.boolean(), ...at }),
  z.strictObject({ do: z.literal("leave"), node, ...at }),
  z.strictObject({ do: z.literal("join"), node, ...at }),
  z.strictObject({ do: z.literal("pause"), node, ...at }),
  z.strictObject({ do: z.literal("resume"), node, ...at }),
  z.strictObject({ do: z.literal("partition"), nodes, ...at }),
  z.strictObject({ do: z.literal("cut"), from: node, to: nodes, ...at }),
  z.strictObject({ do: z.literal("heal"), ...at }),
  z.strictObject({ do: z.literal("links"), set: links, ...at }),
  z.strictObject({ do: z.literal("lookup"), node, key, ...at }),
  z.strictObject({ do: z.literal("put"), ...record, value: z.string(), ...at }),
  z.strictObject({ do: z.literal("get"), ...record, ...at }),
  z.strictObject({ do: z.literal("delete"), ...record, ...at }),
]);

const file = z.strictObject({
  seed: z.int(),
  router: z.string(),
  nodes: z.int().min(1).max(maxNodes),
  links,
  isWireTrue: z.boolean(),
  diskMs: z.number().min(0),
  hasMembership: z.boolean(),
  kinds: z.array(z.enum(faultKinds)),
  steps: z.array(step),
});

/** Throws `UsageError` naming the file and what is wrong. */
export function readRunFile(path: string): RunFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return parseRunFile(text, path);
}

/** Throws `UsageError` naming the file and what is wrong. */
export function parseRunFile(text: string, path: string): RunFile {
  try {
    const { seed, ...draft } = file.parse(parse(text));
    return { seed, draft };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw new UsageError(`${path}: ${(error as Error).message}`);
    const [issue] = error.issues;
    throw new UsageError(`${path}: ${issue!.path.join(".")}: ${issue!.message}`);
  }
}
