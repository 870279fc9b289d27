/** An HTTP server that says clearly why it cannot listen, and ends without cutting off who is being answered. */
import { createServer, type Server } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { UsageError } from "../core/index.ts";

export type HttpEnv = { Bindings: HttpBindings };

export interface HttpServer {
  /** `http://127.0.0.1:45123`: where to call it from this machine. */
  readonly url: string;
  close(): Promise<void>;
}

export interface HttpServerConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly maxConnections: number;
}

/** How long requests may take to end when the server closes. */
const closeGraceMs = 1000;

/** Throws `UsageError` for a port that is taken; nothing listens then. */
export async function serveHttp(
  app: Hono<HttpEnv>,
  { host, port, maxConnections }: HttpServerConfig,
): Promise<HttpServer> {
  const listener = getRequestListener(app.fetch, {
    // The process may not be ours alone: its Request and Response stay what they are.
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      const text = error instanceof Error ? error.message : String(error);
      const body = JSON.stringify({ error: `this is no request (${text})` });
      return new Response(body, { status: 400, headers: { "content-type": "application/json" } });
    },
  });
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, listener);
  server.maxConnections = maxConnections;
  await listen(server, host, port);
  return { url: urlOf(server.address() as AddressInfo), close: () => closeServer(server) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const mend =
        error.code === "EADDRINUSE"
          ? "is in use; choose another port, or 0 for a free one"
          : `cannot be used (${error.message})`;
      reject(new UsageError(`port: ${host}:${port} ${mend}`));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      server.on("error", () => {});
      resolve();
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  // Who is being answered gets the answer; then its connection falls idle.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const patience = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(patience);
}

function urlOf({ address, port }: AddressInfo): string {
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
