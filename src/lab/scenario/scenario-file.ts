/**
 * Scenarios from files (YAML or JSON) and from code: what is no scenario is refused with its place and its mend.
 *
 *     crash.yaml:12: timeline[3].do: "explode" is none of join, crash, …
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from "yaml";
import { z } from "zod";
import { seededRandom, UsageError } from "../../core/index.ts";
import {
  actionFault,
  actionShapes,
  count,
  duration,
  nodeName,
  nodesShape,
  number,
  oneOf,
  shown,
  truth,
} from "../../node/action-shapes.ts";
import { type NodeOptions, optionsOf } from "../../node/index.ts";
import { stackOptions } from "../../profiles/index.ts";
import {
  type Action,
  type Condition,
  invariantNames,
  type Scenario,
  type Step,
} from "../../scenario/scenario.ts";
import { type ChurnModel, churnEvents, type LinkSettings, linkSettings } from "../../simulator/index.ts";

type Path = readonly PropertyKey[];

// ---- The shape ----

const selector = nodesShape(1_000_000);
const text = z.string({ error: ({ input }) => `${shown(input)} is no text` });

/** Checked by the tables that check it everywhere else; see `convert`. */
const links = z.unknown();
const options = z.unknown();

const actions = {
  ...actionShapes({ maxCount: 1_000_000, maxNames: 1_000_000 }),
  wait: { for: duration },
  churn: { model: z.unknown() },
} as const satisfies Record<Exclude<Step["do"], "expect">, z.ZodRawShape>;

const conditions = {
  formed: {},
  connected: {},
  listed: { node: selector, neighbors: count(0, 1_000_000).optional() },
  removed: { node: selector, by: duration.optional() },
  linked: { node: selector, atLeast: count(0, 1_000_000).optional() },
  registered: { node: selector },
  delivered: { node: selector.optional() },
  "lists-exact": {},
  "seeds-agree": {},
  "nobody-removed": { except: selector.optional() },
  "lists-unchanged": {},
  "same-node": { node: selector },
  "forgeries-refused": {},
  "junk-freed": {},
} as const satisfies Record<Condition["is"], z.ZodRawShape>;

const timing = { at: duration.optional() };
const expectation = { within: duration.optional(), claim: text.optional(), figure: text.optional() };
const doings = [...Object.keys(actions), "expect"];
const beings = Object.keys(conditions);

/** Every action, condition and field that there is, for documents and tools. */
export const scenarioFields = {
  actions: Object.fromEntries(Object.entries(actions).map(([name, of]) => [name, Object.keys(of)])),
  conditions: Object.fromEntries(Object.entries(conditions).map(([name, of]) => [name, Object.keys(of)])),
  expect: Object.keys(expectation),
} as const;

const fields = {
  scenario: [
    "name",
    "description",
    "network",
    "stack",
    "nodes",
    "timeline",
    "invariants",
    "calm",
    "maxUnlisted",
  ],
  network: ["seeds", "peers", "joinEvery", "links", "isWireTrue"],
  stack: ["profile", "options"],
  nodes: ["which", "options", "uploadBytesPerSecond", "downloadBytesPerSecond", "perEventMs", "zone"],
} as const;

const shape = z.strictObject({
  name: nodeName,
  description: text.optional(),
  network: z
    .strictObject({
      seeds: count(1, 1000).optional(),
      peers: count(0, 10_000_000).optional(),
      joinEvery: duration.optional(),
      links: links.optional(),
      isWireTrue: truth.optional(),
    })
    .optional(),
  stack: z
    .strictObject({
      profile: oneOf(stackOptions.specs.profile.choices!).optional(),
      options: options.optional(),
    })
    .optional(),
  nodes: z
    .array(
      z.strictObject({
        which: selector,
        options: options.optional(),
        uploadBytesPerSecond: count(0, Number.MAX_SAFE_INTEGER).optional(),
        downloadBytesPerSecond: count(0, Number.MAX_SAFE_INTEGER).optional(),
        perEventMs: number(0, 3_600_000).optional(),
        zone: count(0, 65_535).optional(),
      }),
    )
    .optional(),
  timeline: z.array(z.unknown()).optional(),
  invariants: z.array(oneOf(invariantNames)).optional(),
  calm: duration.optional(),
  maxUnlisted: duration.optional(),
});

const stepShapes: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries(actions).map(([doing, of]) => [
    doing,
    z.strictObject({ do: z.literal(doing), ...of, ...timing }),
  ]),
);
const expectShapes: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries(conditions).map(([being, of]) => [
    being,
    z.strictObject({ do: z.literal("expect"), is: z.literal(being), ...of, ...expectation, ...timing }),
  ]),
);

// ---- Reading ----

/** Reads a scenario. Throws `UsageError` naming file, line and mend. A file without a name is called as the file is. */
export function loadScenario(path: string): Scenario {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`scenario: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
  return parseScenario(text, path);
}

/** The same of a text; `path` is what errors call it. */
export function parseScenario(text: string, path: string): Scenario {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, maxAliasCount: 0 } as object);
  const [syntaxError] = document.errors;
  if (syntaxError !== undefined) {
    const { line } = lineCounter.linePos(syntaxError.pos[0]);
    // Its own place, and the lines around it, follow: the line has been said.
    const [mistake] = syntaxError.message.split(/ at line \d+, column \d+/);
    throw new UsageError(`${path}:${line}: ${mistake}`);
  }
  const value: unknown = document.toJS();
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${path}:1: expected a scenario with fields such as "timeline:"`);
  const named = { name: basename(path).replace(/\.(ya?ml|json)$/, ""), ...value };
  const place: Place = (keys) => `${path}:${lineOf(document.contents, keys, lineCounter)}: ${pathText(keys)}`;
  return check(named, place);
}

