import { afterEach, describe, expect, test } from "vitest";
import { Listener, transportContract, until } from "../../../test/contracts/transport.contract.ts";
import {
  type Address,
  type Connection,
  formatAddress,
  LoopbackNetwork,
  LoopbackTransport,
} from "../../transport/index.ts";
import { Gates, type GatesConfig } from "./gated-transport.ts";

const anyPort: Address = { host: "127.0.0.1", port: 0 };

// ---- As long as nothing is cut, a gated transport is a transport ----

transportContract("gated loopback", async (options) => {
  const network = new LoopbackNetwork();
  const gates = new Gates({ nodes: 2, seed: 1 });
  const server = gates.wrap("server")(new LoopbackTransport(network, { options }));
  const client = gates.wrap("client")(new LoopbackTransport(network, { options }));
  const stranger = new LoopbackTransport(network);
  return {
    server,
    client,
    hangingAddress: async () => {
      const address = { host: "127.0.0.1", port: 1 };
      network.hang(address);
      return address;
    },
    connectSilently: async (address) => {
      const connection = await stranger.dial(address, 1000).catch(() => undefined);
      return connection === undefined ? { isClosed: true } : new Listener(connection);
    },
    close: async () => {
      await Promise.all([server.close(), client.close(), stranger.close()]);
    },
  };
});

