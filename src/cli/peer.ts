import { Command } from "commander";
import { addServeOptions, serve } from "./serve.ts";

export function peerCommand(): Command {
  return addServeOptions(
    new Command("peer").description("Run one peer: it registers, finds neighbors and gossips"),
    "peer",
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine peer my-net/nodes/alice
  $ grapevine peer my-net/nodes/bob --listen 10.0.0.2:9000
  $ grapevine peer --plaintext --network config.txt --name carol
  $ grapevine peer my-net/nodes/dora --profile modern --tag zone=b --tag role=cache
  $ tail -f events.log | grapevine peer my-net/nodes/alice --stdin --messages 0
`,
    )
    .action((folder, options) => serve("peer", folder, options));
}
