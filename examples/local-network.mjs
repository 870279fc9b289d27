// @ts-check
/**
 * A whole network in one process: a seed, and two peers that find each other through it, over TLS. Ada says three
 * things and leaves; Bob listens, and sees her come and go.
 *
 *     node examples/local-network.mjs
 */
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

const bob = await joinAs("bob");
const ada = await joinAs("ada");

/** Everything that happens to Bob, from now on, until Ada has gone. */
const events = (async () => {
  for await (const { type, member } of bob.events()) {
    console.log(`bob sees ${type}: ${member.id === ada.self.id ? "ada" : "somebody else"}`);
    if (type === "left") return;
  }
})();

/** What the others say: also what they said a moment before the link between them stood. */
const messages = (async () => {
  for await (const { from, sequence, text } of bob.messages()) {
    console.log(
      `bob hears message ${sequence} of ${from.id === ada.self.id ? "ada" : "somebody else"}: ${text}`,
    );
    if (sequence === 2) return;
  }
})();

for (const text of ["one", "two", "three"]) await ada.publish(text);
await messages;
console.log("ada knows", ada.members().length, "other, and has", ada.neighbors().length, "neighbor");

await ada.leave();
await events;
await bob.leave();
await local.close();
console.log("the network is closed");
