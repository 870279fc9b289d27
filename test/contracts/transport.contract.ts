/** What every transport promises. Run it on an implementation: `transportContract("tcp", makePair)`. */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type {
  Address,
  Connection,
  Transport,
  TransportError,
  TransportOptions,
} from "../../src/transport/index.ts";

/** Two transports that can reach each other. */
export interface TransportPair {
  readonly server: Transport;
  readonly client: Transport;
  /** An address at which somebody seems to be, who never answers a dial. */
  hangingAddress(): Promise<Address>;
  /** Connects without ever saying a byte; the result tells whether the other end has hung up. */
  connectSilently(address: Address): Promise<{ readonly isClosed: boolean }>;
  close(): Promise<void>;
}

export type MakePair = (options?: Partial<TransportOptions>) => Promise<TransportPair>;

const anyPort: Address = { host: "127.0.0.1", port: 0 };

/** Everything that a connection has told us. */
export class Listener {
  readonly connection: Connection;
  readonly chunks: Uint8Array[] = [];
  readonly closes: (TransportError | undefined)[] = [];
  byteCount = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.onData = (chunk) => {
      this.chunks.push(chunk);
      this.byteCount += chunk.length;
    };
    connection.onClose = (error) => {
      this.closes.push(error);
    };
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
  get text(): string {
    return this.bytes.toString();
  }
  get isClosed(): boolean {
    return this.closes.length > 0;
  }
}

/** Waits until it is so; fails loudly when it does not come to be. */
export async function until(condition: () => boolean, what: string, patienceMs = 10_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still not so after ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** For `connectSilently` of transports over sockets. */
export function silentSocket({ host, port }: Address): Promise<{ readonly isClosed: boolean }> {
  const socket = connect({ host, port });
  socket.on("error", () => {});
  socket.resume();
  const state = {
    get isClosed() {
      return socket.closed;
    },
  };
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(state));
    socket.once("close", () => resolve(state));
  });
}

/** Gives whatever is under way the time to go wrong. */
function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

