/**
 * How commands talk to running nodes: they find the control API of a process on this machine (or ask the one that
 * the user names), and say in one line what went wrong. What they show came over the network, so it passes through
 * `escapeText` on its way to the terminal.
 */
import { once } from "node:events";
import { type Command, Option } from "commander";
import pc from "picocolors";
import { z } from "zod";
import { identityOf, type NodeId, type TraceEvent, UsageError } from "../core/index.ts";
import { escapeText, localTime, type RunningProcess, runningProcesses } from "../node/index.ts";

// ---- What the API answers: of each answer, the part that commands rely on; the rest passes through ----

const nodeId = z.union([z.string(), z.number()]);

const nodeSummary = z.looseObject({
  name: z.string(),
  role: z.string(),
  contact: nodeId,
  host: z.string(),
  port: z.number(),
  isRunning: z.boolean(),
});
export type NodeSummary = z.infer<typeof nodeSummary>;

const place = z.looseObject({ peer: nodeId, host: z.string(), port: z.number() });

const stateEntry = z.looseObject({
  key: z.string(),
  text: z.string().optional(),
  base64: z.string().optional(),
  writer: z.string(),
  at: z.number(),
});
export type StateAnswer = z.infer<typeof stateEntry>;

const keyedNode = z.looseObject({ node: nodeId, key: z.string() });

const lookupStep = z.looseObject({
  index: z.number().optional(),
  node: nodeId,
  key: z.string(),
  referrer: z.number(),
  depth: z.number(),
  sentAt: z.number(),
  answeredAt: z.number().optional(),
  outcome: z.string(),
  learned: z.number(),
});
export type LookupStepAnswer = z.infer<typeof lookupStep>;

const lookupReport = z.looseObject({
  key: z.string(),
  outcome: z.string(),
  closest: z.array(keyedNode),
  hops: z.number(),
  asked: z.number(),
  answered: z.number(),
  silent: z.number(),
  refused: z.number(),
  tookMs: z.number(),
  records: z.number(),
  path: z.array(lookupStep),
});
export type LookupAnswer = z.infer<typeof lookupReport>;

const operation = z.looseObject({
  outcome: z.string(),
  kind: z.string(),
  key: z.string(),
  sequence: z.number(),
  expiresAt: z.number().optional(),
  text: z.string().optional(),
  base64: z.string().optional(),
  writer: z.union([z.string(), z.number()]).optional(),
  writtenAt: z.number().optional(),
  needed: z.number(),
  isCapped: z.boolean(),
  tookMs: z.number(),
  replicas: z.array(
    z.looseObject({
      replica: keyedNode,
      state: z.string(),
      reason: z.string().optional(),
      sequence: z.number(),
      roundTripMs: z.number().optional(),
    }),
  ),
});
export type OperationAnswer = z.infer<typeof operation>;

const doctor = z.looseObject({
  isHealthy: z.boolean(),
  router: z.string(),
  lookups: z.number(),
  nodes: z.looseObject({ estimate: z.number(), standardError: z.number() }).optional(),
  silentShare: z.number(),
  measures: z.array(
    z.looseObject({
      name: z.string(),
      measured: z.number(),
      expected: z.number().optional(),
      isOff: z.boolean(),
    }),
  ),
  findings: z.array(
    z.looseObject({ code: z.string(), severity: z.string(), text: z.string(), advice: z.string() }),
  ),
});

