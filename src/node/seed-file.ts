import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { UsageError } from "../core/index.ts";
import type { Address } from "../transport/index.ts";

/**
 * Reads `config.txt`: the seeds, one `IP:port` per line; blank lines and everything behind `#` do not count. It is
 * the one file that differs between deployments. Throws `UsageError` naming file, line and mend.
 */
export function readSeedFile(path: string): Address[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(
      `${path}: cannot be read (${code}); it should hold one seed per line, such as 127.0.0.1:8080`,
    );
  }
  return parseSeeds(text, path);
}

export function parseSeeds(text: string, path = "config.txt"): Address[] {
  const seeds: Address[] = [];
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw
      .replace(/^\uFEFF/, "")
      .replace(/#.*/, "")
      .trim();
    if (line === "") return;
    const where = `${path}:${index + 1}`;
    const seed = parseAddress(line, where);
    const twin = seeds.findIndex((other) => other.host === seed.host && other.port === seed.port);
    if (twin >= 0) throw new UsageError(`${where}: ${line} is listed twice; remove one of the lines`);
    seeds.push(seed);
  });
  if (seeds.length === 0)
    throw new UsageError(`${path}: no seed in it; write one per line, such as 127.0.0.1:8080`);
  if (seeds.length > 1000) throw new UsageError(`${path}: ${seeds.length} seeds are more than 1000`);
  return seeds;
}

/** `10.0.0.1:8080`, `[::1]:8080` or `host.example:8080`. Throws `UsageError` beginning with `where`. */
export function parseAddress(text: string, where: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s,]+)):(\d{1,5})$/.exec(text);
  if (match === null) {
    throw new UsageError(
      `${where}: "${text.slice(0, 80)}" is not IP:port; write for example 127.0.0.1:8080 or [::1]:8080`,
    );
  }
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  if (match[1] !== undefined && isIP(host) !== 6)
    throw new UsageError(`${where}: [${host}] is not an IPv6 address`);
  if (/^[\d.]+$/.test(host) && isIP(host) !== 4)
    throw new UsageError(`${where}: ${host} is not an IPv4 address`);
  if (isIP(host) === 0 && !/^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host)) {
    throw new UsageError(`${where}: ${host} is neither an IP address nor a host name`);
  }
  if (port < 1 || port > 65_535) throw new UsageError(`${where}: port ${port} is not between 1 and 65535`);
  return { host, port };
}
