/**
 * The log of one node: outputfile.txt, and the screen where that is wanted. Winston formats, rotates and buffers;
 * here is what it lacks for a node that has to go on: a disk that is full or forbidden is said once and never stops
 * anything, what waits for a slow disk is bounded, and closing waits until the last line is with the kernel.
 */
import * as fs from "node:fs";
import { devNull } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import picocolors from "picocolors";
import winston from "winston";
import { defineOptions, type Millis, type Typed, UsageError } from "../core/index.ts";
import { makeFolder } from "./folders.ts";
import { type LoggedNode, type LogLevel, LogLines } from "./log-lines.ts";

export interface LogOptions {
  readonly maxLogBytes: number;
  readonly maxLogFiles: number;
}

export const logOptions = defineOptions<LogOptions>({
  maxLogBytes: {
    default: 10 * 1024 * 1024,
    min: 64 * 1024, // winston loses lines where less than this fits a file: it buffers 16 KiB while it opens one
    max: 2 ** 40,
    description: "A log file of this size is renamed, and a new one is begun (guess)",
  },
  maxLogFiles: {
    default: 5,
    min: 2,
    max: 1000,
    description: "Log files kept for each node, with the one that is being written (guess)",
  },
});

/** Where log lines go besides the file: `process.stdout` or what a test hands in. */
export type LogScreen = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface LogFileConfig extends Partial<LogOptions> {
  /** The log is `<folder>/outputfile.txt`: give each node a folder of its own. */
  readonly folder?: string;
  /** The file itself, instead of a folder. Without both there is only the screen. */
  readonly file?: string;
  /** True means standard output. */
  readonly screen?: boolean | LogScreen;
  /** PING and PING_REPLY too. */
  readonly pings?: boolean;
  /** Hears what keeps the log from being written; by default standard error does. */
  readonly warn?: (text: string) => void;
}

export const logFileName = "outputfile.txt";

const maxTailBytes = 64 * 1024;
/** With so much unwritten, new lines are left out (and counted): a stalled disk must not fill the memory. */
const maxUnwrittenBytes = 4 * 1024 * 1024;
/** A disk that has not taken the last lines after so long will not. */
const closePatienceMs = 2000;

