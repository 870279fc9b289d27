/**
 * What carries bytes between nodes: ordered streams with back-pressure, and whatever the link itself proves about
 * the other end. Framing, messages and who may say what belong to the layers above.
 *
 * The side that dials speaks first. An accepted connection that has said nothing for `handshakeTimeoutMs` (plain)
 * or not finished its handshake by then (TLS) is dropped, so that silence costs nobody anything.
 */
import { defineOptions } from "../core/index.ts";

export interface Address {
  /** An IP address or a name, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

export interface Connection {
  /** Of the socket: for an accepted connection the port is the dialer's own, not the one where it listens. */
  readonly remote: Address;
  readonly isInbound: boolean;
  /** The raw 32-byte Ed25519 public key that the other end has proven by TLS; undefined on plaintext. */
  readonly provenKey: Uint8Array | undefined;
  /** Written but not yet taken by the kernel. Not bounded here: the writer looks before it writes. */
  readonly bufferedBytes: number;
  /** Nothing can be written any more: closed by us, by the other end or by the network. */
  readonly isClosed: boolean;
  /** The bytes must not change afterwards: they may be sent later. Ignored once closed. */
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Flushes what was written, then ends; gives up when nothing has moved for `closeGraceMs`. No more data comes. */
  close(): void;
  /** At once, flushing nothing. */
  destroy(): void;
  /** What arrives before this is set waits for it. Not called any more after `close` or `destroy`. */
  onData: (chunk: Uint8Array) => void;
  /** Exactly once, never from within a call of ours; without an error if one of the two ends wanted it. */
  onClose: (error: TransportError | undefined) => void;
}

export interface Transport {
  /** May be called for several addresses. Port 0 lets the system choose; the promise tells the real port. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Address>;
  /**
   * Resolves when *we* are sure of the other end. With TLS 1.3 its verdict on us comes later, at the earliest with
   * its first bytes: a refusal arrives as the error of `onClose`.
   */
  dial(address: Address, timeoutMs: number): Promise<Connection>;
  /** Stops listening, destroys all connections but those that are already closing, waits until all are gone. */
  close(): Promise<void>;
  /** Open connections and handshakes under way, both directions. */
  readonly connectionCount: number;
  /** Inbound connections that came to nothing, by reason. */
  readonly refusals: Readonly<Record<RefusalReason, number>>;
}

/**
 * Told about every refusal; whoever logs it should bound how often. Where accepting itself failed nobody knows who
 * came, and `remote` is the address at which we listen.
 */
export type OnRefused = (error: TransportError, remote: Address) => void;

export type TransportErrorCode =
  /** Nobody listens there. */
  | "refused"
  | "timeout"
  | "unreachable"
  | "unknown-host"
  /** The other end broke off. */
  | "reset"
  | "wrong-cluster"
  | "no-certificate"
  /** Of the right cluster, but not usable: expired, not valid yet, not Ed25519. */
  | "bad-certificate"
  | "not-tls"
  /** It speaks TLS and we are plaintext. */
  | "speaks-tls"
  | "handshake-failed"
  | "port-in-use"
  | "no-permission"
  | "no-such-address"
  | "bad-address"
  | "too-many-files"
  | "too-many-pending"
  | "too-many-connections"
  /** The transport itself was closed. */
  | "closed"
  | "failed";

/** Why a connection or a listener is not to be had. The message names the address and can be shown as it is. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const refusalReasons = [
  "wrong-cluster",
  "no-certificate",
  "bad-certificate",
  "not-tls",
  "speaks-tls",
  "handshake-failed",
  "timeout",
  "reset",
  "too-many-pending",
  "too-many-connections",
  "too-many-files",
  "failed",
] as const satisfies TransportErrorCode[];
export type RefusalReason = (typeof refusalReasons)[number];

/** All counters at zero. */
export function noRefusals(): Record<RefusalReason, number> {
  return Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<RefusalReason, number>;
}

export interface TransportOptions {
  readonly maxConnections: number;
  readonly maxPendingHandshakes: number;
  readonly handshakeTimeoutMs: number;
  readonly closeGraceMs: number;
  readonly keyExchangeGroups: string;
}

export const transportOptions = defineOptions<TransportOptions>({
  maxConnections: {
    default: 4096, // guess: far above any overlay's degree, far below the usual limit of open files
    description: "Connections of one node, both directions; more are refused at once",
    min: 1,
    max: 1_000_000,
  },
  maxPendingHandshakes: {
    default: 256, // guess: some seconds of handshakes at about 600 per second and core
    description: "Inbound connections that have not proven themselves yet; beyond that the oldest is dropped",
    min: 1,
    max: 100_000,
  },
  handshakeTimeoutMs: {
    default: 5000, // guess: many round trips on the slowest path
    description: "How long an inbound connection may take for its handshake (plaintext: for its first byte)",
    min: 1,
    max: 600_000,
  },
  closeGraceMs: {
    default: 1000, // guess
    description:
      "A closing connection is cut when nothing has been flushed for so long (and after ten times that)",
    min: 1,
    max: 60_000,
  },
  keyExchangeGroups: {
    default: "X25519", // what Node 20 takes by itself; on Node 24 the hybrid costs 12 KiB per end and 0.1 ms more
    description:
      "TLS key exchange, OpenSSL names joined by colons; X25519MLKEM768:X25519 adds post-quantum secrecy on Node 24",
  },
});

/** `{ host: "::1", port: 9000 }` gives `"[::1]:9000"`. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
