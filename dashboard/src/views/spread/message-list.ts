/** The messages that one can choose from. */
import type { BookedMessage, MessageBook } from "../../../../src/trace/message-book.ts";
import type { NodeRegister } from "../../../../src/trace/node-register.ts";
import type { NetworkPicture } from "../../../../src/trace/picture.ts";

/** What people call the node of that row. */
export function originName(picture: NetworkPicture, register: NodeRegister, row: number): string {
  const name = picture.nodes.get(row)?.name ?? register.all[row]?.name;
  return name === undefined || name === "" ? `row ${row}` : name;
}

/** The newest first; `search` is looked for in texts, origins and keys. */
export function listedMessages(
  book: MessageBook,
  nameOf: (row: number) => string,
  search: string,
): readonly BookedMessage[] {
  const wanted = search.trim().toLowerCase();
  const listed: BookedMessage[] = [];
  for (const message of book.messages) {
    const { text = "", key, origin } = message;
    const isListed =
      wanted === "" || [text, key, nameOf(origin)].some((field) => field.toLowerCase().includes(wanted));
    if (isListed) listed.push(message);
  }
  return listed.reverse();
}

/** When peers came and went, so that a moment's peers are counted without going through the trace again. */
export class PeerCount {
  readonly #came: number[] = [];
  readonly #went: number[] = [];

  constructor(picture: NetworkPicture) {
    for (const { role, since, until } of picture.nodes.values()) {
      if (role === "seed") continue;
      this.#came.push(since);
      if (until !== undefined) this.#went.push(until);
    }
    this.#came.sort((a, b) => a - b);
    this.#went.sort((a, b) => a - b);
  }

  at(moment: number): number {
    return upTo(this.#came, moment) - upTo(this.#went, moment);
  }
}

/** Share of the peers of its time that have it by now. */
export function reachedShare({ receivers, publishedAt }: BookedMessage, peers: PeerCount): number {
  return Math.min(1, (receivers.length + 1) / Math.max(1, peers.at(publishedAt)));
}

function upTo(sorted: readonly number[], moment: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
