/** What an action looks like when it comes from a file or over the network: its fields, and their bounds. */
import { z } from "zod";
import { UsageError } from "../core/index.ts";
import { checkLinks } from "../scenario/check-links.ts";
import { durationMs } from "../scenario/duration.ts";
import type { Action } from "../scenario/scenario.ts";

// ---- Parts ----

export const duration = z.custom<string | number>((value) => isDuration(value), {
  error: ({ input }) => `${shown(input)} is no duration; write 500, 500ms, 5s, 2m, 1h or "5 pings"`,
});

export const nodeName = z
  .string({ error: ({ input }) => `${shown(input)} is no name` })
  .regex(/^[A-Za-z0-9][\w. -]{0,63}$/, {
    error: ({ input }) => `${shown(input)} is no name; use letters, digits, and - _ . within`,
  });

const message = z
  .string({ error: ({ input }) => `${shown(input)} is no text` })
  .refine(
    (text) => !/\p{Surrogate}/u.test(text),
    "has half of a surrogate pair, which no encoding can carry",
  );

export const truth = z.boolean({ error: ({ input }) => `${shown(input)} is not true or false` });

/** One or several nodes, by their names or drawn. */
export function nodesShape(maxNames: number) {
  const drawn = {
    random: z.union([count(1, 1_000_000), z.literal("minority")]),
    of: oneOf(["peers", "seeds"]),
  };
  return z.union([nodeName, z.array(nodeName).max(maxNames), z.strictObject(drawn)], {
    error: ({ input }) =>
      `${shown(input)} means no nodes; write a name, a list of names, "all peers", "all seeds", "the drawn", or { random: 2, of: peers }`,
  });
}

export function count(min: number, max: number) {
  const error = ({ input }: { input?: unknown }) =>
    `${shown(input)} is not a whole number between ${min} and ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function number(min: number, max: number) {
  const error = ({ input }: { input?: unknown }) =>
    `${shown(input)} is not a number between ${min} and ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export function oneOf<const Names extends readonly string[]>(names: Names) {
  return z.enum(names, { error: ({ input }) => `${shown(input)} is none of ${names.join(", ")}` });
}

function isDuration(value: unknown): boolean {
  if (typeof value !== "number" && typeof value !== "string") return false;
  try {
    durationMs(value, 1000);
    return true;
  } catch {
    return false;
  }
}

/** Short, whatever was given: an error must not be as long as what it complains about. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

// ---- All actions ----

export interface ActionLimits {
  /** The most peers that join, messages that are published, … at once. */
  readonly maxCount: number;
  readonly maxNames: number;
}

/** Each may be as large as the network. */
const maxGroups = 1000;

type Shapes = { readonly [Do in Action["do"]]: z.ZodRawShape };

/** The settings of links are looked at by the table that looks at them everywhere: see `linksFault`. */
export function actionShapes({ maxCount, maxNames }: ActionLimits) {
  const selector = nodesShape(maxNames);
  return {
    join: {
      name: nodeName.optional(),
      count: count(1, maxCount).optional(),
      over: duration.optional(),
    },
    crash: { node: selector },
    restart: { node: selector, keepsDisk: truth.optional() },
    pause: { node: selector },
    resume: { node: selector },
    leave: { node: selector },
    publish: { from: selector, messages: count(1, maxCount).optional(), text: message.optional() },
    partition: {
      groups: z.array(selector).min(1).max(maxGroups).optional(),
      share: number(0, 1).optional(),
      by: oneOf(["zone"]).optional(),
    },
    cut: { from: selector, to: selector },
    heal: {},
    links: { set: z.unknown() },
    slow: { node: selector, perEventMs: number(0, 3_600_000) },
    drift: { node: selector, rate: number(-0.5, 1), offset: duration.optional() },
    "forge-reports": { against: selector },
    "forge-registrations": { count: count(1, Math.min(maxCount, 100_000)).optional() },
    junk: { node: selector, idleConnections: count(0, Math.min(maxCount, 100_000)).optional() },
  } as const satisfies Shapes;
}

// ---- One action over the network ----

const shapes = actionShapes({ maxCount: 1000, maxNames: 10_000 });
/** A request is no place to wait. */
const maxOverMs = 60_000;

const doing = z.looseObject({ do: oneOf(Object.keys(shapes)) });

/** A body of `POST /v1/actions`. */
export const actionBody = doing.transform((value, context): Action => {
  const shape = z.strictObject({ do: z.string(), ...shapes[value.do as Action["do"]] });
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues)
      context.addIssue({ code: "custom", path: path as string[], message });
    return z.NEVER;
  }
  const action = parsed.data as Action;
  const fault = actionFault(action) ?? linksFault(action) ?? waitFault(action);
  if (fault === undefined) return action;
  context.addIssue({
    code: "custom",
    path: fault.field === undefined ? [] : [fault.field],
    message: fault.rule,
  });
  return z.NEVER;
});

export interface FieldFault {
  /** Missing where it is the action as a whole. */
  readonly field?: string;
  readonly rule: string;
}

/** What no field by itself can be blamed for. */
export function actionFault(action: Action): FieldFault | undefined {
  if (action.do === "join" && action.name !== undefined && action.count !== undefined)
    return { field: "count", rule: "one peer joins by its name, or so many; not both" };
  if (action.do !== "partition") return undefined;
  const ways = (["groups", "share", "by"] as const).filter((way) => action[way] !== undefined);
  if (ways.length === 1) return undefined;
  return { rule: 'give one of "groups", "share" and "by"' };
}

function linksFault(action: Action): FieldFault | undefined {
  if (action.do !== "links") return undefined;
  try {
    checkLinks(action.set);
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { field: "set", rule: error.message };
  }
}

function waitFault(action: Action): FieldFault | undefined {
  if (action.do !== "join" || action.over === undefined) return undefined;
  // In pings it depends on the network; whoever can wait so long may also ask for one after the other.
  if (durationMs(action.over, 1000, "over") <= maxOverMs) return undefined;
  return { field: "over", rule: `is more than ${maxOverMs / 1000} s; let fewer join at once` };
}