export class LogFile {
  /** `lost`: lines that waited too long for the disk, and writes that it refused. */
  readonly counters = { lines: 0, lost: 0 };
  readonly #lines: LogLines;
  readonly #logger: winston.Logger;
  readonly #path: string;
  /** Undefined where there is only the screen, or the file cannot be written. */
  #transport: winston.transport | undefined;
  readonly #screen: winston.transport | undefined;
  readonly #warn: (text: string) => void;
  /** Handed to winston, and given to the kernel (or given up): their difference is what waits. */
  #queuedBytes = 0;
  #settledBytes = 0;
  #lostNow = 0;
  #onSettled: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(config: LogFileConfig) {
    const options = logOptions({ maxLogBytes: config.maxLogBytes, maxLogFiles: config.maxLogFiles });
    this.#lines = new LogLines({ pings: config.pings ?? false });
    this.#warn = config.warn ?? warnOnStandardError;
    const path = config.file ?? (config.folder === undefined ? undefined : join(config.folder, logFileName));
    this.#transport = path === undefined ? undefined : this.#fileTransport(resolve(path), options);
    this.#path = path === undefined ? "" : resolve(path);
    const screen = config.screen === true ? process.stdout : config.screen || undefined;
    this.#screen = screen === undefined ? undefined : screenTransport(screen);
    this.#logger = winston.createLogger({
      transports: this.#transports,
      silent: this.#transports.length === 0,
      format: winston.format.printf(({ message }) => String(message)),
      exitOnError: false,
    });
    this.#logger.on("error", (error: Error) => this.#giveUp(error));
  }

  /**
   * Opens the log, and makes its folder where there is none. What is there already is kept and continued. A file
   * that cannot be written is a warning, not an error. Throws `UsageError` for options.
   */
  static open(config: LogFileConfig): LogFile {
    if (config.file !== undefined && config.folder !== undefined) {
      throw new UsageError(`file: give either a file (${config.file}) or a folder (${config.folder})`);
    }
    return new LogFile(config);
  }

  /** Where it is written; undefined where there is only the screen, or the file cannot be written. */
  get file(): string | undefined {
    return this.#transport === undefined ? undefined : this.#path;
  }
  /** So many of the last lines in the file, at most 64 KiB of them; undefined where there is no file. */
  async tail(lines = 200): Promise<string[] | undefined> {
    const { file } = this;
    return file === undefined ? undefined : await lastLines(file, lines);
  }
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }
  get #transports(): winston.transport[] {
    return [this.#transport, this.#screen].filter((transport) => transport !== undefined);
  }

  /** A notice of the node to which this log belongs, in order: most make a line, some make none. */
  write(at: Millis, layer: string, notice: Typed, node: LoggedNode): void {
    const line = this.#lines.next(at, layer, notice, node);
    if (line !== undefined) this.writeLine(line.level, line.text, node.name);
  }

  /** Ignored once closed. */
  writeLine(level: LogLevel, text: string, name = ""): void {
    if (this.#closing !== undefined) return;
    if (this.#queuedBytes - this.#settledBytes > maxUnwrittenBytes) {
      this.counters.lost++;
      this.#lostNow++;
      return;
    }
    if (this.#lostNow > 0) {
      const lost = this.#lostNow;
      this.#lostNow = 0;
      this.writeLine("warn", `${lost} lines are missing here: the disk was too slow`, name);
    }
    this.counters.lines++;
    if (this.#transport !== undefined) this.#queuedBytes += Buffer.byteLength(text) + 1;
    this.#logger.log({ level, message: text, node: name });
  }

  /** Resolves when every line is with the kernel, or the disk has not moved for two seconds. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closePatienceMs);
    });
    // Winston forgets what waits for a slow disk when it is ended: first everything has to be with the kernel.
    await Promise.race([this.#settled(), patience]);
    const finished = this.#transports.map(
      (transport) => new Promise((resolve) => transport.once("finish", resolve)),
    );
    this.#logger.end();
    await Promise.race([Promise.all(finished), patience]);
    clearTimeout(timer);
  }

  /** Resolves when the kernel has taken, or refused, every line. */
  #settled(): Promise<void> {
    if (this.#settledBytes >= this.#queuedBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onSettled = resolve;
    });
  }

  #settle(bytes: number): void {
    this.#settledBytes += bytes;
    if (this.#settledBytes >= this.#queuedBytes) this.#onSettled?.();
  }

  // ---- The file ----

  #fileTransport(path: string, { maxLogBytes, maxLogFiles }: LogOptions): winston.transport | undefined {
    try {
      makeFolder(dirname(path));
      // Rotation renames, so the folder must be writable too.
      fs.accessSync(dirname(path), fs.constants.W_OK);
      fs.closeSync(fs.openSync(path, "a"));
    } catch (error) {
      this.#complain(path, error as NodeJS.ErrnoException);
      return undefined;
    }
    return new winston.transports.File({
      dirname: dirname(path),
      filename: basename(path),
      eol: "\n",
      options: { flags: "a", fs: this.#forgivingFileSystem(path, { maxLogBytes, maxLogFiles }) },
    });
  }

  /**
   * Winston's file transport does not survive an error: it would wait for ever, and keep every line until then. So
   * it never sees one. A line that the disk does not take is lost, the next one is tried again; a file that cannot
   * be opened is replaced by nowhere.
   *
   * It rotates here as well, beneath winston, whose own rotation loses what it has buffered meanwhile. The newest is
   * always outputfile.txt; outputfile1.txt, outputfile2.txt, … are older and older.
   */
  #forgivingFileSystem(path: string, { maxLogBytes, maxLogFiles }: LogOptions) {
    let current = -1;
    let size = 0;
    const numbered = (n: number) => (n === 0 ? path : path.replace(/(\.[^./]*)?$/, `${n}$1`));
    const makeRoom = (bytes: number) => {
      if (size === 0 || size + bytes <= maxLogBytes) return;
      size = 0; // also where it fails: then this file goes on, and the next try comes as much later
      try {
        fs.rmSync(numbered(maxLogFiles - 1), { force: true });
        for (let n = maxLogFiles - 2; n >= 0; n--) {
          if (fs.existsSync(numbered(n))) fs.renameSync(numbered(n), numbered(n + 1));
        }
        const next = fs.openSync(path, "a");
        fs.closeSync(current);
        current = next;
      } catch (error) {
        this.#complain(path, error as NodeJS.ErrnoException);
      }
    };
    const account = (error: Error | null, bytes: number) => {
      if (error !== null) {
        this.counters.lost++;
        this.#complain(path, error);
      }
      this.#settle(bytes);
    };
    type Done = (error: Error | null, written: number) => void;
    return {
      open: (
        file: string,
        flags: string,
        mode: number,
        opened: (error: Error | null, fd: number) => void,
      ) => {
        const take = (error: Error | null, fd: number) => {
          current = fd;
          if (error === null) size = fs.fstatSync(fd).size;
          opened(error, fd);
        };
        fs.open(file, flags, mode, (error, fd) => {
          if (error === null) return take(null, fd);
          this.#complain(path, error);
          fs.open(devNull, "w", take);
        });
      },
      write: (_fd: number, bytes: Buffer, offset: number, length: number, _at: number | null, done: Done) => {
        makeRoom(length);
        size += length;
        fs.write(current, bytes, offset, length, null, (error) => {
          account(error, length);
          done(null, length);
        });
      },
      writev: (_fd: number, chunks: Buffer[], _at: number | null, done: Done) => {
        const all = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        // As many lines at once as the file has room for; no line is cut in two.
        const from = (first: number) => {
          if (first >= chunks.length) return done(null, all);
          makeRoom(chunks[first]!.length);
          let end = first;
          let bytes = 0;
          do bytes += chunks[end++]!.length;
          while (end < chunks.length && size + bytes + chunks[end]!.length <= maxLogBytes);
          size += bytes;
          fs.writev(current, chunks.slice(first, end), (error) => {
            account(error, bytes);
            from(end);
          });
        };
        from(0);
      },
      close: (_fd: number, closed: (error: Error | null) => void) => fs.close(current, closed),
    };
  }

  /** What winston itself could not do, such as looking at the file before a rotation: the screen goes on. */
  #giveUp(error: Error): void {
    this.#complain(this.#path, error);
    const transport = this.#transport;
    if (transport === undefined) return;
    this.#transport = undefined;
    this.#logger.remove(transport);
    this.#logger.silent = this.#screen === undefined;
    this.#settle(this.#queuedBytes - this.#settledBytes);
    transport.emit("finish");
  }

  #complain(path: string, error: NodeJS.ErrnoException): void {
    complainOnce(
      this.#warn,
      error.code ?? error.message,
      `cannot write the log ${path} (${error.message}); going on without`,
    );
  }
}

