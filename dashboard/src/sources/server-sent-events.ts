/**
 * Reads server-sent events from pieces of text as they come. Written by hand since EventSource sends no token. What
 * is too long is passed over and counted: whoever sends it would fill our memory.
 */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

export class ServerSentEvents {
  /** Events that were too long. */
  skipped = 0;
  readonly #maxLength: number;
  readonly #tell: (event: ServerSentEvent) => void;
  /** The line that has not ended yet. */
  #line = "";
  #event = "";
  #data = "";
  #isTooLong = false;

  constructor(maxLength: number, tell: (event: ServerSentEvent) => void) {
    this.#maxLength = maxLength;
    this.#tell = tell;
  }

  push(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#append(text, from, end);
      from = end + 1;
      const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
      this.#line = "";
      this.#onLine(line);
    }
    this.#append(text, from, text.length);
  }

  #append(text: string, from: number, to: number): void {
    if (this.#line.length + this.#data.length + to - from <= this.#maxLength)
      this.#line += text.slice(from, to);
    else {
      this.#isTooLong = true;
      // Not empty: an empty line ends the event.
      this.#line = ":";
    }
  }

  #onLine(line: string): void {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data += this.#data === "" ? value : `\n${value}`;
  }

  #dispatch(): void {
    const event = { event: this.#event || "message", data: this.#data };
    if (this.#isTooLong) this.skipped++;
    else if (event.data !== "") this.#tell(event);
    this.#event = "";
    this.#data = "";
    this.#isTooLong = false;
  }
}
