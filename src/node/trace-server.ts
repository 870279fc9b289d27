/** A trace and the page that shows it, on loopback: for `grapevine watch`. Nothing can be changed here. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { Hono } from "hono";
import { UsageError } from "../core/index.ts";
import { type HttpEnv, serveHttp } from "./http-server.ts";
import { servePage } from "./page.ts";
import { requestGuard } from "./request-guard.ts";
import { readTrace, traceParts } from "./trace-file.ts";

export interface TraceServerConfig {
  readonly path: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface TraceServer {
  /** Where the page shows the trace. */
  readonly url: string;
  close(): Promise<void>;
}

const host = "127.0.0.1";
const readOnly = "this is a recording: what happened cannot be changed";
/** A page asks for its few files at once, and there are few who watch. */
const maxConnections = 256;

/** Throws `UsageError` for what is no trace, and for a port that is taken. */
export async function startTraceServer({ path, port }: TraceServerConfig): Promise<TraceServer> {
  await checkTrace(path);
  const address = `trace/${encodeURIComponent(basename(path))}`;
  const shown = `/?${new URLSearchParams({ trace: address })}`;
  const app = new Hono<HttpEnv>();
  app.use(requestGuard({ host, readOnly }));
  app.get("/", async (c, next) => (c.req.query("trace") === undefined ? c.redirect(shown) : await next()));
  // One file, whatever it is called: no path of a request reaches the disk.
  app.get("/trace/:name", async (c) => {
    // Nobody would read what was opened.
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "application/x-ndjson" });
    const { stream, bytes } = await openTrace(path);
    return c.body(stream, 200, { "content-type": "application/x-ndjson", "content-length": String(bytes) });
  });
  servePage(app);
  app.notFound((c) => c.json({ error: `there is no ${c.req.path} here; there is ${shown}` }, 404));
  app.onError((error, c) => c.json({ error: error.message }, 500));
  const server = await serveHttp(app, { host, port, maxConnections });
  return { url: `${server.url}${shown}`, close: () => server.close() };
}

/** Each part has to begin as a trace does. */
async function checkTrace(path: string): Promise<void> {
  for (const part of traceParts(path)) {
    try {
      // A pipe or a device can be read once, or has no end.
      if (!(await stat(part)).isFile()) throw new UsageError(`${part}: is no file; a trace is one`);
      for await (const _ of readTrace(part)) break;
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`${part}: cannot be read (${(error as Error).message})`);
    }
  }
}

interface Part {
  readonly handle: FileHandle;
  readonly size: number;
}

/** The parts as one, as long as they are now: whoever writes on does not change what is being read. */
async function openTrace(path: string) {
  const parts: Part[] = [];
  try {
    for (const part of traceParts(path)) {
      const handle = await open(part);
      parts.push({ handle, size: (await handle.stat()).size });
    }
  } catch (error) {
    await closeAll(parts);
    throw error;
  }
  const bytes = parts.reduce((sum, { size }) => sum + size, parts.length - 1);
  const stream = Readable.from(bytesOf(parts));
  // Who hangs up before anything was read never begins the generator, and would never end it.
  stream.once("close", () => void closeAll(parts));
  return { stream: Readable.toWeb(stream) as ReadableStream<Uint8Array>, bytes };
}

/** Throws where a file is shorter than it was: who was promised more would wait for it for ever. */
async function* bytesOf(parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const [i, { handle, size }] of parts.entries()) {
    // A part may end within a line: the next one begins with a line of its own all the same.
    if (i > 0) yield Buffer.from("\n");
    if (size === 0) continue;
    let rest = size;
    for await (const chunk of handle.createReadStream({ end: size - 1, autoClose: false })) {
      rest -= chunk.length;
      yield chunk;
    }
    if (rest > 0) throw new Error("the trace was cut short while it was read");
  }
}

async function closeAll(parts: readonly Part[]): Promise<void> {
  for (const { handle } of parts) await handle.close();
}
