import { Command } from "commander";
import { addNode, createCluster, parseAddress } from "../node/index.ts";
import { formatAddress } from "../transport/index.ts";

export function clusterCommand(): Command {
  const create = new Command("create")
    .description("Make a cluster: its certificate authority and config.txt, the list of its seeds")
    .argument("<dir>", "a new or empty folder; keep its ca.key secret")
    .option("--seeds <list>", "addresses of the seeds, separated by commas", defaultSeeds())
    .option("--name <name>", "name of the cluster in its certificates", "grapevine")
    .option("--json", "print the result as JSON")
    .action(async (dir: string, options: { seeds: string; name: string; json?: boolean }) => {
      const seeds = options.seeds.split(",").map((text) => parseAddress(text.trim(), "--seeds"));
      await createCluster(dir, { seeds, name: options.name });
      if (options.json) return print({ dir, name: options.name, seeds: seeds.map(formatAddress) });
      process.stdout.write(
        `Made cluster "${options.name}" in ${dir}: ca.crt, ca.key (keep it secret), config.txt with ${seeds.length} seeds.\n` +
          `Next: grapevine cluster add ${dir} <node name>, once for each node.\n`,
      );
    });
  const add = new Command("add")
    .description(
      "Issue a node of the cluster: one folder with key, certificate and config.txt, to copy to its machine",
    )
    .argument("<dir>", "the cluster's folder")
    .argument("<name>", "the node's name: letters, digits, dot, dash, underscore")
    .option("--json", "print the result as JSON")
    .action(async (dir: string, name: string, options: { json?: boolean }) => {
      const folder = await addNode(dir, name);
      if (options.json) return print({ name, folder });
      process.stdout.write(
        `Issued ${name} in ${folder}. Copy that folder to the node's machine and run there one of\n` +
          `  grapevine peer ${folder}\n  grapevine seed ${folder} --listen <one address of config.txt>\n`,
      );
    });
  return new Command("cluster")
    .description("Make a certificate authority for a network over several machines, and issue its nodes")
    .addCommand(create)
    .addCommand(add)
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine cluster create my-net --seeds 10.0.0.1:8080,10.0.0.2:8080
  $ grapevine cluster add my-net alice
  $ grapevine peer my-net/nodes/alice
`,
    );
}

function defaultSeeds(): string {
  // The example of the seed report, section 4.1.
  return Array.from({ length: 6 }, (_, i) => `127.0.0.1:${8080 + i}`).join(",");
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
