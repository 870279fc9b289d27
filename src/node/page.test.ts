import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startControlApi } from "./control-api.ts";
import type { HttpEnv } from "./http-server.ts";
import { contentSecurityPolicy, servePage } from "./page.ts";
import { requestGuard } from "./request-guard.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-page-test-"));
const built = join(folder, "dist");

beforeAll(() => {
  mkdirSync(join(built, "assets"), { recursive: true });
  writeFileSync(join(built, "index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(built, "assets/main-abc.js"), "export const one = 1;\n".repeat(100));
  writeFileSync(join(built, ".env"), "secret");
  writeFileSync(join(folder, "outside.html"), "outside");
});
afterAll(() => rmSync(folder, { recursive: true }));

function appOf(where: string, token?: string) {
  const app = new Hono<HttpEnv>();
  app.use(requestGuard({ host: "127.0.0.1", token }));
  app.get("/v1/status", (c) => c.json({ secret: true }));
  servePage(app, where);
  return (path: string, headers: Record<string, string> = {}, method = "GET") =>
    app.request(`http://127.0.0.1${path}`, { method, headers: { host: "127.0.0.1", ...headers } });
}

describe("the page that a node hands out", () => {
  test("comes with a policy that allows its own files and nothing else, and is asked for again each time", async () => {
    const answer = await appOf(built)("/");
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("<title>page</title>");
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": expect.stringContaining("frame-ancestors 'none'"),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-cache",
    });
    const again = await appOf(built)("/", { "if-none-match": answer.headers.get("etag")! });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
  });

  test("states the policy that the page states itself, for when nobody serves it", () => {
    const html = readFileSync(new URL("../../dashboard/index.html", import.meta.url), "utf8");
    const [, stated] = /http-equiv="content-security-policy"\s+content="([^"]+)"/.exec(html)!;
    expect(contentSecurityPolicy).toBe(`${stated}; frame-ancestors 'none'`);
  });

  test("has assets that are kept for good, compressed for who can read that", async () => {
    const ask = appOf(built);
    const plain = await ask("/assets/main-abc.js");
    const gzipped = await ask("/assets/main-abc.js", { "accept-encoding": "gzip, br" });
    expect(plain.headers.get("cache-control")).toContain("immutable");
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(gzipped.headers.get("content-encoding")).toBe("gzip");
    const bytes = Buffer.from(await gzipped.arrayBuffer());
    expect(gunzipSync(bytes).toString()).toBe(await plain.text());
    expect(bytes.length).toBeLessThan(1000);
  });

  test("never leaves its folder, and hands out no file of a kind that pages have not", async () => {
    const ask = appOf(built);
    for (const path of [
      "/../outside.html",
      "/%2e%2e/outside.html",
      "/assets/..%2f..%2foutside.html",
      "/.env",
    ])
      expect((await ask(path)).status).toBe(404);
  });

  test("needs no token, and lends its freedom to nothing under /v1", async () => {
    const ask = appOf(built, "secret");
    expect((await ask("/")).status).toBe(200);
    expect((await ask("/v1%2fstatus")).status).toBe(404);
    for (const path of ["/v1/status", "/%761/status", "/metrics"]) expect((await ask(path)).status).toBe(401);
    expect((await ask("/v1/status", { authorization: "Bearer secret" })).status).toBe(200);
    expect((await ask("/", {}, "POST")).status).toBe(401);
    expect((await ask("/", { host: "evil.example" })).status).toBe(403);
  });

  test("says how it is built where it has not been", async () => {
    const answer = await appOf(join(folder, "nowhere"))("/");
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain("npm run build");
  });

  test("is served by the control API of every process, beside it", async () => {
    const api = await startControlApi({ port: 0, nodes: () => [], token: "secret" });
    const page = await fetch(`${api.url}/`);
    expect([200, 404]).toContain(page.status);
    expect(page.headers.get("content-security-policy")).toBe(contentSecurityPolicy);
    expect((await fetch(`${api.url}/v1/status`)).status).toBe(401);
    await api.close();
  });
});
