import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** A network to work on the page with: `GRAPEVINE_API=http://127.0.0.1:9090 npx vite dashboard`. */
const api = process.env["GRAPEVINE_API"];

/** One page that any server can hand out, from any path: all addresses in it are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react(), withoutPolicy()],
  server: {
    // A control API talks to its own page only: to it, what comes from here comes from no page.
    proxy: api === undefined ? {} : { "/v1": { target: api, changeOrigin: true, configure: asNoPage } },
  },
  preview: { proxy: {} },
  build: {
    // What draws without a GPU and reads a trace as a stream.
    target: "es2023",
    // Nothing inline: the page's content-security policy allows its own files and nothing else.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
  worker: { format: "es" },
});

/** The development server puts styles and scripts of its own into the page. */
function withoutPolicy(): Plugin {
  return {
    name: "without-policy",
    apply: "serve",
    transformIndexHtml: (html) => html.replace(/<meta\s+http-equiv="content-security-policy"[^>]*>/, ""),
  };
}

function asNoPage(proxy: {
  on(event: "proxyReq", listener: (request: { removeHeader(name: string): void }) => void): unknown;
}): void {
  proxy.on("proxyReq", (request) => {
    for (const name of ["origin", "referer", "sec-fetch-site"]) request.removeHeader(name);
  });
}
