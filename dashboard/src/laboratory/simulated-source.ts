/** A network that a worker of the page simulates. */
import type { Millis, NodeId } from "../../../src/core/index.ts";
import type { Action, ScenarioReport } from "../../../src/scenario/scenario.ts";
import type { NodeDetails, NodeOpinion, Source, SourceClock, SourceListener } from "../sources/source.ts";
import type {
  DetailsAnswer,
  FromWorker,
  JournalAnswer,
  NetworkRunConfig,
  OpinionAnswer,
  SaidLine,
  ToWorker,
} from "./run-messages.ts";

/** Lines that a scenario says, at most: the latest are kept. */
const maxLines = 1000;

type Request = { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void };
type Asked<T = ToWorker> = T extends { readonly request: number } ? Omit<T, "request"> : never;

export class SimulatedSource implements Source {
  readonly kind = "simulated";
  readonly label: string;
  readonly config: NetworkRunConfig;
  /** What the scenario did and found so far, and in the end its verdict. */
  readonly lines: SaidLine[] = [];
  report: ScenarioReport | undefined;
  readonly clock: SourceClock;
  #worker: Worker | undefined;
  #listener: SourceListener | undefined;
  readonly #requests = new Map<number, Request>();
  readonly #onClosed: (() => void)[] = [];
  #nextRequest = 1;
  #speed = 0;

  constructor(config: NetworkRunConfig, label: string) {
    this.config = config;
    this.label = label;
    this.clock = {
      setSpeed: (speed) => {
        this.#speed = speed;
        this.#say({ type: "speed", speed });
      },
      runTo: (at) => this.#say({ type: "run-to", at }),
      fork: (at, changes) => this.fork(at, changes),
    };
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
    const worker = new Worker(new URL("./network-worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#onMessage(data);
    worker.onerror = ({ message }) => this.#end(message || "the worker did not start");
    this.#worker = worker;
    this.#say({ type: "start", config: this.config });
    if (this.#speed > 0) this.#say({ type: "speed", speed: this.#speed });
  }

  /** Called when it is closed: for what lives no longer than it. */
  onClosed(listener: () => void): void {
    this.#onClosed.push(listener);
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const listener of this.#onClosed.splice(0)) listener();
    this.#refuseAll("the simulation was closed");
  }

  async act(action: Action): Promise<void> {
    await this.#ask({ type: "act", action });
  }

  details(node: NodeId): Promise<NodeDetails | undefined> {
    return this.#ask<DetailsAnswer>({ type: "details", node });
  }

  why(observer: NodeId, member: NodeId): Promise<NodeOpinion | undefined> {
    return this.#ask<OpinionAnswer>({ type: "why", observer, member });
  }

  /** What was done by hand so far. */
  journal(): Promise<JournalAnswer> {
    return this.#ask<JournalAnswer>({ type: "journal" });
  }

  /** The same run up to that moment, with all that was done by hand, and from there with the changes. */
  async fork(at: Millis, changes: readonly Action[]): Promise<SimulatedSource> {
    const before = (await this.journal()).filter((entry) => entry.at <= at);
    const journal = [...before, ...changes.map((action) => ({ at, action }))];
    return new SimulatedSource({ ...this.config, journal, runTo: at }, `${this.label}, forked`);
  }

  #onMessage(message: FromWorker): void {
    const listener = this.#listener!;
    switch (message.type) {
      case "hello":
        listener.onState({ type: "open" });
        return listener.onHello(message.hello);
      case "batch":
        this.lines.push(...message.said);
        if (this.lines.length > maxLines) this.lines.splice(0, this.lines.length - maxLines);
        listener.onEvents(message.events);
        for (const totals of message.totals) listener.onTotals(totals);
        for (const sampling of message.samplings) listener.onSampling(sampling);
        return this.#say({ type: "taken" });
      case "verdict":
        this.report = message.report;
        // Views draw what has changed.
        return listener.onState({ type: "open" });
      case "answer":
        this.#requests.get(message.request)?.resolve(message.value as never);
        return void this.#requests.delete(message.request);
      case "refused":
        this.#requests.get(message.request)?.reject(new Error(message.why));
        return void this.#requests.delete(message.request);
      case "failed":
        return this.#end(message.why);
    }
  }

  #ask<Answer = unknown>(question: Asked): Promise<Answer> {
    if (this.#worker === undefined) return Promise.reject(new Error("the simulation does not run"));
    const request = this.#nextRequest++;
    return new Promise<Answer>((resolve, reject) => {
      this.#requests.set(request, { resolve, reject });
      this.#say({ ...question, request } as ToWorker);
    });
  }

  #say(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #end(why: string): void {
    this.#listener?.onState({ type: "ended", why });
    this.#refuseAll(why);
  }

  #refuseAll(why: string): void {
    for (const { reject } of this.#requests.values()) reject(new Error(why));
    this.#requests.clear();
  }
}
