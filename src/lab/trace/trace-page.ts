/** The page in one file, with a trace in it: whoever gets it opens it, without a server and without Grapevine. */
import { createReadStream, existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { UsageError } from "../../core/index.ts";
import { traceParts } from "../../node/index.ts";

/** Made by `npm run build:page`, from dashboard/report.html. */
const template = fileURLToPath(new URL("../../../dashboard/dist-report/report.html", import.meta.url));
const place = "<!-- trace -->";
/** Compressed. A browser takes its time with more, and shows no more of it. */
const maxTraceBytes = 64 * 1024 * 1024;

/**
 * Reads the trace and the parts that were rotated out of it. Throws `UsageError` where it cannot be read, is too long
 * for a page, or the page cannot be written.
 */
export async function writeTracePage(tracePath: string, htmlPath: string): Promise<void> {
  checkTemplate();
  const compressed: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of Readable.from(bytesOf(tracePath)).pipe(createGzip())) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxTraceBytes)
      throw new UsageError(
        `html: ${tracePath} is too long for a page of its own; cut out a part (grapevine trace filter), or grapevine watch it`,
      );
    compressed.push(chunk as Buffer);
  }
  const name = basename(htmlPath).replaceAll(/[^\w. -]/g, "_");
  const trace = `<script type="application/gzip" id="trace" data-name="${name}">${Buffer.concat(compressed).toString("base64")}</script>`;
  try {
    writeFileSync(
      htmlPath,
      readFileSync(template, "utf8").replace(place, () => trace),
    );
  } catch (error) {
    throw new UsageError(`html: ${htmlPath} cannot be written (${(error as Error).message})`);
  }
}

/** Throws `UsageError` before a run whose page could not be made at its end. */
export function checkTemplate(): void {
  if (!existsSync(template)) throw new UsageError("html: the page has not been built; run npm run build");
}

/** The parts one after the other, as they were written. */
async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  for (const part of traceParts(path)) {
    try {
      yield* createReadStream(part);
    } catch (error) {
      throw new UsageError(`${part}: cannot be read (${(error as Error).message})`);
    }
  }
}
