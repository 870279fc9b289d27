/**
 * Bimodal multicast (Birman and others 1999) in three parts: why it is called so, what it delivers where datagrams get
 * lost, and that its throughput stays what it is while receivers sleep.
 */
import { lossPart } from "./bimodal-loss.ts";
import { finalSizesPart } from "./bimodal-sizes.ts";
import { throughputPart } from "./bimodal-throughput.ts";
import type { Experiment, ExperimentPart } from "./experiment.ts";

interface Task {
  readonly part: number;
  readonly task: unknown;
}

const parts: readonly ExperimentPart<any, any>[] = [finalSizesPart, throughputPart, lossPart];

export const bimodalExperiment: Experiment<Task, unknown> = {
  name: "bimodal",
  description:
    "Bimodal multicast: almost nobody or almost all, steady while receivers sleep, and what loss costs",
  source: "Birman, Hayden, Ozkasap, Xiao, Budiu, Minsky 1999 (pbcast); reference computation",
  defaultRuns: 60_000,
  quickRuns: 4000,

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