/** A scenario that code has made, checked as one from a file would be. Throws `UsageError`. */
export function scenarioOf(value: unknown): Scenario {
  return check(value, pathText);
}

/** How an error calls a place in the scenario. */
type Place = (keys: Path) => string;

function check(value: unknown, place: Place): Scenario {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw errorOf(parsed.error, value, [], place);
  const { network, stack, nodes, timeline, ...rest } = parsed.data;
  const scenario = {
    ...rest,
    ...(network === undefined
      ? {}
      : { network: { ...network, ...linksOf(network, "links", ["network", "links"], place) } }),
    ...(stack === undefined
      ? {}
      : { stack: { ...stack, ...optionsIn(stack.options, ["stack", "options"], place) } }),
    ...(nodes === undefined
      ? {}
      : {
          nodes: nodes.map((node, i) => ({
            ...node,
            ...optionsIn(node.options, ["nodes", i, "options"], place),
          })),
        }),
    ...(timeline === undefined ? {} : { timeline: timeline.map((step, i) => checkStep(step, i, place)) }),
  };
  return scenario as Scenario;
}

function checkStep(step: unknown, i: number, place: Place): unknown {
  const path = ["timeline", i];
  if (typeof step !== "object" || step === null || Array.isArray(step))
    throw new UsageError(`${place(path)}: ${shown(step)} is no step; write { do: …, … }`);
  const { do: doing, is: being } = step as Record<string, unknown>;
  const isKnown = (known: readonly string[], key: string, given: unknown) => {
    if (typeof given === "string" && known.includes(given)) return;
    const where = given === undefined ? path : [...path, key];
    const what = given === undefined ? `"${key}" is missing; it is one` : `${shown(given)} is none`;
    throw new UsageError(`${place(where)}: ${what} of ${known.join(", ")}`);
  };
  isKnown(doings, "do", doing);
  if (doing === "expect") isKnown(beings, "is", being);
  const of = doing === "expect" ? expectShapes[being as string]! : stepShapes[doing as string]!;
  const parsed = of.safeParse(step);
  if (!parsed.success) throw errorOf(parsed.error, step, path, place);
  const checked = parsed.data as Record<string, unknown>;
  if (doing === "links") return { ...checked, ...linksOf(checked, "set", [...path, "set"], place) };
  const fault = actionFault(checked as unknown as Action);
  if (fault !== undefined)
    throw new UsageError(
      `${place(fault.field === undefined ? path : [...path, fault.field])}: ${fault.rule}`,
    );
  if (doing === "churn") checkChurn(checked["model"], [...path, "model"], place);
  return checked;
}

/** Those who expand the model look at it. */
function checkChurn(model: unknown, path: Path, place: Place): void {
  if (typeof model !== "object" || model === null || Array.isArray(model))
    throw new UsageError(`${place(path)}: ${shown(model)} is no model; write { model: poisson, … }`);
  try {
    churnEvents(model as ChurnModel, seededRandom(0));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${place(path)}: ${error.message}`);
  }
}

/** The settings as they were given, having been looked at by those who use them. */
function linksOf(from: object, key: string, path: Path, place: Place): object {
  const value = (from as Record<string, unknown>)[key];
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${place(path)}: ${shown(value)} is no set of link settings`);
  try {
    linkSettings(value as Partial<LinkSettings>);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const [, setting = "", rule] = /^([\w.[\]]+): (.*)$/.exec(error.message) ?? [];
    const keys = setting.split(/[.[\]]+/).filter((part) => part !== "");
    throw new UsageError(`${place([...path, ...keys])}: ${rule ?? error.message}`);
  }
  return { [key]: value };
}

function optionsIn(value: unknown, path: Path, place: Place): { readonly options?: NodeOptions } {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${place(path)}: ${shown(value)} must hold sections such as "heartbeat:"`);
  return { options: optionsOf(value, (keys) => place([...path, ...keys])) };
}

// ---- Errors ----

function errorOf(error: z.ZodError, value: unknown, base: Path, place: Place): UsageError {
  const issue = error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const path = [...base, ...issue.path];
    const where = place([...path, key]);
    return new UsageError(`${where}: there is no such field; there are ${fieldsAt(path, value).join(", ")}`);
  }
  const path = [...base, ...issue.path];
  const given = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value);
  const rule = given === undefined ? "is missing" : issue.message.replace(/^Invalid input: /, "");
  return new UsageError(`${place(path)}: ${rule}`);
}

function fieldsAt(path: Path, value: unknown): readonly string[] {
  const [first] = path;
  if (first === "timeline") {
    const { do: doing, is: being } = value as { do: string; is?: string };
    if (doing !== "expect") return ["do", ...Object.keys(actions[doing as keyof typeof actions]), "at"];
    const own = Object.keys(conditions[being as keyof typeof conditions]);
    return ["do", "is", ...own, ...Object.keys(expectation), "at"];
  }
  return fields[(first ?? "scenario") as keyof typeof fields] ?? [];
}

/** `timeline[3].do` */
function pathText(keys: Path): string {
  return keys
    .map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join("");
}

/** The line of the innermost part of the path that is there. */
function lineOf(contents: ParsedNode | null, keys: Path, lines: LineCounter): number {
  let node: unknown = contents;
  let offset = contents?.range?.[0] ?? 0;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isScalar(one.key) && String(one.key.value) === String(key));
      if (pair === undefined) break;
      offset = (pair.key as ParsedNode).range[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      const range = (node as ParsedNode | undefined)?.range;
      if (range === undefined) break;
      offset = range[0];
    } else break;
  }
  return lines.linePos(offset).line;
}