export const answers = {
  doctor,
  operation,
  lookupStep,
  lookupReport,
  status: z.looseObject({
    process: z.looseObject({
      pid: z.number(),
      nodeVersion: z.string(),
      uptimeMs: z.number(),
      memoryBytes: z.number(),
      seeds: z.number(),
      peers: z.number(),
    }),
    nodes: z.array(nodeSummary),
  }),
  nodes: z.looseObject({ nodes: z.array(nodeSummary) }),
  members: z.looseObject({
    members: z.array(
      place.extend({
        since: z.number(),
        state: z.string().optional(),
        tags: z.record(z.string(), z.string()).optional(),
      }),
    ),
  }),
  neighbors: z.looseObject({ neighbors: z.array(place.extend({ rttMs: z.number().nullable() })) }),
  graph: z.looseObject({
    nodes: z.array(z.looseObject({ name: z.string(), contact: nodeId, role: z.string() })),
    links: z.array(z.tuple([nodeId, nodeId])),
  }),
  published: z.looseObject({
    published: z.string(),
    sent: z.number(),
    queued: z.number(),
    dropped: z.number(),
    coverage: z
      .looseObject({
        asked: z.number(),
        answered: z.number(),
        have: z.number(),
        share: z.number(),
        low: z.number(),
        high: z.number(),
      })
      .optional(),
  }),
  why: z.looseObject({
    node: z.string(),
    peer: nodeId,
    host: z.string(),
    port: z.number(),
    state: z.string(),
    evidence: z.array(
      z.looseObject({
        at: z.number(),
        kind: z.string(),
        by: nodeId,
        through: z.array(nodeId),
        incarnation: z.number(),
        detail: z.string(),
      }),
    ),
  }),
  stateSet: z.looseObject({ set: z.string(), key: z.string() }),
  stateDeleted: z.looseObject({ deleted: z.string(), key: z.string(), wasThere: z.boolean() }),
  stateEntry,
  stateEntries: z.looseObject({ entries: z.array(stateEntry) }),
  left: z.looseObject({ left: z.string() }),
  acted: z.looseObject({ did: z.string(), nodes: z.array(z.string()) }),
  killed: z.looseObject({ killed: z.string() }),
} as const;

// ---- Asking ----

export interface ApiConfig {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token?: string | undefined;
}

/** How long an answer may take; a trace goes on for as long as it likes. */
const defaultTimeoutMs = 10_000;
/** For looking around among several processes, of which one may hang. */
const searchTimeoutMs = 2000;
/** Several times what a publication and its escapes can take. */
const maxEventCharacters = 16 * 1024 * 1024;

const errorBody = z.object({ error: z.string() });
const traceBody = z.looseObject({ at: z.number(), node: nodeId, layer: z.string(), type: z.string() });

/** One control API. Every method throws `UsageError` with a text for the user if there is no good answer. */
export class ApiClient {
  readonly url: string;
  readonly #token: string | undefined;

  constructor({ url, token }: ApiConfig) {
    this.url = url;
    this.#token = token;
  }

  get<Answer>(path: string, shape: z.ZodType<Answer>, timeoutMs = defaultTimeoutMs): Promise<Answer> {
    return this.#ask(path, shape, {}, timeoutMs);
  }

  post<Answer>(
    path: string,
    body: object,
    shape: z.ZodType<Answer>,
    timeoutMs = defaultTimeoutMs,
  ): Promise<Answer> {
    const headers = { "content-type": "application/json" };
    return this.#ask(path, shape, { method: "POST", headers, body: JSON.stringify(body) }, timeoutMs);
  }

  async nodes(timeoutMs = defaultTimeoutMs): Promise<NodeSummary[]> {
    return (await this.get("/v1/nodes", answers.nodes, timeoutMs)).nodes;
  }

  /**
   * Calls `onEvent` for every event, one after the other, until the signal (`stopped`) or the process (`ended`) ends
   * it. A slow `onEvent` slows the reading, until the process drops us: that throws, as does a broken connection.
   */
  async follow(
    query: { readonly node?: string | undefined; readonly types?: readonly string[] | undefined },
    onEvent: (event: TraceEvent) => unknown,
    signal: AbortSignal,
  ): Promise<"stopped" | "ended"> {
    const parameters = new URLSearchParams();
    if (query.node !== undefined) parameters.set("node", query.node);
    if (query.types !== undefined) parameters.set("types", query.types.join(","));
    return await this.stream(
      `/v1/trace?${parameters}`,
      ({ type, data }) => {
        const event = traceBody.safeParse(jsonOrUndefined(data));
        return type === "message" && event.success ? onEvent(event.data as unknown as TraceEvent) : undefined;
      },
      signal,
    );
  }

  /** The same for any stream of events; the events `end` and `dropped` end it. */
  async stream(
    path: string,
    onEvent: (event: ServerSentEvent) => unknown,
    signal: AbortSignal,
  ): Promise<"stopped" | "ended"> {
    try {
      const response = await this.#open(path, signal);
      return await this.#read(response, onEvent, signal);
    } catch (error) {
      if (signal.aborted) return "stopped";
      throw this.#explain(error, defaultTimeoutMs);
    }
  }

  /** The data of an event. Throws `UsageError` for what is no such thing. */
  read<Data>(data: string, shape: z.ZodType<Data>): Data {
    const parsed = shape.safeParse(jsonOrUndefined(data));
    if (!parsed.success) throw this.#stranger();
    return parsed.data;
  }

