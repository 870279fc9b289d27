/** Which living node had which message in time: counted from outside the nodes. */
import { Histogram, type Millis, type NodeId, type Typed } from "../../core/index.ts";

interface Message {
  readonly at: Millis;
  /** For each row: does it count, and has it the message? */
  readonly states: Uint8Array;
}

const doesNotCount = 0;
const lacks = 1;
const has = 2;

type Notice = Typed & Record<string, any>;

export class DeliveryWatch {
  /** (message, node) that count: nodes that lived from before the publication until the time was over. */
  expected = 0;
  inTime = 0;
  /** In time or later. */
  delivered = 0;
  published = 0;
  readonly delays = new Histogram();
  readonly #rows: number;
  readonly #rowOf: (id: NodeId) => number | undefined;
  readonly #withinMs: Millis;
  readonly #messages = new Map<string, Message>();
  /** Those whose time is not over, the oldest first. */
  #open: Message[] = [];
  readonly #livingSince: (Millis | undefined)[] = [];
  isCounting = false;

  constructor(rows: number, rowOf: (id: NodeId) => number | undefined, withinMs: Millis) {
    this.#rows = rows;
    this.#rowOf = rowOf;
    this.#withinMs = withinMs;
  }

  /** From then on the node has to get what is published. */
  onLife(row: number, since: Millis): void {
    this.#livingSince[row] = since;
  }

  /** It need not have what it had no time for. */
  onCrash(at: Millis, row: number): void {
    this.#livingSince[row] = undefined;
    this.#closeOverdue(at);
    for (const { states } of this.#open) {
      if (states[row] === doesNotCount) continue;
      this.expected--;
      if (states[row] === has) {
        this.inTime--;
        this.delivered--;
      }
      states[row] = doesNotCount;
    }
  }

  onNotice(at: Millis, row: number, notice: Notice): void {
    if (notice.type === "published") this.#onPublished(at, row, notice);
    else if (notice.type === "delivered") this.#onDelivered(at, row, notice);
  }

  #onPublished(at: Millis, origin: number, notice: Notice): void {
    if (!this.isCounting) return;
    const states = new Uint8Array(this.#rows);
    for (let row = 0; row < this.#rows; row++) {
      const since = this.#livingSince[row];
      if (row === origin || since === undefined || since > at) continue;
      states[row] = lacks;
      this.expected++;
    }
    const message = { at, states };
    this.published++;
    this.#messages.set(this.#keyOf(notice), message);
    this.#closeOverdue(at);
    this.#open.push(message);
  }

  #closeOverdue(now: Millis): void {
    if (this.#open.length > 0 && this.#open[0]!.at + this.#withinMs <= now)
      this.#open = this.#open.filter(({ at }) => at + this.#withinMs > now);
  }

  #onDelivered(at: Millis, row: number, notice: Notice): void {
    const message = this.#messages.get(this.#keyOf(notice));
    if (message === undefined || message.states[row] !== lacks) return;
    message.states[row] = has;
    const delay = at - message.at;
    this.delays.add(delay);
    this.delivered++;
    if (delay <= this.#withinMs) this.inTime++;
  }

  #keyOf(notice: Notice): string {
    return `${this.#rowOf(notice["origin"])}/${notice["incarnation"]}/${notice["sequence"]}`;
  }
}
