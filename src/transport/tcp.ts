import { connect, type Socket } from "node:net";
import { PendingSet } from "./pending-set.ts";
import type { SocketConnection } from "./socket-connection.ts";
import { SocketTransport, type TransportSetup } from "./socket-transport.ts";
import { refusal } from "./system-errors.ts";
import { type Address, type Connection, formatAddress, TransportError } from "./transport.ts";

/**
 * Plain TCP: for teaching, packet captures and networks that somebody else protects. It proves nothing about the
 * other end. A node of the other kind (TLS here, plain there) is recognised by its first bytes, on both sides.
 */
export class TcpTransport extends SocketTransport {
  readonly readyEvent = "connect";
  /** Accepted connections that have not said anything. */
  readonly #silent: PendingSet<SocketConnection>;

  constructor(setup: TransportSetup = {}) {
    super(setup);
    const { maxPendingHandshakes, handshakeTimeoutMs } = this.options;
    this.#silent = new PendingSet(
      { limit: maxPendingHandshakes, timeoutMs: handshakeTimeoutMs },
      (connection, reason) => {
        const text = reason === "timeout" ? "it says nothing" : "it says nothing and too many others wait";
        const error = refusal(reason, text, connection.remote);
        this.refused(error, connection.remote);
        connection.fail(error);
      },
    );
  }

  open({ host, port }: Address): Socket {
    return connect({ host, port, noDelay: true });
  }

  prove(): undefined {
    return undefined;
  }

  override onFirstChunk(connection: SocketConnection, chunk: Uint8Array): TransportError | undefined {
    if (!connection.isInbound) {
      if (!isTlsAlert(chunk)) return undefined;
      return new TransportError(
        "speaks-tls",
        `${formatAddress(connection.remote)} speaks TLS, we are plaintext`,
      );
    }
    this.#silent.delete(connection);
    if (!isTlsHello(chunk)) return undefined;
    const error = refusal("speaks-tls", "it speaks TLS, we are plaintext", connection.remote);
    this.refused(error, connection.remote);
    connection.refuse(error, wrongVersionAlert);
    return undefined;
  }

  override onConnectionClosed(connection: SocketConnection): void {
    this.#silent.delete(connection);
    super.onConnectionClosed(connection);
  }

  protected override accept(
    socket: Socket,
    remote: Address,
    onConnection: (connection: Connection) => void,
  ): void {
    const connection = this.admit(socket, { remote, isInbound: true, provenKey: undefined });
    this.#silent.add(connection);
    onConnection(connection);
  }

  /** Silent ones are connections already. */
  protected override readonly handshakeCount = 0;
  protected override abandonHandshakes(): void {
    this.#silent.clear();
  }
}

/** How a TLS server would say that it does not do the client's version: TLS clients turn it into a clear error. */
const wrongVersionAlert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70);

/** A whole alert record, in the clear: what a TLS server answers to bytes that are not TLS. */
function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes.length === 7 && bytes[0] === 0x15 && bytes[1] === 3 && bytes[3] === 0 && bytes[4] === 2;
}

/** A record of type handshake whose content is a ClientHello of fitting length: no accident looks like that. */
function isTlsHello(bytes: Uint8Array): boolean {
  if (bytes.length < 11 || bytes[0] !== 0x16 || bytes[1] !== 3 || bytes[5] !== 1) return false;
  const recordLength = bytes[3]! * 256 + bytes[4]!;
  const helloLength = bytes[6]! * 65536 + bytes[7]! * 256 + bytes[8]!;
  return helloLength >= recordLength - 4 && bytes[9] === 3;
}
