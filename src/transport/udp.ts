/**
 * Datagrams between addresses: no order, no arrival, no sender that could be believed. Who speaks, and whether it is
 * meant for us, is for the layer above (`node/datagrams.ts`).
 *
 * The kernel's receive buffer bounds what waits for us, and libuv reads at most 32 datagrams of one socket before it
 * looks at the others, so that a flood at one port cannot hold the loop.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { listenError } from "./system-errors.ts";
import { type Address, TransportError } from "./transport.ts";

export interface DatagramSocket {
  /** The real port, where 0 was asked for. */
  readonly local: Address;
  /**
   * To a numeric address of a family that this socket speaks. Says whether it was handed to the system; the bytes
   * must not change afterwards.
   */
  send(bytes: Uint8Array, host: string, port: number): boolean;
  /** The numeric address of a name. Throws `TransportError` if there is none that this socket reaches. */
  resolve(host: string): Promise<string>;
  /** The bytes are the receiver's own. Not called after `close`. */
  onDatagram: (bytes: Uint8Array, host: string, port: number) => void;
  close(): Promise<void>;
}

export interface UdpSetup {
  /** More that waits for the network card is dropped; on most machines sending never waits. Default: 1 MiB. */
  readonly maxUnsentBytes?: number;
  /** What the kernel keeps for us while we are busy. Default: the system's. */
  readonly receiveBufferBytes?: number;
}

const mappedPrefix = "::ffff:";

/** A UDP port. `Address.host` decides the family; `::` takes both. */
export class UdpSocket implements DatagramSocket {
  readonly counters = {
    datagramsSent: 0,
    datagramsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    /** Refused by the system: no way there, too long for the network, not permitted. */
    sendErrors: 0,
    /** Not sent because too much was waiting already. */
    congested: 0,
    socketErrors: 0,
  };
  onDatagram: (bytes: Uint8Array, host: string, port: number) => void = () => {};
  readonly #socket: Socket;
  readonly #isIPv6: boolean;
  readonly #maxUnsentBytes: number;
  #local: Address;
  #isClosed = false;

  private constructor(socket: Socket, local: Address, setup: UdpSetup) {
    this.#socket = socket;
    this.#local = local;
    this.#isIPv6 = isIPv6(local.host);
    this.#maxUnsentBytes = setup.maxUnsentBytes ?? 1 << 20;
    socket.on("message", (bytes, { address, port }) => {
      this.counters.datagramsReceived++;
      this.counters.bytesReceived += bytes.length;
      this.onDatagram(bytes, plainHost(address), port);
    });
    // The port stays usable: a single datagram that the system could not take is no reason to end.
    socket.on("error", () => {
      this.counters.socketErrors++;
    });
  }

  /** Port 0 takes a free one. Throws `TransportError` for what cannot be had. */
  static async bind(address: Address, setup: UdpSetup = {}): Promise<UdpSocket> {
    let host = address.host;
    try {
      if (isIP(host) === 0) host = (await lookup(host)).address;
      const socket = createSocket({
        type: isIPv6(host) ? "udp6" : "udp4",
        // Only numeric addresses come here: asking a resolver for each would cost more than sending.
        lookup: (numeric, _options, callback) => callback(null, numeric, isIPv4(numeric) ? 4 : 6),
        ...(setup.receiveBufferBytes === undefined ? {} : { recvBufferSize: setup.receiveBufferBytes }),
      });
      await new Promise<void>((resolve, reject) => {
        socket.once("error", (error) => {
          socket.close();
          reject(error);
        });
        socket.bind({ address: host, port: address.port }, () => {
          socket.removeAllListeners("error");
          resolve();
        });
      });
      return new UdpSocket(socket, { host, port: socket.address().port }, setup);
    } catch (error) {
      throw listenError(error, address);
    }
  }

  get local(): Address {
    return this.#local;
  }

  send(bytes: Uint8Array, host: string, port: number): boolean {
    if (this.#isClosed) return false;
    if (this.#socket.getSendQueueSize() > this.#maxUnsentBytes) {
      this.counters.congested++;
      return false;
    }
    const target = this.#isIPv6 && isIPv4(host) ? mappedPrefix + host : host;
    if (!this.#isIPv6 && isIPv6(target)) {
      this.counters.sendErrors++;
      return false;
    }
    this.counters.datagramsSent++;
    this.counters.bytesSent += bytes.length;
    this.#socket.send(bytes, port, target, this.#onSent);
    return true;
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.counters.sendErrors++;
  };

  async resolve(host: string): Promise<string> {
    const family = isIP(host);
    try {
      const numeric = family === 0 ? (await lookup(host, this.#isIPv6 ? {} : { family: 4 })).address : host;
      if (this.#isIPv6 || isIPv4(numeric)) return numeric;
    } catch (cause) {
      throw new TransportError("unknown-host", `${host}: no such host; check the name`, { cause });
    }
    throw new TransportError("unreachable", `${host}: an IPv6 address, and this node listens on IPv4 only`);
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.onDatagram = () => {};
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** A port of both families tells IPv4 addresses in the form of IPv6. */
function plainHost(host: string): string {
  return host.startsWith(mappedPrefix) ? host.slice(mappedPrefix.length) : host;
}
