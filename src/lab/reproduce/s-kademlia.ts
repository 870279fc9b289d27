/**
 * Kademlia among hostile nodes in two parts: what disjoint paths are worth against misrouting, as published and as the
 * model has it; and what attacks cost and gain with each defence on and off.
 */
import type { Experiment, ExperimentPart } from "./experiment.ts";
import { attacksPart } from "./s-kademlia-attacks.ts";
import { pathsFlags, pathsPart } from "./s-kademlia-paths.ts";

interface Task {
  readonly part: number;
  readonly task: unknown;
}

const parts: readonly ExperimentPart<any, any>[] = [pathsPart, attacksPart];

export const sKademliaExperiment: Experiment<Task, unknown> = {
  name: "s-kademlia",
  description:
    "Hostile nodes: misrouting against disjoint paths, eclipsed keys, poisoned tables, amplification",
  source: "Baumgart, Mies 2007 (S/Kademlia); reference models",
  defaultRuns: 18,
  quickRuns: 2,
  flags: pathsFlags,

  plan: (input) => parts.flatMap(({ plan }, part) => plan(input).map((task): Task => ({ part, task }))),

  measure: ({ part, task }) => parts[part]!.measure(task),

  report: (input, tasks, samples) => {
    const reports = parts.map(({ report }, part) => {
      const own = [...tasks.keys()].filter((i) => tasks[i]!.part === part);
      return report(
        input,
        own.map((i) => tasks[i]!.task),
        own.map((i) => samples[i]),
      );
    });
    return {
      rows: reports.flatMap(({ rows }) => rows),
      charts: reports.flatMap(({ charts }) => charts),
      notes: reports.flatMap(({ notes }) => notes),
    };
  },
};
