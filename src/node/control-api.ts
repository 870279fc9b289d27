/**
 * The control API of a process with one or more nodes: what the commands, a dashboard and Prometheus talk to.
 *
 *     GET  /v1/status                          the process, and every node with its counts
 *     GET  /v1/nodes                           the nodes alone
 *     GET  /v1/nodes/:name/members             everybody that the node knows of
 *     GET  /v1/nodes/:name/neighbors           its links, with round trips
 *     GET  /v1/graph                           the links of all nodes of this process
 *     POST /v1/nodes/:name/publish             {"text": "hello"} or {"base64": "aGVsbG8="}, "priority": 0 to 255, "topic", "coverage": 32
 *     GET  /v1/nodes/:name/why?member=peer-3   what the node thinks of a member, and the evidence (name, id, contact, host:port)
 *     GET  /v1/nodes/:name/state?prefix=       the shared state: keys, values, who wrote them and when
 *     GET  /v1/nodes/:name/state?key=color     one key of it; 404 if there is none
 *     POST /v1/nodes/:name/state               {"key": "color", "text": "green"} (or "base64") sets it
 *     POST /v1/nodes/:name/state/delete        {"key": "color"} deletes it
 *     GET  /v1/nodes/:name/lookup?key=         the report of a lookup; a key is 40 hexadecimal digits, or a name
 *     GET  /v1/nodes/:name/route?key=          the same, step by step as it goes on (server-sent events)
 *     GET  /v1/nodes/:name/doctor?lookups=48   what is off with the lookups of this node, by what theory says
 *     POST /v1/nodes/:name/records             {"name": "song", "text": "la"} (or "base64") puts it into the store
 *     GET  /v1/nodes/:name/records?name=song   what the store has; `key=` of an immutable record
 *     POST /v1/nodes/:name/records/delete      {"name": "song"} deletes it
 *     POST /v1/actions                         {"do": "crash", "node": "peer-3"}: does it (docs/scenarios.md has all actions)
 *     POST /v1/nodes/:name/leave               says goodbye and stops
 *     POST /v1/nodes/:name/kill                stops as a killed process would
 *     GET  /v1/nodes/:name/details             its links, lists, messages, counters, timers, and the end of its log
 *     GET  /v1/feed                            the network and what happens in it, bounded (server-sent events; docs/trace.md)
 *     GET  /v1/trace?node=&types=              events as they happen (server-sent events; docs/trace.md)
 *     GET  /                                   the page that shows all this (page.ts); its files need no token
 *     GET  /metrics                            for Prometheus (docs/metrics.md)
 *     POST /v1/shutdown                        ends the process, where it allows that
 *
 * Of the store the answer is what became of the operation, replica by replica: its `outcome` says whether it came about.
 *
 * `:name` is a node's name, its port, or its contact (id@host:port); `-` is the only node, or the only peer. Everything
 * is JSON; errors are `{"error": "what is wrong, and what would mend it"}`.
 *
 * Who may ask is decided in `request-guard.ts`. Beyond loopback nobody may change anything, unless it was allowed.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import {
  addressOf,
  defineOptions,
  hostOf,
  identityOf,
  isKey,
  type LookupReport,
  type Millis,
  type NodeId,
  portOf,
  UsageError,
} from "../core/index.ts";
import { actionBody } from "./action-shapes.ts";
import { beginEventStream, serverSent } from "./event-stream.ts";
import { Feed, type FeedOptions, feedOptions } from "./feed.ts";
import { type Hands, whatMayBeDone } from "./hands.ts";
import { failure } from "./http-failure.ts";
import { type HttpEnv as Env, type HttpServer, serveHttp } from "./http-server.ts";
import type { LookupRun } from "./lookups.ts";
import { Metrics } from "./metrics.ts";
import type { GrapevineNode, NodeOptions } from "./node.ts";
import { detailsOf } from "./node-details.ts";
import { servePage } from "./page.ts";
import type { OperationResult } from "./records.ts";
import { isLoopback, requestGuard } from "./request-guard.ts";
import type { StateEntry } from "./shared-state.ts";
import { TraceFeed, type TraceFeedOptions } from "./trace-feed.ts";

export interface ControlApiOptions extends TraceFeedOptions, FeedOptions {}

export const controlApiOptions = defineOptions<ControlApiOptions>({
  ...feedOptions.specs,
  maxTraceClients: {
    default: 64,
    min: 1,
    max: 10_000,
    description: "Who may follow the trace at once (guess)",
  },
  maxTraceQueueBytes: {
    default: 1024 * 1024,
    min: 4096,
    max: 1 << 30,
    description:
      "With so much unread, a follower of the trace is dropped, and one of the feed told less (guess)",
  },
  traceHeartbeatMs: {
    default: 15_000,
    min: 10,
    max: 3_600_000,
    description: "How often followers hear that the connection stands, though nothing happens",
  },
});

export interface ControlApiConfig extends Partial<ControlApiOptions> {
  /** Default 127.0.0.1. Anything but loopback needs a token. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Asked for as `Authorization: Bearer …`, if given; an empty one is none. */
  readonly token?: string | undefined;
  /** Names under which the API is called, besides its address: for a machine that has a name. */
  readonly allowedHosts?: readonly string[];
  /** Beyond loopback only looking is allowed, unless this says otherwise. */
  readonly isWritable?: boolean;
  /** What can be done to the nodes of this process and to the network between them. */
  readonly hands?: Hands;
  /** The nodes of this process; asked at every request. */
  readonly nodes: () => Iterable<GrapevineNode>;
  /** What nodes have that are still to come: who watches before the first is there is told of them. */
  readonly nodeOptions?: NodeOptions;
  /** Hears what was asked for and changed something, and what went wrong in here. */
  readonly log?: (text: string) => void;
  /** Ends a node, or the process around it, without a word to anybody. `node.kill()` unless given. */
  readonly kill?: (node: GrapevineNode) => unknown;
  /** Ends the process in order. Without it there is no such route. */
  readonly shutdown?: () => unknown;
  /** Keeps what happens before anybody watches, for those who look back: it costs a little all the time. */
  readonly recordsFromStart?: boolean;
  /** The last lines of the log of a node, where this process writes one. */
  readonly logTail?: (node: GrapevineNode) => Promise<readonly string[] | undefined>;
  /** The process's metrics where it has them already; the API makes its own otherwise. */
  readonly metrics?: Metrics;
}

