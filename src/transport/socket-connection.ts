import type { Socket } from "node:net";
import { connectionError } from "./system-errors.ts";
import type { Address, Connection, TransportError } from "./transport.ts";

/** The transport that a connection belongs to. */
export interface ConnectionKeeper {
  readonly closeGraceMs: number;
  /** Looks at what the other end says first; an error means that it is no data and the connection is over. */
  onFirstChunk(connection: SocketConnection, chunk: Uint8Array): TransportError | undefined;
  onConnectionClosed(connection: SocketConnection): void;
}

/** The way back from a socket to its connection. */
const connectionOf = Symbol("connection");
type OwnedSocket = Socket & { [connectionOf]: SocketConnection };

/** How often a closing connection may show progress before it is cut all the same. */
const maxGraces = 10;

/** A `Connection` over a connected TCP or TLS socket. */
export class SocketConnection implements Connection {
  readonly remote: Address;
  readonly isInbound: boolean;
  readonly provenKey: Uint8Array | undefined;
  readonly #socket: Socket;
  readonly #keeper: ConnectionKeeper;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #onClose: ((error: TransportError | undefined) => void) | undefined;
  #error: TransportError | undefined;
  #hasSpoken = false;
  #isPaused = false;
  /** We called `close` or `destroy`: no more data in either direction but what is still to be flushed. */
  #isEnding = false;
  /** The socket is gone. */
  #isGone = false;
  #graceTimer: NodeJS.Timeout | undefined;
  #gracesUsed = 0;
  #bytesAtLastGrace = 0;

  constructor(
    socket: Socket,
    keeper: ConnectionKeeper,
    { remote, isInbound, provenKey }: Pick<Connection, "remote" | "isInbound" | "provenKey">,
  ) {
    this.#socket = socket;
    this.#keeper = keeper;
    this.remote = remote;
    this.isInbound = isInbound;
    this.provenKey = provenKey;
    const owned = socket as OwnedSocket;
    owned[connectionOf] = this;
    owned.on("data", onSocketData);
    owned.on("error", onSocketError);
    owned.on("close", onSocketClose);
  }

  get bufferedBytes(): number {
    return this.#isGone ? 0 : this.#socket.writableLength;
  }
  get isClosed(): boolean {
    return this.#isEnding || !this.#socket.writable;
  }
  /** `close` was called and what was written is still on its way. */
  get isFlushing(): boolean {
    return this.#graceTimer !== undefined;
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isEnding) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#onData !== undefined) this.#socket.resume();
  }

  close(): void {
    if (this.#isEnding || this.#isGone) return;
    this.#isEnding = true;
    this.#socket.end();
    // What still comes is read and dropped: a socket closed with unread data resets, and the other end may lose
    // what we have just flushed.
    this.#socket.resume();
    this.#bytesAtLastGrace = this.#socket.writableLength;
    this.#graceTimer = setTimeout(endOfGrace, this.#keeper.closeGraceMs, this).unref();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  /** Destroys with a reason of ours. */
  fail(error: TransportError): void {
    this.#error ??= error;
    this.destroy();
  }

  /** Says a last word and ends; `onClose` gets the error. */
  refuse(error: TransportError, lastWord: Uint8Array): void {
    this.#error ??= error;
    this.write(lastWord);
    this.close();
  }

  get onData(): (chunk: Uint8Array) => void {
    return this.#onData ?? ignore;
  }
  set onData(handler: (chunk: Uint8Array) => void) {
    this.#onData = handler;
    if (!this.#isPaused) this.#socket.resume();
  }

  get onClose(): (error: TransportError | undefined) => void {
    return this.#onClose ?? ignore;
  }
  set onClose(handler: (error: TransportError | undefined) => void) {
    const isLate = this.#isGone && this.#onClose === undefined;
    this.#onClose = handler;
    if (isLate) queueMicrotask(() => handler(this.#error));
  }

  /** The grace is over unless bytes have moved since the last look. */
  endGrace(): void {
    const bytes = this.#socket.writableLength;
    if (bytes < this.#bytesAtLastGrace && ++this.#gracesUsed < maxGraces) {
      this.#bytesAtLastGrace = bytes;
      this.#graceTimer = setTimeout(endOfGrace, this.#keeper.closeGraceMs, this).unref();
    } else {
      this.#socket.destroy();
    }
  }

  // ---- Called by the socket ----

  onSocketData(chunk: Buffer): void {
    if (this.#isEnding) return;
    if (!this.#hasSpoken) {
      this.#hasSpoken = true;
      const error = this.#keeper.onFirstChunk(this, chunk);
      if (error !== undefined) this.fail(error);
      if (this.#isEnding) return;
    }
    if (this.#onData === undefined) {
      this.#socket.pause();
      this.#socket.unshift(chunk);
    } else {
      this.#onData(chunk);
    }
  }

  onSocketError(error: Error): void {
    // What goes wrong after we have ended it is of no interest.
    if (!this.#isEnding) this.#error ??= connectionError(error, this.remote);
  }

  onSocketClose(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    this.#keeper.onConnectionClosed(this);
    this.#onClose?.(this.#error);
  }
}

// One set of handlers for all sockets, so that none has closures of its own.

function onSocketData(this: OwnedSocket, chunk: Buffer): void {
  this[connectionOf].onSocketData(chunk);
}

function onSocketError(this: OwnedSocket, error: Error): void {
  this[connectionOf].onSocketError(error);
}

function onSocketClose(this: OwnedSocket): void {
  this[connectionOf].onSocketClose();
}

function ignore(): void {}

function endOfGrace(connection: SocketConnection): void {
  connection.endGrace();
}
