/**
 * The page of `dashboard/`, as it was built: its files are read once, and only they are handed out, by their names.
 * No path of a request ever reaches the disk.
 *
 * They say nothing about any network, and need no token: what they show they ask for under /v1, where one does.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Hono } from "hono";
import type { HttpEnv } from "./http-server.ts";

/** Where the package has it, whether this runs from src or from dist. */
export const pageFolder = fileURLToPath(new URL("../../dashboard/dist", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".png": "image/png",
};
const compressible: ReadonlySet<string> = new Set([".html", ".js", ".css", ".svg", ".json"]);

/** As the page says itself (dashboard/index.html), and what only a header can say: nobody may frame it. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const headersOfAll: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  /** Its name has a hash of what is in it: it never changes. */
  readonly isImmutable: boolean;
  /** Made when somebody asks for it first. */
  compressed: Uint8Array<ArrayBuffer> | undefined;
  readonly isCompressible: boolean;
}

/** Adds a route for each file of the page, and `/` for all. It is read when somebody asks for it first. */
export function servePage(app: Hono<HttpEnv>, folder = pageFolder): void {
  let files: ReadonlyMap<string, PageFile> | undefined;
  app.get("*", async (c, next) => {
    files ??= readPage(folder);
    const { path } = c.req;
    const file = files?.get(path === "/" ? "/index.html" : path);
    if (file === undefined) {
      if (path !== "/" || files !== undefined) return await next();
      return c.text("The page has not been built: run npm run build, and reload.\n", 404, headersOfAll);
    }
    const headers: Record<string, string> = {
      ...headersOfAll,
      "content-type": file.type,
      "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      etag: file.etag,
      vary: "accept-encoding",
    };
    if (c.req.header("if-none-match") === file.etag) return c.body(null, 304, headers);
    if (!file.isCompressible || !/\bgzip\b/.test(c.req.header("accept-encoding") ?? ""))
      return c.body(file.bytes, 200, headers);
    file.compressed ??= new Uint8Array(gzipSync(file.bytes));
    return c.body(file.compressed, 200, { ...headers, "content-encoding": "gzip" });
  });
}

/** By the path of their address; undefined where the page has not been built. */
function readPage(folder: string): ReadonlyMap<string, PageFile> | undefined {
  if (!existsSync(join(folder, "index.html"))) return undefined;
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const extension = extname(entry.name);
    const type = types[extension];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = new Uint8Array(readFileSync(path));
    const name = `/${relative(folder, path).split(sep).join("/")}`;
    files.set(name, {
      type,
      bytes,
      etag: `"${createHash("sha256").update(bytes).digest("base64url")}"`,
      isImmutable: name.startsWith("/assets/"),
      isCompressible: compressible.has(extension),
      compressed: undefined,
    });
  }
  return files;
}
