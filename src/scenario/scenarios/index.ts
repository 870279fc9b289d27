/** The scenarios that come with Grapevine. */
import type { Scenario } from "../scenario.ts";
import { crash, hang } from "./crash-and-hang.ts";
import { forgedRegistration, forgedReport } from "./forged.ts";
import { junk } from "./junk.ts";
import { lateJoin } from "./late-join.ts";
import { restart } from "./restart.ts";
import { seedLoss } from "./seed-loss.ts";

export const scenarios: readonly Scenario[] = [
  crash,
  hang,
  lateJoin,
  seedLoss,
  forgedReport,
  forgedRegistration,
  junk,
  restart,
];
