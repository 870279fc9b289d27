/** The built page as files, served by anybody: below some path, and without anything else behind it. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { root } from "./program.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

export async function serveStaticSite(): Promise<{ readonly url: string; readonly server: Server }> {
  const folder = join(root, "dashboard/dist");
  if (!existsSync(join(folder, "index.html")))
    throw new Error("the page is missing: run `npm run build` first");
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://any");
    const file = join(folder, pathname.replace("/a/course", "").replace(/\/$/, "/index.html"));
    const isThere = pathname.startsWith("/a/course/") && file.startsWith(folder) && existsSync(file);
    if (!isThere) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[extname(file)] ?? "text/plain" }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a/course/`, server };
}
