export { LoopbackNetwork, LoopbackTransport } from "./loopback.ts";
export { TcpTransport } from "./tcp.ts";
export { TlsTransport } from "./tls.ts";
export * from "./transport.ts";
export * from "./udp.ts";
