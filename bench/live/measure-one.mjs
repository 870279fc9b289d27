// One contestant in one mode, alone in its process: node --expose-gc measure-one.mjs NAME MODE [PARAMETERS as JSON]
// Prints one line of JSON. run.mjs starts it; it is also the way to profile a single system.
import { measure, rehearse } from "./workload.mjs";

const [name, mode, parameters = "{}"] = process.argv.slice(2);
process.once("disconnect", () => process.exit(1)); // the runner is gone, nobody reads the result
process.once("SIGTERM", () => process.exit(143));
process.once("SIGINT", () => process.exit(130));

const { create } = await import(`./${name}.mjs`);
await rehearse(await create(mode));
const contestant = await create(mode);
const result = await measure(contestant, JSON.parse(parameters));
process.stdout.write(
  `${JSON.stringify({ contestant: name, mode, title: contestant.name, ...result })}\n`,
  async () => {
    const patience = setTimeout(() => process.exit(0), 5000);
    await contestant.stop();
    clearTimeout(patience);
    process.exit(0);
  },
);
