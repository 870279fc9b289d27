/**
 * What protocols may know of a `NodeId`. A live node is named by its contact `"id@host:port"`: 40 hexadecimal
 * digits (the first 160 bits of SHA-256 of its public key) and where it listens. `"@host:port"` stands for
 * whoever answers there: that is how seeds are configured. Simulated nodes are plain numbers.
 *
 * Identity is the key, never the address: votes, quotas and sender exclusion compare `identityOf`, since on one
 * host all peers share an IP address.
 */
import type { NodeId } from "./environment.ts";

/** A key that stays the same when a node moves to another address. */
export type Identity = string | number;

/** The part that is the key: `"ab12…@10.0.0.1:9000"` gives `"ab12…"`, a number gives itself. */
export function identityOf(node: NodeId): Identity {
  if (typeof node === "number") return node;
  const at = node.indexOf("@");
  return at < 0 ? node : node.slice(0, at);
}

/** Where the node listens: `"host:port"`; a simulated node's address is its number. */
export function addressOf(node: NodeId): string {
  if (typeof node === "number") return String(node);
  return node.slice(node.indexOf("@") + 1);
}

/** The host of a contact, without the brackets of an IPv6 address. */
export function hostOf(node: NodeId): string {
  const address = addressOf(node);
  const colon = address.lastIndexOf(":");
  const host = colon < 0 ? address : address.slice(0, colon);
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

/** The port of a contact; 0 where there is none (simulated nodes). */
export function portOf(node: NodeId): number {
  const address = addressOf(node);
  const colon = address.lastIndexOf(":");
  return colon < 0 ? 0 : Number(address.slice(colon + 1));
}

/** `formatContact("ab12", "::1", 9000)` gives `"ab12@[::1]:9000"`. An empty id means "whoever answers there". */
export function formatContact(id: string, host: string, port: number): string {
  return `${id}@${host.includes(":") ? `[${host}]` : host}:${port}`;
}