  /** Only the beginning of the answer is under the timeout. */
  async #open(path: string, signal: AbortSignal): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(timeout()), defaultTimeoutMs);
    try {
      const headers = { accept: "text/event-stream" };
      const response = await this.#fetch(path, { headers, signal: AbortSignal.any([signal, late.signal]) });
      if (!response.ok) await this.#parse(response, z.never());
      const type = response.headers.get("content-type") ?? "";
      if (response.body === null || !type.startsWith("text/event-stream")) throw this.#stranger();
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(
    response: Response,
    onEvent: (event: ServerSentEvent) => unknown,
    signal: AbortSignal,
  ): Promise<"stopped" | "ended"> {
    const decoder = new TextDecoder();
    const parser = new EventStreamParser(maxEventCharacters);
    for await (const chunk of response.body!) {
      for (const event of parser.push(decoder.decode(chunk, { stream: true }))) {
        if (signal.aborted) return "stopped";
        if (event.type === "end") return "ended";
        if (event.type === "dropped") throw new UsageError(`${this.url} dropped us: ${reasonIn(event.data)}`);
        await onEvent(event);
      }
    }
    throw new UsageError(`the connection to ${this.url} broke off; has the process been killed?`);
  }

  async #ask<Answer>(
    path: string,
    shape: z.ZodType<Answer>,
    request: RequestInit,
    timeoutMs: number,
  ): Promise<Answer> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      return await this.#parse(await this.#fetch(path, { ...request, signal }), shape);
    } catch (error) {
      throw this.#explain(error, timeoutMs);
    }
  }

  async #fetch(path: string, { headers, ...request }: RequestInit): Promise<Response> {
    const all = new Headers(headers);
    if (this.#token !== undefined) all.set("authorization", `Bearer ${this.#token}`);
    return fetch(this.url + path, {
      ...request,
      headers: all,
      redirect: "manual", // the token is for this address only
    });
  }

  async #parse<Answer>(response: Response, shape: z.ZodType<Answer>): Promise<Answer> {
    const body = jsonOrUndefined(await response.text());
    if (response.ok) {
      const answer = shape.safeParse(body);
      if (answer.success) return answer.data;
      throw this.#stranger();
    }
    const failure = errorBody.safeParse(body);
    if (response.status === 401) {
      throw new UsageError(
        this.#token === undefined
          ? `${this.url} asks for a token; give it with --token or in GRAPEVINE_API_TOKEN`
          : `${this.url} refuses this token; give the right one with --token or in GRAPEVINE_API_TOKEN`,
      );
    }
    if (!failure.success) throw this.#stranger(` (status ${response.status})`);
    throw new UsageError(escapeText(failure.data.error));
  }

  #stranger(detail = ""): UsageError {
    return new UsageError(`what answers at ${this.url} is not the control API of a grapevine${detail}`);
  }

  #explain(error: unknown, timeoutMs: number): unknown {
    if (error instanceof UsageError || !(error instanceof Error)) return error;
    if (error.name === "TimeoutError") {
      return new UsageError(`${this.url} did not answer within ${timeoutMs / 1000} s`);
    }
    const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
    switch (code) {
      case "ECONNREFUSED":
        return new UsageError(
          `nobody answers at ${this.url}; has the process ended? \`grapevine status\` shows what runs here`,
        );
      case "ECONNRESET":
      case "EPIPE":
      case "UND_ERR_SOCKET":
        return new UsageError(`the connection to ${this.url} broke off; has the process been killed?`);
      default:
        if (message === "bad port") {
          return new UsageError(
            `${this.url}: fetch keeps this port for another protocol; let the API have another one`,
          );
        }
        return new UsageError(`cannot ask ${this.url} (${escapeText(code ?? message)})`);
    }
  }
}

function timeout(): DOMException {
  return new DOMException("no answer in time", "TimeoutError");
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonIn(data: string): string {
  const failure = errorBody.safeParse(jsonOrUndefined(data));
  return failure.success ? escapeText(failure.data.error) : "it does not say why";
}

export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
}

