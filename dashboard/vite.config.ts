import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** One page that any server can hand out, from any path: all addresses in it are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
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
