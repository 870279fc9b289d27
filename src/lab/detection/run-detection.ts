/**
 * One detector under the conditions of a comparison:
 *
 *     all start -> settle -> troubles begin -> calm -> crash -> deadline or all noticed -> restart, recover -> crash …
 */
import { sample } from "../../core/index.ts";
import type { CalmFigures, CrashFigures, DetectionConditions, DetectionRun } from "./conditions.ts";
import { DetectionNetwork } from "./detection-network.ts";
import type { DetectorTuning, LabDetector } from "./lab-detectors.ts";

const crashDie = 5;
/** Crashes come at any moment of a period. */
const crashWithinMs = 5000;
/** How often it is looked whether all have noticed; times are exact all the same. */
const lookEveryMs = 100;
/** How often progress is told, in virtual time. */
const tellEveryMs = 5000;

export interface DetectionWatch {
  readonly isStopped: () => boolean;
  readonly onProgress: (share: number, events: number, virtualMs: number) => void;
}

const unwatched: DetectionWatch = { isStopped: () => false, onProgress: () => {} };

/** Undefined if it was stopped. */
export function runDetection(
  detector: LabDetector,
  conditions: DetectionConditions,
  tuning: DetectorTuning = {},
  watch: DetectionWatch = unwatched,
): DetectionRun | undefined {
  const startedAt = performance.now();
  const network = new DetectionNetwork(detector, conditions, tuning);
  const { simulation, verdicts } = network;
  const { nodes, seed, settleMs, calmMs, crashes } = conditions;
  let phase = 0;
  const advance = (forMs: number): boolean => {
    const end = simulation.time + forMs;
    while (simulation.time < end) {
      if (watch.isStopped()) return false;
      simulation.run(Math.min(end, simulation.time + tellEveryMs));
      watch.onProgress(phase / (2 + crashes), simulation.counters.events, simulation.time);
    }
    return true;
  };

  network.startAll();
  if (!advance(settleMs)) return undefined;
  const { settled } = network;
  network.beginTroubles();
  phase++;
  const before = { messages: simulation.counters.messages, bytes: network.bytes };
  verdicts.isCounting = true;
  if (!advance(calmMs)) return undefined;
  verdicts.isCounting = false;
  const calm: CalmFigures = {
    nodeHours: (nodes * calmMs) / 3_600_000,
    falsePositives: verdicts.falsePositives,
    falseByHealthy: verdicts.falseByHealthy,
    troubledGivenUp: verdicts.troubledGivenUp,
    suspicions: verdicts.suspicions,
    messages: simulation.counters.messages - before.messages,
    bytes: network.bytes - before.bytes,
  };

  const random = network.dieFor(crashDie);
  const rounds: CrashFigures[] = [];
  for (let round = 0; round < crashes; round++) {
    phase++;
    const victims = sample(network.healthy, Math.max(1, Math.round(conditions.crashShare * nodes)), random);
    if (!advance(random.below(crashWithinMs))) return undefined;
    rounds.push(crashFigures(network, victims, conditions));
    for (const row of victims) network.start(row);
    if (!advance(conditions.recoverMs)) return undefined;
  }
  return {
    detector: detector.name,
    nodes,
    seed,
    settled,
    calm,
    crashes: rounds,
    events: simulation.counters.events,
    virtualMs: simulation.time,
    hash: simulation.hash,
    wallMs: Math.round(performance.now() - startedAt),
  };
}

/** All of them crash at once; runs until all others have noticed, or the deadline. */
function crashFigures(
  network: DetectionNetwork,
  victims: readonly number[],
  { deadlineMs }: DetectionConditions,
): CrashFigures {
  const { simulation, verdicts } = network;
  const dying = new Set(victims);
  // Whoever has wrongly given it up before cannot notice it any more.
  const watchers = new Map(
    victims.map((row) => [
      row,
      new Set(
        network.watchersOf(row).filter((other) => !dying.has(other) && !network.hasGivenUp(other, row)),
      ),
    ]),
  );
  const watching = victims.reduce((sum, row) => sum + watchers.get(row)!.size, 0);
  const noticed = (row: number) =>
    verdicts.noticed(row).filter(([observer]) => watchers.get(row)!.has(observer));
  for (const row of victims) network.crash(row);
  const gaveUp = () => victims.reduce((sum, row) => sum + noticed(row).length, 0);
  const end = simulation.time + deadlineMs;
  while (simulation.time < end && gaveUp() < watching)
    simulation.run(Math.min(end, simulation.time + lookEveryMs));
  const times = victims.flatMap((row) => noticed(row).map(([, afterMs]) => afterMs));
  const isComplete = gaveUp() === watching;
  const doubts = victims.flatMap((row) => verdicts.doubtedMs(row) ?? []);
  return {
    doubtedMs: least(doubts),
    firstMs: least(times),
    lastMs: isComplete && times.length > 0 ? times.reduce((most, ms) => Math.max(most, ms)) : null,
    watching,
    gaveUp: gaveUp(),
  };
}

function least(times: readonly number[]): number | null {
  return times.length === 0 ? null : times.reduce((first, ms) => Math.min(first, ms));
}
