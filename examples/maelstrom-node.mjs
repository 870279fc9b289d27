#!/usr/bin/env node
// @ts-check
/**
 * A node for Maelstrom (https://github.com/jepsen-io/maelstrom), for the workloads `broadcast` and `echo`: it speaks
 * JSON lines on standard input and output, and holds the protocol objects that `grapevine reproduce glomers` simulates.
 *
 *     maelstrom test -w broadcast --bin examples/maelstrom-node.mjs --node-count 25 --rate 100 --latency 100
 *
 * Options: `--topology hub` links all nodes with the first one, instead of as Maelstrom suggests (`given`);
 * `--batch-ms 300` gathers what is forwarded for so long.
 *
 * It is plain JavaScript, because Node 20 runs no TypeScript, and Maelstrom runs a program, not a compiler.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Stack, seededRandom, trustEverybody } from "grapevine/core";
import { Broadcast } from "grapevine/dissemination";
import { StaticLinks, TurnBatches } from "grapevine/lab";

const { values: options } = parseArgs({
  options: {
    topology: { type: "string", default: "given" },
    "batch-ms": { type: "string", default: "0" },
  },
});

/** Errors of Maelstrom's protocol that a node may answer with: all of them say that nothing has happened. */
const errors = { notSupported: 10, temporarilyUnavailable: 11, malformedRequest: 12 };

/** Who we are, once Maelstrom has said it. */
let self = "";
/** @type {readonly string[]} */
let nodes = [];
/** Every value that this node has, in the order in which they came. @type {unknown[]} */
const values = [];
/** @type {TurnBatches<any, any, any, any> | undefined} */
let protocol;
let lastId = 0;

/** @type {(dest: string, body: object) => void} */
function write(dest, body) {
  process.stdout.write(`${JSON.stringify({ src: self, dest, body })}\n`);
}

/** The world as the protocol sees it: the messages of Maelstrom, the clock and the timers of Node. */
const env = {
  get self() {
    return self;
  },
  row: 0,
  get now() {
    return Date.now();
  },
  random: seededRandom(process.pid),
  /** @type {(to: import("grapevine/core").NodeId, batch: object) => void} */
  send(to, batch) {
    write(String(to), batch);
  },
  /** @type {(after: number, timer: any) => void} */
  schedule(after, timer) {
    setTimeout(() => protocol?.onTimer(timer, env), after);
  },
  /** @type {(notice: any) => void} */
  notify({ body }) {
    if (body.type === "published" || body.type === "delivered") values.push(JSON.parse(body.payload));
  },
};

/** @type {(neighbors: readonly string[]) => void} */
function begin(neighbors) {
  const links = new StaticLinks(neighbors);
  const startedAt = Date.now();
  const broadcast = new Broadcast({
    view: links,
    // A process that Maelstrom kills and starts again has a later life, and numbers its messages anew.
    standing: { incarnation: startedAt, since: startedAt },
    signatures: trustEverybody,
    options: { forwardDelayMs: Number(options["batch-ms"]), resendAfterMs: 2000, retainMessages: 100_000 },
  });
  protocol = new TurnBatches(new Stack({ links, broadcast }));
  protocol.start(env);
}

/** @type {(given: Record<string, string[]>) => readonly string[]} */
function neighborsOf(given) {
  if (options.topology !== "hub") return given[self] ?? [];
  const [hub] = nodes;
  return self === hub ? nodes.slice(1) : [String(hub)];
}

/**
 * What each request is answered with.
 * @type {Record<string, (body: any) => object>}
 */
const answers = {
  init({ node_id, node_ids }) {
    self = node_id;
    nodes = node_ids;
    return { type: "init_ok" };
  },
  echo: ({ echo }) => ({ type: "echo_ok", echo }),
  topology({ topology }) {
    if (typeof topology !== "object" || topology === null)
      return failed(errors.malformedRequest, "topology: is no map of nodes to their neighbors");
    if (protocol === undefined) begin(neighborsOf(topology));
    return { type: "topology_ok" };
  },
  broadcast({ message }) {
    if (protocol === undefined) return failed(errors.temporarilyUnavailable, "there was no topology yet");
    if (message === undefined) return failed(errors.malformedRequest, "message: lacks");
    const body = { type: "publish", payloads: [JSON.stringify(message)] };
    protocol.onCommand({ layer: "broadcast", body }, env);
    return { type: "broadcast_ok" };
  },
  read: () => ({ type: "read_ok", messages: values }),
};

/** @type {(code: number, text: string) => object} */
function failed(code, text) {
  return { type: "error", code, text };
}

for await (const line of createInterface({ input: process.stdin })) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    process.stderr.write(`not JSON: ${line}\n`);
    continue;
  }
  const { src, body } = message ?? {};
  // From another node. One that has no topology yet misses it now, and gets it by comparison.
  if (body?.type === "batch") protocol?.onMessage(src, body, env);
  else if (body?.msg_id !== undefined) {
    const answer = Object.hasOwn(answers, body.type)
      ? answers[body.type]?.(body)
      : failed(errors.notSupported, `${body.type}: this node does broadcast and echo`);
    write(src, { ...answer, msg_id: ++lastId, in_reply_to: body.msg_id });
  }
}
process.exit();
