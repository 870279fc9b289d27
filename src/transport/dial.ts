import type { Socket } from "node:net";
import { dialError } from "./system-errors.ts";
import { type Address, type Connection, formatAddress, TransportError } from "./transport.ts";

/** The transport that dials. */
export interface Dialer {
  readonly closeGraceMs: number;
  readonly readyEvent: "connect" | "secureConnect";
  open(address: Address): Socket;
  /** The key that the other end has proven (undefined where none is asked for), or why we do not want it. */
  prove(socket: Socket, address: Address): Uint8Array | undefined | TransportError;
  admit(socket: Socket, facts: Pick<Connection, "remote" | "isInbound" | "provenKey">): Connection;
  onDialDone(dial: Dial): void;
}

interface DialRequest {
  readonly address: Address;
  readonly timeoutMs: number;
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: TransportError) => void;
}

/** One attempt to connect: it ends with a connection, an error or the timeout, whichever is first. */
export class Dial {
  readonly #dialer: Dialer;
  readonly #request: DialRequest;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;

  constructor(dialer: Dialer, request: DialRequest) {
    this.#dialer = dialer;
    this.#request = request;
    // The transport must know us before anything can end us.
    queueMicrotask(this.#start);
  }

  /** The transport closes. */
  abandon(): void {
    this.#fail(new TransportError("closed", `gave up connecting to ${this.#name}: the transport is closed`));
    this.#socket?.destroy();
  }

  get #name(): string {
    return formatAddress(this.#request.address);
  }

  readonly #start = (): void => {
    if (this.#isSettled) return this.#dialer.onDialDone(this);
    const { address, timeoutMs } = this.#request;
    try {
      this.#socket = this.#dialer.open(address);
    } catch (error) {
      this.#fail(
        new TransportError("bad-address", `cannot connect to ${this.#name}: no such address`, {
          cause: error,
        }),
      );
      return this.#dialer.onDialDone(this);
    }
    this.#timer = setTimeout(this.#onTimeout, timeoutMs).unref();
    this.#socket.once(this.#dialer.readyEvent, this.#onReady);
    this.#socket.on("error", this.#onError);
    this.#socket.on("close", this.#onClose);
  };

  readonly #onReady = (): void => {
    if (this.#isSettled) return;
    const { address, resolve } = this.#request;
    const socket = this.#socket!;
    if (isItself(socket)) {
      // No listener there, and the kernel chose the very port that we dial for our own end.
      this.#fail(new TransportError("refused", `cannot connect to ${this.#name}: nobody listens there`));
      socket.destroy();
      return;
    }
    const proof = this.#dialer.prove(socket, address);
    if (proof instanceof TransportError) {
      this.#fail(proof);
      // Ends in good order, so that the other end completes its handshake and can say as well what is wrong.
      socket.resume();
      socket.end();
      this.#timer = setTimeout(destroySocket, this.#dialer.closeGraceMs, socket).unref();
      return;
    }
    this.#isSettled = true;
    clearTimeout(this.#timer);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    const connection = this.#dialer.admit(socket, { remote: address, isInbound: false, provenKey: proof });
    this.#dialer.onDialDone(this);
    resolve(connection);
  };

  readonly #onError = (error: Error): void => {
    this.#fail(dialError(error, this.#request.address));
  };

  readonly #onClose = (): void => {
    clearTimeout(this.#timer);
    this.#fail(new TransportError("reset", `cannot connect to ${this.#name}: it broke off`));
    this.#dialer.onDialDone(this);
  };

  readonly #onTimeout = (): void => {
    const { timeoutMs } = this.#request;
    this.#fail(
      new TransportError("timeout", `cannot connect to ${this.#name}: no answer within ${timeoutMs} ms`),
    );
    this.#socket!.destroy();
  };

  #fail(error: TransportError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#request.reject(error);
  }
}

function isItself(socket: Socket): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
}

function destroySocket(socket: Socket): void {
  socket.destroy();
}
