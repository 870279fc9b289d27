/**
 * Who comes and goes, as data: a model and a die give the list of all joins and ends, before the run begins. What a
 * scenario does with the list (which node a session is, what a leave says) is its own business.
 *
 * Not modelled: nodes that come back as who they were (each session is a newcomer), days and nights, sessions that
 * end because of what happens in the network.
 */
import { log } from "../core/deterministic-math.ts";
import { checkOption, type Random, UsageError } from "../core/index.ts";
import { longestMs } from "./link-settings.ts";
import { checkModel, checkNumber, type ModelRules } from "./model-options.ts";

/** What happens to a session, numbered in the order of joins: it begins, says goodbye, or is gone without a word. */
export interface ChurnEvent {
  readonly atMs: number;
  readonly type: "join" | "leave" | "crash";
  readonly session: number;
}

/** Nodes join independently of each other, and each may leave at any moment with the same chance. */
export interface PoissonChurn {
  readonly model: "poisson";
  readonly joinsPerMinute: number;
  /** Of an exponential distribution. By Little's law, joins per minute x minutes are there in the long run. */
  readonly meanSessionMs: number;
  /** Joins happen in [0, forMs). Sessions that would end later stay. */
  readonly forMs: number;
  /** Share of sessions that end without a goodbye. Default 0. */
  readonly crashShare?: number;
}

/** Sessions as somebody has measured them. */
export interface SessionChurn {
  readonly model: "sessions";
  /** Lengths in ms, or pairs of start and length; not both. */
  readonly sessions: readonly number[] | readonly (readonly [startMs: number, lengthMs: number])[];
  /**
   * `replay` (default): each session once, pairs when they were, lengths in their order at Poisson joins.
   * `resample`: Poisson joins, each with a length drawn from all that are given, with replacement.
   */
  readonly mode?: "replay" | "resample";
  /** Of Poisson joins: needed wherever the sessions do not say when they begin. */
  readonly joinsPerMinute?: number;
  /** Joins at or after this time, and ends after it, are left out. Needed to resample. */
  readonly forMs?: number;
  /** Share of sessions that end without a goodbye. Default 0. */
  readonly crashShare?: number;
}

/** Many come at once. */
export interface FlashCrowd {
  readonly model: "flash-crowd";
  readonly joins: number;
  /** Uniformly spread over [atMs, atMs + withinMs). */
  readonly atMs: number;
  readonly withinMs: number;
  /** How long each stays. Default: to the end. */
  readonly leaveAfterMs?: number;
  /** Share of sessions that end without a goodbye. Default 0. */
  readonly crashShare?: number;
}

export type ChurnModel = PoissonChurn | SessionChurn | FlashCrowd;

/** More sessions than the largest run has nodes are a mistake in the settings. */
export const maxSessions = 10_000_000;

/** A session before it has a number: when it begins, how long it lasts (perhaps for ever). */
interface Session {
  readonly startMs: number;
  readonly lengthMs: number;
}

/**
 * All joins and ends of a model, sorted by time; of one millisecond, in the order of sessions, a join before its end.
 * Throws `UsageError` naming the option, the value and the rule.
 */
export function churnEvents(model: ChurnModel, random: Random): ChurnEvent[] {
  checkChurn(model);
  const { sessions, endMs } = sessionsOf(model, random);
  sessions.sort((a, b) => a.startMs - b.startMs);

  const events: ChurnEvent[] = [];
  const crashShare = model.crashShare ?? 0;
  sessions.forEach(({ startMs, lengthMs }, session) => {
    events.push({ atMs: startMs, type: "join", session });
    // Drawn in any case, so that another share of crashes is the same sessions with other ends.
    const isCrash = random.unit() < crashShare;
    const atMs = startMs + lengthMs;
    if (atMs < Infinity && atMs <= endMs) events.push({ atMs, type: isCrash ? "crash" : "leave", session });
  });
  // The sort is stable, and the events of one session are together, in the order of sessions.
  return events.sort((a, b) => a.atMs - b.atMs);
}

/** The sessions in any order, and the time after which nobody leaves. */
function sessionsOf(
  model: ChurnModel,
  random: Random,
): { readonly sessions: Session[]; readonly endMs: number } {
  switch (model.model) {
    case "poisson": {
      const sessions: Session[] = [];
      for (const startMs of poissonTimes(model.joinsPerMinute, model.forMs, random)) {
        const lengthMs = Math.floor(exponential(model.meanSessionMs, random) + 0.5);
        sessions.push({ startMs, lengthMs });
      }
      return { sessions, endMs: model.forMs };
    }
    case "sessions":
      return { sessions: measuredSessions(model, random), endMs: model.forMs ?? Infinity };
    case "flash-crowd": {
      const sessions: Session[] = [];
      for (let i = 0; i < model.joins; i++) {
        const startMs = model.atMs + Math.floor(random.unit() * model.withinMs);
        sessions.push({ startMs, lengthMs: model.leaveAfterMs ?? Infinity });
      }
      return { sessions, endMs: Infinity };
    }
  }
}

