import { UsageError } from "../../core/index.ts";
import { crash, hang } from "./crash-and-hang.ts";
import { type Drill, type DrillConfig, type DrillReport, Stage } from "./drill.ts";
import { forgedRegistration, forgedReport } from "./forged.ts";
import { junk } from "./junk.ts";
import { lateJoin } from "./late-join.ts";
import { restart } from "./restart.ts";
import { seedLoss } from "./seed-loss.ts";

export type { Drill, DrillConfig, DrillReport } from "./drill.ts";

export const drills: readonly Drill[] = [
  crash,
  hang,
  lateJoin,
  seedLoss,
  forgedReport,
  forgedRegistration,
  junk,
  restart,
];

/** Runs a fault on a live local network. Throws `UsageError` if there is no such drill. */
export async function runDrill(name: string, config: DrillConfig): Promise<DrillReport> {
  const drill = drills.find((one) => one.name === name);
  if (drill === undefined) {
    throw new UsageError(
      `drill: there is no "${name}"; there are ${drills.map((one) => one.name).join(", ")}`,
    );
  }
  const stage = new Stage(config);
  try {
    await drill.run(stage);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    stage.check(
      "the drill could be carried out",
      false,
      error instanceof Error ? error.message : String(error),
    );
  } finally {
    await stage.end();
  }
  const ok = stage.checks.length > 0 && stage.checks.every((check) => check.ok);
  return { drill: name, ok, checks: stage.checks, figures: stage.figures };
}
