/** Members of one system, each in a process of its own: started, killed, stopped, and heard. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { Lines } from "./parsing.mjs";

const startLimitMs = 60_000;
const startsAtOnce = 3;
const maxComplaint = 2000;
const readFilesEachMs = 20;

const running = new Set();

/** By the ids of the processes that were started here, and no others. */
export function endAll() {
  for (const child of running) child.kill("SIGKILL");
}

export class Cluster {
  /** What members have said of each other: `{ at, observer, type, about }`, both by their number. */
  events = [];
  #system;
  #members;
  #waiting = new Set();
  #timer;
  /** Why a member ended that should run. */
  #failure;

  /** `places`: for each member the host it runs on (`within`) and its address there (`host`). */
  static async start(system, folder, places) {
    const members = places.map(({ within, host }, index) => ({ index, within, host, sees: new Set() }));
    const cluster = new Cluster(await system.create(folder, members), members);
    try {
      const [first, ...others] = members;
      await cluster.#launch(first);
      for (let next = 0; next < others.length; next += startsAtOnce)
        await Promise.all(others.slice(next, next + startsAtOnce).map((member) => cluster.#launch(member)));
      await cluster.untilAllSeeAll(startLimitMs);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  constructor(system, members) {
    this.#system = system;
    this.#members = members;
    const numberOf = new Map(members.map((member) => [system.nameOf(member), member.index]));
    this.numberOf = (name) => numberOf.get(name);
    this.#timer = setInterval(() => {
      for (const member of members) member.follow?.();
    }, readFilesEachMs);
  }

  get size() {
    return this.#members.length;
  }

  get runningNumbers() {
    return this.#members.filter(({ child }) => child !== undefined).map(({ index }) => index);
  }

  /** Of the processes that run, since each was started. */
  cpuSeconds() {
    return this.runningNumbers.reduce((sum, index) => sum + cpuSecondsOf(this.#members[index].child.pid), 0);
  }

  /** Kills with SIGKILL; resolves to the moment before. */
  async kill(index) {
    const member = this.#members[index];
    const at = Date.now();
    await this.#end(member);
    return at;
  }

  async restart(index) {
    await this.#launch(this.#members[index]);
  }

  pause(index) {
    this.#members[index].child.kill("SIGSTOP");
    return Date.now();
  }

  resume(index) {
    const at = Date.now();
    this.#members[index].child.kill("SIGCONT");
    return at;
  }

  /** What was said since, and of whom. */
  since(at, type, about) {
    return this.events.filter(
      (event) => event.at >= at && event.type === type && (about === undefined || event.about === about),
    );
  }

  get doAllSeeAll() {
    const numbers = this.runningNumbers;
    return numbers.every((observer) =>
      numbers.every((about) => about === observer || this.#members[observer].sees.has(about)),
    );
  }

  async untilAllSeeAll(limitMs) {
    await this.until(() => this.doAllSeeAll, limitMs, "everybody sees everybody");
  }

  /** Asks at every event. Throws where it does not come true in time. */
  async until(isSo, limitMs, what) {
    if (isSo()) return;
    await new Promise((resolve, reject) => {
      const done = (settle) => {
        clearTimeout(limit);
        this.#waiting.delete(ask);
        settle();
      };
      const ask = () => {
        if (this.#failure !== undefined) done(() => reject(new Error(this.#failure)));
        else if (isSo()) done(resolve);
      };
      const limit = setTimeout(
        () => done(() => reject(new Error(`not within ${limitMs / 1000} s: ${what}`))),
        limitMs,
      );
      this.#waiting.add(ask);
    });
  }

  async stop() {
    clearInterval(this.#timer);
    await Promise.all(this.#members.map((member) => this.#end(member)));
  }

  async #launch(member) {
    const contact = this.#members.find(({ index, child }) => index !== member.index && child !== undefined);
    const [program, ...args] = [...member.within, ...this.#system.command(member, contact)];
    const news = this.#system.newsFrom(member);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    member.child = child;
    member.sees = new Set();
    running.add(child);
    const onNews = ({ at = Date.now(), type, about }) => this.#hear(member, { at, type, about });
    const file = news.type === "file" ? new FollowedFile(news.path, news.read, onNews) : undefined;
    member.follow = file && (() => file.read());
    const lines = new Lines();
    let said = "";
    await new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`member ${member.index} has not started: ${said}`)),
        startLimitMs,
      );
      const onText = (text) => {
        said += text;
        if (this.#system.hasStarted.test(said)) {
          clearTimeout(limit);
          resolve();
        }
        said = said.slice(-maxComplaint);
        if (file !== undefined) return;
        for (const line of lines.push(text)) {
          const found = news.read(line);
          if (found !== undefined) onNews(found);
        }
      };
      child.stdout.setEncoding("utf8").on("data", onText);
      child.stderr.setEncoding("utf8").on("data", onText);
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        running.delete(child);
        clearTimeout(limit);
        file?.close();
        member.child = undefined;
        member.follow = undefined;
        const how = `member ${member.index} ended (${signal ?? code}): ${said}`;
        reject(new Error(how));
        if (!member.isEnding) this.#failure ??= how;
        for (const ask of this.#waiting) ask();
      });
    });
  }

  #hear(member, { at, type, about: name }) {
    const about = this.numberOf(name);
    if (about === undefined || about === member.index) return;
    if (type === "up") member.sees.add(about);
    if (type === "failed") member.sees.delete(about);
    this.events.push({ at, observer: member.index, type, about });
    for (const ask of this.#waiting) ask();
  }

  async #end(member) {
    const { child } = member;
    if (child === undefined) return;
    member.isEnding = true;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    member.isEnding = false;
  }
}

const ticksPerSecond = 100; // of Linux, as programs see it, everywhere

function cpuSecondsOf(processId) {
  // The second field is the program's name in brackets, and may hold anything.
  const fields = readFileSync(`/proc/${processId}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Reads a file of lines while it is being written. */
class FollowedFile {
  #path;
  #read;
  #onNews;
  #descriptor;
  #lines = new Lines();
  #decoder = new TextDecoder();
  #chunk = Buffer.alloc(64 * 1024);

  constructor(path, read, onNews) {
    this.#path = path;
    this.#read = read;
    this.#onNews = onNews;
  }

  read() {
    if (this.#descriptor === undefined) {
      if (!existsSync(this.#path)) return;
      this.#descriptor = openSync(this.#path, "r");
    }
    for (;;) {
      const bytes = readSync(this.#descriptor, this.#chunk);
      if (bytes === 0) return;
      for (const line of this.#lines.push(
        this.#decoder.decode(this.#chunk.subarray(0, bytes), { stream: true }),
      )) {
        const found = this.#read(line);
        if (found !== undefined) this.#onNews(found);
      }
    }
  }

  close() {
    this.read();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}