/** Server-sent events out of text that comes in pieces. Throws `UsageError` for an event of more than `maxCharacters`. */
export class EventStreamParser {
  readonly #maxCharacters: number;
  /** The beginning of a line. */
  #rest = "";
  #type = "";
  #data: string[] = [];
  #characters = 0;

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    // A carriage return at the end may be half of a line end.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0)
          events.push({ type: this.#type || "message", data: this.#data.join("\n") });
        this.#type = "";
        this.#data = [];
        this.#characters = 0;
      } else this.#onLine(line);
    }
    if (this.#characters + this.#rest.length > this.#maxCharacters) {
      throw new UsageError(`an event of the trace has more than ${this.#maxCharacters} characters`);
    }
    return events;
  }

  #onLine(line: string): void {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === "event") this.#type = value!;
    else if (field === "data") {
      this.#data.push(value!);
      this.#characters += value!.length;
    } // a comment (the heartbeat), or a field for browsers
  }
}

// ---- Finding whom to ask ----

export interface ApiOptions {
  readonly api?: string;
  readonly token?: string;
}

export function addApiOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--api <url>", "control API to ask (default: that of the process here)").env(
        "GRAPEVINE_API",
      ),
    )
    .addOption(
      new Option(
        "--token <token>",
        "bearer token of that control API; the environment hides it from other users",
      ).env("GRAPEVINE_API_TOKEN"),
    );
}

/**
 * The control API that the user names, or that of the only process here, or that of the only one which has the node
 * `wanted`. Throws `UsageError` that says how to choose.
 */
export async function findApi(options: ApiOptions, wanted?: string): Promise<ApiClient> {
  const running = runningProcesses();
  if (options.api) return namedApi(options.api, options.token, running);
  if (running.length === 0) throw nothingRuns();
  if (wanted === undefined) {
    if (running.length === 1) return clientOf(running[0]!, options);
    throw new UsageError(
      `${running.length} grapevine processes run here; name a node, or ${choice(running)}`,
    );
  }
  const owners = running.filter(({ nodes }) => nodes.includes(wanted));
  // A port, or a node that came after the announcement: only the processes themselves know.
  if (owners.length === 0 && running.length > 1)
    owners.push(...(await askForOwners(running, options, wanted)));
  if (owners.length === 1) return clientOf(owners[0]!, options);
  // Its own answer says which nodes there are.
  if (running.length === 1) return clientOf(running[0]!, options);
  const what = owners.length === 0 ? "no process here has" : `${owners.length} processes here have`;
  throw new UsageError(
    `${what} a node "${escapeText(wanted)}"; ${choice(owners.length === 0 ? running : owners)}`,
  );
}

/** The control API that the user names, or those of all processes here: at least one. */
export function findAllApis(options: ApiOptions): ApiClient[] {
  const running = runningProcesses();
  if (options.api) return [namedApi(options.api, options.token, running)];
  if (running.length === 0) throw nothingRuns();
  return running.map((one) => clientOf(one, options));
}

/**
 * Asks all, and warns about those that do not answer; throws what the first one said if none does. For commands that
 * show what there is.
 */
export async function askAll<Answer>(
  clients: readonly ApiClient[],
  ask: (client: ApiClient) => Promise<Answer>,
): Promise<Answer[]> {
  const results = await Promise.allSettled(clients.map(ask));
  const answered = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as Error] : [],
  );
  if (answered.length === 0) throw failures[0]!;
  for (const { message } of failures) process.stderr.write(`grapevine: ${message}\n`);
  return answered;
}

/**
 * What stands for the node in a path: the name that the user gave, or the only running node. With `"peer"`, and
 * nothing named, any running peer will do.
 */
export async function chooseNode(
  client: ApiClient,
  wanted: string | undefined,
  any?: "peer",
): Promise<string> {
  if (wanted !== undefined) return wanted;
  const running = (await client.nodes()).filter(({ isRunning }) => isRunning);
  const peers = running.filter(({ role }) => role === "peer");
  if (any === "peer" && peers.length === 0) throw new UsageError(`${client.url} has no running peer`);
  if (any === "peer") return peers[0]!.name;
  if (running.length === 0) throw new UsageError(`${client.url} has no running node`);
  if (running.length === 1) return running[0]!.name;
  throw new UsageError(`which node? There are ${namesOf(running.map(({ name }) => name))}`);
}

export function nodePath(node: string, what: string): string {
  return `/v1/nodes/${encodeURIComponent(node)}/${what}`;
}

function namedApi(text: string, token: string | undefined, running: readonly RunningProcess[]): ApiClient {
  const url = parseApiUrl(text);
  return new ApiClient({ url, token: token || running.find((one) => one.url === url)?.token });
}

function clientOf({ url, token }: RunningProcess, options: ApiOptions): ApiClient {
  return new ApiClient({ url, token: token ?? (options.token || undefined) });
}

