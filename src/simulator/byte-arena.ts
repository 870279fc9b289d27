/**
 * Room for the bytes of messages that are under way, in one array: pieces of 16, 32, 64, … bytes, handed out by number
 * and used again. A message costs no object.
 */
const smallestBits = 4;
const classes = 28;
/** A piece's number is its offset in units of the smallest piece. */
const unit = 1 << smallestBits;
/** Before the bytes: how many there are. */
const headerBytes = 4;

export class ByteArena {
  bytes = new Uint8Array(1 << 16);
  #end = 0;
  #pieces = 0;
  readonly #free: number[][] = Array.from({ length: classes }, () => []);

  get memoryBytes(): number {
    return this.bytes.length;
  }
  /** How many are handed out. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Room for so many bytes. They begin at `start(piece)`; the array may be another one after this call. */
  take(length: number): number {
    const size = Math.max(unit, 1 << (32 - Math.clz32(length + headerBytes - 1)));
    let piece = this.#free[sizeClass(size)]!.pop();
    if (piece === undefined) {
      if (this.#end + size > this.bytes.length) this.#grow(size);
      piece = this.#end / unit;
      this.#end += size;
    }
    this.#setLength(piece, length);
    this.#pieces++;
    return piece;
  }

  start(piece: number): number {
    return piece * unit + headerBytes;
  }

  length(piece: number): number {
    const at = piece * unit;
    const { bytes } = this;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  release(piece: number): void {
    const size = Math.max(unit, 1 << (32 - Math.clz32(this.length(piece) + headerBytes - 1)));
    this.#free[sizeClass(size)]!.push(piece);
    this.#pieces--;
  }

  #setLength(piece: number, length: number): void {
    const at = piece * unit;
    const { bytes } = this;
    bytes[at] = length;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length >>> 16;
    bytes[at + 3] = length >>> 24;
  }

  #grow(size: number): void {
    let length = this.bytes.length;
    while (length < this.#end + size) length *= 2;
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

function sizeClass(size: number): number {
  return 31 - Math.clz32(size) - smallestBits;
}
