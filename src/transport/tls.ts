import { constants, type KeyObject } from "node:crypto";
import type { Socket } from "node:net";
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer,
  type DetailedPeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  TLSSocket,
} from "node:tls";
import { UsageError } from "../core/index.ts";
import { ed25519KeyOf } from "./certificate-key.ts";
import { PendingSet } from "./pending-set.ts";
import type { SocketConnection } from "./socket-connection.ts";
import { SocketTransport, type TransportSetup } from "./socket-transport.ts";
import { handshakeError, refusal } from "./system-errors.ts";
import { type Address, type Connection, formatAddress, TransportError } from "./transport.ts";

export interface TlsSetup extends TransportSetup {
  /** Who we are: an Ed25519 key and its certificate, issued by the cluster's authority. */
  readonly identity: { readonly privateKey: KeyObject; readonly certificatePem?: string | undefined };
  /** The cluster's authority: the only one that counts. */
  readonly caPem: string;
}

/**
 * TLS 1.3 in which both ends show a certificate of the same authority. A certificate vouches for a key, not for a
 * name or an address: names are not compared, and `provenKey` is what the layers above go by.
 *
 * Who does not belong is told so. In TLS 1.3 the client is done before the server has seen its certificate, and
 * Node would then close the connection without a word. So we let every handshake complete, look at the certificate
 * ourselves (`examine`, the only door) and answer strangers with one line that our dialling side recognises:
 *
 *     dialler -> ClientHello -> server -> ServerHello, certificate -> dialler: examines it
 *     dialler -> certificate, first data -> server: examines it -> refusal line -> dialler: onClose("wrong-cluster")
 *
 * Sessions are never resumed: a session that began without a certificate would otherwise pass as authorized.
 */
export class TlsTransport extends SocketTransport {
  readonly readyEvent = "secureConnect";
  readonly #credentials: SecureContextOptions;
  /** Accepted sockets whose handshake is not done, or that are being told why they were refused. */
  readonly #handshakes: PendingSet<Handshake>;
  /** The same by key: the TLS server answers with another socket object than it was given. */
  readonly #byKey = new Map<string, Handshake>();
  readonly #dialContext: SecureContext;
  /** Made when first needed: its context takes 26 KiB, and not every node is dialled. */
  #server: Server | undefined;

  /** Throws `UsageError` if certificate, key and authority cannot be used together. */
  constructor(setup: TlsSetup) {
    super(setup);
    const { identity, caPem } = setup;
    if (identity.certificatePem === undefined) {
      throw new UsageError("identity: it has no certificate; TLS needs one of the cluster's authority");
    }
    this.#credentials = {
      key: identity.privateKey.export({ type: "pkcs8", format: "pem" }),
      cert: identity.certificatePem,
      ca: caPem,
      minVersion: "TLSv1.3",
      ecdhCurve: this.options.keyExchangeGroups,
      // Useless to us, and each would contain the client's certificate: 14 KiB per inbound connection on Node 20.
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
    try {
      this.#dialContext = createSecureContext(this.#credentials);
    } catch (error) {
      throw new UsageError(
        `TLS: certificate, key, authority or keyExchangeGroups: ${(error as Error).message}`,
      );
    }
    const { maxPendingHandshakes: limit, handshakeTimeoutMs: timeoutMs } = this.options;
    this.#handshakes = new PendingSet({ limit, timeoutMs }, (handshake, reason) =>
      this.#drop(handshake, reason),
    );
  }

  // ---- Dialling ----

  override open({ host, port }: Address): Socket {
    const options: ConnectionOptions & { noDelay: boolean } = {
      host,
      port,
      noDelay: true,
      secureContext: this.#dialContext,
      rejectUnauthorized: false, // looked at in `examine`
      checkServerIdentity: acceptAnyName,
    };
    const socket = connect(options);
    socket.getPeerCertificate = ownCertificateOnly;
    return socket;
  }

  override prove(socket: Socket, address: Address): Uint8Array | TransportError {
    const verdict = examine(socket as TLSSocket);
    if (verdict instanceof Uint8Array) return verdict;
    const { code, text } = verdict;
    const what = code === "wrong-cluster" ? "belongs to another cluster" : "cannot be trusted";
    return new TransportError(code, `${formatAddress(address)} ${what}: ${text}`);
  }

  override onFirstChunk(connection: SocketConnection, chunk: Uint8Array): TransportError | undefined {
    if (connection.isInbound) return undefined;
    const code = strangerCodes.find((code) => refusalLines[code].equals(chunk));
    if (code === undefined) return undefined;
    return new TransportError(code, `${formatAddress(connection.remote)} refused ${refusalTexts[code]}`);
  }

  // ---- Accepting ----

  protected override accept(
    socket: Socket,
    remote: Address,
    onConnection: (connection: Connection) => void,
  ): void {
    this.#server ??= this.#makeServer();
    const onClose = () => this.#onHandshakeClosed(handshake);
    const handshake: Handshake = {
      socket,
      remote,
      onConnection,
      onClose,
      key: keyOf(socket),
      isRefused: false,
    };
    this.#byKey.set(handshake.key, handshake);
    this.#handshakes.add(handshake);
    socket.once("close", onClose);
    this.#server.emit("connection", socket);
  }

  protected override get handshakeCount(): number {
    return this.#handshakes.size;
  }

  protected override abandonHandshakes(): void {
    for (const handshake of this.#handshakes.clear()) {
      handshake.isRefused = true;
      handshake.socket.destroy();
    }
  }

  /** It never listens itself: it is handed sockets once the limits have been looked at. */
  #makeServer(): Server {
    const server = createServer({
      ...this.#credentials,
      requestCert: true,
      rejectUnauthorized: false, // looked at in `examine`
      // Ours comes first; Node's own is two minutes.
      handshakeTimeout: this.options.handshakeTimeoutMs + 1000,
    });
    server.on("secureConnection", (socket) => this.#onHandshakeDone(socket));
    server.on("tlsClientError", (error, socket) => this.#onHandshakeFailed(error, socket));
    server.on("error", ignore);
    return server;
  }

  #onHandshakeDone(socket: TLSSocket): void {
    const handshake = this.#byKey.get(keyOf(socket));
    // Dropped meanwhile, or the other end has gone.
    if (handshake === undefined || handshake.isRefused) {
      socket.destroy();
      return;
    }
    const { remote, onConnection } = handshake;
    const verdict = examine(socket);
    if (verdict instanceof Uint8Array) {
      this.#handshakes.delete(handshake);
      this.#byKey.delete(handshake.key);
      handshake.socket.off("close", handshake.onClose);
      onConnection(this.admit(socket, { remote, isInbound: true, provenKey: verdict }));
      return;
    }
    this.#refuse(handshake, refusal(verdict.code, verdict.text, remote));
    // It stays among the handshakes, where its time is limited, until the other end has heard why.
    socket.on("error", ignore);
    socket.resume();
    socket.end(refusalLines[verdict.code]);
  }

  #onHandshakeFailed(error: Error, socket: TLSSocket): void {
    const handshake = this.#byKey.get(keyOf(socket));
    if (handshake === undefined) return;
    const refused = handshakeError(error, handshake.remote);
    this.#refuse(handshake, refused);
    // OpenSSL says nothing to bytes that are not TLS at all; our plaintext transport recognises this.
    if (refused.code === "not-tls") handshake.socket.end(unexpectedMessageAlert);
  }

  #onHandshakeClosed(handshake: Handshake): void {
    if (this.#byKey.get(handshake.key) === handshake) this.#byKey.delete(handshake.key);
    if (!this.#handshakes.delete(handshake)) return;
    this.#refuse(handshake, refusal("reset", "it broke off during the handshake", handshake.remote));
  }

  #drop(handshake: Handshake, reason: "timeout" | "too-many-pending"): void {
    const text = reason === "timeout" ? "its handshake takes too long" : "too many unfinished handshakes";
    this.#refuse(handshake, refusal(reason, text, handshake.remote));
    handshake.socket.destroy();
  }

  #refuse(handshake: Handshake, error: TransportError): void {
    if (handshake.isRefused) return;
    handshake.isRefused = true;
    this.refused(error, handshake.remote);
  }
}