/** `http://127.0.0.1:4000`, `127.0.0.1:4000` or `4000`. */
function parseApiUrl(text: string): string {
  const full = /^\d+$/.test(text)
    ? `http://127.0.0.1:${text}`
    : text.includes("://")
      ? text
      : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !isHttp || url.username !== "" || url.search !== "") {
    throw new UsageError(
      `--api: "${escapeText(text)}" is no address of a control API; write http://127.0.0.1:4000`,
    );
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

async function askForOwners(
  running: readonly RunningProcess[],
  options: ApiOptions,
  wanted: string,
): Promise<RunningProcess[]> {
  const have = await Promise.all(
    running.map(async (one) => {
      const nodes = await clientOf(one, options)
        .nodes(searchTimeoutMs)
        .catch(() => []);
      return nodes.some(({ name, port }) => name === wanted || String(port) === wanted);
    }),
  );
  return running.filter((_, index) => have[index]);
}

function nothingRuns(): UsageError {
  return new UsageError(
    "no grapevine process is running here; start one with `grapevine up`, or name one with --api",
  );
}

function choice(running: readonly RunningProcess[]): string {
  const lines = running.map(
    ({ url, pid, nodes, startedAt }) =>
      `  --api ${url}  pid ${pid}, since ${showTime(startedAt)}: ${namesOf(nodes)}`,
  );
  return `say which with --api or GRAPEVINE_API:\n${lines.join("\n")}`;
}

const maxNames = 8;

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).map(escapeText).join(", ") || "no nodes";
  return names.length > maxNames ? `${shown} and ${names.length - maxNames} more` : shown;
}

// ---- Showing ----

let isGuarded = false;

/** Whoever reads us may have seen enough (`| head`): no reason for a word. By default the process ends then. */
export function guardOutput(onUnread: () => void = () => process.exit(0)): void {
  if (isGuarded) return;
  isGuarded = true;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return onUnread();
    process.stderr.write(`grapevine: cannot write the output (${error.code ?? error.message})\n`);
    process.exit(1);
  });
}

/** Writes to standard output, and resolves when a slow reader has caught up. */
export async function print(text: string): Promise<void> {
  await printRaw(`${text}\n`);
}

/** The same for what is no line of text. */
export async function printRaw(content: string | Uint8Array): Promise<void> {
  guardOutput();
  if (!process.stdout.write(content)) await once(process.stdout, "drain");
}

/** A value: to a terminal as a text that cannot move it; to a file or a program, as it is. */
export async function printValue({ text, base64 }: { text?: string; base64?: string }): Promise<void> {
  if (process.stdout.isTTY) return await print(text === undefined ? `${base64} (base64)` : escapeText(text));
  await printRaw(text ?? Buffer.from(base64 ?? "", "base64"));
}

/**
 * A value as one line of JSON that no terminal obeys: control characters and those that turn the reading direction
 * are written as escapes, which mean the same to every reader.
 */
export function jsonText(value: unknown): string {
  // Outside of its strings, JSON on one line has no such characters.
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
    }).join(""),
  );
}

/** Columns that line up, under their names. Columns in which there is nothing are left out; numbers stand right. */
export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const used = columns.map((_, i) => i).filter((i) => rows.length === 0 || rows.some((row) => row[i] !== ""));
  const widths = used.map((i) => Math.max(columns[i]!.length, ...rows.map((row) => widthOf(row[i]!))));
  const isNumber = used.map((i) => rows.some((row) => typeof row[i] === "number"));
  const line = (cells: readonly (string | number)[]) =>
    used
      .map((i, at) => {
        const space = " ".repeat(widths[at]! - widthOf(cells[i]!));
        return isNumber[at] ? space + cells[i] : cells[i] + space;
      })
      .join("  ")
      .trimEnd();
  return [pc.dim(line(columns)), ...rows.map(line)].join("\n");
}

function widthOf(cell: string | number): number {
  return [...String(cell)].length;
}

/** A time by this machine's clock, to the second. */
export function showTime(at: number): string {
  return showMoment(at).split(".")[0]!;
}

/** The same to the millisecond. Clocks of others may say anything. */
export function showMoment(at: number): string {
  return Number.isFinite(at) && Math.abs(at) <= 8.64e15 ? localTime(at) : "unknown";
}

/** Enough of the id to tell nodes apart, and to find them in the log. */
export function showId(node: NodeId): string {
  return escapeText(String(identityOf(node)).slice(0, 8));
}
