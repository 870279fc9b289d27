/**
 * A UDP port of a node that can hang. While it does, what comes waits as it would in the kernel's buffer, and nothing
 * goes out: whoever waits for an answer asks again by a clock of its own.
 */
import type { Address, DatagramSocket } from "../transport/index.ts";

/** What Linux keeps for a socket by default (net.core.rmem_default); more is dropped, as it would be there. */
const maxHeldBytes = 212_992;

interface Held {
  readonly bytes: Uint8Array;
  readonly host: string;
  readonly port: number;
}

export class HeldSocket implements DatagramSocket {
  onDatagram: (bytes: Uint8Array, host: string, port: number) => void = () => {};
  readonly #inner: DatagramSocket;
  readonly #onDropped: () => void;
  #held: Held[] | undefined;
  #heldBytes = 0;

  /** `onDropped` is told of each datagram that came while the buffer was full. */
  constructor(inner: DatagramSocket, onDropped: () => void) {
    this.#inner = inner;
    this.#onDropped = onDropped;
    inner.onDatagram = (bytes, host, port) => {
      if (this.#held === undefined) this.onDatagram(bytes, host, port);
      else this.#hold({ bytes, host, port });
    };
  }

  get local(): Address {
    return this.#inner.local;
  }

  send(bytes: Uint8Array, host: string, port: number): boolean {
    return this.#held === undefined && this.#inner.send(bytes, host, port);
  }

  resolve(host: string): Promise<string> {
    return this.#inner.resolve(host);
  }

  pause(): void {
    this.#held ??= [];
  }

  /** What came meanwhile, in order. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const { bytes, host, port } of held) this.onDatagram(bytes, host, port);
  }

  close(): Promise<void> {
    this.#held = undefined;
    return this.#inner.close();
  }

  #hold(held: Held): void {
    if (this.#heldBytes + held.bytes.length > maxHeldBytes) return this.#onDropped();
    this.#heldBytes += held.bytes.length;
    this.#held!.push(held);
  }
}
