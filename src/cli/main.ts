#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { rerun } from "../lab/index.ts";
import { actCommand } from "./act.ts";
import { campaignCommand } from "./campaign.ts";
import { clusterCommand } from "./cluster.ts";
import { compareCommand } from "./compare.ts";
import { deleteCommand } from "./delete.ts";
import { doctorCommand } from "./doctor.ts";
import { drillCommand } from "./drill.ts";
import { reportError } from "./errors.ts";
import { getCommand } from "./get.ts";
import { killCommand } from "./kill.ts";
import { leaveCommand } from "./leave.ts";
import { lookupCommand } from "./lookup.ts";
import { membersCommand } from "./members.ts";
import { neighborsCommand } from "./neighbors.ts";
import { peerCommand } from "./peer.ts";
import { planCommand } from "./plan.ts";
import { publishCommand } from "./publish.ts";
import { putCommand } from "./put.ts";
import { replayCommand } from "./replay.ts";
import { reproduceCommand } from "./reproduce.ts";
import { routeCommand } from "./route.ts";
import { runCommand } from "./run.ts";
import { seedCommand } from "./seed.ts";
import { simulateCommand } from "./simulate.ts";
import { stateCommand } from "./state.ts";
import { statusCommand } from "./status.ts";
import { tailCommand } from "./tail.ts";
import { traceCommand } from "./trace.ts";
import { upCommand } from "./up.ts";
import { watchCommand } from "./watch.ts";
import { whyCommand } from "./why.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

const program = new Command("grapevine")
  .description("Gossip, membership, multicast and lookup for Node: a peer-to-peer network from one command")
  .version(version)
  .showHelpAfterError("(add --help for the options and examples)")
  .commandsGroup("Run a network:")
  .addCommand(upCommand())
  .addCommand(seedCommand())
  .addCommand(peerCommand())
  .addCommand(clusterCommand())
  .addCommand(runCommand())
  .addCommand(simulateCommand())
  .addCommand(campaignCommand())
  .addCommand(compareCommand())
  .addCommand(planCommand())
  .addCommand(drillCommand())
  .addCommand(reproduceCommand())
  .commandsGroup("Talk to a running node:")
  .addCommand(statusCommand())
  .addCommand(membersCommand())
  .addCommand(neighborsCommand())
  .addCommand(whyCommand())
  .addCommand(publishCommand())
  .addCommand(stateCommand())
  .addCommand(putCommand())
  .addCommand(getCommand())
  .addCommand(deleteCommand())
  .addCommand(lookupCommand())
  .addCommand(routeCommand())
  .addCommand(doctorCommand())
  .addCommand(tailCommand())
  .addCommand(actCommand())
  .addCommand(killCommand())
  .addCommand(leaveCommand())
  .commandsGroup("Look at a run:")
  .addCommand(traceCommand())
  .addCommand(replayCommand({ rerun }))
  .addCommand(watchCommand())
  .addHelpText(
    "after",
    `
Examples:
  $ grapevine up                          6 seeds and 20 peers on this machine; watch them gossip
  $ grapevine up --peers 50 --once --json one run, one JSON object
  $ grapevine run crash                   let a peer die in a simulated network
  $ grapevine drill crash                 kill a peer for real and see when everybody knows
  $ grapevine publish "hello"             say something in the network that is running
`,
  );

/** What the user got wrong ends with code 2, whether the parser finds it or we do. */
function endWithTwo(command: Command): void {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const subcommand of command.commands) endWithTwo(subcommand);
}

endWithTwo(program);
program.parseAsync().catch(reportError);
