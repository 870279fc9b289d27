import { Command } from "commander";
import { escapeText } from "../node/index.ts";
import { addApiOptions, answers, jsonText, nodePath, print } from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";
import {
  addRecordOptions,
  checkGiven,
  findPeer,
  operationFailed,
  type RecordOptions,
  replicaTable,
  storeTimeoutMs,
  summaryOfReplicas,
} from "./record-commands.ts";

interface DeleteOptions extends RecordOptions {
  readonly owned?: boolean;
  readonly cas?: number;
}

export function deleteCommand(): Command {
  return addApiOptions(
    addRecordOptions(
      new Command("delete")
        .description("Delete what the store has under a name, so that it stays deleted")
        .argument("<name>", "the name that it was put under")
        .option("--owned", "the record of that name that the asked node owns")
        .option(
          "--cas <sequence>",
          "only if this is the sequence number of what is there",
          wholeNumber("--cas", 0, Number.MAX_SAFE_INTEGER),
        ),
    ),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine delete color
  $ grapevine delete color --cas 3 --json

An immutable record cannot be deleted: it is forgotten when its lifetime is over.
`,
    )
    .action(async (name: string, options: DeleteOptions) => {
      checkGiven(name);
      const { client, node } = await findPeer(options);
      const command = { name, ...(options.owned ? { kind: "owned" } : {}), cas: options.cas };
      const path = nodePath(node, "records/delete");
      const answer = await client.post(path, command, answers.operation, storeTimeoutMs);
      const isGone = answer.outcome === "stored" || answer.outcome === "missing";
      if (!isGone) process.exitCode = 1;
      if (options.json) return await print(jsonText(answer));
      if (!isGone) return await operationFailed(client, answer);
      const what = answer.outcome === "stored" ? "Deleted" : "There was no";
      await print(`${what} ${escapeText(name)}: ${summaryOfReplicas(answer)}.`);
      if (options.verbose) await print(await replicaTable(client, answer));
    });
}
