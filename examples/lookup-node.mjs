// @ts-check
/**
 * A store without seeds and without gossip: twelve nodes that look up and keep records over datagrams, in one process. One
 * puts, a third of them is killed, another one gets, and shows the way that it took.
 *
 *     node examples/lookup-node.mjs
 */
import { createIdentity, LookupNode } from "grapevine";

/** @type {LookupNode[]} */
const nodes = [];
for (let i = 0; i < 12; i++) {
  const node = await LookupNode.start({
    identity: createIdentity(),
    security: { type: "plaintext" }, // anybody may join; datagrams are sealed and identities proven all the same
    listen: { host: "127.0.0.1", port: 0 },
    bootstrap: nodes.slice(0, 2).map(({ contact }) => String(contact)),
    router: "kademlia",
  });
  nodes.push(node);
}
const [first, ...others] = nodes;
await Promise.all(others.map(({ joined }) => joined));

const { replicas } = await /** @type {LookupNode} */ (first).put("color", "green");
console.log(`${replicas.filter(({ state }) => state === "stored").length} nodes keep it`);

for (const node of others.slice(0, 4)) await node.kill();
console.log("4 of 12 nodes were killed");

const asker = /** @type {LookupNode} */ (others[8]);
const found = await asker.get("color", { signal: AbortSignal.timeout(20_000) });
console.log(`another one reads: ${found?.text}`);

const run = asker.lookup("color");
for await (const { step } of run)
  if (step.outcome !== "asked") console.log(`  ${step.node}: ${step.outcome}`);
const { closest, hops } = await run.report;
console.log(`responsible: ${closest[0]?.node}, ${hops} hops away`);

await Promise.all(nodes.map((node) => node.close()));
