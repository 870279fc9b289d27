/** The library's iterators. */
import { afterEach, expect, test } from "vitest";
import { LocalNetwork } from "../../src/lab/index.ts";
import { join, type Network } from "../../src/node/index.ts";
import { formatAddress } from "../../src/transport/index.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

test("two who wait for the next message at the same time each get one, and both hear of the end", async () => {
  const local = await LocalNetwork.start({ seeds: 1, peers: 0, isPlaintext: true });
  endings.push(() => local.close());
  const seeds = local.seedAddresses.map(formatAddress);
  const peers: Network[] = [];
  for (const name of ["reader", "writer"]) peers.push(await join({ plaintext: true, seeds, name }));
  const [reader, writer] = peers as [Network, Network];
  endings.unshift(() => writer.leave());
  const messages = reader.messages();
  const both = Promise.all([messages.next(), messages.next()]);
  await writer.publish("one");
  await writer.publish("two");
  expect((await both).map(({ value }) => value.text)).toEqual(["one", "two"]);
  const ends = Promise.all([messages.next(), messages.next()]);
  await reader.leave();
  expect((await ends).map(({ done }) => done)).toEqual([true, true]);
});

test.each([
  [{ broadcast: { method: "rumor" } }, /^broadcast: there is no such option; .* options: \{ broadcast/],
  [{ options: { brodcast: {} } }, /^options\.brodcast: there is no such section; there are .*broadcast/],
  [{ options: { broadcast: "rumor" } }, /^options\.broadcast: "rumor" is no object of options$/],
  [{ folder: "no/where" }, /^no\/where: there is no such folder; make it with `grapevine cluster create`/],
])("join refuses %j and says how it is meant", async (wrong, complaint) => {
  await expect(join(wrong as Parameters<typeof join>[0])).rejects.toThrow(complaint);
});
