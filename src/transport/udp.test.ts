import { afterEach, describe, expect, test } from "vitest";
import { UdpSocket } from "./udp.ts";

const open: UdpSocket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
});

async function bind(host: string, port = 0): Promise<UdpSocket> {
  const socket = await UdpSocket.bind({ host, port });
  open.push(socket);
  return socket;
}

interface Arrival {
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

function next(socket: UdpSocket): Promise<Arrival> {
  return new Promise((resolve) => {
    socket.onDatagram = (bytes, host, port) => resolve({ text: Buffer.from(bytes).toString(), host, port });
  });
}

const hasIPv6 = await UdpSocket.bind({ host: "::1", port: 0 }).then(
  async (socket) => {
    await socket.close();
    return true;
  },
  () => false,
);

describe("a UDP socket", () => {
  test("carries datagrams, and tells where they come from", async () => {
    const [a, b] = [await bind("127.0.0.1"), await bind("127.0.0.1")];
    const arrival = next(b);
    expect(a.send(Buffer.from("hello"), "127.0.0.1", b.local.port)).toBe(true);
    expect(await arrival).toEqual({ text: "hello", host: "127.0.0.1", port: a.local.port });
    expect(a.counters).toMatchObject({ datagramsSent: 1, bytesSent: 5 });
    expect(b.counters).toMatchObject({ datagramsReceived: 1, bytesReceived: 5 });
  });

  test("takes a name for its own host, and finds the address of another", async () => {
    const socket = await bind("localhost");
    expect(["127.0.0.1", "::1"]).toContain(socket.local.host);
    expect(await (await bind("127.0.0.1")).resolve("localhost")).toBe("127.0.0.1");
    await expect(socket.resolve("no-such-host.invalid")).rejects.toMatchObject({ code: "unknown-host" });
  });

  test("a port in use is refused with a reason", async () => {
    const { local } = await bind("127.0.0.1");
    await expect(UdpSocket.bind(local)).rejects.toMatchObject({ code: "port-in-use" });
  });

  test("what the system does not take is counted, and the socket goes on", async () => {
    const [a, b] = [await bind("127.0.0.1"), await bind("127.0.0.1")];
    a.send(new Uint8Array(70_000), "127.0.0.1", b.local.port);
    expect(a.send(Buffer.from("x"), "::1", b.local.port)).toBe(false); // no IPv6 from here
    const arrival = next(b);
    a.send(Buffer.from("after"), "127.0.0.1", b.local.port);
    expect((await arrival).text).toBe("after");
    expect(a.counters.sendErrors).toBe(2);
  });

  test("sends nothing after it was closed", async () => {
    const socket = await bind("127.0.0.1");
    await socket.close();
    expect(socket.send(Buffer.from("x"), "127.0.0.1", 9)).toBe(false);
    await socket.close(); // twice is no error
  });

  test.runIf(hasIPv6)("a socket of both families names IPv4 addresses as everybody does", async () => {
    const [both, four] = [await bind("::"), await bind("127.0.0.1")];
    const arrival = next(both);
    four.send(Buffer.from("from four"), "127.0.0.1", both.local.port);
    expect(await arrival).toMatchObject({ text: "from four", host: "127.0.0.1" });
    const answer = next(four);
    both.send(Buffer.from("from both"), "127.0.0.1", four.local.port);
    expect((await answer).text).toBe("from both");
  });
});
