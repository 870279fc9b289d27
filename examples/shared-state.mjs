// @ts-check
/**
 * State that peers share without a broker: a seed and three peers in one process, over TLS. Two write at once, one
 * deletes, one comes late; in the end all have the same.
 *
 *     node examples/shared-state.mjs
 */
import { setTimeout as pause } from "node:timers/promises";
import { join } from "grapevine";
import { LocalNetwork } from "grapevine/lab";

const local = await LocalNetwork.start({ seeds: 1, peers: 0 });

/** @param {string} name */
async function joinAs(name) {
  return await join({
    name,
    ...(await local.issue(name)), // a key, and a certificate of this network's own authority
    seeds: local.seedAddresses.map(({ host, port }) => `${host}:${port}`),
  });
}

/** @param {() => boolean} isSo */
async function until(isSo) {
  while (!isSo()) await pause(10);
}

const ada = await joinAs("ada");
const bob = await joinAs("bob");
await until(() => ada.neighbors().length > 0);

/** What Bob hears of changes by others, until there is one of the key "done". */
const changes = (async () => {
  for await (const { key, value, writer } of bob.stateChanges()) {
    if (writer === ada.self.id)
      console.log(`bob hears: ada ${value === undefined ? "deleted" : "set"} ${key}`);
    if (key === "done") return;
  }
})();

await ada.state.set("workers", "8");
await until(() => bob.state.get("workers") === "8");

await Promise.all([ada.state.set("leader", "ada"), bob.state.set("leader", "bob")]);
await ada.state.delete("workers");
await ada.state.set("done", new Uint8Array([1]));
await changes;
await until(() => ada.state.get("leader") === bob.state.get("leader"));
console.log("both say the same of who leads:", ada.state.get("leader") === bob.state.get("leader"));

const eve = await joinAs("eve");
await until(() => eve.state.size === 2);
for (const { key } of [...eve.state.entries()].sort((a, b) => (a.key < b.key ? -1 : 1)))
  console.log(`eve, who came late, has ${key}`);

for (const peer of [eve, bob, ada]) await peer.leave();
await local.close();
