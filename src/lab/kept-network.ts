/**
 * A local network that outlives its process: cluster, keys and whatever the nodes remember are in one folder, and who
 * starts it again has the same nodes with the same disks. It is an ordinary cluster's folder, so its nodes may as well be
 * run one by one (`grapevine peer DIR/nodes/peer-1`).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../core/index.ts";
import { addNode, createCluster, loadNodeFolder, readSeedFile } from "../node/index.ts";
import type { Address } from "../transport/index.ts";
import { freePorts, type LocalNetworkConfig } from "./local-network.ts";

/** Makes the folder if there is none. Throws `UsageError` where it holds a network with other seeds. */
export async function keptNetwork(
  folder: string,
  seeds: number,
  host = "127.0.0.1",
): Promise<Pick<LocalNetworkConfig, "issue" | "dataFolder" | "seedAddresses">> {
  const nodeFolder = (name: string) => join(folder, "nodes", name);
  return {
    seedAddresses: await seedAddresses(folder, seeds, host),
    issue: async (name) => {
      if (!existsSync(nodeFolder(name))) await addNode(folder, name);
      return loadNodeFolder(nodeFolder(name));
    },
    dataFolder: (name) => join(nodeFolder(name), "data"),
  };
}

async function seedAddresses(folder: string, seeds: number, host: string): Promise<readonly Address[]> {
  const configPath = join(folder, "config.txt");
  if (!existsSync(configPath)) {
    const addresses = (await freePorts(host, seeds)).map((port) => ({ host, port }));
    await createCluster(folder, { seeds: addresses, name: "local" });
    return addresses;
  }
  const addresses = readSeedFile(configPath);
  if (addresses.length !== seeds)
    throw new UsageError(
      `--seeds: the network in ${folder} has ${addresses.length}; say --seeds ${addresses.length}, or take another folder`,
    );
  return addresses;
}
