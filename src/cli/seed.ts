import { Command } from "commander";
import { addServeOptions, serve } from "./serve.ts";

export function seedCommand(): Command {
  return addServeOptions(
    new Command("seed").description("Run one seed: it keeps the peer list and introduces peers"),
    "seed",
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine seed my-net/nodes/seed1 --listen 10.0.0.1:8080
  $ grapevine seed --plaintext --network config.txt --listen 127.0.0.1:8080
`,
    )
    .action((folder, options) => serve("seed", folder, options));
}