// ---- Warnings ----

function warnOnStandardError(text: string): void {
  process.stderr.write(`grapevine: ${text}\n`);
}

const complaints = new WeakMap<object, Set<string>>();

/** Each kind of trouble once to each listener: a full disk under 500 nodes is one piece of news. */
function complainOnce(warn: (text: string) => void, kind: string, text: string): void {
  let heard = complaints.get(warn);
  if (heard === undefined) {
    heard = new Set();
    complaints.set(warn, heard);
  }
  if (heard.has(kind)) return;
  heard.add(kind);
  warn(text);
}

// ---- The screen ----

const watched = new WeakSet<object>();

function screenTransport(screen: LogScreen): winston.transport {
  if (!watched.has(screen)) {
    watched.add(screen);
    // Whoever reads us has gone (`grapevine … | head`): the network goes on.
    screen.on("error", () => {});
  }
  const colors = picocolors.createColors(hasColors(screen));
  const palette = [colors.cyan, colors.green, colors.magenta, colors.blue];
  const format = winston.format.printf(({ level, message, node }) => {
    const text = level === "warn" ? colors.yellow(String(message)) : String(message);
    const name = String(node ?? "");
    return name === "" ? text : `${palette[colorOf(name) % palette.length]!(name)} ${text}`;
  });
  return new winston.transports.Stream({ stream: screen as NodeJS.WritableStream, format, eol: "\n" });
}

/** https://no-color.org, and no colours into files and pipes. */
function hasColors(screen: LogScreen): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "" && FORCE_COLOR !== "0") return true;
  return screen.isTTY === true && TERM !== "dumb";
}

/** The same name has the same colour in every run. */
function colorOf(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) >>> 0;
  return sum;
}

/** Undefined where the file cannot be read. */
async function lastLines(path: string, count: number): Promise<string[] | undefined> {
  try {
    const file = await fs.promises.open(path, "r");
    try {
      const { size } = await file.stat();
      const from = Math.max(0, size - maxTailBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      const lines = buffer.toString("utf8", 0, bytesRead).split("\n");
      if (lines.at(-1) === "") lines.pop();
      if (from > 0) lines.shift(); // a part of one
      return lines.slice(-count);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
