/** What a thread of a comparison does: one router, once. */
import { type BoardOutcome, type Placed, performWatched } from "../../simulate/board-tasks.ts";
import { labRouterNamed } from "../lab-routers.ts";
import type { ComparisonTask, RouterRun } from "./comparison.ts";
import { runRouter } from "./run-router.ts";

export default function perform(task: ComparisonTask & Placed): BoardOutcome<RouterRun> {
  const { router, conditions, tuning } = task;
  return performWatched(task, (watch) => runRouter(labRouterNamed(router), conditions, tuning, watch));
}