// ---- What gates are for ----

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** Alice has dialled Bob; both listen to each other. */
async function aliceAndBob(config: Partial<GatesConfig> = {}) {
  const network = new LoopbackNetwork();
  const gates = new Gates({ nodes: 8, seed: 1, ...config });
  const alice = gates.wrap("alice")(new LoopbackTransport(network));
  const bob = gates.wrap("bob")(new LoopbackTransport(network));
  endings.push(async () => {
    await alice.close();
    await bob.close();
  });
  const atBob: Listener[] = [];
  const address = await bob.listen(anyPort, (connection) => atBob.push(new Listener(connection)));
  const dial = async (): Promise<Listener> => new Listener(await alice.dial(address, 500));
  const atAlice = await dial();
  atAlice.connection.write(bytes("hello"));
  await until(() => atBob[0]?.text === "hello", "the first word has arrived");
  return { gates, alice, bob, address, dial, atAlice, atBob: atBob[0]!, allAtBob: atBob };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (connection: Connection, ...texts: string[]) => {
  for (const text of texts) connection.write(bytes(text));
};

describe("a cut path", () => {
  test("holds what is said, and heals in the order in which it was said", async () => {
    const { gates, atAlice, atBob } = await aliceAndBob();
    gates.partition([["alice"], ["bob"]]);
    say(atAlice.connection, "1", "2", "3");
    say(atBob.connection, "a", "b");
    await pause(50);
    expect(atBob.text).toBe("hello");
    expect(atAlice.text).toBe("");
    expect(atAlice.connection.bufferedBytes).toBe(3);
    gates.heal();
    say(atAlice.connection, "4");
    await until(() => atBob.text.length === 9 && atAlice.text.length === 2, "everything has arrived");
    expect(atBob.text).toBe("hello1234");
    expect(atAlice.text).toBe("ab");
    expect(atAlice.connection.bufferedBytes).toBe(0);
  });

  test("that is cut one way lets the other way through", async () => {
    const { gates, atAlice, atBob } = await aliceAndBob();
    gates.cut(["alice"], ["bob"]);
    say(atAlice.connection, "1");
    say(atBob.connection, "a");
    await until(() => atAlice.text === "a", "Bob is heard");
    await pause(30);
    expect(atBob.text).toBe("hello");
    gates.heal();
    await until(() => atBob.text === "hello1", "so is Alice again");
    gates.cut(["bob"], ["alice"]);
    say(atAlice.connection, "2");
    say(atBob.connection, "b");
    await until(() => atBob.text === "hello12", "Alice is heard");
    await pause(30);
    expect(atAlice.text).toBe("a");
  });

  test("lets no dial through: it times out, or waits for the path to heal", async () => {
    const { gates, dial, address, allAtBob } = await aliceAndBob();
    gates.cut(["bob"], ["alice"]);
    await expect(dial()).rejects.toMatchObject({
      code: "timeout",
      message: `cannot connect to ${formatAddress(address)}: no answer within 500 ms`,
    });
    const late = dial();
    await pause(50);
    expect(allAtBob).toHaveLength(1);
    gates.heal();
    say((await late).connection, "late");
    await until(() => allAtBob[1]?.text === "late", "the dial came through");
  });

  test("keeps the news that the other end is gone", async () => {
    const { gates, atAlice, atBob } = await aliceAndBob();
    gates.partition([["alice"], ["bob"]]);
    atBob.connection.destroy();
    await pause(50);
    expect(atAlice.isClosed).toBe(false);
    expect(atAlice.connection.isClosed).toBe(false);
    gates.heal();
    await until(() => atAlice.isClosed, "Alice knows");
  });

  test("keeps the news from the end that dialled, too, which itself is done at once", async () => {
    const { gates, atAlice, atBob } = await aliceAndBob();
    gates.partition([["alice"], ["bob"]]);
    say(atAlice.connection, "never heard");
    atAlice.connection.destroy();
    await until(() => atAlice.isClosed, "Alice is done");
    await pause(50);
    expect(atBob.isClosed).toBe(false);
    gates.heal();
    await until(() => atBob.isClosed, "Bob knows");
    expect(atBob.text).toBe("hello");
    expect(atAlice.closes).toEqual([undefined]);
  });

  test("resets the stream when it was held back for too long", async () => {
    const { gates, atAlice } = await aliceAndBob({ links: { resetAfterMs: 100 } });
    say(atAlice.connection, "x");
    gates.partition([["alice"], ["bob"]]);
    say(atAlice.connection, "y");
    await until(() => atAlice.isClosed, "Alice has given up");
    expect(atAlice.closes[0]).toMatchObject({ code: "reset" });
  });

  test("gives up what it could not flush when a connection is closed", async () => {
    const { gates, atAlice } = await aliceAndBob();
    gates.partition([["alice"], ["bob"]]);
    say(atAlice.connection, "bye");
    atAlice.connection.close();
    expect(atAlice.isClosed).toBe(false);
    await until(() => atAlice.isClosed, "the grace is over", 3000);
  });

  test("leaves third parties alone", async () => {
    const { gates, atAlice, atBob } = await aliceAndBob();
    gates.partition([["alice", "bob"], ["carol"]]);
    say(atAlice.connection, "1");
    await until(() => atBob.text === "hello1", "it is no path of theirs");
  });
});

describe("a slow path", () => {
  test("takes its latency, each way, and keeps the order", async () => {
    const { atAlice, atBob } = await aliceAndBob({
      links: { latency: { model: "uniform", fromMs: 20, toMs: 60 } },
    });
    const start = performance.now();
    say(atAlice.connection, ..."abcdefghij");
    await until(() => atBob.text.length === 15, "all is there");
    expect(performance.now() - start).toBeGreaterThan(19);
    expect(atBob.text).toBe("helloabcdefghij");
    const back = performance.now();
    say(atBob.connection, "z");
    await until(() => atAlice.text === "z", "the answer is there");
    expect(performance.now() - back).toBeGreaterThan(19);
  });

  test("loses nothing for good: what is lost comes later", async () => {
    const { atAlice, atBob } = await aliceAndBob({ links: { loss: 0.5, retransmitMs: 20 } });
    const start = performance.now();
    for (const text of "abcdefghijklmnop") {
      say(atAlice.connection, text);
      await pause(1);
    }
    await until(() => atBob.text.length === 21, "all is there");
    expect(atBob.text).toBe("helloabcdefghijklmnop");
    expect(performance.now() - start).toBeGreaterThan(19);
  });

  test("says its last words before it closes", async () => {
    const { alice, atAlice, atBob } = await aliceAndBob({
      links: { latency: { model: "constant", ms: 50 } },
    });
    say(atAlice.connection, " bye");
    atAlice.connection.close();
    await alice.close();
    await until(() => atBob.isClosed, "it has ended");
    expect(atBob.text).toBe("hello bye");
  });

  test("makes a slow node take one thing after the other, whoever sends it", async () => {
    const { gates, dial, atAlice, allAtBob } = await aliceAndBob();
    const second = await dial();
    gates.slow("bob", 100);
    const start = performance.now();
    say(atAlice.connection, "1");
    say(second.connection, "2");
    await until(() => allAtBob.map(({ text }) => text).join("|") === "hello1|2", "both are there");
    expect(performance.now() - start).toBeGreaterThan(199);
    gates.slow("bob", 0);
    const quick = performance.now();
    say(atAlice.connection, "3");
    await until(() => allAtBob[0]!.text === "hello13", "quick again");
    expect(performance.now() - quick).toBeLessThan(90);
  });
});

describe("gated datagrams", () => {
  /** What Alice sends to Bob, and when. */
  function aliceToBob() {
    const gates = new Gates({ nodes: 2, seed: 1 });
    const address = { host: "127.0.0.1", port: 7 };
    gates.listensAt(address, gates.rowOf("bob"));
    const sent: number[] = [];
    const startedAt = performance.now();
    const socket = gates.wrapSocket("alice")({
      local: { host: "127.0.0.1", port: 6 },
      send: () => sent.push(performance.now() - startedAt) > 0,
      resolve: async (host) => host,
      onDatagram: () => {},
      close: async () => {},
    });
    endings.push(() => socket.close());
    const say = (count = 1) => {
      for (let i = 0; i < count; i++) expect(socket.send(bytes("x"), address.host, address.port)).toBe(true);
    };
    return { gates, socket, sent, say };
  }

  test("pass at once through open gates, and not over a cut path", () => {
    const { gates, sent, say } = aliceToBob();
    say();
    expect(sent.length).toBe(1);
    gates.cut(["alice"], ["bob"]);
    say(3);
    expect(sent.length).toBe(1);
    gates.heal();
    say();
    expect(sent.length).toBe(2); // what was cut off is lost
  });

  test("are lost by the share that links lose, and late by their latency", async () => {
    const { gates, sent, say } = aliceToBob();
    gates.setLinks({ loss: 0.25 });
    say(1000);
    expect(sent.length).toBeGreaterThan(700);
    expect(sent.length).toBeLessThan(800);
    const before = sent.length;
    gates.setLinks({ loss: 0, latency: { model: "constant", ms: 30 } });
    say();
    expect(sent.length).toBe(before);
    await until(() => sent.length === before + 1, "it arrives");
    expect(sent.at(-1)).toBeGreaterThanOrEqual(29);
  });

  test("under way are bounded, and forgotten when the port is closed", async () => {
    const { gates, socket, sent } = aliceToBob();
    gates.setLinks({ latency: { model: "constant", ms: 20 } });
    for (let i = 0; i < 40; i++) socket.send(new Uint8Array(64 * 1024), "127.0.0.1", 7);
    await until(() => sent.length === 16, "what has room arrives");
    await pause(50);
    expect(sent.length).toBe(16);
    socket.send(new Uint8Array(1), "127.0.0.1", 7);
    await socket.close();
    await pause(50);
    expect(sent.length).toBe(16);
  });
});
