/** What a worker thread of a batch does. */
import { perform, type Task, type TaskOutcome } from "./task.ts";

export default function runTask(task: Task): Promise<TaskOutcome> {
  return perform(task);
}
