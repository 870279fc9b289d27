/** Datagrams that a scenario can cut, slow and lose, where they leave their sender. */
import type { Address, DatagramSocket } from "../../transport/index.ts";
import type { Gates } from "./gated-transport.ts";

/** With so much under way from one port, the rest is lost, as in the queue of a slow line. */
const maxUnderWayBytes = 1024 * 1024;

export class GatedSocket implements DatagramSocket {
  readonly #inner: DatagramSocket;
  readonly #gates: Gates;
  readonly #row: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #underWayBytes = 0;

  constructor(inner: DatagramSocket, gates: Gates, row: number) {
    this.#inner = inner;
    this.#gates = gates;
    this.#row = row;
  }

  get local(): Address {
    return this.#inner.local;
  }
  get onDatagram(): DatagramSocket["onDatagram"] {
    return this.#inner.onDatagram;
  }
  set onDatagram(handler: DatagramSocket["onDatagram"]) {
    this.#inner.onDatagram = handler;
  }

  /** What is lost on its way was handed to the system all the same. */
  send(bytes: Uint8Array, host: string, port: number): boolean {
    if (this.#gates.isOpen) return this.#inner.send(bytes, host, port);
    const other = this.#gates.rowAt({ host, port });
    if (other === undefined) return this.#inner.send(bytes, host, port);
    const dueAt = this.#gates.datagramDueAt(this.#row, other);
    if (dueAt === undefined || this.#underWayBytes + bytes.length > maxUnderWayBytes) return true;
    const restMs = dueAt - performance.now();
    if (restMs < 0.5) return this.#inner.send(bytes, host, port);
    this.#underWayBytes += bytes.length;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#underWayBytes -= bytes.length;
      this.#inner.send(bytes, host, port);
    }, restMs);
    this.#timers.add(timer);
    return true;
  }

  resolve(host: string): Promise<string> {
    return this.#inner.resolve(host);
  }

  close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    return this.#inner.close();
  }
}
