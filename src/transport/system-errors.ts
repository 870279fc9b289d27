/** The operating system's and OpenSSL's error codes as `TransportError`s that name the address and the mend. */
import { type Address, formatAddress, TransportError, type TransportErrorCode } from "./transport.ts";

type Explanation = readonly [code: TransportErrorCode, text: string];

const tooManyFiles: Explanation = [
  "too-many-files",
  'too many open files; raise the limit ("ulimit -n") or run fewer nodes in this process',
];

const listenExplanations: Readonly<Record<string, Explanation>> = {
  EADDRINUSE: ["port-in-use", "already in use; stop the program that listens there or choose another port"],
  EACCES: ["no-permission", "not permitted; choose a port from 1024 on (lower ones need privileges)"],
  EPERM: ["no-permission", "not permitted; choose a port from 1024 on (lower ones need privileges)"],
  EADDRNOTAVAIL: [
    "no-such-address",
    "not an address of this machine; take one of its own, or 0.0.0.0 for all",
  ],
  EAFNOSUPPORT: ["no-such-address", "this machine does not do that kind of address; is IPv6 switched off?"],
  ENOTFOUND: ["unknown-host", "no such host; check the name or give an IP address"],
  EAI_AGAIN: ["unknown-host", "the name cannot be resolved now; check the name server or give an IP address"],
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
};

const dialExplanations: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: ["refused", "nobody listens there"],
  ETIMEDOUT: ["timeout", "no answer"],
  EHOSTUNREACH: ["unreachable", "no way to that host"],
  EHOSTDOWN: ["unreachable", "that host is down"],
  ENETUNREACH: ["unreachable", "no way to that network"],
  EADDRNOTAVAIL: ["unreachable", "no free local port or no fitting local address"],
  EAFNOSUPPORT: ["unreachable", "this machine does not do that kind of address"],
  EACCES: ["no-permission", "not permitted by this machine (firewall?)"],
  EPERM: ["no-permission", "not permitted by this machine (firewall?)"],
  ENOTFOUND: ["unknown-host", "no such host; check the name"],
  EAI_AGAIN: ["unknown-host", "the name cannot be resolved now"],
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ECONNRESET: ["reset", "broke off before the connection was ready (too many connections there?)"],
  EPIPE: ["reset", "broke off before the connection was ready"],
};

/** What OpenSSL says when the other end's bytes are not TLS. */
const notTls = new Set([
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_DATA_LENGTH_TOO_LONG",
  "ERR_SSL_UNEXPECTED_MESSAGE",
  "ERR_SSL_RECORD_TOO_SMALL",
]);

/** It is TLS, but not 1.3. */
const oldTls = new Set(["ERR_SSL_UNSUPPORTED_PROTOCOL", "ERR_SSL_VERSION_TOO_LOW"]);

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException)?.code ?? "");
}

function textOf(error: unknown): string {
  const { reason, message } = error as Error & { reason?: string };
  return reason ?? message ?? String(error);
}

export function listenError(error: unknown, address: Address): TransportError {
  const [code, text] = listenExplanations[codeOf(error)] ?? ["failed", textOf(error)];
  return new TransportError(code, `cannot listen at ${formatAddress(address)}: ${text}`, { cause: error });
}

/** Accepting failed, so that it is not known who came. */
export function acceptError(error: unknown, address: Address): TransportError {
  const isTooMany = codeOf(error) === "EMFILE" || codeOf(error) === "ENFILE";
  const [code, text] = isTooMany ? tooManyFiles : (["failed", textOf(error)] as const);
  return new TransportError(code, `refused a connection at ${formatAddress(address)}: ${text}`, {
    cause: error,
  });
}

export function dialError(error: unknown, address: Address): TransportError {
  const code = codeOf(error);
  const name = formatAddress(address);
  const tls = tlsExplanation(code, error);
  // An alert about the version is also how a plaintext node of ours answers a TLS hello.
  if (code === "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" || tls?.[0] === "not-tls") {
    return new TransportError("not-tls", `${name} does not speak TLS 1.3: is it plaintext?`, {
      cause: error,
    });
  }
  const [kind, text] = tls ?? dialExplanations[code] ?? ["failed", textOf(error)];
  return new TransportError(kind, `cannot connect to ${name}: ${text}`, { cause: error });
}

/** An inbound handshake that failed: the text goes after "refused 127.0.0.1:5555: ". */
export function handshakeError(error: unknown, remote: Address): TransportError {
  const code = codeOf(error);
  const [kind, text] =
    tlsExplanation(code, error) ??
    (code === "ECONNRESET" || code === "EPIPE"
      ? (["reset", "it broke off during the handshake"] as const)
      : (["handshake-failed", textOf(error)] as const));
  return refusal(kind, text, remote, error);
}

export function refusal(
  code: TransportErrorCode,
  text: string,
  remote: Address,
  cause?: unknown,
): TransportError {
  return new TransportError(code, `refused ${formatAddress(remote)}: ${text}`, { cause });
}

/** A connection that was open has failed. */
export function connectionError(error: unknown, remote: Address): TransportError {
  const name = formatAddress(remote);
  switch (codeOf(error)) {
    case "ECONNRESET":
    case "EPIPE":
    case "ECONNABORTED":
      return new TransportError("reset", `${name} broke off`, { cause: error });
    case "ETIMEDOUT":
      return new TransportError("timeout", `${name} does not answer any more`, { cause: error });
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ENETDOWN":
      return new TransportError("unreachable", `the way to ${name} is gone`, { cause: error });
    default:
      return new TransportError("failed", `the connection to ${name} failed: ${textOf(error)}`, {
        cause: error,
      });
  }
}

function tlsExplanation(code: string, error: unknown): Explanation | undefined {
  if (!code.startsWith("ERR_SSL_")) return undefined;
  if (code === "ERR_SSL_HTTP_REQUEST") return ["not-tls", "it does not speak TLS (HTTP request?)"];
  if (notTls.has(code)) return ["not-tls", "it does not speak TLS"];
  if (oldTls.has(code)) return ["handshake-failed", "it does not offer TLS 1.3"];
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)$/.test(code)) {
    return ["wrong-cluster", "it does not trust our certificate"];
  }
  return ["handshake-failed", `TLS handshake failed (${textOf(error)})`];
}
