/**
 * Runs the lookups of one router: gives each its machine (iterative-lookup.ts), asks what that wants to ask
 * (questions.ts), and tells what happens. Chord and Kademlia share it; what differs between them is their `LookupHost`.
 *
 *     the router's                      hand it to
 *     command lookup, cancel-lookup     onCommand
 *     notice find-nodes                 onCommand, too
 *     answer to a question              questions.onAnswer; if its purpose is "lookup": onReply or onRefused
 *     timer question-timeout            questions.onTimer; if its purpose is "lookup": onLimit
 *     timer lookup-deadline             onDeadline
 */
import {
  type Environment,
  isKey,
  type KeyedNode,
  type LookupReport,
  type Millis,
  type RouterNotice,
  type Typed,
  UsageError,
} from "../core/index.ts";
import type { CancelLookup, FindNodes, Lookup } from "../core/lookup.ts";
import { IterativeLookup, type IterativeLookupConfig, type LookupAnswer } from "./iterative-lookup.ts";
import type { LookupSettings } from "./lookup-options.ts";
import type { LimitReached, Questions, QuestionTimer } from "./questions.ts";

export type LookupRequest = Lookup | FindNodes;

/** What differs between routers: the rest of an `IterativeLookupConfig` is the request's and the settings'. */
export type LookupPlan = Omit<
  IterativeLookupConfig,
  "key" | "self" | "startedAt" | "budget" | "records" | "branches"
>;

/** What the runner has to know of its router. */
export interface LookupHost<Message extends Typed> {
  readonly self: KeyedNode;
  /** How to go about it, with what is known now. `known` where the router needs not ask anybody. */
  plan(request: LookupRequest, now: Millis): LookupPlan;
  /** S/Kademlia's d where the request does not say it. */
  readonly disjointPaths: number;
  question(request: LookupRequest, nonce: number): Message;
  /** Called before the notice. */
  onEnded?(request: LookupRequest, report: LookupReport, env: LookupEnvironment<Message>): void;
}

/** Why a question of a lookup was asked. Other purposes of the same router have other types. */
export interface LookupPurpose {
  readonly type: "lookup";
  readonly run: LookupRun;
  readonly index: number;
  /** The same question once more: see `repeat`. */
  readonly isRepeat?: boolean;
}

/** A lookup under way. */
export interface LookupRun {
  /** Of all lookups of this runner: requests may be used again. */
  readonly serial: number;
  readonly request: LookupRequest;
  readonly lookup: IterativeLookup;
  /** Nobody waits for it any more. */
  isOver: boolean;
}

export interface LookupDeadline {
  readonly type: "lookup-deadline";
  /** Named and not held: it may have ended long before. */
  readonly name: string;
  readonly serial: number;
}

export type LookupTimer = QuestionTimer | LookupDeadline;
export type LookupEnvironment<Message> = Environment<Message, LookupTimer, RouterNotice>;

export interface LookupRunnerConfig<Message extends Typed> {
  readonly host: LookupHost<Message>;
  readonly questions: Questions<LookupPurpose | any, Message>;
  readonly settings: Pick<LookupSettings, "deadlineMs" | "budget" | "maxLookups">;
  /** False: no `lookup-step` notices, for simulations of very many lookups. */
  readonly tellsSteps?: boolean | undefined;
}

/** More disjoint searches than this are not begun, nor more nodes looked for. */
const maxBranches = 64;
const maxCount = 1024;

export class LookupRunner<Message extends Typed> {
  readonly counters = {
    started: 0,
    ended: 0,
    cancelled: 0,
    /** Not begun, because there were too many. */
    refused: 0,
  };
  readonly #config: LookupRunnerConfig<Message>;
  readonly #runs = new Map<string, LookupRun>();
  #nextSerial = 1;

  constructor(config: LookupRunnerConfig<Message>) {
    this.#config = config;
  }

  /** Lookups under way. */
  get size(): number {
    return this.#runs.size;
  }

  /**
   * Throws `UsageError`, before anything has changed, for a key that is none, numbers out of range, and a request that is
   * under way already.
   */
  onCommand(command: LookupRequest | CancelLookup, env: LookupEnvironment<Message>): void {
    if (command.type === "cancel-lookup") this.#cancel(command);
    else this.#start(command, env);
  }

