import { expect, test } from "vitest";
import { Listener, transportContract, until } from "../../test/contracts/transport.contract.ts";
import { LoopbackNetwork, LoopbackTransport } from "./index.ts";

transportContract("loopback", async (options = {}) => {
  const network = new LoopbackNetwork();
  const [server, client] = [0, 1].map(() => new LoopbackTransport(network, { options }));
  return {
    server: server!,
    client: client!,
    async hangingAddress() {
      const address = { host: "127.0.0.1", port: 1 };
      network.hang(address);
      return address;
    },
    async connectSilently(address) {
      // Each from a node of its own: what is tested is the limit of the listener.
      const transport = new LoopbackTransport(network);
      const connection = await transport.dial(address, 5000).catch(() => undefined);
      const state = { isClosed: connection === undefined };
      if (connection !== undefined) {
        connection.onData = () => {};
        connection.onClose = () => {
          state.isClosed = true;
        };
      }
      return state;
    },
    async close() {
      await Promise.all([server!.close(), client!.close()]);
    },
  };
});

test("loopback shows the keys that its transports were given", async () => {
  const network = new LoopbackNetwork();
  const [serverKey, clientKey] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const server = new LoopbackTransport(network, { provenKey: serverKey });
  const client = new LoopbackTransport(network, { provenKey: clientKey });
  const accepted: Listener[] = [];
  const address = await server.listen({ host: "10.0.0.1", port: 0 }, (c) => accepted.push(new Listener(c)));
  const near = await client.dial(address, 1000);
  await until(() => accepted.length === 1, "the connection is accepted");
  expect(near.provenKey).toEqual(serverKey);
  expect(accepted[0]!.connection.provenKey).toEqual(clientKey);
  await Promise.all([server.close(), client.close()]);
});

test("changing a buffer after loopback has taken it does not change what arrives", async () => {
  const network = new LoopbackNetwork();
  const transport = new LoopbackTransport(network);
  const accepted: Listener[] = [];
  const address = await transport.listen({ host: "a", port: 1 }, (c) => accepted.push(new Listener(c)));
  const near = await transport.dial(address, 1000);
  const bytes = Buffer.from("before");
  near.write(bytes);
  bytes.write("after!");
  await until(() => accepted[0]?.text === "before", "the word arrives unchanged");
  await transport.close();
});