function measuredSessions(model: SessionChurn, random: Random): Session[] {
  const { sessions: given, mode = "replay", joinsPerMinute = 0, forMs = Infinity } = model;
  const measured: Session[] = given.map((session) =>
    typeof session === "number"
      ? { startMs: -1, lengthMs: session }
      : { startMs: session[0], lengthMs: session[1] },
  );
  if (mode === "replay" && measured[0]!.startMs >= 0) {
    return measured.filter(({ startMs }) => startMs < forMs);
  }
  const sessions: Session[] = [];
  for (const startMs of poissonTimes(joinsPerMinute, forMs, random)) {
    if (mode === "replay" && sessions.length === measured.length) break;
    const { lengthMs } =
      mode === "replay" ? measured[sessions.length]! : measured[random.below(measured.length)]!;
    sessions.push({ startMs, lengthMs });
  }
  return sessions;
}

/** The times of a Poisson process in [0, forMs): independent gaps, exponential with the mean 1 / rate. */
function* poissonTimes(perMinute: number, forMs: number, random: Random): Generator<number> {
  if (perMinute === 0) return;
  let time = exponential(60_000 / perMinute, random);
  while (time < forMs) {
    yield Math.floor(time);
    time += exponential(60_000 / perMinute, random);
  }
}

/** One draw; never infinite, because 1 - u is never 0. */
function exponential(mean: number, random: Random): number {
  const u = random.unit();
  return -mean * log(1 - u);
}

const time = { min: 0, max: longestMs };
const rate = { min: 0, isFraction: true };
const share = { ...rate, max: 1, isOptional: true };

const churnRules: ModelRules<ChurnModel["model"]> = {
  poisson: { numbers: { joinsPerMinute: rate, meanSessionMs: time, forMs: time, crashShare: share } },
  sessions: {
    numbers: {
      joinsPerMinute: { ...rate, isOptional: true },
      forMs: { ...time, isOptional: true },
      crashShare: share,
    },
    others: ["sessions", "mode"],
  },
  "flash-crowd": {
    numbers: {
      joins: { min: 0, max: maxSessions },
      atMs: time,
      withinMs: time,
      leaveAfterMs: { ...time, isOptional: true },
      crashShare: share,
    },
  },
};

function checkChurn(model: ChurnModel): void {
  checkModel(model, churnRules);
  if (model.model === "sessions") checkSessions(model);
  if (model.model !== "flash-crowd") checkJoins(model.joinsPerMinute ?? 0, model.forMs);
}

function checkSessions({ sessions, mode = "replay", joinsPerMinute, forMs }: SessionChurn): void {
  checkOption("mode", mode, { default: "", description: "", choices: ["replay", "resample"] });
  if (!Array.isArray(sessions) || sessions.length === 0) {
    throw new UsageError(`sessions: ${JSON.stringify(sessions)} is not a list with entries`);
  }
  if (sessions.length > maxSessions) {
    throw new UsageError(`sessions: ${sessions.length} are more than ${maxSessions}`);
  }
  const arePairs = Array.isArray(sessions[0]);
  (sessions as readonly unknown[]).forEach((session, i) => {
    const numbers = arePairs ? session : [session];
    if (!Array.isArray(numbers) || numbers.length !== (arePairs ? 2 : 1)) {
      throw new UsageError(`sessions[${i}]: ${JSON.stringify(session)} is not a pair of start and length`);
    }
    for (const number of numbers) checkNumber(`sessions[${i}]`, number, time);
  });
  if (mode === "replay" && arePairs) return;
  if (!joinsPerMinute) {
    throw new UsageError("joinsPerMinute: it is needed, because these sessions do not say when they begin");
  }
  if (mode === "resample" && forMs === undefined) {
    throw new UsageError("forMs: it is needed to resample, because drawn sessions have no end");
  }
}

function checkJoins(joinsPerMinute: number, forMs: number | undefined): void {
  if (forMs === undefined || (joinsPerMinute * forMs) / 60_000 <= maxSessions) return;
  throw new UsageError(
    `joinsPerMinute: ${joinsPerMinute} for ${forMs} ms gives more than ${maxSessions} sessions`,
  );
}
