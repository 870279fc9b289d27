/** Server-sent events: how a stream of them begins, what one looks like, and how it ends. */
import type { ServerResponse } from "node:http";

/** Who does not read the last word is cut off after so long. */
const lastWordsMs = 10_000;

export function beginEventStream(response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-accel-buffering": "no", // a proxy that gathers would hold back what happens now
  });
}

/** An event of a name, as it goes over the wire. */
export function serverSent(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function endEventStream(response: ServerResponse, lastWords: string): void {
  response.end(lastWords);
  const patience = setTimeout(() => response.destroy(), lastWordsMs).unref();
  response.once("close", () => clearTimeout(patience));
}
