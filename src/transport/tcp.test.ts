import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { Listener, silentSocket, transportContract, until } from "../../test/contracts/transport.contract.ts";
import { type Address, TcpTransport, type TransportError } from "./index.ts";

/** Listens without ever accepting: two connections fill its queue, and the kernel ignores all further ones. */
async function makeHangingListener(): Promise<{ address: Address; close: () => Promise<unknown> }> {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer();
     server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once("message", resolve));
  const sockets: Socket[] = [];
  let isFull = false;
  while (!isFull) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    isFull = await new Promise((resolve) => {
      socket.once("connect", () => resolve(false));
      setTimeout(() => resolve(true), 100);
    });
  }
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return worker.terminate();
  };
  return { address: { host: "127.0.0.1", port }, close };
}

transportContract("tcp", async (options = {}) => {
  const server = new TcpTransport({ options });
  const client = new TcpTransport({ options });
  const cleanups: (() => Promise<unknown>)[] = [];
  return {
    server,
    client,
    connectSilently: silentSocket,
    async hangingAddress() {
      const { address, close } = await makeHangingListener();
      cleanups.push(close);
      return address;
    },
    async close() {
      await Promise.all([server.close(), client.close(), ...cleanups.map((cleanup) => cleanup())]);
    },
  };
});

describe("tcp", () => {
  const transports: TcpTransport[] = [];
  afterEach(async () => {
    await Promise.all(transports.splice(0).map((transport) => transport.close()));
  });

  function makeTransport(onRefused?: (error: TransportError) => void): TcpTransport {
    const transport = new TcpTransport(onRefused === undefined ? {} : { onRefused });
    transports.push(transport);
    return transport;
  }

  test("a TLS client at a plain port is refused by an alert that it understands", async () => {
    const refusals: TransportError[] = [];
    const accepted: Listener[] = [];
    const transport = makeTransport((error) => refusals.push(error));
    const address = await transport.listen({ host: "127.0.0.1", port: 0 }, (c) =>
      accepted.push(new Listener(c)),
    );
    const { connect: connectTls } = await import("node:tls");
    const code = await new Promise((resolve) => {
      connectTls({ ...address, rejectUnauthorized: false }).on("error", (error: NodeJS.ErrnoException) =>
        resolve(error.code),
      );
    });
    expect(code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await until(() => accepted[0]?.isClosed === true, "the connection ends");
    expect(accepted[0]?.byteCount).toBe(0);
    expect(accepted[0]?.closes[0]?.code).toBe("speaks-tls");
    expect(refusals.map((error) => error.message)).toEqual([
      expect.stringMatching(/^refused 127\.0\.0\.1:\d+: it speaks TLS, we are plaintext$/),
    ]);
    expect(transport.refusals["speaks-tls"]).toBe(1);
  });

  test("bytes that merely begin like TLS are data", async () => {
    const accepted: Listener[] = [];
    const transport = makeTransport();
    const address = await transport.listen({ host: "127.0.0.1", port: 0 }, (c) =>
      accepted.push(new Listener(c)),
    );
    const near = await transport.dial(address, 1000);
    near.write(Uint8Array.of(0x16, 3, 1, 0, 5, 2, 0, 0, 1, 3, 3));
    await until(() => accepted[0]?.byteCount === 11, "they arrive");
  });

  test("a port that needs privileges, an address of another machine and a name of nobody are explained", async () => {
    const transport = makeTransport();
    const elsewhere = { host: "192.0.2.1", port: 8080 };
    await expect(transport.listen(elsewhere, () => {})).rejects.toMatchObject({
      code: "no-such-address",
      message:
        "cannot listen at 192.0.2.1:8080: not an address of this machine; take one of its own, or 0.0.0.0 for all",
    });
    await expect(transport.listen({ host: "127.0.0.1", port: 70_000 }, () => {})).rejects.toMatchObject({
      code: "bad-address",
    });
    await expect(transport.dial({ host: "127.0.0.1", port: -1 }, 1000)).rejects.toMatchObject({
      code: "bad-address",
    });
    await expect(transport.dial({ host: "nobody.invalid", port: 80 }, 5000)).rejects.toMatchObject({
      code: "unknown-host",
    });
  });

  test("a listener on all addresses of both families shows IPv4 neighbours as IPv4", async () => {
    const accepted: Listener[] = [];
    const transport = makeTransport();
    const address = await transport.listen({ host: "::", port: 0 }, (c) => accepted.push(new Listener(c)));
    await transport.dial({ host: "127.0.0.1", port: address.port }, 1000);
    await until(() => accepted.length === 1, "the connection is accepted");
    expect(accepted[0]?.connection.remote.host).toBe("127.0.0.1");
  });
});
