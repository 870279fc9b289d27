/**
 * Lookups of a live node, as a program uses them: an object that is both the way as it is taken and the report at its end.
 */
import {
  isKey,
  type Key,
  keyOfName,
  type LookupOptions,
  type LookupReport,
  type LookupStep,
  type RoutingProtocol,
  type Typed,
  UsageError,
} from "../core/index.ts";

export interface LookupCallOptions extends LookupOptions {
  /** Ends the lookup: nobody is asked any more, and the report's promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A step of a lookup has begun, or it is known how it ended: the same index comes twice then. */
export interface LookupProgress {
  readonly index: number;
  readonly step: LookupStep;
}

type Notice = Typed & Record<string, any>;

/** What lookups need of their node. */
export interface LookupsConfig {
  /** Undefined where there is none: in a seed, and without `--router`. */
  readonly router: () => RoutingProtocol | undefined;
  readonly isRunning: () => boolean;
  /** Hands a command to the router. */
  readonly command: (body: Notice) => void;
  readonly onNotice: (listener: (notice: Notice) => void) => () => void;
}

/** A key as people write it: 40 hexadecimal digits are the key itself, anything else is a name whose hash is the key. */
export function keyFromText(text: string): Key {
  const lower = text.toLowerCase();
  return isKey(lower) ? lower : keyOfName(text);
}

export class Lookups {
  readonly #config: LookupsConfig;
  #nextRequest = 1;

  constructor(config: LookupsConfig) {
    this.#config = config;
  }

  /** Throws `UsageError` where no router runs; whatever happens later is the report's business. */
  start(text: string, { signal, ...options }: LookupCallOptions = {}): LookupRun {
    const { router, isRunning, command, onNotice } = this.#config;
    if (router() === undefined)
      throw new UsageError(
        "lookup: this node has no router; ask a peer that was started with --router kademlia, chord or pastry",
      );
    if (!isRunning()) throw new UsageError("lookup: this node has stopped");
    const request = this.#nextRequest++;
    const key = keyFromText(text);
    const run = new LookupRun(key);
    if (signal?.aborted === true) {
      run.fail(signal.reason);
      return run;
    }
    const isOurs = (notice: Notice) => notice["request"] === request && notice["asker"] === "user";
    const stopListening = onNotice((notice) => {
      if (notice.type === "stopped") end(() => run.fail(new UsageError("lookup: the node has stopped")));
      else if (notice.type === "lookup-step" && isOurs(notice))
        run.progress({ index: notice["index"], step: notice["step"] });
      else if (notice.type === "lookup-ended" && isOurs(notice)) end(() => run.end(notice["report"]));
    });
    const end = (settle: () => void) => {
      stopListening();
      signal?.removeEventListener("abort", abort);
      settle();
    };
    const abort = () => {
      end(() => run.fail(signal!.reason));
      command({ type: "cancel-lookup", request, asker: "user" });
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      command({ ...options, type: "lookup", request, asker: "user", key });
    } catch (error) {
      end(() => run.fail(error));
    }
    return run;
  }
}

/**
 * One lookup under way.
 *
 *     const run = node.lookup("song.mp3");
 *     for await (const { step } of run) console.log(step.node, step.outcome);
 *     const { closest, hops } = await run.report;
 *
 * Steps are kept until somebody iterates, so none is missed: at most three for each question, and the budget bounds those.
 * Each step goes to one consumer. Who no longer wants the lookup ends it by its signal; leaving the loop does not.
 */
export class LookupRun implements AsyncIterable<LookupProgress> {
  readonly key: Key;
  /** Rejected if the signal ended the lookup, or the node has stopped. */
  readonly report: Promise<LookupReport>;
  readonly #waiting: LookupProgress[] = [];
  #resolve!: (report: LookupReport) => void;
  #reject!: (reason: unknown) => void;
  #hasEnded = false;
  #failure: { readonly reason: unknown } | undefined;
  /** Of every consumer that waits. */
  #sleepers: (() => void)[] = [];

  constructor(key: Key) {
    this.key = key;
    this.report = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever only iterates learns of a failure there.
    this.report.catch(() => {});
  }

  progress(progress: LookupProgress): void {
    this.#waiting.push(progress);
    this.#wake();
  }

  end(report: LookupReport): void {
    this.#hasEnded = true;
    this.#resolve(report);
    this.#wake();
  }

  fail(reason: unknown): void {
    this.#hasEnded = true;
    this.#failure = { reason };
    this.#reject(reason);
    this.#wake();
  }

  #wake(): void {
    const woken = this.#sleepers;
    this.#sleepers = [];
    for (const resolve of woken) resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<LookupProgress> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#failure !== undefined) throw this.#failure.reason;
      else if (this.#hasEnded) return;
      else
        await new Promise<void>((resolve) => {
          this.#sleepers.push(resolve);
        });
    }
  }
}