export interface ControlApi {
  /** `http://127.0.0.1:45123`. */
  readonly url: string;
  /** Answers what is being asked, ends the followers of the trace, and stops to listen. */
  close(): Promise<void>;
}

const maxBodyBytes = 1024 * 1024;

/**
 * Throws `UsageError` for a host other than loopback without a token, and for a port that is taken; nothing listens
 * then.
 */
export async function startControlApi(config: ControlApiConfig): Promise<ControlApi> {
  const host = config.host ?? "127.0.0.1";
  const { token = "", log = () => {} } = config;
  if (!isLoopback(host) && token === "") {
    throw new UsageError(
      `host: ${host} is not loopback, so anybody could command these nodes; pass a token (--api-token), or listen on 127.0.0.1`,
    );
  }
  const options = controlApiOptions({
    maxTraceClients: config.maxTraceClients,
    maxTraceQueueBytes: config.maxTraceQueueBytes,
    traceHeartbeatMs: config.traceHeartbeatMs,
    feedEventsPerSecond: config.feedEventsPerSecond,
    feedMemoryBytes: config.feedMemoryBytes,
  });
  const metrics = config.metrics ?? new Metrics({ nodes: config.nodes });
  const trace = new TraceFeed(config.nodes, options, config.metrics === undefined ? metrics : undefined);
  const feed = new Feed({
    ...options,
    nodes: config.nodes,
    nodeOptions: config.nodeOptions ?? {},
    recordsFromStart: config.recordsFromStart ?? false,
    mayBeDone: whatMayBeDone(config),
    hands: config.hands,
    maxFollowers: options.maxTraceClients,
    maxUnreadBytes: options.maxTraceQueueBytes,
  });
  const app = makeApp(config, host, { trace, feed }, metrics, log);
  const stop = () => {
    trace.close();
    feed.close();
    if (config.metrics === undefined) metrics.close();
  };
  let server: HttpServer;
  try {
    server = await serveHttp(app, {
      host,
      port: config.port,
      maxConnections: 4 * options.maxTraceClients + 256,
    });
  } catch (error) {
    stop();
    throw error;
  }
  const close = async () => {
    stop();
    await server.close();
  };
  return { url: server.url, close };
}