export function transportContract(name: string, makePair: MakePair): void {
  describe(`${name} keeps the transport contract`, () => {
    const pairs: TransportPair[] = [];
    afterEach(async () => {
      await Promise.all(pairs.splice(0).map((pair) => pair.close()));
    });

    async function pairOf(options?: Partial<TransportOptions>): Promise<TransportPair> {
      const pair = await makePair(options);
      pairs.push(pair);
      return pair;
    }

    /** A connection and both its ends, with the dialler's first word already heard. */
    async function connected(options?: Partial<TransportOptions>) {
      const { server, client } = await pairOf(options);
      const accepted: Listener[] = [];
      const address = await server.listen(anyPort, (connection) => accepted.push(new Listener(connection)));
      const near = new Listener(await client.dial(address, 5000));
      near.connection.write(Buffer.from("hello"));
      await until(() => accepted[0]?.text === "hello", "the first word arrives");
      const far = accepted[0]!;
      far.chunks.length = 0;
      far.byteCount = 0;
      return { server, client, address, near, far };
    }

    test("a dialled connection says who is at the other end", async () => {
      const { near, far, address } = await connected();
      expect(near.connection.remote).toEqual(address);
      expect(near.connection.isInbound).toBe(false);
      expect(far.connection.isInbound).toBe(true);
      expect(far.connection.remote.port).toBeGreaterThan(0);
      expect(near.connection.isClosed).toBe(false);
      expect(far.connection.isClosed).toBe(false);
    });

    test("what is written in one order arrives in that order, both ways", async () => {
      const { near, far } = await connected();
      let expected = "";
      for (let i = 0; i < 2000; i++) {
        near.connection.write(Buffer.from(`${i},`));
        far.connection.write(Buffer.from(`${i},`));
        expected += `${i},`;
        if (i % 500 === 0) await aMoment();
      }
      await until(() => far.text === expected && near.text === expected, "all numbers arrive in order");
    });

    test("8 MiB in one write arrive whole", async () => {
      const { near, far } = await connected();
      const bytes = Buffer.allocUnsafe(8 * 1024 * 1024);
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
      near.connection.write(bytes);
      await until(() => far.byteCount >= bytes.length, "8 MiB arrive");
      expect(far.bytes.equals(bytes)).toBe(true);
      await until(() => near.connection.bufferedBytes === 0, "nothing is left to send");
    });

    test("bufferedBytes grows while the other end does not read, and falls when it does", async () => {
      const { near, far } = await connected();
      far.connection.pause();
      const chunk = new Uint8Array(64 * 1024);
      let written = 0;
      while (near.connection.bufferedBytes < 4 * 1024 * 1024) {
        near.connection.write(chunk);
        written += chunk.length;
        if (written % (1024 * 1024) === 0) await new Promise((resolve) => setImmediate(resolve));
        expect(written, "somewhere the kernel's buffers end").toBeLessThan(256 * 1024 * 1024);
      }
      await aMoment();
      expect(near.connection.bufferedBytes).toBeGreaterThan(1024 * 1024);
      expect(far.byteCount).toBeLessThan(written);
      far.connection.resume();
      await until(() => far.byteCount === written, "everything arrives after resume");
      await until(() => near.connection.bufferedBytes === 0, "nothing is left to send");
    });

    test("what arrives before onData is set is not lost", async () => {
      const { server, client } = await pairOf();
      const accepted: Connection[] = [];
      const address = await server.listen(anyPort, (connection) => accepted.push(connection));
      const near = await client.dial(address, 5000);
      near.write(Buffer.from("early"));
      await until(() => accepted.length === 1, "the connection is accepted");
      await aMoment();
      near.write(Buffer.from(" and late"));
      await aMoment();
      const far = new Listener(accepted[0]!);
      await until(() => far.text === "early and late", "both words arrive");
    });

    test("an end that comes before onClose is set is not lost", async () => {
      const { server, client } = await pairOf();
      const address = await server.listen(anyPort, (connection) => connection.destroy());
      const near = await client.dial(address, 5000).catch(() => undefined);
      if (near === undefined) return; // The transport was quicker: the dial itself has failed.
      await until(() => near.isClosed, "the end arrives");
      await aMoment();
      const late = new Listener(near);
      await until(() => late.isClosed, "it is told late");
    });

    test("close flushes what was written and ends both sides without an error, once each", async () => {
      const { near, far } = await connected();
      const bytes = Buffer.alloc(2 * 1024 * 1024, "x");
      near.connection.write(bytes);
      near.connection.close();
      expect(near.connection.isClosed).toBe(true);
      near.connection.write(Buffer.from("too late"));
      await until(() => near.isClosed && far.isClosed, "both ends hear of it");
      expect(far.byteCount).toBe(bytes.length);
      near.connection.close();
      far.connection.destroy();
      await aMoment();
      expect(near.closes).toEqual([undefined]);
      expect(far.closes).toEqual([undefined]);
    });

    test("close is heard although the other end is writing", async () => {
      const { near, far } = await connected();
      const answer = setInterval(() => far.connection.write(new Uint8Array(10_000)), 1);
      near.connection.write(Buffer.from("goodbye"));
      near.connection.close();
      await until(() => near.isClosed && far.isClosed, "both ends hear of it");
      clearInterval(answer);
      expect(far.text).toBe("goodbye");
    });

    test("close gives up on an end that does not read", async () => {
      const { near, far } = await connected({ closeGraceMs: 100 });
      far.connection.pause();
      while (near.connection.bufferedBytes < 1024 * 1024) {
        near.connection.write(new Uint8Array(1024 * 1024));
        await new Promise((resolve) => setImmediate(resolve));
      }
      near.connection.close();
      await until(() => near.isClosed, "the grace ends", 3000);
      expect(near.closes).toHaveLength(1);
    });

    test("destroy does not flush, and onClose comes once on both ends", async () => {
      const { near, far } = await connected();
      far.connection.pause();
      const bytes = new Uint8Array(32 * 1024 * 1024);
      near.connection.write(bytes);
      let isCalledWithin = false;
      let isWithin = true;
      const onClose = near.connection.onClose;
      near.connection.onClose = (error) => {
        isCalledWithin = isWithin;
        onClose(error);
      };
      near.connection.destroy();
      isWithin = false;
      expect(near.connection.isClosed).toBe(true);
      far.connection.resume();
      await until(() => near.isClosed && far.isClosed, "both ends hear of it");
      await aMoment();
      expect(isCalledWithin).toBe(false);
      expect(near.closes).toEqual([undefined]);
      expect(far.closes).toHaveLength(1);
      expect([undefined, "reset"]).toContain(far.closes[0]?.code);
      expect(far.byteCount).toBeLessThan(bytes.length);
      expect(near.connection.bufferedBytes).toBe(0);
    });

    test("a connection is not counted any more once it is closed", async () => {
      const { server, client, near } = await connected();
      expect(client.connectionCount).toBe(1);
      expect(server.connectionCount).toBe(1);
      near.connection.close();
      await until(() => client.connectionCount === 0 && server.connectionCount === 0, "both counts fall");
    });

    test("dialling a port where nobody listens is refused", async () => {
      const { server, client } = await pairOf();
      const address = await server.listen(anyPort, () => {});
      await server.close();
      await expect(client.dial(address, 5000)).rejects.toMatchObject({
        name: "TransportError",
        code: "refused",
        message: expect.stringContaining(`127.0.0.1:${address.port}`),
      });
      await until(() => client.connectionCount === 0, "the attempt is forgotten");
    });

    test("a dial that nobody answers ends with a timeout", async () => {
      const { client, hangingAddress } = await pairOf();
      const address = await hangingAddress();
      const start = performance.now();
      await expect(client.dial(address, 200)).rejects.toMatchObject({ code: "timeout" });
      expect(performance.now() - start).toBeGreaterThan(150);
      await until(() => client.connectionCount === 0, "the attempt is forgotten");
    });

    test("200 silent connections are dropped and freed, and an honest one still comes through", async () => {
      const { server, client, connectSilently } = await pairOf({
        maxPendingHandshakes: 50,
        handshakeTimeoutMs: 400,
      });
      const accepted: Listener[] = [];
      const address = await server.listen(anyPort, (connection) => accepted.push(new Listener(connection)));
      const silent = await Promise.all(Array.from({ length: 200 }, () => connectSilently(address)));
      const near = new Listener(await client.dial(address, 5000));
      near.connection.write(Buffer.from("hello"));
      await until(() => accepted.some((listener) => listener.text === "hello"), "the honest one is heard");
      await until(() => silent.every((one) => one.isClosed), "the silent ones are dropped");
      await until(() => server.connectionCount === 1, "they are freed");
      expect(server.refusals["too-many-pending"]).toBeGreaterThanOrEqual(150);
      expect(server.refusals["too-many-pending"] + server.refusals.timeout).toBe(200);
      await aMoment();
      expect(near.isClosed).toBe(false);
    });

    test("connections beyond maxConnections are refused at once and counted", async () => {
      const { server, client, connectSilently } = await pairOf({ maxConnections: 3 });
      const accepted: Listener[] = [];
      const address = await server.listen(anyPort, (connection) => accepted.push(new Listener(connection)));
      for (let i = 0; i < 3; i++) await client.dial(address, 5000);
      await expect(client.dial(address, 5000)).rejects.toMatchObject({ code: "too-many-connections" });
      await until(() => accepted.length === 3, "three are accepted");
      const fourth = await connectSilently(address);
      await until(() => fourth.isClosed, "the fourth is cut");
      expect(server.refusals["too-many-connections"]).toBe(1);
      expect(accepted).toHaveLength(3);
    });

    test("a port that is taken is named together with the mend", async () => {
      const { server, client } = await pairOf();
      const address = await server.listen(anyPort, () => {});
      const expected = { code: "port-in-use", message: expect.stringContaining(`127.0.0.1:${address.port}`) };
      await expect(server.listen(address, () => {})).rejects.toMatchObject(expected);
      await expect(client.listen(address, () => {})).rejects.toMatchObject(expected);
    });

    test("closing the transport ends its connections, dials and listeners, and refuses new ones", async () => {
      const { server, client, near, far, address } = await connected();
      const pair = pairs.at(-1)!;
      const dial = client.dial(await pair.hangingAddress(), 60_000);
      const outcome = expect(dial).rejects.toMatchObject({ code: "closed" });
      await client.close();
      await outcome;
      expect(client.connectionCount).toBe(0);
      expect(near.closes).toEqual([undefined]);
      await until(() => far.isClosed, "the other end hears of it");
      await expect(client.dial(address, 1000)).rejects.toMatchObject({ code: "closed" });
      await expect(client.listen(anyPort, () => {})).rejects.toMatchObject({ code: "closed" });
      await server.close();
      await server.close();
      expect(server.connectionCount).toBe(0);
    });

    test("a connection that is being closed may still flush when its transport closes", async () => {
      const { client, near, far } = await connected();
      near.connection.write(Buffer.alloc(1024 * 1024, "x"));
      near.connection.close();
      await client.close();
      await until(() => far.isClosed, "the other end hears of it");
      expect(far.byteCount).toBe(1024 * 1024);
      expect(near.closes).toEqual([undefined]);
    });
  });
}
