/**
 * Who may ask an HTTP server of ours. On loopback everybody who may open a socket there, unless there is a token;
 * elsewhere only who has the token. Web pages may not, except the one that this server serves itself: a page can reach
 * loopback from the user's own browser, under a name that its owner points here (DNS rebinding), by a script or by a
 * form. So
 *
 * - the Host header must be an address of ours,
 * - an Origin must be the very address that was called, port and all,
 * - a browser that says (Sec-Fetch-Site) that somebody else's page asks is refused, whatever is asked for,
 * - a POST must be JSON, which a form cannot send and a script may not send without asking (and nobody answers that
 *   question: no CORS).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";

export interface RequestGuardConfig {
  /** Where the server listens. */
  readonly host: string;
  /** Names under which it is called, besides its address. */
  readonly allowedHosts?: readonly string[];
  /** Asked for as `Authorization: Bearer …`; an empty one is none. */
  readonly token?: string | undefined;
  /** Why nobody may change anything here, if so. */
  readonly readOnly?: string | undefined;
}

export function requestGuard(config: RequestGuardConfig): MiddlewareHandler {
  const { host, allowedHosts = [], token = "", readOnly } = config;
  const isOurs = hostRule(host, allowedHosts);
  const expected = token === "" ? undefined : digest(token);
  return async (c, next) => {
    const asked = c.req.header("host") ?? "";
    if (!isOurs(asked)) {
      return c.json(
        { error: `"${asked}" is not a host of this API; call it by its address (or allow the name)` },
        403,
      );
    }
    const stranger = strangerBehind(c, asked);
    if (stranger !== undefined) return c.json({ error: `${stranger} may not use this API` }, 403);
    if (expected !== undefined && !isPage(c) && !timingSafeEqual(digest(bearerOf(c)), expected)) {
      return c.json({ error: "the token is missing or wrong; send Authorization: Bearer TOKEN" }, 401, {
        "www-authenticate": "Bearer",
      });
    }
    if (c.req.method === "POST" && readOnly !== undefined) return c.json({ error: readOnly }, 403);
    const type = (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    if (c.req.method === "POST" && type !== "application/json") {
      return c.json(
        { error: `content-type "${type}" is not application/json; send that header, with a body or without` },
        415,
      );
    }
    c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
    await next();
    return undefined;
  };
}

/** Whose page asks, where it is not our own. */
function strangerBehind(c: Context, asked: string): string | undefined {
  const origin = c.req.header("origin");
  if (origin !== undefined && hostOf(origin) !== hostOf(`http://${asked}`)) return `pages of ${origin}`;
  const site = c.req.header("sec-fetch-site");
  if (site !== "cross-site" && site !== "same-site") return undefined;
  return isVisit(c) ? undefined : "pages of others";
}

/** Somebody follows a link to our page; what it answers is shown, and read by no script. */
function isVisit(c: Context): boolean {
  return (
    isPage(c) &&
    c.req.header("sec-fetch-mode") === "navigate" &&
    c.req.header("sec-fetch-dest") === "document"
  );
}

/** The page that we hand out: the same for everybody, it says nothing about any network. */
function isPage({ req: { method, path } }: Context): boolean {
  return method === "GET" && !path.startsWith("/v1/") && path !== "/metrics";
}

/** With the port; "" for what is no address, `null` among it. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** Which Host headers are ours: loopback, the bound host, allowed names; every address where we listen on all. */
function hostRule(host: string, allowedHosts: readonly string[]): (header: string) => boolean {
  const names = new Set([host, ...allowedHosts].map((name) => bare(name.toLowerCase())));
  const listensOnAll = names.has("0.0.0.0") || names.has("::");
  return (header) => {
    if (!URL.canParse(`http://${header}`)) return false;
    const asked = bare(new URL(`http://${header}`).hostname);
    return isLoopback(asked) || names.has(asked) || (listensOnAll && isIP(asked) !== 0);
  };
}

function bare(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

export function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

function bearerOf(c: Context): string {
  return /^bearer +(.*)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
}

/** Of equal length, so that the comparison tells nothing about the token's. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
