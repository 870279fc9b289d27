// @ts-check
/**
 * The modern profile in one process: a seed and three peers, over TLS. Ada says something and learns who has it; Carol
 * dies without a word, and Bob says why he thinks so; Ada says goodbye.
 *
 *     node examples/modern-membership.mjs
 */
import { setTimeout as pause } from "node:timers/promises";
import { join } from "grapevine";
import { LocalNetwork } from "grapevine/lab";

/** A probe each 300 ms, so that this program ends soon; the default of 500 ms notices a death in about two seconds. */
const swim = { probeIntervalMs: 300 };
const local = await LocalNetwork.start({
  seeds: 1,
  peers: 0,
  options: { stack: { profile: "modern" }, swim },
});

/** @param {string} name */
async function joinAs(name) {
  return await join({
    name,
    profile: "modern",
    options: { swim },
    ...(await local.issue(name)), // a key, and a certificate of this network's own authority
    seeds: local.seedAddresses.map(({ host, port }) => `${host}:${port}`),
  });
}

const [ada, bob, carol] = await Promise.all([joinAs("ada"), joinAs("bob"), joinAs("carol")]);
const names = new Map([ada, bob, carol].map(({ self, node }) => [self.id, node.name]));

/** @param {() => boolean} isSo */
async function until(isSo) {
  while (!isSo()) await pause(10);
}

/** What Bob sees of the others, from now on, until Ada has gone. */
const events = (async () => {
  for await (const { type, member } of bob.events()) {
    const name = names.get(member.id);
    if (type === "dead") {
      console.log(`bob sees ${type}: ${name}`);
      const { state, evidence } = bob.why(member);
      console.log(`why ${state}: ${[...new Set(evidence.map(({ kind }) => kind))].join(", then ")}`);
    }
    if (type === "left") return console.log(`bob sees ${type}: ${name}`);
  }
})();

await until(() => [ada, bob, carol].every((peer) => peer.members().length === 2));
await Promise.all([ada, bob, carol].map((peer) => peer.ready())); // what is said from now on is not lost
const heard = [bob, carol].map((peer) => peer.messages().next());
const { id, sent, queued, dropped } = await ada.publish("hello");
console.log(`ada publishes; neighbors it was handed to: ${sent + queued}, dropped: ${dropped}`);
for (const { value } of await Promise.all(heard))
  console.log(`${names.get(value.from.id)} says: ${value.text}`);
const { have, answered } = await ada.coverage(id); // or publish("hello", { coverage: true }), a second later
console.log(`${have} of ${answered} who were asked have it`);

await carol.node.kill(); // as kill -9: no goodbye
await until(() => bob.why(carol.self).state === "failed");
const goodbye = ada.leave();
await events;
await Promise.all([goodbye, bob.leave()]);
await local.close();
console.log("the network is closed");