  #start(request: LookupRequest, env: LookupEnvironment<Message>): void {
    const { host, settings } = this.#config;
    const { key, records = "none" } = request;
    if (!isKey(key)) throw new UsageError(`key: "${key}" is not 40 hexadecimal digits`);
    const budget = checked("budget", request.budget ?? settings.budget, Number.MAX_SAFE_INTEGER);
    const branches = checked("disjointPaths", request.disjointPaths ?? host.disjointPaths, maxBranches);
    const deadlineMs = checked("deadlineMs", request.deadlineMs ?? settings.deadlineMs, 2 ** 31);
    checked("count", request.count ?? 1, maxCount);
    const name = nameOf(request);
    if (this.#runs.has(name)) throw new UsageError(`request: ${name} is under way`);
    const config = { key, self: host.self, budget, branches, records, startedAt: env.now };
    const lookup = new IterativeLookup({ ...host.plan(request, env.now), ...config });
    const run: LookupRun = { serial: this.#nextSerial++, request, lookup, isOver: false };
    if (this.#runs.size >= settings.maxLookups) {
      this.counters.refused++;
      lookup.end("budget", env.now);
      return this.#end(run, env);
    }
    this.counters.started++;
    this.#runs.set(name, run);
    this.#advance(run, env);
    if (!run.isOver) env.schedule(deadlineMs, { type: "lookup-deadline", name, serial: run.serial });
  }

  #cancel(command: CancelLookup): void {
    const run = this.#runs.get(nameOf(command));
    if (run === undefined) return; // it has ended meanwhile
    run.isOver = true;
    this.#runs.delete(nameOf(command));
    this.counters.cancelled++;
  }

  // ---- What comes of its questions ---------------------------------------------------------------------------------

  onReply({ run, index }: LookupPurpose, answer: LookupAnswer, env: LookupEnvironment<Message>): void {
    if (run.isOver) return;
    run.lookup.onReply(index, answer, env.now);
    this.#tellStep(run, index, env);
    this.#advance(run, env);
  }

  onRefused({ run, index }: LookupPurpose, env: LookupEnvironment<Message>): void {
    if (run.isOver) return;
    run.lookup.onRefused(index, env.now);
    this.#tellStep(run, index, env);
    this.#advance(run, env);
  }

  /**
   * The node is slow, or a message was lost: the question is asked once more beside the first one, whose limits stay. So one
   * loss does not leave the best node out of the result.
   */
  repeat({ purpose, to }: LimitReached<LookupPurpose>, env: LookupEnvironment<Message>): void {
    const { host, questions } = this.#config;
    const { run } = purpose;
    if (run.isOver || purpose.isRepeat === true) return;
    questions.ask(to, { ...purpose, isRepeat: true }, (nonce) => host.question(run.request, nonce), env);
  }

  onLimit({ type, purpose }: LimitReached<LookupPurpose>, env: LookupEnvironment<Message>): void {
    const { run, index } = purpose;
    if (run.isOver || purpose.isRepeat === true) return;
    if (type === "slow") run.lookup.onSoftTimeout(index);
    else {
      run.lookup.onHardTimeout(index);
      this.#tellStep(run, index, env);
    }
    this.#advance(run, env);
  }

  onDeadline({ name, serial }: LookupDeadline, env: LookupEnvironment<Message>): void {
    const run = this.#runs.get(name);
    if (run === undefined || run.serial !== serial) return; // over
    run.lookup.end("deadline", env.now);
    this.#end(run, env);
  }

  // ---- On we go ----------------------------------------------------------------------------------------------------

  #advance(run: LookupRun, env: LookupEnvironment<Message>): void {
    const { host, questions } = this.#config;
    const { request, lookup } = run;
    for (const { index, to } of lookup.next(env.now)) {
      const purpose: LookupPurpose = { type: "lookup", run, index };
      questions.ask(to.node, purpose, (nonce) => host.question(request, nonce), env);
      this.#tellStep(run, index, env);
    }
    if (lookup.outcome !== undefined) this.#end(run, env);
  }

  #tellStep({ request, lookup }: LookupRun, index: number, env: LookupEnvironment<Message>): void {
    if (this.#config.tellsSteps === false) return;
    const { request: number, asker } = request;
    env.notify({ type: "lookup-step", request: number, asker, index, step: lookup.step(index) });
  }

  #end(run: LookupRun, env: LookupEnvironment<Message>): void {
    const { request, lookup } = run;
    run.isOver = true;
    if (this.#runs.get(nameOf(request)) === run) this.#runs.delete(nameOf(request));
    this.counters.ended++;
    const report = lookup.report();
    this.#config.host.onEnded?.(request, report, env);
    env.notify({ type: "lookup-ended", request: request.request, asker: request.asker, report });
  }
}

function nameOf({ asker, request }: { asker: string; request: number }): string {
  return `${asker} ${request}`;
}

function checked(name: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw new UsageError(`${name}: ${value} is not an integer between 1 and ${max}`);
}
