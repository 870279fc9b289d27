// @ts-check
/**
 * Joins a network, says hello, and shows what the others say, until somebody says goodbye. It needs a folder of a
 * cluster and a seed that runs. In three terminals, or on three machines:
 *
 *     npx grapevine cluster create my-net --seeds 127.0.0.1:8080
 *     npx grapevine cluster add my-net seed1
 *     npx grapevine cluster add my-net alice
 *     npx grapevine cluster add my-net bob
 *
 *     npx grapevine seed my-net/nodes/seed1 --listen 127.0.0.1:8080
 *     npx grapevine peer my-net/nodes/bob --stdin --messages 0
 *     node examples/join.mjs
 */
import { join } from "grapevine";

const network = await join({ folder: "my-net/nodes/alice" });
console.log("Here already:", network.members());
await network.publish("hello from alice");
for await (const { from, text } of network.messages()) {
  console.log(`${from.host}:${from.port} says: ${text}`);
  if (text === "goodbye") break;
}
await network.leave();