interface Handshake {
  /** Without TLS. */
  readonly socket: Socket;
  readonly remote: Address;
  readonly onConnection: (connection: Connection) => void;
  readonly onClose: () => void;
  readonly key: string;
  isRefused: boolean;
}

/** The same for a socket and for the TLS socket made of it; of no other while it is open. */
function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;
}

type StrangerCode = "wrong-cluster" | "no-certificate" | "bad-certificate";

/** What a refused dialler reads first. */
const strangerCodes: readonly StrangerCode[] = ["wrong-cluster", "no-certificate", "bad-certificate"];
const refusalLines: Readonly<Record<StrangerCode, Buffer>> = {
  "wrong-cluster": Buffer.from("grapevine refused: your certificate is not of this cluster\n"),
  "no-certificate": Buffer.from("grapevine refused: you have no certificate of this cluster\n"),
  "bad-certificate": Buffer.from("grapevine refused: your certificate is not valid\n"),
};
/** The same as an error of the dialler, after "127.0.0.1:8080 refused ". */
const refusalTexts: Readonly<Record<StrangerCode, string>> = {
  "wrong-cluster": "our certificate: it belongs to another cluster",
  "no-certificate": "us: it wants a certificate of its cluster",
  "bad-certificate": "our certificate: it is not valid (expired, or do the clocks differ?)",
};

const unexpectedMessageAlert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 10);

/**
 * The key that the other end has proven to hold, if its certificate is one of our authority's. This decides who may
 * come in: Node has checked the chain (`authorized`) but lets everybody pass at our wish.
 */
function examine(socket: TLSSocket): Uint8Array | { readonly code: StrangerCode; readonly text: string } {
  // Null or an empty object without a certificate, whatever its type says.
  const certificate = socket.getPeerCertificate()?.raw as Buffer | undefined;
  if (certificate === undefined) return { code: "no-certificate", text: "it has no certificate" };
  if (!socket.authorized || socket.isSessionReused()) {
    switch (String(socket.authorizationError)) {
      case "CERT_HAS_EXPIRED":
        return { code: "bad-certificate", text: "its certificate has expired" };
      case "CERT_NOT_YET_VALID":
        return { code: "bad-certificate", text: "its certificate is not valid yet (do the clocks differ?)" };
      case "INVALID_PURPOSE":
        return {
          code: "bad-certificate",
          text: "its certificate is not meant for both ends of a connection",
        };
      default:
        return { code: "wrong-cluster", text: "its certificate is not of this cluster" };
    }
  }
  const key = ed25519KeyOf(certificate);
  return key ?? { code: "bad-certificate", text: "the key of its certificate is not Ed25519" };
}

/**
 * Node asks for the whole chain, for `checkServerIdentity`, and takes 0.18 ms to make objects of it (Node 20; 0.05 on
 * Node 24). Nobody looks at it here.
 */
function ownCertificateOnly(this: TLSSocket): DetailedPeerCertificate {
  return TLSSocket.prototype.getPeerCertificate.call(this, false) as DetailedPeerCertificate;
}

function acceptAnyName(): undefined {
  return undefined;
}

function ignore(): void {}
