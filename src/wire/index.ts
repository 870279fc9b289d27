export * from "./codec.ts";
export * from "./datagram.ts";
export { frameKind, lengthBytes } from "./frame.ts";
export * from "./frame-reader.ts";
export {
  decodeHello,
  decodeHelloProof,
  encodeHello,
  encodeHelloProof,
  type Hello,
  type HelloProof,
  helloCode,
  helloProofCode,
  maxHelloBytes,
  wireVersion,
} from "./hello.ts";
export * from "./malformed-frame.ts";
export { schema } from "./schema.ts";
export * from "./statements.ts";
