/**
 * The page in one file that opens without a server: `grapevine watch --html` and its kin put a trace into it. Scripts
 * and styles are inline, so the policy names them by their hashes.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [workersInside(), react(), viteSingleFile({ removeViteModuleLoader: true }), policyByHashes()],
  publicDir: false,
  build: {
    target: "es2023",
    outDir: "dist-report",
    rollupOptions: { input: "report.html" },
    chunkSizeWarningLimit: 4000,
  },
  worker: { format: "iife" },
});

/** A page without a server has no files beside it: workers become a part of it, too. */
function workersInside(): Plugin {
  return {
    name: "workers-inside",
    enforce: "pre",
    transform(code, id) {
      if (!/\/dashboard\/src\/.*\.tsx?$/.test(id)) return undefined;
      const imports: string[] = [];
      const changed = code.replaceAll(
        /new Worker\(\s*new URL\(("[^"]+"), import\.meta\.url\),\s*\{ type: "module" \},?\s*\)/g,
        (_, file: string) => {
          const name = `InsideWorker${imports.length}`;
          imports.push(`import ${name} from ${file.slice(0, -1)}?worker&inline";`);
          return `new ${name}()`;
        },
      );
      if (code.includes("new Worker(") && imports.length === 0)
        this.error(`${id}: makes a worker in a way that cannot be put inside a page`);
      return imports.length === 0 ? undefined : { code: `${imports.join(" ")}${changed}`, map: null };
    },
  };
}

/** Runs after everything has been put into the file. */
function policyByHashes(): Plugin {
  return {
    name: "policy-by-hashes",
    writeBundle({ dir }, bundle) {
      for (const { fileName } of Object.values(bundle)) {
        if (!fileName.endsWith(".html")) continue;
        const path = join(dir!, fileName);
        const html = readFileSync(path, "utf8");
        const hashesOf = (tag: RegExp) =>
          Array.from(html.matchAll(tag), ([, content]) => `'sha256-${sha256(content!)}'`).join(" ");
        const scripts = hashesOf(/<script type="module"[^>]*>([\s\S]*?)<\/script>/g);
        const styles = hashesOf(/<style[^>]*>([\s\S]*?)<\/style>/g);
        const policed = html
          .replace("script-src 'self'", () => `script-src ${scripts}`)
          .replace("style-src 'self'", () => `style-src ${styles}`);
        writeFileSync(path, policed);
      }
    },
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