// ---- The routes ----

function makeApp(
  config: ControlApiConfig,
  host: string,
  { trace, feed }: { readonly trace: TraceFeed; readonly feed: Feed },
  metrics: Metrics,
  log: (text: string) => void,
): Hono<Env> {
  const app = new Hono<Env>();
  const startedAt = Date.now();
  const mayBeDone = whatMayBeDone(config);
  const find = (c: Context<Env>) => findNode([...config.nodes()], c.req.param("name")!);
  const findRunning = (c: Context<Env>) => {
    const node = find(c);
    if (!node.isRunning) throw failure(409, `${node.name} has stopped`);
    log(`control API: ${c.req.method} ${c.req.path}`);
    return node;
  };
  const findAwake = (c: Context<Env>) => awake(findRunning(c));

  /** Throws (409) where nobody can be looked for. */
  const findRouter = (c: Context<Env>) => {
    const node = find(c);
    if (!node.isRunning) throw failure(409, `${node.name} has stopped`);
    if (node.router !== undefined) return awake(node);
    const why = node.role === "seed" ? "is a seed and has no router" : "has no router";
    throw failure(
      409,
      `${node.name} ${why}; ask a peer that was started with --router kademlia, chord or pastry`,
    );
  };
  const findStore = (c: Context<Env>) => {
    const { records } = findRouter(c);
    log(`control API: ${c.req.method} ${c.req.path}`);
    return records;
  };

  app.use(requestGuard({ ...config, host, readOnly: mayBeDone.readOnly }));

  app.get("/v1/status", (c) => c.json({ ...statusOf([...config.nodes()], startedAt), ...mayBeDone }));
  app.get("/v1/nodes", (c) => c.json({ nodes: [...config.nodes()].map(summaryOf) }));
  app.get("/v1/graph", (c) => c.json(graphOf(config.nodes())));
  app.get("/v1/nodes/:name/members", (c) => {
    const node = find(c);
    const known = node.memberStates() ?? node.members();
    return c.json({ members: known.map(({ peer, ...rest }) => ({ ...placeOf(peer), ...rest })) });
  });
  app.get("/v1/nodes/:name/neighbors", (c) => {
    const node = find(c);
    return c.json({
      neighbors: node.neighbors().map(({ peer, rttMs }) => ({ ...placeOf(peer), rttMs: rttMs ?? null })),
    });
  });
  app.post("/v1/nodes/:name/publish", async (c) => {
    const { text, base64, ...options } = await body(c, publication);
    const node = findAwake(c);
    const payload = text ?? Buffer.from(base64!, "base64");
    feed.followNext(node);
    return c.json({ published: node.name, ...(await node.publish(payload, options)) });
  });
  app.get("/v1/nodes/:name/why", (c) => {
    const node = find(c);
    const { member } = queryOf(c, whyQuery);
    const about = findMember([...config.nodes()], node, member);
    return c.json({ node: node.name, ...placeOf(about), ...node.why(about) });
  });
  app.get("/v1/nodes/:name/state", (c) => {
    const { state } = peerOf(find(c));
    const key = c.req.query("key");
    if (key === undefined) {
      const prefix = c.req.query("prefix") ?? "";
      const entries = [...state.entries()].filter((entry) => entry.key.startsWith(prefix));
      return c.json({ entries: entries.map(stateEntryOf) });
    }
    const entry = state.entry(key);
    if (entry === undefined) throw failure(404, `there is no key ${JSON.stringify(key)} in the shared state`);
    return c.json(stateEntryOf(entry));
  });
  app.post("/v1/nodes/:name/state", async (c) => {
    const { key, text, base64 } = await body(c, stateWrite);
    const { name, state } = peerOf(findAwake(c));
    await state.set(key, text ?? Buffer.from(base64!, "base64"));
    return c.json({ set: name, key });
  });
  app.post("/v1/nodes/:name/state/delete", async (c) => {
    const { key } = await body(c, stateDelete);
    const { name, state } = peerOf(findAwake(c));
    return c.json({ deleted: name, key, wasThere: await state.delete(key) });
  });
  app.get("/v1/nodes/:name/lookup", async (c) => {
    const { key, ...options } = lookupQuery(c);
    const report = await findRouter(c).lookup(key, options).report;
    return c.json(lookupReportOf(report));
  });
  app.get("/v1/nodes/:name/route", (c) => {
    const { key, ...options } = lookupQuery(c);
    void streamRoute(c.env.outgoing, findRouter(c).lookup(key, options));
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/v1/nodes/:name/doctor", async (c) => {
    const { lookups } = queryOf(c, doctorQuery);
    return c.json(await findRouter(c).checkUp.examine({ lookups, signal: untilHungUp(c) }));
  });
  app.post("/v1/nodes/:name/records", async (c) => {
    const { text, base64, ...options } = await body(c, recordWrite);
    const value = text === undefined ? Buffer.from(base64!, "base64") : Buffer.from(text);
    return c.json(outcomeOf(await findStore(c).ask({ type: "put", value, ...options })));
  });
  app.get("/v1/nodes/:name/records", async (c) => {
    const query = queryOf(c, recordQuery);
    return c.json(outcomeOf(await findRouter(c).records.ask({ type: "get", ...query }, untilHungUp(c))));
  });
  app.post("/v1/nodes/:name/records/delete", async (c) => {
    const command = await body(c, recordDelete);
    return c.json(outcomeOf(await findStore(c).ask({ type: "delete", ...command })));
  });
  app.post("/v1/actions", async (c) => {
    const action = await body(c, actionBody);
    const { hands } = config;
    if (hands === undefined || !mayBeDone.hands.includes(action.do))
      throw failure(409, cannot(action.do, mayBeDone.hands));
    log(`control API: ${action.do}`);
    if (action.do === "publish") {
      const named = new Set<unknown>([action.from].flat());
      for (const node of config.nodes()) if (named.has(node.name)) feed.followNext(node);
    }
    const { nodes, afterwards } = await hands.perform(action);
    if (afterwards !== undefined) afterAnswer(c, afterwards, log);
    return c.json({ did: action.do, nodes }, afterwards === undefined ? 200 : 202);
  });
  app.post("/v1/nodes/:name/leave", async (c) => {
    await body(c, nothing);
    const node = findAwake(c);
    await node.leave();
    return c.json({ left: node.name });
  });
  app.post("/v1/nodes/:name/kill", async (c) => {
    await body(c, nothing);
    const node = findRunning(c);
    const { kill = (one: GrapevineNode) => one.kill() } = config;
    afterAnswer(c, () => kill(node), log);
    return c.json({ killed: node.name }, 202);
  });
  app.get("/v1/nodes/:name/details", async (c) => {
    const node = find(c);
    return c.json(detailsOf(node, await config.logTail?.(node)));
  });
  app.get("/v1/feed", (c) => {
    feed.follow(c.env.outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/v1/trace", (c) => {
    const name = c.req.query("node");
    const types = c.req.query("types");
    const node = name === undefined || name === "" ? undefined : findNode([...config.nodes()], name);
    trace.follow(c.env.outgoing, { node, types: types ? new Set(types.split(",")) : undefined });
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/metrics", async (c) =>
    c.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  );
  const { shutdown } = config;
  if (shutdown !== undefined) {
    app.post("/v1/shutdown", async (c) => {
      await body(c, nothing);
      log("control API: shutdown");
      afterAnswer(c, shutdown, log);
      return c.json({ stopping: true }, 202);
    });
  }

  servePage(app);
  const routes = app.routes
    .filter(({ path }) => path !== "/*")
    .map(({ method, path }) => `${method} ${path}`);
  app.notFound((c) => c.json({ error: `there is no ${c.req.method} ${c.req.path}`, routes }, 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException)
      return c.json({ error: error.message }, error.status as ContentfulStatusCode);
    if (error instanceof UsageError) return c.json({ error: error.message }, 400);
    log(`control API: ${c.req.method} ${c.req.path} failed: ${error.stack ?? error.message}`);
    return c.json({ error: "this failed inside the node; its log says more" }, 500);
  });
  return app;
}

// ---- Bodies ----

const wellFormed = z
  .string()
  .refine(
    (text) => !/\p{Surrogate}/u.test(text),
    "has half of a surrogate pair, which no encoding can carry",
  );

const publication = z
  .strictObject({
    text: wellFormed.optional(),
    base64: z.base64().optional(),
    priority: z.number().optional(),
    topic: wellFormed.optional(),
    coverage: z.union([z.boolean(), z.number()]).optional(),
  })
  .refine(
    ({ text, base64 }) => (text === undefined) !== (base64 === undefined),
    'give either "text" or "base64"',
  );

const stateDelete = z.strictObject({ key: wellFormed });

const stateWrite = z
  .strictObject({ key: wellFormed, text: wellFormed.optional(), base64: z.base64().optional() })
  .refine(
    ({ text, base64 }) => (text === undefined) !== (base64 === undefined),
    'give either "text" or "base64"',
  );

const nothing = z.strictObject({});

async function body<Shape extends z.ZodType>(c: Context<Env>, shape: Shape): Promise<z.infer<Shape>> {
  const text = await bodyText(c.env.incoming);
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw failure(400, `the body is not JSON (${textOf(error)})`);
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw failure(400, `body: ${issues.join("; ")}`);
}

/** Read by hand, since Hono's own limit needs the global `Request` replaced for bodies that come in pieces. */
async function bodyText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw failure(413, `the body is more than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function cannot(action: string, hands: readonly string[]): string {
  const instead = hands.length === 0 ? "nothing; `grapevine up` runs a network that can" : hands.join(", ");
  return `${action}: this process cannot do that; it can do ${instead}`;
}

/** Throws (409) for a node that hangs. */
function awake(node: GrapevineNode): GrapevineNode {
  if (node.isPaused) throw failure(409, `${node.name} is paused and hears nothing; resume it first`);
  return node;
}

/** What ends this process must not end it before the caller has its answer. */
function afterAnswer(c: Context<Env>, act: () => unknown, log: (text: string) => void): void {
  const { outgoing } = c.env;
  const end = () => {
    Promise.resolve()
      .then(act)
      .catch((error: unknown) => log(`control API: ${textOf(error)}`));
  };
  if (outgoing.destroyed) return end(); // nobody waits for it any more
  outgoing.once("close", end);
}

const lookupQueryShape = z.strictObject({
  key: z
    .string("say what is looked up: ?key=")
    .min(1, "is empty")
    .max(1024, "is longer than 1024 characters"),
  count: z.coerce.number().int().min(1).max(1000).optional(),
  deadlineMs: z.coerce.number().int().min(1).max(600_000).optional(),
  disjointPaths: z.coerce.number().int().min(1).max(32).optional(),
});

const whyQuery = z.strictObject({
  member: z.string("say of whom: ?member=").min(1, "is empty").max(1024, "is longer than 1024 characters"),
});

const doctorQuery = z.strictObject({ lookups: z.coerce.number().int().min(0).max(1000).optional() });

const recordKinds = z.enum(["immutable", "owned", "shared"]);
const recordName = wellFormed.min(1, "is empty");

const recordWrite = z
  .strictObject({
    name: recordName.optional(),
    text: wellFormed.optional(),
    base64: z.base64().optional(),
    kind: recordKinds.optional(),
    cas: z.number().optional(),
    lifetimeMs: z.number().optional(),
    replicas: z.number().optional(),
    writeQuorum: z.number().optional(),
  })
  .refine(
    ({ text, base64 }) => (text === undefined) !== (base64 === undefined),
    'give either "text" or "base64"',
  );

const recordDelete = z.strictObject({
  name: recordName,
  kind: z.enum(["owned", "shared"]).optional(),
  cas: z.number().optional(),
});

const recordQuery = z
  .strictObject({
    name: recordName.optional(),
    key: z.string().optional(),
    kind: recordKinds.optional(),
    owner: z.string().optional(),
    replicas: z.coerce.number().optional(),
    readQuorum: z.coerce.number().optional(),
  })
  .refine(({ name, key }) => (name === undefined) !== (key === undefined), "give either name= or key=");

/** Throws (400). */
function queryOf<Shape extends z.ZodType>(c: Context<Env>, shape: Shape): z.infer<Shape> {
  const parsed = shape.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw failure(400, issues.join("; "));
}

/** Throws (400). The lookup ends when whoever asked hangs up. */
function lookupQuery(c: Context<Env>) {
  return { ...queryOf(c, lookupQueryShape), signal: untilHungUp(c) };
}

function untilHungUp(c: Context<Env>): AbortSignal {
  const hungUp = new AbortController();
  c.env.outgoing.once("close", () => hungUp.abort(failure(408, "nobody waits for the answer any more")));
  return hungUp.signal;
}

async function streamRoute(response: ServerResponse, run: LookupRun): Promise<void> {
  beginEventStream(response);
  response.on("error", () => {}); // whoever hung up ends the lookup by its signal
  const tell = (event: string, data: unknown) => {
    if (!response.destroyed) response.write(serverSent(event, data));
  };
  try {
    for await (const { index, step } of run) tell("step", { index, ...step });
    tell("report", lookupReportOf(await run.report));
    tell("end", {});
  } catch (error) {
    tell("dropped", { error: textOf(error) });
  }
  response.end();
}

// ---- What is answered ----

/** What became of an operation of the store, whether it came about or not; a value is a text where it is one. */
function outcomeOf({ record, report, ...result }: OperationResult) {
  const { value, writer, writtenAt } = record?.statement ?? {};
  return {
    ...result,
    ...(value === undefined ? {} : contentOf(value)),
    ...(writer === undefined ? {} : { writer, writtenAt }),
    tookMs: result.endedAt - result.startedAt,
    ...(report === undefined ? {} : { lookup: lookupReportOf(report) }),
  };
}

function contentOf(value: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value) };
  } catch {
    return { base64: Buffer.from(value).toString("base64") };
  }
}

/** What was found on the way belongs to `get`, which checks it. */
function lookupReportOf({ records, ...report }: LookupReport) {
  return { ...report, tookMs: report.endedAt - report.startedAt, records: records.length };
}

function findNode(nodes: readonly GrapevineNode[], name: string): GrapevineNode {
  if (name === "-") {
    if (nodes.length === 1) return nodes[0]!;
    const peers = nodes.filter(({ role }) => role === "peer");
    if (peers.length === 1) return peers[0]!;
    throw failure(404, `"-" stands for the only node or the only peer, but there are ${namesOf(nodes)}`);
  }
  const identity = name.includes("@") ? identityOf(name) : undefined;
  const named = nodes.filter(
    (node) => node.name === name || (identity !== undefined && identityOf(node.contact) === identity),
  );
  // One that was started anew under its name comes after its dead predecessor.
  const found = named.findLast(({ isRunning }) => isRunning) ?? named.at(-1);
  const byPort = () => nodes.filter((node) => String(portOf(node.contact)) === name);
  const node = found ?? byPort().findLast(({ isRunning }) => isRunning) ?? byPort().at(-1);
  if (node === undefined) throw failure(404, `there is no node "${name}"; there are ${namesOf(nodes)}`);
  return node;
}

/**
 * A node of this process by its name, or whoever the asked node knows: by contact, address, or the first digits of its id.
 * Throws (404) where nobody is called so.
 */
function findMember(nodes: readonly GrapevineNode[], asked: GrapevineNode, wanted: string): NodeId {
  if (isKey(String(identityOf(wanted)))) return wanted;
  const here = nodes.filter(({ name }) => name === wanted);
  if (here.length > 0) return (here.findLast(({ isRunning }) => isRunning) ?? here.at(-1)!).contact;
  const known = [...nodes.map(({ contact }) => contact), ...asked.members().map(({ peer }) => peer)];
  const found = known.filter(
    (contact) =>
      addressOf(contact) === wanted || String(identityOf(contact)).startsWith(wanted.toLowerCase()),
  );
  const identities = new Set(found.map(identityOf));
  if (identities.size === 1) return found[0]!;
  const why =
    identities.size === 0 ? `${asked.name} knows nobody called` : `${identities.size} members match`;
  throw failure(404, `${why} "${wanted}"; give a name, host:port, or an id (grapevine members shows them)`);
}

function namesOf(nodes: readonly GrapevineNode[]): string {
  const shown = nodes.slice(0, 20).map(({ name }) => name);
  if (shown.length < nodes.length) shown.push(`${nodes.length - shown.length} more`);
  return shown.join(", ") || "none";
}

function statusOf(nodes: readonly GrapevineNode[], startedAt: Millis) {
  const running = nodes.filter(({ isRunning }) => isRunning);
  return {
    process: {
      pid: process.pid,
      nodeVersion: process.version,
      apiStartedAt: startedAt,
      uptimeMs: Math.round(process.uptime() * 1000),
      memoryBytes: process.memoryUsage.rss(),
      seeds: running.filter(({ role }) => role === "seed").length,
      peers: running.filter(({ role }) => role === "peer").length,
      stopped: nodes.length - running.length,
    },
    nodes: nodes.map(summaryOf),
  };
}

function summaryOf(node: GrapevineNode) {
  const { name, role, contact, isRunning, isPaused, startedAt, links, peer, seed } = node;
  return {
    name,
    role,
    contact,
    host: hostOf(contact),
    port: portOf(contact),
    isRunning,
    isPaused,
    startedAt,
    uptimeMs: Date.now() - startedAt,
    neighbors: peer?.view.neighbors.length ?? 0,
    links: links.linkCount,
    queuedBytes: links.queuedBytes,
    knownPeers: seed?.list.length ?? peer?.members.size ?? 0,
    ...(peer === undefined ? {} : peerCounts(peer)),
    ...(seed === undefined ? {} : seedCounts(seed)),
  };
}

function peerCounts(peer: NonNullable<GrapevineNode["peer"]>) {
  const { profile, standing, introducers, introducersWanted, view, broadcast, state } = peer;
  const { published, delivered, duplicates, sends } = broadcast.counters;
  return {
    profile,
    incarnation: standing.incarnation,
    registeredWith: introducers.length,
    quorum: introducersWanted,
    seeds: introducers,
    wantedDegree: view.wantedDegree,
    published,
    delivered,
    duplicates,
    sends,
    retained: broadcast.retainedCount,
    stateKeys: state.size,
  };
}

function seedCounts({ profile, list, fingerprint, registry, swim }: NonNullable<GrapevineNode["seed"]>) {
  const registrations = registry?.counters.registrations ?? list.length;
  const removals = registry?.counters.removals ?? swim!.counters.failures;
  return { profile, listSize: list.length, fingerprint, registrations, removals };
}

/** Throws (409) for a seed. */
function peerOf(node: GrapevineNode): GrapevineNode {
  if (node.role === "seed") throw failure(409, `${node.name} is a seed and shares no state; ask a peer`);
  return node;
}

function stateEntryOf({ key, value, writer, at }: StateEntry) {
  const content =
    typeof value === "string" ? { text: value } : { base64: Buffer.from(value).toString("base64") };
  return { key, ...content, writer, at: at.getTime() };
}

function placeOf(peer: NodeId) {
  return { peer, host: hostOf(peer), port: portOf(peer) };
}

/** Links by contact, each once. A link may lead to a node of another process, which is not among `nodes` then. */
function graphOf(all: Iterable<GrapevineNode>) {
  const nodes: { name: string; contact: NodeId; role: string }[] = [];
  const links = new Map<string, [NodeId, NodeId]>();
  for (const node of all) {
    if (!node.isRunning) continue;
    const { name, contact, role } = node;
    nodes.push({ name, contact, role });
    for (const { peer } of node.neighbors()) {
      const pair: [NodeId, NodeId] = contact < peer ? [contact, peer] : [peer, contact];
      links.set(pair.join(" "), pair);
    }
  }
  return { nodes, links: [...links.values()] };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
