/**
 * How commands find the processes that run here: each announces its control API, with the token, by a file in a
 * folder that only this user may enter. Nobody else can read a token there, or lay out a file to catch one.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/index.ts";

export interface Announcement {
  /** Where the control API answers: `http://127.0.0.1:45123`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Names of the nodes of this process. */
  readonly nodes: readonly string[];
}

export interface RunningProcess extends Announcement {
  readonly pid: number;
  readonly startedAt: number;
}

/** More files or bytes than these are not of our making. */
const maxFiles = 10_000;
const maxFileBytes = 4 * 1024 * 1024;

const runFile = z.object({
  pid: z.int().min(1),
  url: z.string().max(300).refine(isHttp),
  token: z.string().max(1000).optional(),
  nodes: z.array(z.string().max(300)).max(100_000),
  startedAt: z.number().min(0).max(8.64e15),
  /** Tells this process from a later one with the same pid, where the system can tell. */
  birth: z.string().max(100).optional(),
});

/** `$XDG_RUNTIME_DIR/grapevine`, or a folder of this user among the temporary files where that is not set. */
export function runFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env["XDG_RUNTIME_DIR"];
  // Relative paths are invalid there by the XDG specification; and `su` leaves the name of a folder that is gone.
  if (base !== undefined && isAbsolute(base) && isFolder(base)) return join(base, "grapevine");
  return join(tmpdir(), `grapevine-${process.getuid?.() ?? userInfo().username}`);
}

/**
 * Announces this process until `withdraw` is called or the process exits. Announcing again replaces what was
 * announced before. Throws `UsageError`, and has written nothing, if the folder is not this user's alone.
 */
export function announce(announcement: Announcement, folder = runFolder()): () => void {
  makeFolder(folder);
  const { url, token, nodes } = announcement;
  const content = JSON.stringify({
    pid: process.pid,
    url,
    token,
    nodes,
    startedAt: Math.round(Date.now() - process.uptime() * 1000),
    birth: birthOf(process.pid),
  });
  const path = join(folder, `${process.pid}.json`);
  const draft = join(folder, `${process.pid}.${randomBytes(6).toString("hex")}.draft`);
  try {
    writeFileSync(draft, content, { flag: "wx", mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    remove(draft);
    throw new UsageError(
      `${path}: cannot be written (${codeOf(error)}), so commands will not find this process`,
    );
  }
  const withdraw = () => {
    process.off("exit", withdraw);
    // A later announcement of this process stays.
    if (read(path)?.text === content) remove(path);
  };
  process.on("exit", withdraw);
  return withdraw;
}

/**
 * The processes of this user that announced themselves and still live, the oldest first. Files of dead ones are
 * removed; files that say anything else than `announce` would are ignored. Throws `UsageError` for a folder that is
 * not this user's alone, since what it says may come from somebody else.
 */
export function runningProcesses(folder = runFolder()): RunningProcess[] {
  if (!checkFolder(folder)) return [];
  const running: RunningProcess[] = [];
  for (const name of readdirSync(folder).slice(0, maxFiles)) {
    // Also the drafts of processes that died while writing.
    const pid = /^([1-9]\d{0,9})\.(?:json|[0-9a-f]{12}\.draft)$/.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(folder, name);
    if (!isAlive(Number(pid))) {
      remove(path);
      continue;
    }
    const file = name.endsWith(".json") ? read(path)?.file : undefined;
    if (file === undefined || file.pid !== Number(pid)) continue;
    const { birth, ...process } = file;
    if (birth !== undefined && birth !== birthOf(file.pid)) remove(path);
    else running.push(process);
  }
  return running.sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw new UsageError(`${folder}: cannot be made (${codeOf(error)})`);
  }
  checkFolder(folder);
}

/** False if there is none. Throws `UsageError` unless it is a folder, and nobody else can look or write into it. */
function checkFolder(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  const mend = "remove it, or set XDG_RUNTIME_DIR to a folder of your own";
  // A link is refused even to a good folder: whoever made it can point it elsewhere at any time.
  if (!stats.isDirectory()) throw new UsageError(`${folder}: is not a folder; ${mend}`);
  const uid = process.getuid?.();
  if (uid === undefined) return true; // Windows keeps temporary files per user
  if (stats.uid !== uid)
    throw new UsageError(`${folder}: belongs to user ${stats.uid}, not to you (${uid}); ${mend}`);
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new UsageError(
      `${folder}: is open to other users (mode ${mode.toString(8)}); run chmod 700 on it, or ${mend}`,
    );
  }
  return true;
}

/** Neither follows a link, nor waits for a pipe, nor reads without end. */
function read(path: string): { text: string; file: z.infer<typeof runFile> } | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    const stats = fstatSync(descriptor);
    const uid = process.getuid?.();
    if (!stats.isFile() || stats.size > maxFileBytes || (uid !== undefined && stats.uid !== uid))
      return undefined;
    const text = readFileSync(descriptor, "utf8");
    return { text, file: runFile.parse(JSON.parse(text)) };
  } catch {
    return undefined; // gone meanwhile, no JSON, or other fields than ours
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM"; // alive, though we may not signal it
  }
}

/** When the process began, in the kernel's ticks since boot; undefined where the system does not say. */
function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may itself hold spaces and parentheses: count from its end (proc(5), field 22).
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "http:";
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // somebody was faster
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
