/** A fork that runs beside the run that it was made of: one clock for both. */
import type { Millis } from "../../../src/core/index.ts";
import { Timeline } from "../timeline/timeline.ts";
import { changeOf, withTunableFrom } from "./fork-change.ts";
import { SimulatedSource } from "./simulated-source.ts";

/** Two clocks of one machine drift apart by less than this before they are put together. */
const maxDriftMs = 50;

export interface Fork {
  readonly at: Millis;
  readonly change: string;
  readonly timeline: Timeline;
}

/** One for each run: another one ends it. */
const forks = new WeakMap<Timeline, { readonly fork: Fork; readonly stop: () => void }>();

export function forkOf(base: Timeline): Fork | undefined {
  return forks.get(base)?.fork;
}

/** Throws `UsageError` where the change cannot be. */
export async function startFork(base: Timeline, at: Millis, change: string): Promise<Fork> {
  const { source } = base;
  if (!(source instanceof SimulatedSource)) throw new Error("only a simulation can be forked");
  const asked = changeOf(change, base.events.pictureBefore(base.events.indexAfter(at)));
  const changed =
    asked.type === "actions"
      ? await source.fork(at, asked.actions)
      : new SimulatedSource(
          withTunableFrom({ ...source.config, journal: await source.journal() }, asked),
          `${source.label}, changed`,
        );
  const timeline = new Timeline(changed);
  const fork: Fork = { at: asked.type === "actions" ? at : 0, change, timeline };
  forks.get(base)?.stop();
  timeline.start();
  changed.clock.runTo(Math.max(at, base.head));
  const unwatch = base.watch(() => keepTogether(base, fork));
  const stop = () => {
    unwatch();
    timeline.close();
  };
  forks.set(base, { fork, stop });
  // It ends with the run that it is compared with.
  source.onClosed(stop);
  keepTogether(base, fork);
  return fork;
}

/** The fork shows the moment that the base shows, and runs as far. */
function keepTogether(base: Timeline, { timeline }: Fork): void {
  const isFollowing = base.pace.type === "follow";
  if (isFollowing) {
    if (timeline.pace.type !== "follow") timeline.setPace({ type: "follow" });
    if (timeline.speed !== base.speed) timeline.setSpeed(base.speed);
  } else if (timeline.pace.type !== "paused") timeline.pause();
  if (timeline.head + maxDriftMs * base.speed < base.head) timeline.source.clock?.runTo(base.head);
  if (!isFollowing && timeline.cursor !== base.cursor) timeline.seek(base.cursor);
}
