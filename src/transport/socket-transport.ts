import { createServer, type Server, type Socket } from "node:net";
import { Dial, type Dialer } from "./dial.ts";
import { type ConnectionKeeper, SocketConnection } from "./socket-connection.ts";
import { acceptError, listenError, refusal } from "./system-errors.ts";
import {
  type Address,
  type Connection,
  formatAddress,
  noRefusals,
  type OnRefused,
  type RefusalReason,
  type Transport,
  TransportError,
  type TransportOptions,
  transportOptions,
} from "./transport.ts";

export interface TransportSetup {
  readonly options?: Partial<TransportOptions>;
  readonly onRefused?: OnRefused;
}

/** What TCP and TLS have in common: listeners, limits, counters, and that everything ends with `close`. */
export abstract class SocketTransport implements Transport, ConnectionKeeper, Dialer {
  readonly options: TransportOptions;
  readonly #refusals = noRefusals();
  readonly #onRefused: OnRefused | undefined;
  readonly #servers = new Set<Server>();
  readonly #connections = new Set<SocketConnection>();
  readonly #dials = new Set<Dial>();
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor({ options, onRefused }: TransportSetup = {}) {
    this.options = transportOptions(options);
    this.#onRefused = onRefused;
  }

  /** A connection has been accepted; whoever is there has not said anything yet. */
  protected abstract accept(
    socket: Socket,
    remote: Address,
    onConnection: (connection: Connection) => void,
  ): void;
  /** Accepted sockets that are not connections yet. */
  protected abstract readonly handshakeCount: number;
  protected abstract abandonHandshakes(): void;

  // What a dial and a connection ask of us.
  abstract readonly readyEvent: "connect" | "secureConnect";
  abstract open(address: Address): Socket;
  abstract prove(socket: Socket, address: Address): Uint8Array | undefined | TransportError;
  abstract onFirstChunk(connection: SocketConnection, chunk: Uint8Array): TransportError | undefined;

  get closeGraceMs(): number {
    return this.options.closeGraceMs;
  }
  get refusals(): Readonly<Record<RefusalReason, number>> {
    return this.#refusals;
  }
  get connectionCount(): number {
    return this.#connections.size + this.#dials.size + this.handshakeCount;
  }

  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Address> {
    if (this.#closing !== undefined) return Promise.reject(closedError("listen", address));
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true });
      const onListenError = (error: Error) => reject(listenError(error, address));
      server.once("error", onListenError);
      try {
        server.listen({ host: address.host, port: address.port });
      } catch (error) {
        return reject(
          new TransportError("bad-address", `cannot listen at ${formatAddress(address)}: no such port`, {
            cause: error,
          }),
        );
      }
      server.once("listening", () => {
        const bound = { host: address.host, port: (server.address() as { port: number }).port };
        server.off("error", onListenError);
        server.on("error", (error) => this.#onAcceptError(error, bound));
        server.on("connection", (socket) => this.#onSocket(socket, onConnection));
        if (this.#closing !== undefined) {
          server.close();
          return reject(closedError("listen", address));
        }
        this.#servers.add(server);
        resolve(bound);
      });
    });
  }

  dial(address: Address, timeoutMs: number): Promise<Connection> {
    if (this.#closing !== undefined) return Promise.reject(closedError("connect", address));
    if (this.connectionCount >= this.options.maxConnections) {
      const text = `cannot connect to ${formatAddress(address)}: maxConnections (${this.options.maxConnections}) are open`;
      return Promise.reject(new TransportError("too-many-connections", text));
    }
    return new Promise((resolve, reject) => {
      this.#dials.add(new Dial(this, { address, timeoutMs, resolve, reject }));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // ---- Called by our dials and connections ----

  onDialDone(dial: Dial): void {
    this.#dials.delete(dial);
    this.#checkEmpty();
  }

  onConnectionClosed(connection: SocketConnection): void {
    this.#connections.delete(connection);
    this.#checkEmpty();
  }

  /** The socket has proven what it must: from now on it is a connection. */
  admit(socket: Socket, facts: Pick<Connection, "remote" | "isInbound" | "provenKey">): SocketConnection {
    const connection = new SocketConnection(socket, this, facts);
    this.#connections.add(connection);
    return connection;
  }

  protected refused(error: TransportError, remote: Address): void {
    const reason = (error.code in this.#refusals ? error.code : "failed") as RefusalReason;
    this.#refusals[reason]++;
    this.#onRefused?.(error, remote);
  }

  // ---- Accepting ----

  #onSocket(socket: Socket, onConnection: (connection: Connection) => void): void {
    socket.on("error", ignore);
    const { remoteAddress, remotePort } = socket;
    // Gone again already, or we are going ourselves.
    if (remoteAddress === undefined || remotePort === undefined || this.#closing !== undefined) {
      socket.destroy();
      return;
    }
    const remote = { host: plainHost(remoteAddress), port: remotePort };
    if (this.connectionCount >= this.options.maxConnections) {
      socket.destroy();
      const text = `maxConnections (${this.options.maxConnections}) are open`;
      return this.refused(refusal("too-many-connections", text, remote), remote);
    }
    this.accept(socket, remote, onConnection);
  }

  #onAcceptError(error: Error, listening: Address): void {
    this.refused(acceptError(error, listening), listening);
  }

  // ---- Ending ----

  async #close(): Promise<void> {
    // Not before the caller has its promise: what we call from here may call `close` again.
    await undefined;
    const servers = [...this.#servers].map((server) => new Promise((resolve) => server.close(resolve)));
    this.#servers.clear();
    for (const dial of [...this.#dials]) dial.abandon();
    this.abandonHandshakes();
    for (const connection of [...this.#connections]) if (!connection.isFlushing) connection.destroy();
    await Promise.all(servers);
    // Servers have waited for the connections that they accepted, not for those that we dialled.
    if (this.#dials.size + this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
  }

  #checkEmpty(): void {
    if (this.#dials.size + this.#connections.size === 0) this.#onEmpty?.();
  }
}

function closedError(verb: string, address: Address): TransportError {
  return new TransportError("closed", `cannot ${verb} at ${formatAddress(address)}: the transport is closed`);
}

/** A listener on all addresses sees IPv4 as `::ffff:10.0.0.1`. */
function plainHost(host: string): string {
  return host.startsWith("::ffff:") ? host.slice(7) : host;
}

function ignore(): void {}
